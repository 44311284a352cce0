// SPDX-License-Identifier: GPL-2.0-only
/*
 * What bench/gbench.h costs: an empty benchmark through it and through
 * native C++, in one process, repetitions shuffled; and what recording a
 * value in a histogram does.  Prints the medians, and the ratio of the first
 * two, as JSON; scripts/bars holds them against their bars.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/gbench.h"
#include "bench/run/run.h"

#define ITERATIONS	1000000
#define REPETITIONS	501

void register_native(int64_t iterations, int repetitions);

static void empty(struct gbench_state *state, void *arg)
{
	(void)arg;
	gbench_for(state) __asm__ volatile("" : : : "memory");
}

/*
 * As latencies are: about the same, a few much longer; and so many that
 * branch prediction cannot know their order.
 */
#define VALUES	65536

static uint64_t values[VALUES];
static struct histogram histogram;

static void draw_values(void)
{
	uint64_t random = 1;

	for (unsigned int i = 0; i < VALUES; i++)
		values[i] = 50 + bench_random(&random) %
					 (i % 32 ? 200 : 200000);
}

static void record(struct gbench_state *state, void *arg)
{
	unsigned int i = 0;

	(void)arg;
	gbench_for(state) histogram_add(&histogram, values[i++ % VALUES]);
}

/* Median of the repetitions of @name; NAN: not all of them are there. */
static double median_of(const json_t *report, const char *name)
{
	const json_t *run, *list = json_object_get(report, "benchmarks");
	double ns[REPETITIONS];
	size_t i, nr = 0;

	json_array_foreach(list, i, run)
	{
		const char *n, *type;

		if (json_unpack((json_t *)run, "{s:s, s:s}", "run_name", &n,
				"run_type", &type) ||
		    strncmp(n, name, strlen(name)) || strcmp(type, "iteration"))
			continue;
		if (nr < REPETITIONS)
			ns[nr] = json_number_value(
				json_object_get(run, "cpu_time"));
		nr++;
	}
	return nr == REPETITIONS ? stat_median(ns, nr) : 0.0 / 0.0;
}

static int measure(const char *path)
{
	char out[64], why[256];
	char *argv[] = { "shim_bench", out,
			 "--benchmark_enable_random_interleaving=true", NULL };
	struct gbench_family *f;
	const char *bad;

	snprintf(out, sizeof(out), "--benchmark_out=%s", path);
	if (gbench_init(3, argv, &bad)) {
		fprintf(stderr,
			"shim_bench: this Google Benchmark does not "
			"know %s: 1.6 or later is needed\n",
			bad);
		return -EINVAL;
	}
	f = gbench_register("shim", empty, NULL);
	gbench_iterations(f, ITERATIONS);
	gbench_repetitions(f, REPETITIONS);
	draw_values();
	f = gbench_register("record", record, NULL);
	gbench_iterations(f, ITERATIONS);
	gbench_repetitions(f, REPETITIONS);
	register_native(ITERATIONS, REPETITIONS);
	return gbench_run(".", GBENCH_NOTHING, why, sizeof(why)) ? 0 : -EINVAL;
}

int main(void)
{
	char path[] = "/tmp/shim_bench-XXXXXX";
	int fd = mkstemp(path), status = 1;
	json_t *report = NULL;
	double shim, native, recorded;

	if (fd < 0) {
		fprintf(stderr,
			"shim_bench: cannot make %s: %s; free some "
			"space in /tmp\n",
			path, strerror(errno));
		return 1;
	}
	close(fd);
	if (!measure(path))
		report = json_load_file(path, 0, NULL);
	unlink(path);
	shim = median_of(report, "shim");
	native = median_of(report, "native");
	recorded = median_of(report, "record");
	if (shim > 0 && native > 0 && recorded > 0) {
		json_t *out = json_pack("{s:f, s:f, s:f, s:f, s:i}", "shim_ns",
					shim, "native_ns", native, "ratio",
					shim / native, "record_ns", recorded,
					"repetitions", REPETITIONS);

		status = !out ||
			 json_dumpf(out, stdout, JSON_REAL_PRECISION(4)) ||
			 putchar('\n') == EOF;
		json_decref(out);
	} else {
		fputs("shim_bench: Google Benchmark's report lacks "
		      "repetitions: run it again, with more space in /tmp\n",
		      stderr);
	}
	json_decref(report);
	return status;
}
