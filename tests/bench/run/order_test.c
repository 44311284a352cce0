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

/* ABBA of any number: every round's way back is its way there. */
static void test_there_and_back(void **state)
{
	unsigned int order[NR * 4], first = 0, last = 0;

	(void)state;
	for (unsigned int seed = 0; seed < 200; seed++) {
		unsigned int seen = 0;

		run_order_abba(NR, 4, seed, order);
		for (unsigned int i = 0; i < 2 * NR; i++) {
			assert_int_equal(order[i], order[2 * NR - 1 - i]);
			assert_int_equal(order[2 * NR + i],
					 order[4 * NR - 1 - i]);
		}
		for (unsigned int i = 0; i < NR; i++)
			seen |= 1u << order[i];
		assert_int_equal(seen, (1u << NR) - 1);
		first += order[0] == 0;
		last += order[NR - 1] == 0;
	}
	/* Drawn: 40 of 200 are expected. */
	assert_uint_in_range(first, 20, 60);
	assert_uint_in_range(last, 20, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_per_round),
		cmocka_unit_test(test_seed_decides),
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
