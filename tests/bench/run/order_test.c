// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of batches: every fix once per round, at every place equally
 * often, the same from the same seed and another from another.
 */
#include "tests/bench/bench_test.h"

#include "bench/run/run.h"

#define NR	5
#define ROUNDS	27

static void test_once_per_round(void **state)
{
	unsigned int order[NR * ROUNDS], place[NR][NR] = { { 0 } };

	(void)state;
	run_order(NR, ROUNDS, 42, order);
	for (unsigned int r = 0; r < ROUNDS; r++) {
		unsigned int seen = 0;

		for (unsigned int i = 0; i < NR; i++) {
			unsigned int fix = order[r * NR + i];

			assert_true(fix < NR);
			seen |= 1u << fix;
			if (r < ROUNDS / NR * NR)
				place[fix][i]++;
		}
		assert_int_equal(seen, (1u << NR) - 1);
	}
	for (unsigned int fix = 0; fix < NR; fix++)
		for (unsigned int i = 0; i < NR; i++)
			assert_int_equal(place[fix][i], ROUNDS / NR);
}

static void test_seed_decides(void **state)
{
	unsigned int a[NR * ROUNDS], b[NR * ROUNDS];

	(void)state;
	run_order(NR, ROUNDS, 1, a);
	run_order(NR, ROUNDS, 1, b);
	assert_memory_equal(a, b, sizeof(a));
	run_order(NR, ROUNDS, 2, b);
	assert_memory_not_equal(a, b, sizeof(a));
	/* Not the same square again and again. */
	assert_memory_not_equal(a, a + NR * NR, NR * NR * sizeof(*a));
}

static void test_smallest(void **state)
{
	unsigned int order[3] = { 9, 9, 9 };

	(void)state;
	run_order(1, 3, 7, order);
	for (int i = 0; i < 3; i++)
		assert_int_equal(order[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_per_round),
		cmocka_unit_test(test_seed_decides),
		cmocka_unit_test(test_smallest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
