// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a run shows when it has measured: the table, the hazards, and the
 * replay through Google Benchmark.
 */
#include "bench/run.h"

#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"

#define LABEL_MAX	160

static void format_label(const struct summary *s, char *label)
{
	int n = 0;

	for (int k = WAIT_LOCK; k <= WAIT_IO; k++)
		n += snprintf(label + n, LABEL_MAX - n, "%s%s %llu/%.1f ms",
			      n ? ", " : "waits ", wait_kind_name(k),
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
	b->label = label;
	b->counters[b->nr_counters++] = (struct gbench_counter){
		.name = "p99_ns",
		.value = s->p99,
	};
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
	gbench_context("results", r->dir);
}

static int report_gbench(struct run *r, struct summary *summaries)
{
	struct gbench *b = calloc(r->pairs.nr, sizeof(*b));
	char *labels = calloc(r->pairs.nr, LABEL_MAX);
	char out[RESULT_PATH_MAX + 64];
	struct cli *cli = &r->cli;
	const char *bad;
	int status = 0;

	if (!b || !labels) {
		status = cli_fail("out of memory");
		goto out;
	}
	for (unsigned int i = 0; i < r->pairs.nr; i++)
		replay_of(&r->pairs.pair[i], &summaries[i], &b[i],
			  labels + i * LABEL_MAX);
	if (!cli->gbench_out) {
		snprintf(out, sizeof(out), "--benchmark_out=%s/benchmark.json",
			 r->dir);
		cli->out_argv[cli->out_argc++] = out;
	}
	add_context(r);
	if (gbench_init(cli->out_argc, cli->out_argv, &bad))
		status = cli_fail("Google Benchmark does not know '%s'", bad);
	else
		gbench_replay(b, r->pairs.nr, cli->gbench_console);
out:
	free(b);
	free(labels);
	return status;
}

int run_report(struct run *r, bool interrupted)
{
	FILE *out = r->cli.gbench_machine ? stderr : stdout;
	struct summary *s = calloc(r->pairs.nr, sizeof(*s));
	int error, status = 0;

	error = s ? run_summarise(r->blocks, r->nr_blocks, &r->pairs, s) :
		    -ENOMEM;
	if (error) {
		status = cli_fail("%s: %s; the blocks are in it", r->dir,
				  strerror(-error));
		goto out;
	}
	run_table(&r->pairs, s, &r->bench, r->nr_blocks, out);
	fflush(out);
	for (unsigned int i = 0; i < r->pairs.nr; i++)
		if (r->pairs.pair[i].selected && !s[i].measured &&
		    !r->pairs.pair[i].fix->does_nothing)
			status = 1;
	if (!r->cli.no_verify && !interrupted && run_matrix(&r->cli, out))
		status = EXIT_INTERRUPTED;
	error = report_gbench(r, s);
	if (error)
		status = error;
	fprintf(out, "\nresults: %s (%u block%s of %u)\n", r->dir,
		r->nr_blocks, r->nr_blocks == 1 ? "" : "s", r->cli.blocks);
out:
	if (s)
		summary_free(s, r->pairs.nr);
	return status;
}
