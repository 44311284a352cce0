// SPDX-License-Identifier: GPL-2.0-only
/*
 * What somebody may take from us meanwhile: each is read, a change of each
 * is seen and named, and what nobody can tell is no change.
 */
#include "tests/bench/machine/machine_tree.h"

static char why[600];

static void put_status(const char *cpus, const char *mems)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t%s\n"
		 "Mems_allowed:\t3\nMems_allowed_list:\t%s",
		 cpus, mems);
	tree_put("/proc/self/status", text);
}

/* A group of a user's, with all that it can set. */
static void put_all(void)
{
	tree_put(TREE_CPU "/online", "0-7");
	put_status("0-7", "0-1");
	tree_put("/proc/self/cgroup", "0::/user.slice/alice");
	tree_put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu memory");
	tree_put("/sys/fs/cgroup/user.slice/memory.max", "max");
	tree_put("/sys/fs/cgroup/user.slice/alice/memory.max", "1073741824");
	tree_put("/sys/fs/cgroup/user.slice/alice/cpu.max", "200000 100000");
	tree_put("/sys/fs/cgroup/user.slice/alice/cpuset.cpus.effective",
		 "0-7");
	tree_put("/sys/fs/cgroup/user.slice/alice/cpuset.mems.effective",
		 "0-1");
}

static json_t *conditions(void)
{
	json_t *now = machine_conditions();

	assert_non_null(now);
	return now;
}

/* With @path as @line says, the change is told in the words of @expected. */
static void check_change(const char *path, const char *line,
			 const char *expected)
{
	json_t *then, *now;

	put_all();
	then = conditions();
	tree_put(path, line);
	now = conditions();
	*why = '\0';
	assert_true(machine_conditions_differ(then, now, why, sizeof(why)));
	assert_string_equal(why, expected);
	json_decref(then);
	json_decref(now);
}

static void test_same(void **state)
{
	json_t *then, *now;
	char *text;

	(void)state;
	put_all();
	then = conditions();
	now = conditions();
	assert_false(machine_conditions_differ(then, now, why, sizeof(why)));
	/* Results name no user. */
	text = json_dumps(now, 0);
	assert_null(strstr(text, "alice"));
	free(text);
	json_decref(then);
	json_decref(now);
}

static void test_each(void **state)
{
	(void)state;
	check_change(TREE_CPU "/online", "0-6",
		     "processors online: 0-7, then 0-6");
	check_change("/proc/self/status",
		     "Cpus_allowed_list:\t0\nMems_allowed_list:\t0-1",
		     "processors allowed: 0-7, then 0");
	check_change("/proc/self/status",
		     "Cpus_allowed_list:\t0-7\nMems_allowed_list:\t1",
		     "memory nodes allowed: 0-1, then 1");
	check_change("/sys/fs/cgroup/user.slice/alice/cpuset.cpus.effective",
		     "0-3", "processors of the cgroup: 0-7, then 0-3");
	check_change("/sys/fs/cgroup/user.slice/alice/cpuset.mems.effective",
		     "0", "memory nodes of the cgroup: 0-1, then 0");
	check_change("/sys/fs/cgroup/user.slice/alice/cpu.max", "50000 100000",
		     "quota of the cgroup, in processors: 2, then 0.5");
	check_change("/sys/fs/cgroup/user.slice/alice/cpu.max", "max 100000",
		     "quota of the cgroup, in processors: 2, then none");
	/* The group above may be the stricter one. */
	check_change("/sys/fs/cgroup/user.slice/memory.max", "536870912",
		     "memory limit of the cgroup, in bytes: 1073741824, then 536870912");
	check_change("/sys/fs/cgroup/user.slice/alice/memory.max", "max",
		     "memory limit of the cgroup, in bytes: 1073741824, then none");
}

/* The first version's, whose largest number means none. */
static void test_first_version(void **state)
{
	json_t *then, *now;

	(void)state;
	tree_put("/proc/self/cgroup", "4:memory:/a\n3:cpuset:/a");
	tree_put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
		 "9223372036854771712");
	tree_put("/sys/fs/cgroup/cpuset/a/cpuset.effective_mems", "0-1");
	then = conditions();
	assert_string_equal(json_string_value(json_object_get(
				    then, "cgroup_memory_limit")),
			    "none");
	tree_put("/sys/fs/cgroup/cpuset/a/cpuset.effective_mems", "1");
	now = conditions();
	assert_true(machine_conditions_differ(then, now, why, sizeof(why)));
	assert_string_equal(why, "memory nodes of the cgroup: 0-1, then 1");
	json_decref(then);
	json_decref(now);
}

static void test_unknown(void **state)
{
	json_t *then, *now;

	(void)state;
	put_all();
	then = conditions();
	tree_put("/proc/self/status", NULL);
	tree_put(TREE_CPU "/online", NULL);
	now = conditions();
	assert_true(json_is_null(json_object_get(now, "processors_allowed")));
	assert_true(json_is_string(
		json_object_get(now, "processors_allowed_reason")));
	assert_false(machine_conditions_differ(then, now, why, sizeof(why)));
	assert_false(machine_conditions_differ(NULL, now, why, sizeof(why)));
	json_decref(then);
	json_decref(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same, tree_make,
						tree_remove),
		cmocka_unit_test_setup_teardown(test_each, tree_make,
						tree_remove),
		cmocka_unit_test_setup_teardown(test_first_version, tree_make,
						tree_remove),
		cmocka_unit_test_setup_teardown(test_unknown, tree_make,
						tree_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
