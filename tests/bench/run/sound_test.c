// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which blocks are mixed with each other, and what becomes of the others.
 */
#include "tests/bench/bench_test.h"

#include <jansson.h>

#include "bench/run/run.h"

static struct run run;
static char why[1024];

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

/* Of a run that began with processors 0-1 and no quota. */
static bool unsound(const char *text)
{
	json_t *block = parse(text);
	bool is;

	*why = '\0';
	is = run_block_unsound(&run, block, why, sizeof(why));
	json_decref(block);
	return is;
}

static int begin(void **state)
{
	run.machine = parse("{\"before\": {\"conditions\": {"
			    "\"processors_allowed\": \"0-1\","
			    "\"cgroup_cpu_quota\": \"none\"}}}");
	return folder_make(state);
}

static int end(void **state)
{
	json_decref(run.machine);
	return folder_remove(state);
}

#define AS_BEGUN	"{\"conditions\": {\"processors_allowed\": \"0-1\"}}"
#define ONE_LESS	"{\"conditions\": {\"processors_allowed\": \"0\"}}"
#define BLOCK(stages)	\
	"{\"before\": " AS_BEGUN ", \"after\": " AS_BEGUN \
	", \"placements\": [" stages "]}"
#define STAGE(more)	"{\"placement\": \"compact\", " more "}"

static void test_conditions(void **state)
{
	(void)state;
	assert_false(unsound("{}"));
	assert_false(unsound("{\"before\": " AS_BEGUN ", \"after\": " AS_BEGUN
			     "}"));
	assert_true(unsound("{\"before\": " ONE_LESS ", \"after\": " ONE_LESS
			    "}"));
	assert_string_equal(why, "changed since the run began, seen before it: processors allowed: 0-1, then 0");
	assert_true(unsound("{\"before\": " AS_BEGUN ", \"after\": " ONE_LESS
			    "}"));
	assert_string_equal(why, "changed since the run began, seen after it: processors allowed: 0-1, then 0");
	assert_true(unsound("{\"before\": {\"conditions\": "
			    "{\"cgroup_cpu_quota\": 0.5}}}"));
	assert_non_null(strstr(why, "none, then 0.5"));
}

static void test_placement(void **state)
{
	(void)state;
	assert_false(unsound(BLOCK(STAGE("\"ok\": true"))));
	assert_false(unsound(BLOCK(STAGE("\"skipped\": \"no node\""))));
	assert_true(unsound(BLOCK(STAGE("\"ok\": false"))));
	assert_true(unsound(BLOCK(STAGE("\"ok\": true") "," STAGE(
		"\"ok\": false, \"threads\": ["
		"{\"found_pu\": 1, \"ok\": true},"
		"{\"found_pu\": 7, \"ok\": false,"
		" \"reason\": \"it ran on 7\"}]"))));
	assert_string_equal(why, "not as placed, compact: it ran on 7");
	assert_true(unsound(BLOCK(STAGE("\"ok\": false, \"pages\": ["
					"{\"pages\": 3, \"ok\": false,"
					" \"reason\": \"3 of 3 elsewhere\"}]"))));
	assert_string_equal(why, "not as placed, compact: 3 of 3 elsewhere");
	assert_true(unsound(BLOCK(STAGE("\"ok\": false, \"moved\": ["
					"{\"worker\": 1, \"processor\": 1,"
					" \"found\": 0}]"))));
	assert_non_null(strstr(why, "worker 1 was on processor 0 instead of 1"));
	assert_true(unsound(BLOCK(STAGE("\"ok\": false, \"changed\": "
					"\"processors allowed: 1, then 0\""))));
	assert_non_null(strstr(why, "while it was measured"));
}

/* That nobody could look is said by the report, and no reason to discard. */
static void test_unknown(void **state)
{
	(void)state;
	assert_false(unsound(BLOCK(STAGE("\"ok\": false, \"threads\": ["
					 "{\"found_pu\": null, \"ok\": false,"
					 " \"reason\": \"not told\"}]"))));
	assert_false(unsound(BLOCK(STAGE("\"ok\": false, \"pages\": ["
					 "{\"pages\": 0, \"ok\": false}]"))));
	assert_false(unsound(BLOCK(STAGE("\"ok\": false, \"reason\": "
					 "\"pages cannot be found\""))));
	/* Unless another was seen elsewhere. */
	assert_true(unsound(BLOCK(STAGE("\"ok\": false, \"threads\": ["
					"{\"found_pu\": null, \"ok\": false},"
					"{\"found_pu\": 0, \"ok\": false}]"))));
}

static void test_set_aside(void **state)
{
	json_t *block = parse("{\"block\": 3}"), *kept;
	char path[256];

	(void)state;
	snprintf(run.dir, sizeof(run.dir), "%s", folder);
	snprintf(path, sizeof(path), "%s/block-0003.json", folder);
	for (int i = 1; i <= 2; i++) {
		char name[64];

		assert_int_equal(result_write(folder, "block-0003.json", block),
				 0);
		assert_int_equal(run_set_aside(&run, 3, block, "it moved"), 0);
		assert_int_equal(access(path, F_OK), -1);
		snprintf(name, sizeof(name), "discarded-0003-%d.json", i);
		kept = result_read(folder, name, why, sizeof(why));
		assert_non_null(kept);
		assert_string_equal(json_string_value(json_object_get(
					    kept, "discarded")),
				    "it moved");
		json_decref(kept);
	}
	/* It is none that the run has. */
	assert_int_equal(result_last_block(folder), 0);
	json_decref(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_placement),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_set_aside),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
