// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwribench run: ask Google Benchmark what is selected, have it measured,
 * show what was found.  This process measures nothing, so that one that
 * hangs or crashes is only lost itself.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/machine/machine.h"
#include "bench/run/run_memory.h"

/* --- what is selected --------------------------------------------------- */

static void add_pair(struct pairs *pairs, struct workload *w,
		     const struct run_point *at, const struct fix *fix)
{
	struct pair *p = &pairs->pair[pairs->nr++];

	p->workload = w;
	p->fix = fix;
	p->point = at;
	if (at->placed)
		snprintf(p->name, sizeof(p->name), "%s/%s/%s/threads:%u",
			 w->name, fix->name, at->placement, at->threads);
	else
		snprintf(p->name, sizeof(p->name), "%s/%s", w->name, fix->name);
}

static void add_pairs(const struct cli *cli, struct pairs *pairs,
		      struct workload *w, const struct run_point *at)
{
	for (struct floor *f = floor_first(); f; f = floor_next(f))
		if (!strncmp(w->name, f->group, strlen(f->group)))
			add_pair(pairs, w, at, f->fix);
	for (unsigned int i = 0; i < cli->nr_fixes; i++)
		add_pair(pairs, w, at, cli->fixes[i]);
}

static int make_pairs(const struct cli *cli, struct pairs *pairs)
{
	const struct run_point_list *points = pairs->points;
	unsigned int nr = cli->nr_fixes;

	for (struct floor *f = floor_first(); f; f = floor_next(f))
		nr++;
	if (nr > RUN_FIELD)
		return cli_fail("more than %u fixes and floors: name fewer "
				"with --fix",
				RUN_FIELD);
	pairs->pair = calloc((size_t)nr * cli->nr_workloads * points->nr,
			     sizeof(*pairs->pair));
	if (!pairs->pair)
		return cli_fail("out of memory");
	for (unsigned int i = 0; i < cli->nr_workloads; i++)
		for (unsigned int k = 0; k < points->nr; k++)
			add_pairs(cli, pairs, cli->workloads[i],
				  &points->point[k]);
	return 0;
}

/* 0 with something selected, EXIT_USAGE, or -1: it was only a question. */
static int select_pairs(struct cli *cli, struct pairs *pairs)
{
	struct gbench *b;
	const char *bad;
	unsigned int i, selected = 0;
	char why[256];
	size_t found;

	if (gbench_init(cli->gbench_argc, cli->gbench_argv, &bad))
		return cli_fail("Google Benchmark does not know '%s'; see "
				"--benchmark_help",
				bad);
	gbench_host(cli->host);
	b = calloc(pairs->nr, sizeof(*b));
	if (!b)
		return cli_fail("out of memory");
	for (i = 0; i < pairs->nr; i++)
		b[i].name = pairs->pair[i].name;
	found = gbench_collect(b, pairs->nr, why, sizeof(why));
	for (i = 0; i < pairs->nr; i++) {
		pairs->pair[i].selected = b[i].selected;
		selected += b[i].selected;
	}
	free(b);
	if (selected)
		return 0;
	if (found)
		return -1;
	return cli_fail("--benchmark_filter selects nothing (%s); names are "
			"WORKLOAD/FIX, see --benchmark_list_tests",
			why);
}

/* --- before anything is written ----------------------------------------- */

/* It is there, large enough, and does O_DIRECT. */
static int check_device(struct run *r)
{
	struct device_options opt = { .path = r->cli.device };
	struct device *dev;
	char why[512];

	for (unsigned int i = 0; i < r->pairs.nr; i++) {
		struct workload *w = r->pairs.pair[i].workload;
		uint64_t blocks = workload_device_blocks(w, &r->bench);

		if (r->pairs.pair[i].selected && w->uses_device &&
		    blocks > opt.nblocks)
			opt.nblocks = blocks;
	}
	if (opt.path && !opt.nblocks)
		cli_say("--device has no effect: nothing that was selected "
			"writes to a device");
	if (!opt.path || !opt.nblocks)
		return 0;
	if (device_open(&opt, &dev, why, sizeof(why)))
		return cli_fail("%s", why);
	device_close(dev);
	return 0;
}

/* With less not even libraries start, and they do not say so. */
#define LEAST_MIB	256u

static int check_memory(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur >> 20 >= LEAST_MIB)
		return 0;
	return cli_fail("out of memory: the address space is limited to %llu "
			"MiB, at least %u are needed; see ulimit -v",
			(unsigned long long)limit.rlim_cur >> 20, LEAST_MIB);
}

/* Exit status: 1 if no placement that was asked for can be had here. */
static int check_points(const struct run *r)
{
	unsigned int met = 0;

	for (unsigned int i = 0; i < r->points.nr; i++) {
		const struct run_point *at = &r->points.point[i];

		met += !at->skipped[0];
		if (at->skipped[0])
			cli_say("skipped: %s, %u thread%s: %s", at->placement,
				at->threads, at->threads == 1 ? "" : "s",
				at->skipped);
	}
	if (met)
		return 0;
	cli_say("nothing is left to measure: scripts/plan shows what this "
		"machine offers");
	return 1;
}

/*
 * Says what does not fit in memory, which each block finds out anew.  Exit
 * status: 1 if nothing does.
 */
static int check_fits(struct run *r)
{
	struct bench b = r->bench;
	unsigned int fit = 0;
	char why[160];

	for (unsigned int i = 0; i < r->cli.nr_workloads; i++)
		for (unsigned int k = 0; k < r->points.nr; k++) {
			const struct workload *w = r->cli.workloads[i];
			const struct run_point *at = &r->points.point[k];

			if (!run_workload_batches(w, &r->cli, &r->pairs, at))
				continue;
			if (run_workload_fits(&b, w, &r->cli, &r->pairs, at,
					      why, sizeof(why)))
				fit++;
			else
				cli_say("skipped: %s: %s", w->name, why);
		}
	if (fit)
		return 0;
	cli_say("nothing is left to measure: name fewer fixes at once, or "
		"fewer threads; scripts/run --list shows what each workload "
		"needs");
	return 1;
}

/* The run's folder, and in it what was measured before. */
static int prepare_folder(struct run *r)
{
	char why[RESULT_PATH_MAX + 256];
	bool old = r->cli.resume;
	int status;

	if (!old && result_create(r->cli.out, r->cli.host, r->dir, why,
				  sizeof(why)))
		return cli_fail("%s", why);
	r->lock = result_lock(r->dir);
	if (r->lock == -EWOULDBLOCK)
		return cli_fail("%s is being measured right now: wait for "
				"it to end",
				r->dir);
	if (r->lock < 0)
		return cli_fail("cannot lock %s: %s", r->dir,
				strerror(-r->lock));
	status = old ? run_load_blocks(r) : run_record(r);
	if (status || !old || access(r->dir, W_OK) == 0)
		return status;
	return r->finished == r->cli.blocks ?
		       0 :
		       cli_fail("cannot write to %s: %s", r->dir,
				strerror(errno));
}

static int prepare(struct run *r)
{
	int status;

	r->blocks = calloc(r->cli.blocks, sizeof(*r->blocks));
	if (!r->blocks)
		return cli_fail("out of memory");
	status = check_memory();
	if (!status)
		status = check_points(r);
	if (!status)
		status = check_fits(r);
	if (!status)
		status = check_device(r);
	if (status)
		return status;
	if (r->cli.gbench_out && !access(r->cli.gbench_out, F_OK))
		return cli_fail("--benchmark_out: %s exists and would be "
				"overwritten; name another file",
				r->cli.gbench_out);
	return prepare_folder(r);
}

/* What one should know before the times. */
static void warn(const struct run *r)
{
	const char *type = machine_build_type();

	bool baseline = false;

	for (unsigned int i = 0; i < r->pairs.nr; i++)
		baseline |= r->pairs.pair[i].selected &&
			    !strcmp(r->pairs.pair[i].fix->name, BASELINE);
	if (r->cli.baseline_added && baseline)
		cli_say(BASELINE " is measured too: ratios are to it");
	if (r->bench.threads > r->points.processors)
		cli_say("%u threads on %u processor%s: oversubscribed, times "
			"include waiting for a processor",
			r->bench.threads, r->points.processors,
			r->points.processors == 1 ? "" : "s");
	if (r->points.processors == 1)
		cli_say("1 processor: threads, daemons and I/O take turns on "
			"it; what they do to each other at the same time is "
			"not seen");
	if (strcmp(type, "release"))
		cli_say("build type %s: its times say nothing of a release "
			"build's",
			type);
}

/* --- the end ------------------------------------------------------------ */

/* For a shell. */
static void print_quoted(const char *path)
{
	bool plain = true;

	for (const char *c = path; *c; c++)
		plain &= isalnum(*c) || strchr("/._-+,:@", *c);
	if (plain) {
		fputs(path, stderr);
		return;
	}
	fputc('\'', stderr);
	for (const char *c = path; *c; c++)
		if (*c == '\'')
			fputs("'\\''", stderr);
		else
			fputc(*c, stderr);
	fputc('\'', stderr);
}

static void print_resume(const struct run *r)
{
	char dir[PATH_MAX], program[PATH_MAX + 16];
	ssize_t n;

	cli_say("%s: %u of %u block%s finished and kept; to go on:",
		child_interrupted() ? "interrupted" : "not complete",
		r->finished, r->cli.blocks, r->cli.blocks == 1 ? "" : "s");
	fputs("  ", stderr);
	if (r->cli.home) {
		/* Without it, scripts/run would build elsewhere. */
		if (getenv("BUILD_DIR")) {
			fputs("BUILD_DIR=", stderr);
			print_quoted(getenv("BUILD_DIR"));
			fputc(' ', stderr);
		}
		snprintf(program, sizeof(program), "%s/scripts/run",
			 r->cli.home);
		print_quoted(program);
	} else {
		n = readlink("/proc/self/exe", program, PATH_MAX - 1);
		program[n > 0 ? n : 0] = '\0';
		print_quoted(program);
		fputs(" run", stderr);
	}
	fputs(" --resume ", stderr);
	print_quoted(realpath(r->dir, dir) ? dir : r->dir);
	/* What the folder does not name. */
	if (r->cli.device) {
		fputs(" --device ", stderr);
		print_quoted(realpath(r->cli.device, dir) ? dir :
							    r->cli.device);
	}
	if (r->cli.gbench_out) {
		fputs(" --benchmark_out=", stderr);
		print_quoted(r->cli.gbench_out);
	}
	for (int i = 1; i < r->cli.out_argc; i++) {
		fputc(' ', stderr);
		print_quoted(r->cli.out_argv[i]);
	}
	fputc('\n', stderr);
}

static void run_free(struct run *r)
{
	for (unsigned int i = 0; r->blocks && i < r->cli.blocks; i++)
		json_decref(r->blocks[i]);
	free(r->blocks);
	free(r->pairs.pair);
	free(r->points.point);
	free(r->child_argv);
	cli_free(&r->cli);
	json_decref(r->machine);
	if (r->lock >= 0)
		close(r->lock);
	free(r);
}

static int measure(struct run *r)
{
	int status, reported = 0;

	child_catch_signals();
	status = prepare(r);
	if (status)
		return status;
	if (r->finished < r->cli.blocks)
		warn(r);
	status = run_blocks(r);
	if (r->finished)
		reported = run_report(r);
	if (r->finished < r->cli.blocks)
		print_resume(r);
	return status ? status : reported;
}

static void set_folder(struct cli *cli, char *folder, size_t size)
{
	snprintf(folder, size, "%s%sresults", cli->home ? cli->home : "",
		 cli->home ? "/" : "");
	if (!cli->out)
		cli->out = folder;
}

int run_main(int argc, char **argv)
{
	struct run *r = calloc(1, sizeof(*r));
	char folder[RESULT_PATH_MAX];
	int status;

	if (!r)
		return cli_fail("out of memory");
	run_memory_start();
	r->lock = -1;
	status = run_child_argv(r, argc, argv) ? cli_fail("out of memory") :
						 0;
	if (!status)
		status = cli_parse(argc, argv, &r->cli);
	if (!status && r->cli.resume)
		status = run_resume(r);
	if (status)
		goto out;
	if (r->cli.list) {
		status = cli_list(&r->cli) ? cli_fail("out of memory") : 0;
		goto out;
	}
	set_folder(&r->cli, folder, sizeof(folder));
	status = run_points(&r->cli, &r->points);
	if (!status) {
		r->pairs.points = &r->points;
		r->bench.threads = run_points_threads(&r->points);
		r->bench.device = r->cli.device;
		status = make_pairs(&r->cli, &r->pairs);
	}
	if (!status)
		status = select_pairs(&r->cli, &r->pairs);
	if (status)
		status = status < 0 ? 0 : status;
	else if (r->cli.one_block)
		status = run_block(&r->cli, &r->pairs);
	else
		status = measure(r);
out:
	run_free(r);
	return status;
}
