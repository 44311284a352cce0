/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Google Benchmark for times that somebody else measured: it selects what
 * is to run, by its own --benchmark_* flags, and afterwards reports it; our
 * runner measures in between.
 */
#ifndef BENCH_GBENCH_REPLAY_H
#define BENCH_GBENCH_REPLAY_H

#include "bench/gbench.h"

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
	unsigned int shown;	/* the replay's own: repetitions so far */
};

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

#endif
