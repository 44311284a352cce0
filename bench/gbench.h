/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Google Benchmark behind a C interface.  It selects what runs, by its own
 * --benchmark_* flags, and reports it; the times come from our runner and
 * are replayed.  One thread at a time may call these.
 */
#ifndef BENCH_GBENCH_H
#define BENCH_GBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum gbench_unit { GBENCH_NS, GBENCH_US, GBENCH_MS };

#define GBENCH_COUNTERS	8

struct gbench_counter {
	const char *name;
	double value;
};

/* One benchmark: found by gbench_collect(), shown by gbench_replay(). */
struct gbench {
	const char *name;
	bool selected;		/* by the filter */

	/* For the replay: */
	const char *error;	/* shown in place of times; NULL: times */
	enum gbench_unit unit;
	uint64_t iterations;	/* of each repetition; at least 1 */
	unsigned int repetitions;
	const double *seconds;	/* of each repetition, all iterations */
	const char *label;	/* behind each line; NULL: none */
	/* Never 0, of which it would divide, and the same in all. */
	unsigned int nr_counters;
	struct gbench_counter counters[GBENCH_COUNTERS];
};

/*
 * Give it its flags: all of @argv[1..] is --benchmark_*.  0, or -EINVAL
 * for one it does not know, *@bad then.  May be called again.
 */
int gbench_init(int argc, char **argv, const char **bad);
/* One more line in the context that reports begin with. */
void gbench_context(const char *key, const char *value);
/*
 * Set ->selected in all @nr.  How many match the filter, if none with a line
 * in @why; with --benchmark_list_tests they are listed and none is selected.
 */
size_t gbench_collect(struct gbench *benchmarks, size_t nr, char *why,
		      size_t why_size);
/*
 * Report all those selected: on the console if @console, and as JSON to
 * --benchmark_out if that was given.
 */
void gbench_replay(struct gbench *benchmarks, size_t nr, bool console);

#ifdef __cplusplus
}
#endif
#endif
