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

struct pool;

struct pool_job {
	/* Before the gate, and not timed; may be NULL. */
	void (*warm)(void *arg, unsigned int worker);
	void (*run)(void *arg, unsigned int worker);
	void *arg;
};

/*
 * Start @nr workers on processors @cpus, from the start again when there
 * are more workers.  0 or -errno.
 */
int pool_start(unsigned int nr, const unsigned int *cpus, unsigned int nr_cpus,
	       struct pool **poolp);
void pool_stop(struct pool *pool);
unsigned int pool_workers(const struct pool *pool);
/* Some share a processor. */
bool pool_oversubscribed(const struct pool *pool);
/* Processor on which a worker found itself when it began; -1: unknown. */
int pool_cpu(const struct pool *pool, unsigned int worker);
/* Where it was after a job, if that was another one; -1: it never was. */
int pool_moved(const struct pool *pool, unsigned int worker);

/* Run @job on @nr workers from @first on and sleep until all are done. */
void pool_run_from(struct pool *pool, unsigned int first, unsigned int nr,
		   const struct pool_job *job);
/* On the first @nr. */
void pool_run(struct pool *pool, unsigned int nr, const struct pool_job *job);
/* What ->run took in the last job, on the worker's own clock. */
uint64_t pool_elapsed_ns(const struct pool *pool, unsigned int worker);

#endif
