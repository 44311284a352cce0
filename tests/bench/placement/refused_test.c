// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a sandbox refuses NUMA's system calls, or binding: the call and its
 * error are named, what cannot be looked for is no pass, and a run goes on
 * only if it measures what it says.  Each in a process of its own, which the
 * filter ends with.
 */
#include "tests/bench/placement/topology_test.h"
#include "tests/bench/program_test.h"
#include "tests/bench/refuse_test.h"

#include <glob.h>

#include "bench/placement/plan_bind.h"

/* What the child found wrong; an assertion there would end the wrong one. */
enum { FINE, NO_FILTER = 100 };

static int wait_for(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool says(const json_t *rows, const char *text)
{
	const char *why = json_string_value(
		json_object_get(json_array_get(rows, 0), "reason"));

	return why && strstr(why, text);
}

/* A plan for two threads, tried where @refused calls fail with @error. */
static json_t *check(enum plan_memory memory)
{
	struct plan_request req = { .policy = PLAN_COMPACT, .memory = memory };
	struct topology *t = load("this");
	struct plan plan;
	json_t *json;

	req.role[PLAN_LOOKER].nr = 2;
	if (plan_make(t, &req, &plan))
		return NULL;
	json = plan_check(&plan, memory);
	plan_free(&plan);
	topology_free(t);
	return json;
}

static int numa_refused(int error, const char *name)
{
	json_t *local, *turns;

	if (refuse_numa(error))
		return NO_FILTER;
	local = check(PLAN_LOCAL);
	turns = check(PLAN_INTERLEAVED);
	/* Where the threads are is still known, but not where pages are. */
	if (!json_is_null(json_object_get(local, "ok")))
		return 1;
	if (!json_is_null(json_object_get(
		    json_array_get(json_object_get(local, "pages"), 1),
		    "pages")) ||
	    !says(json_object_get(local, "pages"), "move_pages is refused") ||
	    !says(json_object_get(local, "pages"), name))
		return 2;
	/* That is not what the kernel does by itself. */
	if (!json_is_false(json_object_get(turns, "ok")) ||
	    !says(json_object_get(turns, "threads"),
		  "set_mempolicy is refused") ||
	    !says(json_object_get(turns, "threads"), name))
		return 3;
	return FINE;
}

static void test_numa(void **state)
{
	static const struct {
		int error;
		const char *name;
	} refusals[] = { { EPERM, "EPERM" }, { ENOSYS, "ENOSYS" } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(numa_refused(refusals[i].error,
					   refusals[i].name));
		assert_int_equal(wait_for(pid), FINE);
	}
}

static int binding_refused(void)
{
	json_t *json;

	if (refuse(SYS_sched_setaffinity, EPERM))
		return NO_FILTER;
	json = check(PLAN_LOCAL);
	if (!json_is_false(json_object_get(json, "ok")))
		return 1;
	return !says(json_object_get(json, "threads"),
		     "sched_setaffinity is refused here (EPERM)");
}

static void test_binding(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(binding_refused());
	assert_int_equal(wait_for(pid), FINE);
}

/* hwloc would ask for ever. */
static int affinity_unknown(void)
{
	struct topology *t;
	char why[512];

	alarm(600);
	if (refuse(SYS_sched_getaffinity, EPERM))
		return NO_FILTER;
	if (!topology_load("this", &t, why, sizeof(why)))
		return 1;
	return !strstr(why, "sched_getaffinity is refused here (EPERM)");
}

static void test_affinity(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(affinity_unknown());
	assert_int_equal(wait_for(pid), FINE);
}

/* --- whole runs --------------------------------------------------------- */

/* Status of a run where NUMA's calls or else binding is refused. */
static int run(bool numa, const char *options)
{
	char command[4096];
	int pipes[2];
	size_t nr = 0;
	ssize_t n;
	pid_t pid;

	snprintf(command, sizeof(command),
		 "exec '%s' run --no-verify --workload lookup/own_1k --fix none --rounds 2 --blocks 1 --out %s %s",
		 program, folder, options);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		if (numa ? refuse_numa(EPERM) :
			   refuse(SYS_sched_setaffinity, EPERM))
			_exit(NO_FILTER);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(NO_FILTER);
	}
	close(pipes[1]);
	while ((n = read(pipes[0], output + nr, sizeof(output) - 1 - nr)) > 0)
		nr += n;
	output[nr] = '\0';
	close(pipes[0]);
	return wait_for(pid);
}

/* The only stage of the only block. */
static json_t *stage_of_run(void)
{
	json_t *block, *stage;
	char pattern[128];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*/block-0001.json", folder);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	block = json_load_file(found.gl_pathv[0], 0, NULL);
	globfree(&found);
	assert_non_null(block);
	stage = json_array_get(json_object_get(block, "placements"), 0);
	assert_non_null(stage);
	json_incref(stage);
	json_decref(block);
	return stage;
}

static void test_run_unverified(void **state)
{
	json_t *stage;

	(void)state;
	assert_int_equal(run(true, "--policy compact"), 0);
	assert_non_null(strstr(output, "NOT VERIFIED"));
	assert_non_null(strstr(output, "move_pages is refused here (EPERM)"));
	stage = stage_of_run();
	assert_true(json_is_false(json_object_get(stage, "verified")));
	assert_non_null(json_object_get(stage, "memory_refused"));
	assert_true(says(json_object_get(stage, "pages"), "EPERM"));
	json_decref(stage);
}

static void test_run_impossible(void **state)
{
	(void)state;
	assert_int_equal(run(true, "--policy compact --memory interleaved"), 2);
	assert_non_null(strstr(output,
			       "set_mempolicy is refused here (EPERM)"));
}

static void test_run_floats(void **state)
{
	json_t *stage;

	(void)state;
	assert_int_equal(run(false, "--threads 2"), 0);
	assert_non_null(strstr(output, "2 of 2 lookers float"));
	stage = stage_of_run();
	assert_true(json_is_false(json_object_get(stage, "verified")));
	assert_int_equal(json_array_size(json_object_get(stage, "floating")),
			 2);
	json_decref(stage);
}

static void test_run_unbound(void **state)
{
	(void)state;
	assert_int_equal(run(false, "--policy compact"), 2);
	assert_non_null(strstr(output,
			       "sched_setaffinity is refused here (EPERM)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numa),
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test_setup_teardown(test_run_unverified,
						folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(test_run_impossible,
						folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(test_run_floats, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(test_run_unbound, folder_make,
						folder_remove),
	};

	if (!program_find())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
