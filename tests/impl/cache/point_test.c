// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every point and every hazard has a name of its own, fit for a report and
 * a command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cache/fix.h"

static void check_names(const char *(*name)(unsigned int), unsigned int nr,
			char separator)
{
	for (unsigned int i = 0; i < nr; i++) {
		assert_non_null(name(i));
		for (const char *c = name(i); *c; c++)
			assert_true((*c >= 'a' && *c <= 'z') ||
				    *c == separator);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(name(i), name(j));
	}
}

static const char *point(unsigned int i)
{
	return point_name(i);
}

static const char *hazard(unsigned int i)
{
	return hazard_name(i);
}

static void test_names(void **state)
{
	(void)state;
	check_names(point, POINTS, '_');
	check_names(hazard, HAZARDS, '-');
	assert_string_equal(hazard_name(HAZARD_LOST_ERROR), "lost-error");
	assert_string_equal(point_name(POINT_LOOKUP_STALE), "lookup_stale");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("point", tests, NULL, NULL);
}
