// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which layout a block draws.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bench/layout.h"

#define OF	24u

static void draw(uint64_t seed, unsigned int block, struct layout *l)
{
	layout_draw_of(seed, block, OF, "/some/delwribench", l);
	assert_uint_in_range(l->index, 1, OF);
	assert_int_equal(l->of, OF);
	assert_uint_in_range(l->env_bytes, 0, LAYOUT_ENV_MAX - 1);
}

/* Each once in every turn, and turns differ. */
static void test_turns(void **state)
{
	unsigned int first[OF], same = 0;
	struct layout l;

	(void)state;
	for (unsigned int turn = 0; turn < 3; turn++) {
		unsigned int seen[OF + 1] = { 0 };

		for (unsigned int i = 0; i < OF; i++) {
			draw(7, turn * OF + i + 1, &l);
			assert_int_equal(seen[l.index]++, 0);
			if (turn == 0)
				first[i] = l.index;
			else
				same += first[i] == l.index;
		}
	}
	assert_uint_in_range(same, 0, OF);
}

/* A block that is run again later is what it would have been. */
static void test_repeatable(void **state)
{
	struct layout a, b;
	unsigned int differ = 0;

	(void)state;
	for (unsigned int block = 1; block <= 3 * OF; block++) {
		draw(9, block, &a);
		draw(9, block, &b);
		assert_memory_equal(&a, &b, sizeof(a));
		draw(10, block, &b);
		differ += a.index != b.index;
	}
	assert_uint_in_range(differ, OF, 3 * OF);
}

static void test_paths(void **state)
{
	struct layout l;

	(void)state;
	layout_draw_of(1, 1, 1, "/some/delwribench", &l);
	assert_string_equal(l.program, "/some/layouts/delwribench-1");
	layout_draw_of(1, 1, 0, "/some/delwribench", &l);
	assert_string_equal(l.program, "/some/delwribench");
	assert_int_equal(l.index, 0);
	assert_int_equal(l.of, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_repeatable),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
