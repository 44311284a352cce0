// SPDX-License-Identifier: GPL-2.0-only
/*
 * Google Benchmark: its filter selects, and its JSON shows exactly the
 * times that were stored.
 */
#include "tests/bench/bench_test.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "bench/gbench.h"

#define REPETITIONS	3

static struct gbench benchmarks[] = {
	{ .name = "lookup/none" },
	{ .name = "lookup/other" },
	{ .name = "load/none" },
};
#define NR	(sizeof(benchmarks) / sizeof(*benchmarks))

static void init(const char *flag, const char *value)
{
	char text[256], *argv[] = { "test", text, NULL };
	const char *bad;

	snprintf(text, sizeof(text), "--benchmark_%s=%s", flag, value);
	assert_int_equal(gbench_init(2, argv, &bad), 0);
}

static void test_filter(void **state)
{
	char why[256] = "";

	(void)state;
	init("filter", "/none$");
	assert_int_equal(gbench_collect(benchmarks, NR, why, sizeof(why)), 2);
	assert_string_equal(why, "");
	assert_true(benchmarks[0].selected && benchmarks[2].selected);
	assert_false(benchmarks[1].selected);

	init("filter", "nothing of that name");
	assert_int_equal(gbench_collect(benchmarks, NR, why, sizeof(why)), 0);
	assert_true(strlen(why) > 0);
	assert_null(strchr(why, '\n'));
	for (unsigned int i = 0; i < NR; i++)
		assert_false(benchmarks[i].selected);

	init("filter", "(");
	assert_int_equal(gbench_collect(benchmarks, NR, why, sizeof(why)), 0);
	assert_true(strlen(why) > 0);
}

static void test_unknown_flag(void **state)
{
	char flag[] = "--benchmark_no_such_flag", *argv[] = { "test", flag };
	const char *bad = NULL;

	(void)state;
	assert_int_equal(gbench_init(2, argv, &bad), -EINVAL);
	assert_string_equal(bad, flag);
}

/* The runs of @name that are repetitions, in order. */
static unsigned int times_of(const json_t *report, const char *name,
			     double *times, const char **error)
{
	const json_t *list = json_object_get(report, "benchmarks"), *run;
	unsigned int nr = 0;
	size_t i;

	json_array_foreach(list, i, run)
	{
		const char *n = json_string_value(json_object_get(run, "name"));
		const char *type = json_string_value(
			json_object_get(run, "run_type"));

		if (strncmp(n, name, strlen(name)) ||
		    strcmp(type, "iteration"))
			continue;
		*error = json_string_value(json_object_get(run,
							   "error_message"));
		assert_true(nr < REPETITIONS);
		times[nr++] = json_number_value(json_object_get(run,
								"real_time"));
	}
	return nr;
}

static void test_replay(void **state)
{
	static const double stored[REPETITIONS] = {
		1234.5e-6, 1000.25e-6, 0.123456789
	};
	static const double us[REPETITIONS] = { 17e-6, 16e-6, 18e-6 };
	double times[REPETITIONS];
	const char *error = NULL;
	json_t *report;
	char path[128];

	(void)state;
	benchmarks[0] = (struct gbench){
		.name = "lookup/none",
		.selected = true,
		.unit = GBENCH_NS,
		.iterations = 1000,
		.repetitions = REPETITIONS,
		.seconds = stored,
	};
	benchmarks[1] = (struct gbench){
		.name = "lookup/other",
		.selected = true,
		.error = "VIOLATED 1/2",
	};
	benchmarks[2] = (struct gbench){
		.name = "load/none",
		.selected = true,
		.unit = GBENCH_US,
		.iterations = 1,
		.repetitions = REPETITIONS,
		.seconds = us,
		.label = "a label",
	};
	snprintf(path, sizeof(path), "%s/out.json", folder);
	init("out", path);
	gbench_replay(benchmarks, NR, false);

	report = json_load_file(path, 0, NULL);
	assert_non_null(report);
	assert_int_equal(times_of(report, "lookup/none", times, &error),
			 REPETITIONS);
	assert_null(error);
	for (int i = 0; i < REPETITIONS; i++)
		assert_true(fabs(times[i] - stored[i] * 1e9 / 1000) <
			    1e-9 * times[i]);
	assert_int_equal(times_of(report, "lookup/other", times, &error), 1);
	assert_string_equal(error, "VIOLATED 1/2");
	assert_int_equal(times_of(report, "load/none", times, &error),
			 REPETITIONS);
	for (int i = 0; i < REPETITIONS; i++)
		assert_true(fabs(times[i] - us[i] * 1e6) < 1e-9 * times[i]);
	json_decref(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_unknown_flag),
		cmocka_unit_test(test_replay),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
