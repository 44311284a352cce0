// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a run shows when it has measured: the tables, how to read them, the
 * hazards, and the replay through Google Benchmark.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/machine/machine.h"
#include "bench/run/run_memory.h"

#define LABEL_MAX	160

static void format_label(const struct summary *s, char *label)
{
	int n = 0;

	if (s->nr_latencies)
		n = snprintf(label, LABEL_MAX, "p50 %.0f ns, max %.0f ns",
			     s->p50, s->max);
	for (int k = WAIT_LOCK; k <= WAIT_IO; k++)
		if (s->waits[k].count)
			n += snprintf(label + n, LABEL_MAX - n,
				      "%s%s %llu/%.1f ms", n ? ", " : "waits ",
				      wait_kind_name(k),
				      (unsigned long long)s->waits[k].count,
				      s->waits[k].total_ns / 1e6);
}

/* The replayed batches: @s->batch_ns becomes seconds, all operations. */
static void replay_of(const struct pair *p, struct summary *s,
		      struct gbench *b, char *label)
{
	uint64_t ops = s->ops_per_batch ? s->ops_per_batch : 1;

	b->name = p->name;
	b->selected = p->selected;
	b->unit = p->workload->microseconds ? GBENCH_US : GBENCH_NS;
	b->iterations = ops;
	b->repetitions = s->nr_batches;
	b->seconds = s->batch_ns;
	for (unsigned int i = 0; i < s->nr_batches; i++)
		s->batch_ns[i] *= ops * 1e-9;
	if (!s->measured) {
		b->error = s->reason;
	} else if (s->violated) {
		snprintf(s->reason, sizeof(s->reason), "VIOLATED %llu/%llu",
			 (unsigned long long)s->violated,
			 (unsigned long long)s->checked);
		b->error = s->reason;
	}
	format_label(s, label);
	b->label = *label ? label : NULL;
}

static void add_context(const struct run *r)
{
	char text[32];

	gbench_context("times", "measured by delwribench, whose build_type "
		       "matters; library_build_type touches none of them");
	gbench_context("cpu_time", "of the replay: says nothing");
	gbench_context("build_type", machine_build_type());
	snprintf(text, sizeof(text), "%u", r->bench.threads);
	gbench_context("threads", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)r->cli.seed);
	gbench_context("seed", text);
	gbench_context("results", basename(r->dir));
}

/* All of @from, in a new file.  0 or -errno; then the file is not there. */
static int copy_new(int from, const char *path)
{
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	ssize_t n = 1;
	int error = 0;

	if (to < 0)
		return -errno;
	if (lseek(from, 0, SEEK_SET) < 0)
		n = -1;
	while (n > 0)
		n = sendfile(to, from, NULL, 1 << 20);
	/* Some file systems cannot be synced, and say so with EINVAL. */
	if (n < 0 || (fsync(to) && errno != EINVAL))
		error = -errno;
	if (close(to) && !error)
		error = -errno;
	if (error)
		unlink(path);
	return error;
}

/* Has it all found room there?  0 or -errno. */
static int check_whole(int file)
{
	struct rlimit limit;
	struct stat st;

	if (fstat(file, &st) || getrlimit(RLIMIT_FSIZE, &limit))
		return -errno;
	/* The library tells nobody when it cannot write. */
	return (rlim_t)st.st_size < limit.rlim_cur ? 0 : -EFBIG;
}

/*
 * What the library has reported in @from goes where it was asked for, or to
 * a file of the run's folder, which is derived and may be there already.
 */
static int keep_benchmark(const struct run *r, int from)
{
	char path[RESULT_PATH_MAX], own[RESULT_PATH_MAX + 32];
	const char *to = r->cli.gbench_out;
	int error = check_whole(from);

	if (!to) {
		snprintf(own, sizeof(own), "%s/benchmark.json", r->dir);
		to = own;
		if (!error)
			error = result_temporary(r->dir, "benchmark.json",
						 path);
		if (!error) {
			unlink(path);
			error = copy_new(from, path);
		}
		if (!error && rename(path, to))
			error = -errno;
	} else if (!error) {
		error = copy_new(from, to);
	}
	if (!error)
		return 0;
	return cli_fail("cannot write %s: %s; the blocks are in %s", to,
			strerror(-error), r->dir);
}

static int report_gbench(struct run *r, struct summary *summaries)
{
	struct gbench *b = calloc(r->pairs.nr, sizeof(*b));
	char *labels = calloc(r->pairs.nr, LABEL_MAX);
	int status = 0, file = memfd_create("benchmark", MFD_CLOEXEC);
	struct cli *cli = &r->cli;
	const char *bad;
	char out[64];

	if (!b || !labels || file < 0) {
		status = cli_fail("out of memory");
		goto out;
	}
	for (unsigned int i = 0; i < r->pairs.nr; i++)
		replay_of(&r->pairs.pair[i], &summaries[i], &b[i],
			  labels + i * LABEL_MAX);
	snprintf(out, sizeof(out), "--benchmark_out=/proc/self/fd/%d", file);
	cli->out_argv[cli->out_argc] = out;
	add_context(r);
	if (gbench_init(cli->out_argc + 1, cli->out_argv, &bad)) {
		status = cli_fail("Google Benchmark does not know '%s'", bad);
		goto out;
	}
	gbench_replay(b, r->pairs.nr, cli->gbench_console);
	status = keep_benchmark(r, file);
out:
	if (file >= 0)
		close(file);
	free(b);
	free(labels);
	return status;
}

/* --- text --------------------------------------------------------------- */

static void print_head(const struct run *r, FILE *out)
{
	const struct bench *b = &r->bench;
	struct notes notes = { 0 };
	char text[256];

	snprintf(
		text, sizeof(text),
		"%u of %u block%s measured, %u thread%s on %u processor%s%s, seed %llu, %s build",
		r->finished, r->cli.blocks, r->cli.blocks == 1 ? "" : "s",
		b->threads, b->threads == 1 ? "" : "s", r->points.processors,
		r->points.processors == 1 ? "" : "s",
		b->threads > r->points.processors ?
			" (OVERSUBSCRIBED: times include waiting for a processor)" :
			"",
		(unsigned long long)r->cli.seed, machine_build_type());
	run_print_wrapped(out, text, 0, 2);
	run_note_machine(&notes, r->blocks, r->cli.blocks);
	run_print_notes(&notes, out);
}

static void print_explanation(const struct table *t, FILE *out)
{
	struct notes n = { 0 };
	bool floors = false, stalls = false, open = false;

	for (unsigned int i = 0; i < t->pairs->nr; i++) {
		const struct pair *p = &t->pairs->pair[i];

		floors |= p->selected && floor_of(p->fix);
		stalls |= p->selected && p->workload->stalls;
		open |= p->selected && !strncmp(p->workload->name, "open/", 5);
	}
	run_note(&n, "cost: median of the batches' means; with several blocks, the median of theirs");
	run_note(&n, "ratio: median over rounds of a batch to that of " BASELINE
		     " in the same round; then median over blocks");
	run_note(&n, "p50, p99, max: of single operations of all blocks together, to 1 %%");
	run_note(&n, "waits: for a lock, for a buffer to leave a delayed-write list, for the log, for I/O; the mean of all operations, so that a few long ones can make it more than the median cost");
	run_note(&n, "waits and counters are of a round of their own, by copies of the fixes that count; the copies that are timed count nothing");
	if (open)
		run_note(&n, "open loop: cost is the mean latency, from when an operation was to start; not to be compared with closed loops' times");
	if (stalls)
		run_note(&n, "stall: how long others were delayed by what a waiter held; the same way");
	if (floors)
		run_note(&n, "rows above " BASELINE ": floors, the least work of the same effect (see --list), no fixes");
	fputs("\nhow to read this\n", out);
	run_print_notes(&n, out);
}

/* --- all of it ---------------------------------------------------------- */

static bool all_measured(const struct run *r, const struct summary *s)
{
	for (unsigned int i = 0; i < r->pairs.nr; i++)
		if (r->pairs.pair[i].selected && !s[i].measured &&
		    !s[i].skipped &&
		    !r->pairs.pair[i].point->skipped[0] &&
		    !r->pairs.pair[i].fix->does_nothing &&
		    !floor_of(r->pairs.pair[i].fix))
			return false;
	return true;
}

/* Of any block; said on stderr. */
static bool all_in_place(const struct run *r)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < r->cli.blocks; i++) {
		const json_t *stages = json_object_get(r->blocks[i],
						       "placements");
		const json_t *stage;
		size_t k;

		json_array_foreach((json_t *)stages, k, stage)
		{
			const char *name = json_string_value(
				json_object_get(stage, "placement"));

			nr += run_stage_complain(stage, name ? name : "");
		}
	}
	return !nr;
}

static int print_text(struct run *r, const struct summary *s, FILE *out)
{
	struct table table = {
		.pairs = &r->pairs,
		.summaries = s,
		.bench = &r->bench,
		.cli = &r->cli,
		.nr_blocks = r->finished,
	};
	const char *unknown = r->cli.no_verify ? "--no-verify" : NULL;
	struct memory_fit fit;
	int error = 0;

	if (!unknown && !run_memory_hazards(&fit))
		unknown = fit.why;
	if (!unknown) {
		error = child_interrupted() ? -EINTR :
					      run_hazards(r, r->hazards);
		if (error)
			unknown = error == -EINTR ? "interrupted" :
						    strerror(-error);
		else
			table.hazards = r->hazards;
	}
	print_head(r, out);
	run_table(&table, out);
	print_explanation(&table, out);
	if (table.hazards)
		run_print_hazards(&r->cli, r->hazards, out);
	else
		fprintf(out,
			"\nwhich fixes are correct was not checked: %s\n",
			unknown);
	fflush(out);
	if (error == -EINTR)
		return EXIT_INTERRUPTED;
	return error ? cli_fail("which fixes are correct was not checked: %s "
				"(see ulimit -u, ulimit -v, free space in %s)",
				strerror(-error), r->dir) :
		       0;
}

int run_report(struct run *r)
{
	FILE *out = r->cli.gbench_machine ? stderr : stdout;
	struct summary *s = calloc(r->pairs.nr, sizeof(*s));
	int error, status;

	error = s ? run_summarise(r->blocks, r->cli.blocks, &r->pairs, s) :
		    -ENOMEM;
	if (error) {
		status = cli_fail("%s: %s; the blocks are in it", r->dir,
				  strerror(-error));
		goto out;
	}
	status = print_text(r, s, out);
	if (!status && (!all_in_place(r) || !all_measured(r, s)))
		status = 1;
	error = report_gbench(r, s);
	if (error)
		status = error;
	fprintf(out, "\nresults: %s\n", r->dir);
out:
	if (s)
		summary_free(s, r->pairs.nr);
	return status;
}
