// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: every worker runs every job once, none before all are warm,
 * also with more workers than processors.
 */
#include "tests/bench/bench_test.h"

#include "bench/machine/machine.h"
#include "bench/pool.h"
#include "sync/sync.h"

#define WORKERS	4
#define JOBS	2000

struct seen {
	unsigned int nr;		/* workers of this job */
	unsigned int warm;		/* atomic */
	unsigned int early;		/* atomic: ran before all were warm */
	unsigned int ran[WORKERS];
};

static void warm(void *arg, unsigned int worker)
{
	struct seen *seen = arg;

	(void)worker;
	__atomic_fetch_add(&seen->warm, 1, __ATOMIC_SEQ_CST);
}

static void run(void *arg, unsigned int worker)
{
	struct seen *seen = arg;

	if (__atomic_load_n(&seen->warm, __ATOMIC_SEQ_CST) != seen->nr)
		__atomic_fetch_add(&seen->early, 1, __ATOMIC_SEQ_CST);
	seen->ran[worker]++;
}

static struct pool *start(unsigned int workers)
{
	unsigned int *cpus, nr;
	struct pool *pool;

	assert_int_equal(machine_cpus(&cpus, &nr), 0);
	assert_true(nr >= 1);
	assert_int_equal(pool_start(workers, cpus, nr, &pool), 0);
	assert_int_equal(pool_workers(pool), workers);
	assert_int_equal(pool_oversubscribed(pool), workers > nr);
	for (unsigned int i = 0; i < workers; i++) {
		while (pool_cpu(pool, i) < 0)
			sleep_ns(1000000, WAIT_IDLE);
		assert_int_equal(pool_cpu(pool, i), cpus[i % nr]);
	}
	free(cpus);
	return pool;
}

static void test_jobs(void **state)
{
	struct pool *pool = start(WORKERS);
	unsigned int total[WORKERS] = { 0 }, expected[WORKERS] = { 0 };

	(void)state;
	for (unsigned int n = 0; n < JOBS; n++) {
		struct seen seen = { .nr = 1 + n % WORKERS };
		struct pool_job job = {
			.warm = warm,
			.run = run,
			.arg = &seen,
		};

		pool_run(pool, seen.nr, &job);
		assert_int_equal(seen.early, 0);
		for (unsigned int i = 0; i < WORKERS; i++) {
			assert_int_equal(seen.ran[i], i < seen.nr);
			total[i] += seen.ran[i];
			expected[i] += i < seen.nr;
		}
	}
	assert_memory_equal(total, expected, sizeof(total));
	pool_stop(pool);
}

static void nap(void *arg, unsigned int worker)
{
	(void)arg;
	sleep_ns((worker + 1) * 3000000ull, WAIT_IDLE);
}

static void test_elapsed(void **state)
{
	struct pool *pool = start(2);
	const struct pool_job job = { .run = nap };

	(void)state;
	/* Long enough between jobs for the workers to fall asleep. */
	for (int i = 0; i < 5; i++) {
		pool_run(pool, 2, &job);
		assert_true(pool_elapsed_ns(pool, 0) >= 3000000);
		assert_true(pool_elapsed_ns(pool, 1) >= 6000000);
		sleep_ns(5000000, WAIT_IDLE);
	}
	pool_stop(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_elapsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
