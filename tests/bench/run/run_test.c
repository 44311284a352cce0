// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program itself: bad usage ends with status 2 and one line that says
 * why, a run leaves its blocks.
 */
#include "tests/bench/program_test.h"

#include <glob.h>

#include "bench/machine/machine.h"

/* Refused in one line that has @word in it, and nothing was written. */
static void check_refused(const char *args, const char *word)
{
	char line[512], path[128];

	snprintf(path, sizeof(path), "%s/refused", folder);
	snprintf(line, sizeof(line), "run --out %s %s", path, args);
	if (bench(line) != 2)
		fail_msg("%s: not refused: %s", args, output);
	if (!strstr(output, word))
		fail_msg("%s: no '%s' in: %s", args, word, output);
	assert_int_equal(strcspn(output, "\n") + 1, strlen(output));
	assert_int_equal(access(path, F_OK), -1);
}

static void test_arguments(void **state)
{
	char args[256];

	(void)state;
	check_refused("--fix no_such_fix", "none");
	check_refused("--workload lookup/no_such_case", "lookup");
	check_refused("--workload loo", "lookup");
	check_refused("--workload no_such_workload", "lookup");
	check_refused("--threads 0", "threads");
	check_refused("--threads many", "threads");
	check_refused("--blocks 0", "blocks");
	check_refused("--rounds -1", "rounds");
	check_refused("--seed x", "seed");
	check_refused("--device ''", "device");
	check_refused("--policy farthest", "cross-node");
	check_refused("--memory nowhere", "interleaved");
	check_refused("--role ail", "ail=node:N");
	check_refused("--role 'ail*2=same'", "one group");
	check_refused("--topology /no/such/file", "/no/such/file");
	check_refused("--topology 'node:2 core:600 pu:1'", "not of this machine");
	snprintf(args, sizeof(args), "--topology '%s'",
		 TESTS "/bench/placement/topologies/epyc.xml");
	check_refused(args, "not of this machine");
	check_refused("--json", "--list");
	check_refused("surplus", "surplus");
	check_refused("--benchmark_filter=nothing_has_this", "filter");
	check_refused("--benchmark_repetitions=2", "--rounds");
	check_refused("--benchmark_no_such_flag", "no_such_flag");
	check_refused("--device /no/such/device", "/no/such/device");
	snprintf(args, sizeof(args), "--device %s", folder);
	check_refused(args, "directory");
	snprintf(args, sizeof(args), "--benchmark_out=%s", program);
	check_refused(args, "overwritten");
	assert_int_equal(bench(""), 2);
	assert_int_equal(bench("no_such_command"), 2);
	assert_int_equal(bench("run --no-such-option"), 2);
}

static void test_small_device(void **state)
{
	char path[128], args[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/small", folder);
	close(mkstemp(strcpy(args, "/tmp/delwribench-test-XXXXXX")));
	assert_int_equal(rename(args, path), 0);
	assert_int_equal(truncate(path, 1 << 20), 0);
	snprintf(args, sizeof(args), "--device %s", path);
	check_refused(args, path);
}

static void test_out_is_a_file(void **state)
{
	char args[256];

	(void)state;
	snprintf(args, sizeof(args), "run --out '%s'", program);
	assert_int_equal(bench(args), 2);
	assert_non_null(strstr(output, program));
	assert_int_equal(strcspn(output, "\n") + 1, strlen(output));
}

static void test_list(void **state)
{
	json_t *list = bench_list();

	(void)state;
	assert_true(json_array_size(json_object_get(list, "fixes")) > 2);
	assert_true(json_array_size(json_object_get(list, "workloads")) > 2);
	assert_true(json_is_array(json_object_get(list, "floors")));
	json_decref(list);
	assert_int_equal(bench("run --list"), 0);
	assert_non_null(strstr(output, "delwri_queue_here"));
}

/* The only file that matches; its JSON. */
static json_t *load(const char *out, const char *name)
{
	char pattern[256];
	json_t *json;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/%s/*/%s", folder, out, name);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	json = json_load_file(found.gl_pathv[0], 0, NULL);
	globfree(&found);
	assert_non_null(json);
	return json;
}

/* Rows of @fix in @block; each measured, or not and why. */
static unsigned int check_rows(const json_t *block, const char *fix)
{
	unsigned int found = 0;
	json_t *row, *batches;
	size_t i;

	json_array_foreach(json_object_get(block, "rows"), i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "fix")),
			   fix))
			continue;
		found++;
		batches = json_object_get(row, "batches_ns");
		if (json_array_size(batches) == 4)
			continue;
		assert_true(json_is_null(batches));
		assert_true(json_is_string(
			json_object_get(row, "batches_ns_reason")));
	}
	return found;
}

static void test_run(void **state)
{
	char args[512], lookup[64], bulkload[64];
	json_t *json;

	(void)state;
	first_workload("lookup", lookup);
	first_workload("bulkload", bulkload);
	snprintf(args, sizeof(args),
		 "run --no-verify -t 3 -r 4 -b 2 -w %s -w %s --fix none --fix null --out %s/run",
		 bulkload, lookup, folder);
	if (bench(args))
		fail_msg("%s: %s", args, output);
	assert_non_null(strstr(output, "2 of 2 blocks"));
	json_decref(load("run", "block-0002.json"));
	json_decref(load("run", "machine.json"));
	json_decref(load("run", "benchmark.json"));
	json = load("run", "block-0001.json");
	assert_int_equal(check_rows(json, "none"), 2);
	assert_int_equal(check_rows(json, "null"), 2);
	json_decref(json);
}

/* By an instrumented copy, in a round of its own where there is another. */
static void check_counted(const json_t *row)
{
	const json_t *counted = json_object_get(row, "counted");
	const char *fix = json_string_value(json_object_get(row, "fix"));
	const char *copy = json_string_value(json_object_get(counted, "copy"));
	uint64_t nr = json_integer_value(
		json_object_get(counted, "operations"));
	json_t *counters = json_object_get(row, "counters");

	if (!strcmp(fix, "floor")) {
		assert_string_equal(copy, "timed");
		assert_int_equal(nr, 4);
		assert_null(json_object_get(counters, "hits"));
		assert_true(json_is_null(json_object_get(row, "misqueued")));
		return;
	}
	assert_string_equal(copy, "instrumented");
	/* Of a build that is not timed all copies count, in every round. */
	assert_int_equal(nr, strcmp(machine_build_type(), "release") ? 4 : 1);
	/* A load of 64 blocks finds none of them, and its AG's header. */
	assert_true(json_number_value(json_object_get(counters, "misses")) >=
		    64. * nr);
	assert_true(json_is_integer(json_object_get(row, "misqueued")));
	assert_true(json_is_object(json_object_get(row, "waits")));
}

/* Each batch in a process of its own, whose memory is known. */
static void test_alone(void **state)
{
	json_t *json, *row;
	char args[256];
	size_t i;

	(void)state;
	snprintf(args, sizeof(args),
		 "run --no-verify -w bulkload/cold --fix none --out %s/cold",
		 folder);
	if (bench(args))
		fail_msg("%s: %s", args, output);
	json = load("cold", "block-0001.json");
	assert_int_equal(check_rows(json, "none"), 1);
	json_array_foreach(json_object_get(json, "rows"), i, row)
	{
		json_t *counters = json_object_get(row, "counters");

		assert_int_equal(
			json_integer_value(json_object_get(row, "operations")),
			4);
		check_counted(row);
		/* At least the program itself. */
		assert_true(json_real_value(json_object_get(
				    counters, "max_process_kb")) > 1000);
	}
	assert_true(i >= 2);
	json_decref(json);
}

/* One fix is measured together with what it is compared with. */
static void test_baseline(void **state)
{
	char args[256], lookup[64];

	(void)state;
	first_workload("lookup", lookup);
	snprintf(args, sizeof(args),
		 "run --no-verify -t 9 -r 1 -w %s --fix multi_list --out %s/base",
		 lookup, folder);
	if (bench(args))
		fail_msg("%s: %s", args, output);
	assert_non_null(strstr(output, "none is measured too"));
	assert_non_null(strstr(output, "\nnone "));
	assert_non_null(strstr(output, "\nmulti_list "));
	/* There is no machine with nine; none that runs this anyway. */
	if (sysconf(_SC_NPROCESSORS_ONLN) < 9)
		assert_non_null(strstr(output, "OVERSUBSCRIBED"));
}

/* Listed as WORKLOAD/none, or not. */
static void check_selected(const json_t *w, bool expected)
{
	char line[128];

	snprintf(line, sizeof(line), "%s/none\n",
		 json_string_value(json_object_get(w, "name")));
	if (!!strstr(output, line) != expected)
		fail_msg("%s: %s selected", line,
			 expected ? "not" : "wrongly");
}

/* A group's name means its cases, but for the long ones. */
static void test_groups(void **state)
{
	json_t *list = bench_list(), *w;
	char args[256];
	size_t i;

	(void)state;
	for (int full = 0; full < 2; full++) {
		snprintf(args, sizeof(args),
			 "run --workload lookup %s --benchmark_list_tests=true",
			 full ? "--full" : "");
		assert_int_equal(bench(args), 0);
		json_array_foreach(json_object_get(list, "workloads"), i, w)
		{
			const char *group = json_string_value(
				json_object_get(w, "group"));

			check_selected(w, !strcmp(group, "lookup") &&
						  (full ||
						   json_is_true(json_object_get(
							   w, "default"))));
		}
	}
	json_array_foreach(json_object_get(list, "workloads"), i, w)
	{
		snprintf(args, sizeof(args),
			 "run --workload %s --benchmark_list_tests=true",
			 json_string_value(json_object_get(w, "name")));
		assert_int_equal(bench(args), 0);
		check_selected(w, true);
	}
	json_decref(list);
}

/* No machine has nodes at such a distance. */
#define NOWHERE	"--policy cross-node:254"

/* A policy that cannot be met is skipped, and the others are measured. */
static void test_placed(void **state)
{
	json_t *block, *stages, *stage, *row;
	char args[512], workload[64];
	const char *name;
	size_t i, k;

	(void)state;
	first_workload("lookup/", workload);
	snprintf(args, sizeof(args),
		 "run --no-verify --out %s/nowhere " NOWHERE
		 " -w %s -r 1 --fix none",
		 folder, workload);
	assert_int_equal(bench(args), 1);
	assert_non_null(strstr(output, "skipped: cross-node:254"));
	snprintf(args, sizeof(args),
		 "run --no-verify --out %s/placed " NOWHERE
		 " --policy compact --role ail=same -t 1 -w %s -r 1 --fix none",
		 folder, workload);
	if (bench(args))
		fail_msg("%s", output);
	assert_non_null(strstr(output, "skipped: cross-node:254"));
	block = load("placed", "block-*.json");
	stages = json_object_get(block, "placements");
	assert_int_equal(json_array_size(stages), 2);
	stage = json_array_get(stages, 0);
	assert_true(json_is_string(json_object_get(stage, "skipped")));
	stage = json_array_get(stages, 1);
	assert_true(json_is_true(json_object_get(stage, "ok")));
	assert_int_equal(json_array_size(json_object_get(stage, "threads")), 2);
	assert_true(json_array_size(json_object_get(stage, "pages")) >= 5);
	name = json_string_value(json_object_get(stage, "placement"));
	assert_string_equal(name, "compact, ail on looker 0's node");
	json_array_foreach(json_object_get(block, "rows"), i, row)
	{
		assert_string_equal(json_string_value(json_object_get(
					    row, "placement")),
				    name);
		assert_int_equal(json_integer_value(json_object_get(
					 row, "threads")),
				 1);
		/* Each counter has a value, or why not. */
		json_t *list = json_object_get(row, "perf"), *c;

		json_array_foreach(list, k, c)
			assert_true(json_is_number(json_object_get(
					    c, "per_operation")) ||
				    json_is_string(json_object_get(
					    c, "per_operation_reason")));
	}
	json_decref(block);
}

/* Every way of sharing at every point that the machine offers. */
static void test_sweep(void **state)
{
	json_t *block, *stages, *stage;
	unsigned int placed = 0;
	char args[512];
	size_t i;

	(void)state;
	snprintf(args, sizeof(args),
		 "run --no-verify --out %s/sweep --sweep "
		 "--policy compact " NOWHERE " -t 2 -r 1 --fix none",
		 folder);
	if (bench(args))
		fail_msg("%s", output);
	block = load("sweep", "block-*.json");
	stages = json_object_get(block, "placements");
	/* 1 thread and 2, and that there is no such distance. */
	assert_int_equal(json_array_size(stages), 3);
	json_array_foreach(stages, i, stage)
		placed += !json_object_get(stage, "skipped");
	assert_int_equal(placed, 2);
	/* own AG, one AG, hot, Zipf, by none, its twin and two floors */
	assert_int_equal(json_array_size(json_object_get(block, "rows")),
			 placed * 4 * 4);
	json_decref(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_small_device),
		cmocka_unit_test(test_out_is_a_file),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_placed),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_groups),
	};

	if (!program_find())
		return 2;
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
