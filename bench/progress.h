/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far a run is, on stderr: one line rewritten in place on a terminal,
 * else a line per workload and one whenever half a minute went by.
 */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

/* How long batches are to last; what comes on top is found out meanwhile. */
struct progress_plan {
	double seconds;			/* of a block's batches */
	unsigned int batches;
	unsigned int workloads;
	unsigned int blocks_after;	/* this one */
};

/* One thread at a time may call these. */
void progress_start(const struct progress_plan *plan, unsigned int block,
		    unsigned int blocks);
/* The next workload begins. */
void progress_workload(const char *name);
/* Part of what is not in the plan is done. */
void progress_prepared(void);
/* A batch of the plan is done. */
void progress_add(double seconds);
/* Anything else that takes a while. */
void progress_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Before anything else is printed, and at the end. */
void progress_clear(void);

#endif
