/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Workers that live as long as the process, each on a processor of its
 * own.  All begin a batch together: each warms up, arrives at a gate, and
 * the last to arrive opens it.
 */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/perf/perf.h"
#include "sync/sync.h"

struct pool;

struct pool_job {
	/* Before the gate, and not timed; may be NULL. */
	void (*warm)(void *arg, unsigned int worker);
	void (*run)(void *arg, unsigned int worker);
	void *arg;
	bool counted;		/* what ->run does, if counters are open */
};

/*
 * Start @nr workers on processors @cpus, from the start again when there
 * are more workers.  0 or -errno.
 */
int pool_start(unsigned int nr, const unsigned int *cpus, unsigned int nr_cpus,
	       struct pool **poolp);
/*
 * The same, but before each worker is started @before is called, whose error
 * ends it: what the worker is to inherit from the caller.
 */
int pool_start_with(unsigned int nr, const unsigned int *cpus,
		    unsigned int nr_cpus,
		    int (*before)(void *arg, unsigned int worker), void *arg,
		    struct pool **poolp);
void pool_stop(struct pool *pool);
unsigned int pool_workers(const struct pool *pool);
/* Some share a processor. */
bool pool_oversubscribed(const struct pool *pool);
/* Processor on which a worker found itself when it began; -1: unknown. */
int pool_cpu(const struct pool *pool, unsigned int worker);
/* 0, or -errno: it could not be bound to its processor, and floats. */
int pool_bound(const struct pool *pool, unsigned int worker);
/* Where it was after a job, if that was another one; -1: it never was. */
int pool_moved(const struct pool *pool, unsigned int worker);

/* Run @job on @nr workers from @first on and sleep until all are done. */
void pool_run_from(struct pool *pool, unsigned int first, unsigned int nr,
		   const struct pool_job *job);
/* On the first @nr. */
void pool_run(struct pool *pool, unsigned int nr, const struct pool_job *job);
/* What ->run took in the last job, on the worker's own clock. */
uint64_t pool_elapsed_ns(const struct pool *pool, unsigned int worker);

/*
 * Open counters of each worker; a job that is ->counted switches them on
 * right before, and off and reads them right after, its timed region.  What
 * cannot be had has its reason.  Before any such job; 0 or -ENOMEM.
 */
int pool_counters_open(struct pool *pool);
/* The same counters, all 0: perf_close() it.  NULL: none are open. */
struct perf_set *pool_counters_new(const struct pool *pool);
/* Move what all workers have counted to @sum.  Between jobs. */
void pool_counters_take(struct pool *pool, struct perf_set *sum);
/* What they did as tasks in counted jobs since the last time. */
struct event_stat pool_events_take(struct pool *pool);

#endif
