// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does not fit in memory is skipped, says both numbers, and the run
 * ends well; what is said to be needed is what is used.
 */
#include "tests/bench/program_test.h"

#include <glob.h>
#include <sys/resource.h>

/* Ahead of the harness's: hwloc has variables named as its macros. */
#include "tests/bench/machine/machine_tree.h"

#include "bench/run/run_memory.h"

#define MIB	(1ull << 20)

/* --- needs --------------------------------------------------------------- */

static struct memory_need need_of(const struct workload *w,
				  unsigned int threads, unsigned int nr)
{
	const struct bench b = { .threads = threads };
	struct memory_need need;

	run_memory_need(w, &b, fixes, nr, w->rounds, &need);
	return need;
}

/* Each has some, and of more caches more, unless one is there at a time. */
static void test_needs(void **state)
{
	(void)state;
	for (struct workload *w = workload_first(); w; w = w->next) {
		struct memory_need one = need_of(w, 2, 1);
		struct memory_need three = need_of(w, 2, 3);

		assert_true(one.resident > MIB);
		assert_true(one.mapped > one.resident);
		if (w->large || w->alone)
			assert_true(three.resident < 2 * one.resident ||
				    three.resident < 64 * MIB);
		else
			assert_true(three.resident > one.resident);
	}
}

static const struct workload *named(const char *name)
{
	struct workload *w = workload_first();

	while (w && strcmp(w->name, name))
		w = w->next;
	assert_non_null(w);
	return w;
}

/* 409,600 buffers of 360 bytes and more in each of eight caches. */
static void test_large(void **state)
{
	struct memory_need need = need_of(named("lookup/own_400k"), 2, 8);

	(void)state;
	assert_true(need.resident > 8 * 409600ull * 384);
	assert_true(need.resident < 8 * 409600ull * 768);
}

/* A device keeps nothing in memory, and has one cache at a time. */
static void test_device(void **state)
{
	const struct bench memory = { .threads = 2 };
	const struct bench disk = { .threads = 2, .device = "disk" };
	const struct workload *w = named("repair_storm/1k");
	struct memory_need a, b;

	(void)state;
	run_memory_need(w, &memory, fixes, 6, 3, &a);
	run_memory_need(w, &disk, fixes, 6, 3, &b);
	assert_true(b.resident < a.resident && b.mapped < a.mapped);
}

/* --- does it fit? -------------------------------------------------------- */

static void test_fits(void **state)
{
	struct memory_need need = { .resident = 100 * MIB,
				    .mapped = 1000 * MIB };
	struct memory_fit fit;

	(void)state;
	assert_true(run_memory_fits(&need, NULL, &fit));
	assert_non_null(strstr(fit.why, "not told"));
	tree_put("/proc/meminfo", "MemAvailable: 1048576 kB");
	assert_true(run_memory_fits(&need, NULL, &fit));
	tree_put("/proc/meminfo", "MemAvailable: 51200 kB");
	assert_false(run_memory_fits(&need, NULL, &fit));
	assert_string_equal(fit.why,
			    "needs 100 MiB, 50 here (what the machine has available)");
	/* Enough of it, and overcommitting is refused. */
	tree_put("/proc/meminfo", "MemAvailable: 1048576 kB\n"
		 "CommitLimit: 614400 kB\nCommitted_AS: 102400 kB");
	tree_put("/proc/sys/vm/overcommit_memory", "2");
	assert_false(run_memory_fits(&need, NULL, &fit));
	assert_non_null(strstr(fit.why,
			       "needs 1000 MiB of address space, 500 here"));
	assert_non_null(strstr(fit.why, "CommitLimit"));
}

/* What a plan's nodes have, whatever others have. */
static uint64_t plan_room(const struct plan_request *req)
{
	struct memory_room room;
	struct topology *t;
	struct plan plan;
	char why[256];

	assert_int_equal(topology_load("node:2 core:2 pu:1", &t, why,
				       sizeof(why)),
			 0);
	assert_int_equal(plan_make(t, req, &plan), 0);
	assert_string_equal(plan.skipped, "");
	assert_true(run_memory_plan_room(&plan, &room) == !!room.limit[0]);
	plan_free(&plan);
	topology_free(t);
	return room.bytes;
}

static void test_node(void **state)
{
	struct plan_request req = { .policy = PLAN_COMPACT };

	(void)state;
	req.role[PLAN_LOOKER].nr = 2;
	/* Nobody tells. */
	assert_true(plan_room(&req) == UINT64_MAX);
	tree_put("/sys/devices/system/node/node0/meminfo",
		 "Node 0 MemTotal: 65536000 kB\nNode 0 MemFree: 51200 kB");
	tree_put("/sys/devices/system/node/node1/meminfo",
		 "Node 1 MemTotal: 65536000 kB\nNode 1 MemFree: 102400 kB");
	assert_true(plan_room(&req) == 50 * MIB);
	req.memory = PLAN_REMOTE;
	assert_true(plan_room(&req) == 100 * MIB);
	/* A page at each by turns. */
	req.memory = PLAN_INTERLEAVED;
	assert_true(plan_room(&req) == UINT64_MAX);
	req.memory = PLAN_LOCAL;
	req.policy = PLAN_CROSS_NODE;
	assert_true(plan_room(&req) == 150 * MIB);
}

/* --- the program --------------------------------------------------------- */

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)

static double need_listed(const char *args, const char *name)
{
	char line[256];
	json_t *list, *w;
	double bytes = 0;
	size_t i;

	snprintf(line, sizeof(line), "run --list --json %s", args);
	assert_int_equal(bench(line), 0);
	list = json_loads(output, 0, NULL);
	assert_non_null(list);
	json_array_foreach(json_object_get(list, "workloads"), i, w)
	{
		if (!strcmp(json_string_value(json_object_get(w, "name")), name))
			bytes = json_number_value(
				json_object_get(w, "memory_bytes"));
	}
	json_decref(list);
	return bytes;
}

/* No less than what it has used, and not much more. */
static void test_used(void **state)
{
	const char *args = "-t 2 -r 2 --fix multi_list";
	double needs = need_listed(args, "lookup/own_64k");
	struct rusage usage;
	char line[256];

	(void)state;
	snprintf(line, sizeof(line),
		 "run --no-verify %s -w lookup/own_64k --out %s/used", args,
		 folder);
	assert_int_equal(bench(line), 0);
	assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
	assert_true(usage.ru_maxrss * 1024.0 <= needs);
	assert_true(usage.ru_maxrss * 1024.0 >= needs / 2);
}

/* With so little address space, in a shell; exit status. */
static int bench_limited(const char *args, uint64_t bytes)
{
	char command[1024];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command),
		 "ulimit -v %llu; exec '%s' %s 2>&1 </dev/null",
		 (unsigned long long)(bytes >> 10), program, args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static char *run_folder(const char *out)
{
	char pattern[128], *path;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/%s/*", folder, out);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	path = strdup(found.gl_pathv[0]);
	globfree(&found);
	return path;
}

static void check_skipped(const char *dir, const char *block)
{
	char path[256];
	json_t *json, *row, *skipped;
	unsigned int nr = 0;
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", dir, block);
	json = json_load_file(path, 0, NULL);
	assert_non_null(json);
	json_array_foreach(json_object_get(json, "rows"), i, row)
	{
		const char *w = json_string_value(
			json_object_get(row, "workload"));

		skipped = json_object_get(row, "skipped");
		assert_true(!strcmp(w, "lookup/own_400k") == !!skipped);
		if (!skipped)
			continue;
		nr++;
		assert_true(
			json_integer_value(json_object_get(skipped,
							   "needs_bytes")) >
			json_integer_value(json_object_get(skipped,
							   "here_bytes")));
		assert_non_null(json_object_get(row, "batches_ns_reason"));
	}
	assert_true(nr > 0);
	json_decref(json);
}

/* The first case is measured, the second skipped; then resumed alike. */
static void test_skipped(void **state)
{
	const struct bench b = { .threads = 2 };
	struct memory_need hot, large;
	char args[512], path[300], *dir;
	uint64_t limit;

	(void)state;
	run_memory_need(named("lookup/hot"), &b, fixes, 5, 2, &hot);
	run_memory_need(named("lookup/own_400k"), &b, fixes, 5, 2, &large);
	limit = (hot.mapped + large.mapped) / 2 + 128 * MIB;
	snprintf(args, sizeof(args),
		 "run --no-verify -t 2 -r 2 -b 2 --fix multi_list -w lookup/hot -w lookup/own_400k --out %s/small",
		 folder);
	if (bench_limited(args, limit))
		fail_msg("%s", output);
	assert_non_null(strstr(output, "SKIPPED: needs "));
	assert_non_null(strstr(output, "RLIMIT_AS"));
	dir = run_folder("small");
	check_skipped(dir, "block-0001.json");
	check_skipped(dir, "block-0002.json");
	snprintf(path, sizeof(path), "%s/block-0002.json", dir);
	assert_int_equal(unlink(path), 0);
	snprintf(args, sizeof(args), "run --no-verify --resume %s", dir);
	if (bench_limited(args, limit))
		fail_msg("%s", output);
	check_skipped(dir, "block-0002.json");
	free(dir);
}

/* Nothing left: said so, nothing written, and no success. */
static void test_nothing_left(void **state)
{
	char args[256], path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/nothing", folder);
	snprintf(args, sizeof(args),
		 "run --no-verify -t 2 --fix multi_list -w lookup/own_400k --out %s",
		 path);
	assert_int_equal(bench_limited(args, 600 * MIB), 1);
	assert_non_null(strstr(output, "nothing is left to measure"));
	assert_int_equal(access(path, F_OK), -1);
}

#else

static void test_used(void **state)
{
	(void)state;
	print_message("skipped: a sanitizer's own memory is no workload's\n");
	skip();
}

#define test_skipped		test_used
#define test_nothing_left	test_used

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_device),
		cmocka_unit_test_setup_teardown(test_fits, tree_make,
						tree_remove),
		cmocka_unit_test_setup_teardown(test_node, tree_make,
						tree_remove),
	};
	const struct CMUnitTest programs[] = {
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_skipped),
		cmocka_unit_test(test_nothing_left),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (!program_find())
		return failed ? failed : 77;
	return failed +
	       cmocka_run_group_tests(programs, folder_make, folder_remove);
}
