/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the tests of workloads run them: on a pool of two.
 */
#ifndef TESTS_BENCH_WORKLOADS_POOL_FIXTURE_H
#define TESTS_BENCH_WORKLOADS_POOL_FIXTURE_H

#include "tests/bench/bench_test.h"

#include "bench/machine/machine.h"
#include "bench/run/run.h"

#define THREADS	2u

static struct bench bench = { .threads = THREADS, .seed = 7 };

static inline int start_pool(void **state)
{
	unsigned int *cpus, nr;
	int error;

	(void)state;
	if (machine_cpus(&cpus, &nr))
		return -1;
	error = pool_start(THREADS, cpus, nr, &bench.pool);
	free(cpus);
	return error;
}

static inline int stop_pool(void **state)
{
	(void)state;
	pool_stop(bench.pool);
	return 0;
}

#endif
