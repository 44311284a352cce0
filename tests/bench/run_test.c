// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program itself: bad usage ends with status 2 and one line that says
 * why, a run leaves its blocks, an interrupted one the finished blocks.
 */
#include "tests/bench/bench_test.h"

#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *program;
static char output[65536];

/* Exit status of `delwribench @args`; what it printed is in output[]. */
static int bench(const char *args)
{
	char command[4096];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command), "'%s' %s 2>&1 </dev/null", program,
		 args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

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
	check_refused("--workload no_such_workload", "lookup");
	check_refused("--threads 0", "threads");
	check_refused("--threads many", "threads");
	check_refused("--blocks 0", "blocks");
	check_refused("--rounds -1", "rounds");
	check_refused("--seed x", "seed");
	check_refused("--device ''", "device");
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
	json_t *list;

	(void)state;
	assert_int_equal(bench("run --list --json"), 0);
	list = json_loads(output, 0, NULL);
	assert_non_null(list);
	assert_true(json_array_size(json_object_get(list, "fixes")) > 2);
	assert_true(json_array_size(json_object_get(list, "workloads")) > 2);
	json_decref(list);
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

static void test_run(void **state)
{
	json_t *json, *row, *batches;
	char args[256];
	size_t i;

	(void)state;
	snprintf(args, sizeof(args), "run --no-verify -t 3 -r 4 -b 2 "
		 "-w lookup -w bulkload --fix none --fix null --out %s/run",
		 folder);
	if (bench(args))
		fail_msg("%s: %s", args, output);
	json_decref(load("run", "block-0002.json"));
	json_decref(load("run", "machine.json"));
	json_decref(load("run", "benchmark.json"));
	json = load("run", "block-0001.json");
	assert_int_equal(json_array_size(json_object_get(json, "rows")), 4);
	json_array_foreach(json_object_get(json, "rows"), i, row)
	{
		batches = json_object_get(row, "batches_ns");
		if (json_array_size(batches) == 4)
			continue;
		/* Not measured: null, and why. */
		assert_true(json_is_null(batches));
		assert_true(json_is_string(
			json_object_get(row, "batches_ns_reason")));
	}
	json_decref(json);
}

static void test_interrupted(void **state)
{
	char out[128], pattern[256],
		*argv[] = {
			(char *)program,
			"run",
			"--no-verify",
			"-r",
			"1",
			"-b",
			"9000",
			"-w",
			"lookup",
			"-t",
			"1",
			"--fix",
			"none",
			"--out",
			out,
			NULL,
		};
	unsigned int tries = 0;
	glob_t found;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	snprintf(out, sizeof(out), "%s/int", folder);
	snprintf(pattern, sizeof(pattern), "%s/*/block-0002.json", out);
	/*
	 * Leak detection at exit has a process of its own, which would be
	 * left to us if its master is killed just then.
	 */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(1);
		execv(program, argv);
		_exit(1);
	}
	while (glob(pattern, 0, NULL, &found) && ++tries < 3000)
		usleep(10000);
	assert_true(tries < 3000);
	globfree(&found);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 130);
	json_decref(load("int", "block-0001.json"));
	snprintf(pattern, sizeof(pattern), "%s/*/.*.tmp", out);
	assert_int_equal(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
	/* A child that it left behind would be ours. */
	assert_int_equal(waitpid(-1, &status, 0), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_small_device),
		cmocka_unit_test(test_out_is_a_file),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_interrupted),
	};

	program = getenv("DELWRIBENCH");
	if (!program) {
		puts("DELWRIBENCH does not name the program: run ctest");
		return 77;
	}
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
