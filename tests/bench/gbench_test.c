// SPDX-License-Identifier: GPL-2.0-only
/*
 * Google Benchmark behind C: what is registered runs as its JSON says, its
 * filter selects, and replayed times are exactly those that were stored.
 */
#include "tests/bench/bench_test.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "bench/gbench_replay.h"

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

/* --- the general interface ---------------------------------------------- */

/* What the functions of one family saw. */
struct seen {
	unsigned int setups, runs, teardowns;
	uint64_t iterations;
	int64_t product;	/* of all arguments of all runs */
};

static void seen_setup(struct gbench_state *state, void *arg)
{
	struct seen *seen = arg;

	(void)state;
	assert_int_equal(seen->setups, seen->teardowns);
	seen->setups++;
}

static void seen_teardown(struct gbench_state *state, void *arg)
{
	struct seen *seen = arg;

	(void)state;
	seen->teardowns++;
	assert_int_equal(seen->teardowns, seen->runs);
}

static void seen_run(struct gbench_state *state, void *arg)
{
	int64_t x = gbench_arg(state, 0), y = gbench_arg(state, 1);
	struct seen *seen = arg;

	seen->runs++;
	assert_int_equal(seen->setups, seen->runs);
	seen->product *= x * y;
	gbench_for(state)
		seen->iterations++;
	assert_int_equal(gbench_iterations_done(state), 50);
	gbench_set_time(state, 0.5);
	gbench_counter(state, "plain", x, 0);
	gbench_counter(state, "rate", 100, GBENCH_PER_SECOND);
	gbench_counter(state, "each_rate", 2,
		       GBENCH_PER_SECOND | GBENCH_TIMES_ITERATIONS);
	gbench_counter(state, "average", 100, GBENCH_AVERAGE);
	gbench_counter(state, "inverse", 4, GBENCH_INVERT);
	gbench_label(state, "a label");
}

/* Run what is registered; its JSON, read back. */
static json_t *run_to_json(size_t expected)
{
	char path[128], why[256] = "";
	json_t *report;

	snprintf(path, sizeof(path), "%s/general.json", folder);
	init("out", path);
	assert_int_equal(gbench_run(".", GBENCH_NOTHING, why, sizeof(why)),
			 expected);
	assert_string_equal(why, "");
	report = json_load_file(path, 0, NULL);
	assert_non_null(report);
	assert_int_equal(json_array_size(json_object_get(report, "benchmarks")),
			 expected);
	gbench_clear();
	return report;
}

static const json_t *run_named(const json_t *report, const char *name)
{
	const json_t *list = json_object_get(report, "benchmarks"), *run;
	size_t i;

	json_array_foreach(
		list, i,
		run) if (!strcmp(json_string_value(json_object_get(run, "name")),
				 name)) return run;
	fail_msg("no run named %s", name);
	return NULL;
}

static void assert_number(const json_t *run, const char *key, double value)
{
	double n = json_number_value(json_object_get(run, key));

	if (fabs(n - value) > 1e-9 * value)
		fail_msg("%s is %g, not %g", key, n, value);
}

static void test_family(void **state)
{
	static const char *const names[] = { "size", "depth" };
	static const int64_t sizes[] = { 3, 5 }, depths[] = { 7 };
	static const struct gbench_list lists[] = { { sizes, 2 },
						    { depths, 1 } };
	static const int64_t args[] = { 11, 13 };
	static const struct gbench_range ranges[] = { { 2, 4 }, { 17, 17 } };
	struct seen seen = { .product = 1 };
	struct gbench_family *f;
	const json_t *run;
	json_t *report;

	(void)state;
	f = gbench_register("family", seen_run, &seen);
	gbench_around(f, seen_setup, seen_teardown);
	gbench_product(f, 2, lists);
	gbench_args(f, 2, args);
	gbench_ranges(f, 2, ranges, 2);
	gbench_arg_names(f, 2, names);
	gbench_iterations(f, 50);
	gbench_manual_time(f);
	gbench_unit(f, GBENCH_MS);
	gbench_context("tested_by", "gbench_test");
	report = run_to_json(5);

	assert_int_equal(seen.runs, 5);
	assert_int_equal(seen.teardowns, 5);
	assert_int_equal(seen.iterations, 5 * 50);
	assert_int_equal(seen.product,
			 3ll * 7 * 5 * 7 * 11 * 13 * 2 * 17 * 4 * 17);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(report, "context"),
				    "tested_by")),
			    "gbench_test");
	run_named(report, "family/size:11/depth:13/iterations:50/manual_time");
	run_named(report, "family/size:4/depth:17/iterations:50/manual_time");
	run = run_named(report,
			"family/size:5/depth:7/iterations:50/manual_time");
	assert_number(run, "iterations", 50);
	assert_number(run, "real_time", 10);
	assert_string_equal(json_string_value(json_object_get(run,
							      "time_unit")),
			    "ms");
	assert_string_equal(json_string_value(json_object_get(run, "label")),
			    "a label");
	assert_number(run, "plain", 5);
	assert_number(run, "rate", 200);
	assert_number(run, "each_rate", 200);
	assert_number(run, "average", 2);
	assert_number(run, "inverse", 0.25);
	json_decref(report);
}

struct loop_seen {
	uint64_t batches, skipped, by_hand;
};

static void run_batches(struct gbench_state *state, void *arg)
{
	struct loop_seen *seen = arg;

	while (gbench_keep_running_batch(state, 30))
		seen->batches++;
	assert_int_equal(gbench_iterations_done(state), 120);
}

static void run_skipped(struct gbench_state *state, void *arg)
{
	struct loop_seen *seen = arg;

	gbench_skip(state, "cannot run here");
	gbench_for(state)
		seen->skipped++;
}

static void run_by_time(struct gbench_state *state, void *arg)
{
	struct loop_seen *seen = arg;
	uint64_t nr = 0;

	gbench_for(state)
	{
		gbench_pause(state);
		nr++;
		gbench_resume(state);
	}
	assert_int_equal(gbench_iterations_done(state), nr);
	seen->by_hand = nr;
}

static void test_loops(void **state)
{
	struct loop_seen seen = { 0 };
	struct gbench_family *f;
	const json_t *run;
	json_t *report;

	(void)state;
	f = gbench_register("batches", run_batches, &seen);
	gbench_iterations(f, 120);
	gbench_register("skipped", run_skipped, &seen);
	f = gbench_register("by_time", run_by_time, &seen);
	gbench_min_time(f, 1e-4);
	gbench_real_time(f);
	report = run_to_json(3);

	assert_int_equal(seen.batches, 4);
	assert_int_equal(seen.skipped, 0);
	run = run_named(report, "skipped");
	assert_true(json_is_true(json_object_get(run, "error_occurred")));
	assert_string_equal(json_string_value(json_object_get(
				    run, "error_message")),
			    "cannot run here");
	assert_true(seen.by_hand > 0);
	run = run_named(report, "by_time/min_time:0.000/real_time");
	assert_number(run, "iterations", seen.by_hand);
	json_decref(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_unknown_flag),
		cmocka_unit_test(test_replay),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
