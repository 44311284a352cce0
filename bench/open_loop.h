/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An open loop: operations arrive by a seeded Poisson process, whether those
 * before them have ended or not, and each is timed from when it was to
 * start.  So who would have come during a stall is charged with it.
 */
#ifndef BENCH_OPEN_LOOP_H
#define BENCH_OPEN_LOOP_H

#include "bench/histogram.h"

/* Latencies by when operations were to start, so that stalls are seen. */
#define OPEN_SLICES	64u

struct open_slice {
	uint64_t count;
	uint64_t max_ns;
};

struct open_series {
	uint64_t slice_ns;
	struct open_slice slice[OPEN_SLICES];
};

/* Nanoseconds since any moment; tests have one that stands still. */
struct open_clock {
	uint64_t (*now)(void *arg);
	/* Return at or after @until; the caller keeps its processor. */
	void (*wait)(void *arg, uint64_t until);
	void *arg;
};

extern const struct open_clock open_clock_real;

struct open_load {
	double per_second;		/* arrivals */
	uint64_t seed;			/* of their times: the same again */
	int (*operation)(void *arg);	/* 0 or -errno, which ends it */
	void *arg;
	/* What was seen; all are added to. */
	struct histogram *latency;
	struct open_series *series;	/* ->slice_ns is the caller's */
	double total_ns;		/* of latencies */
	uint64_t ops;
};

/*
 * Do all that arrives within @for_ns, however late it ends.  0 or -errno:
 * the operation's, -ENOMEM, or -ETIME when it took many times as long, and
 * what was seen says nothing.
 */
int open_loop_run(const struct open_clock *clock, struct open_load *load,
		  uint64_t for_ns);

/* Of another thread, in the same time. */
void open_series_merge(struct open_series *to, const struct open_series *from);

#endif
