/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the workloads with an open loop share.
 */
#ifndef BENCH_WORKLOADS_OPEN_H
#define BENCH_WORKLOADS_OPEN_H

#include "bench/open_loop.h"
#include "bench/workload.h"

/* What one thread saw of a batch, or all. */
struct opener {
	struct histogram latency;
	struct open_series series;
	double total_ns;
	uint64_t ops;
} __attribute__((aligned(128)));

/* A batch of one thread: open_loop_run(), into @me anew.  0 or -errno. */
int opener_run(struct opener *me, uint64_t for_ns, double per_second,
	       uint64_t seed, int (*operation)(void *arg), void *arg);
void opener_sum(struct opener *sum, const struct opener *me);
/* A batch's, all threads together. */
void opener_record(const struct opener *sum, struct record *rec);

#endif
