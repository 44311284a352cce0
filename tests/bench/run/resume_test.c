// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run that was stopped: nothing finished is lost or measured twice, what
 * does not belong to it is refused and left as it is, no process survives.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/bench/program_test.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "bench/result.h"

#define BLOCKS	3

static char workload[64];
static char run[256];			/* a finished run's folder */

static const char *file(const char *dir, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool exists(const char *dir, const char *name)
{
	return !access(file(dir, name), F_OK);
}

/* The only folder in @out goes to @dir. */
static void find_run(const char *out, char dir[256])
{
	glob_t found;

	assert_int_equal(glob(file(out, "*"), 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	snprintf(dir, 256, "%s", found.gl_pathv[0]);
	globfree(&found);
}

/* All there is, as one JSON text; free() it. */
static char *contents(const char *dir)
{
	json_t *all = json_object();
	glob_t found;
	char *text;

	assert_int_equal(glob(file(dir, "*"), 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *f = fopen(found.gl_pathv[i], "r");
		static char buf[1 << 20];
		size_t n;

		assert_non_null(f);
		n = fread(buf, 1, sizeof(buf), f);
		fclose(f);
		json_object_set_new(all, found.gl_pathv[i],
				    json_stringn_nocheck(buf, n));
	}
	globfree(&found);
	text = json_dumps(all, JSON_SORT_KEYS);
	json_decref(all);
	assert_non_null(text);
	return text;
}

static int resume(const char *dir)
{
	char args[512];

	snprintf(args, sizeof(args), "run --resume %s", dir);
	return bench(args);
}

/* Refused in one line with @word; nothing is written or removed. */
static void check_refused(const char *word)
{
	char *before = contents(run), *after;

	if (resume(run) != 2)
		fail_msg("not refused: %s", output);
	if (!strstr(output, word))
		fail_msg("no '%s' in: %s", word, output);
	assert_int_equal(strcspn(output, "\n") + 1, strlen(output));
	after = contents(run);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* Set @key of @object in a file of the run; returns what to put back. */
static json_t *edit(const char *name, const char *object, const char *key,
		    json_t *value)
{
	json_t *json = json_load_file(file(run, name), 0, NULL), *old, *at;

	assert_non_null(json);
	at = object ? json_object_get(json, object) : json;
	old = json_incref(json_object_get(at, key));
	assert_non_null(old);
	assert_int_equal(json_object_set_new(at, key, value), 0);
	assert_int_equal(json_dump_file(json, file(run, name), JSON_COMPACT),
			 0);
	json_decref(json);
	return old;
}

static void check_edit(const char *name, const char *object, const char *key,
		       const char *word)
{
	json_t *old = edit(name, object, key, json_string("something else"));

	check_refused(word);
	json_decref(edit(name, object, key, old));
}

static int make_run(void **state)
{
	char args[512], out[128];

	if (folder_make(state))
		return -1;
	first_workload("lookup", workload);
	snprintf(out, sizeof(out), "%s/out", folder);
	snprintf(args, sizeof(args),
		 "run --no-verify -t 1 -r 1 -b %d -w %s --fix none --out %s",
		 BLOCKS, workload, out);
	if (bench(args)) {
		fprintf(stderr, "%s: %s", args, output);
		return -1;
	}
	find_run(out, run);
	return 0;
}

/* Everything is there: it is shown, and stays. */
static void test_finished(void **state)
{
	(void)state;
	assert_int_equal(remove(file(run, "benchmark.json")), 0);
	assert_int_equal(resume(run), 0);
	assert_non_null(strstr(output, "3 of 3 blocks"));
	assert_true(exists(run, "benchmark.json"));
	assert_null(strstr(output, "left\n"));
}

static void test_missing_block(void **state)
{
	json_t *first, *again, *second;
	FILE *left;

	(void)state;
	first = json_load_file(file(run, "block-0001.json"), 0, NULL);
	assert_int_equal(remove(file(run, "block-0002.json")), 0);
	left = fopen(file(run, ".block-0002.json.tmp"), "w");
	assert_non_null(left);
	fclose(left);
	assert_int_equal(resume(run), 0);
	assert_non_null(strstr(output, "3 of 3 blocks"));
	assert_false(exists(run, ".block-0002.json.tmp"));
	again = json_load_file(file(run, "block-0001.json"), 0, NULL);
	assert_true(json_equal(first, again));
	second = json_load_file(file(run, "block-0002.json"), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(second, "run")),
			    json_string_value(json_object_get(first, "run")));
	json_decref(first);
	json_decref(again);
	json_decref(second);
}

/* As when it was stopped before its first block was finished. */
static void test_no_block(void **state)
{
	char name[32];

	(void)state;
	for (int b = 1; b <= BLOCKS; b++) {
		snprintf(name, sizeof(name), "block-%04d.json", b);
		assert_int_equal(remove(file(run, name)), 0);
	}
	assert_int_equal(resume(run), 0);
	assert_non_null(strstr(output, "3 of 3 blocks"));
}

static void test_damaged(void **state)
{
	struct stat st;

	(void)state;
	/* A writer's left-over is not touched either. */
	assert_int_equal(
		symlink("nowhere", file(run, ".block-0001.json.tmp")), 0);
	json_decref(edit("block-0003.json", NULL, "seed", json_null()));
	check_refused("block-0003.json");
	assert_int_equal(stat(file(run, "block-0003.json"), &st), 0);
	assert_int_equal(truncate(file(run, "block-0003.json"), st.st_size / 2),
			 0);
	check_refused("block-0003.json");
	assert_int_equal(lstat(file(run, ".block-0001.json.tmp"), &st), 0);
	assert_int_equal(remove(file(run, ".block-0001.json.tmp")), 0);
	/* Moved away, it is measured again. */
	assert_int_equal(remove(file(run, "block-0003.json")), 0);
	assert_int_equal(resume(run), 0);
}

static void test_foreign(void **state)
{
	char from[512];

	(void)state;
	check_edit("block-0002.json", NULL, "schema", "version");
	check_edit("block-0002.json", NULL, "run", "another run");
	check_edit("block-0002.json", NULL, "rows", "everything");
	check_edit("machine.json", NULL, "schema", "version");
	check_edit("machine.json", NULL, "run", "another run");
	check_edit("machine.json", NULL, "command", "command");
	check_edit("machine.json", "machine", "program_crc64",
		   "another build");
	check_edit("machine.json", "machine", "host", "another machine");
	/* One too many. */
	snprintf(from, sizeof(from), "%s", file(run, "block-0001.json"));
	assert_int_equal(link(from, file(run, "block-0004.json")), 0);
	check_refused("block 4");
	assert_int_equal(remove(file(run, "block-0004.json")), 0);
	assert_int_equal(remove(file(run, "machine.json")), 0);
	check_refused("machine.json");
}

/* What of the machine a file says was ours; returns what to put back. */
static json_t *edit_condition(const char *name, const char *key, json_t *value)
{
	json_t *json = json_load_file(file(run, name), 0, NULL), *at, *old;

	assert_non_null(json);
	at = json_object_get(json_object_get(json, "before"), "conditions");
	old = json_incref(json_object_get(at, key));
	assert_true(json_is_string(old));
	assert_int_equal(json_object_set_new(at, key, value), 0);
	assert_int_equal(json_dump_file(json, file(run, name), 0), 0);
	json_decref(json);
	return old;
}

static void test_conditions(void **state)
{
	json_t *old;

	(void)state;
	old = edit_condition("machine.json", "memory_nodes_allowed",
			     json_string("0-99"));
	check_refused("memory nodes allowed: 0-99, then");
	json_decref(edit_condition("machine.json", "memory_nodes_allowed",
				   old));
	/* As if it had been killed before it could discard that one. */
	json_decref(edit_condition("block-0002.json", "processors_allowed",
				   json_string("99")));
	assert_int_equal(resume(run), 0);
	assert_non_null(strstr(output, "block 2 is discarded"));
	assert_non_null(strstr(output, "then 99"));
	assert_non_null(strstr(output, "3 of 3 blocks"));
	assert_true(exists(run, "block-0002.json"));
	assert_true(exists(run, "discarded-0002-1.json"));
	assert_int_equal(remove(file(run, "discarded-0002-1.json")), 0);
}

/* Its name is not kept, and that of another is refused. */
static void test_device(void **state)
{
	char args[1024], out[128], dir[256];
	FILE *f;

	(void)state;
	snprintf(out, sizeof(out), "%s/device", folder);
	for (int i = 0; i < 2; i++) {
		snprintf(args, sizeof(args), "%s/%s", folder,
			 i ? "other" : "disk.img");
		f = fopen(args, "w");
		assert_non_null(f);
		assert_int_equal(ftruncate(fileno(f), 4LL << 30), 0);
		fclose(f);
	}
	snprintf(args, sizeof(args),
		 "run --no-verify -t 1 -r 1 -w bulkload/idle --fix none --out %s "
		 "-d%s/disk.img",
		 out, folder);
	if (bench(args))
		fail_msg("%s", output);
	find_run(out, dir);
	assert_int_equal(remove(file(dir, "block-0001.json")), 0);
	assert_int_equal(resume(dir), 2);
	assert_non_null(strstr(output, "add --device PATH"));
	snprintf(args, sizeof(args), "run --resume %s --device %s/other", dir,
		 folder);
	assert_int_equal(bench(args), 2);
	assert_non_null(strstr(output, "not the file"));
	snprintf(args, sizeof(args), "run --resume %s --device %s/disk.img",
		 dir, folder);
	if (bench(args))
		fail_msg("%s", output);
	assert_true(exists(dir, "block-0001.json"));
	snprintf(args, sizeof(args), "run --resume %s --device %s/disk.img",
		 run, folder);
	assert_int_equal(bench(args), 2);
	assert_non_null(strstr(output, "in memory"));
}

static void test_no_run(void **state)
{
	(void)state;
	assert_int_equal(resume("/no/such/folder"), 2);
	assert_non_null(strstr(output, "/no/such/folder"));
	assert_int_equal(resume("/"), 2);
	assert_non_null(strstr(output, "machine.json"));
	assert_int_equal(resume("/ --rounds 3"), 2);
	assert_non_null(strstr(output, "--rounds"));
}

static void test_locked(void **state)
{
	int fd = open(run, O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	check_refused("right now");
	close(fd);
}

/* --- killed ------------------------------------------------------------- */

static pid_t start(char *out, char *rounds, char *log)
{
	char *argv[] = { (char *)program, "run", "--no-verify", "-b", "9000",
			 "-r", rounds, "-w", workload, "-t", "1", "--fix",
			 "none", "--out", out, NULL };
	pid_t pid;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	/*
	 * Leak detection at exit has a process of its own, which would be
	 * left to us if its master is killed just then.
	 */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	pid = fork();
	/* It will be killed: -1 would be everybody. */
	assert_true(pid >= 0);
	if (pid)
		return pid;
	if (!freopen(log, "w", stdout) || dup2(1, 2) < 0)
		_exit(1);
	execv(program, argv);
	_exit(1);
}

/* Until there is such a file. */
static void await(const char *out, const char *name)
{
	char pattern[512];
	unsigned int tries = 0;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*/%s", out, name);
	while (glob(pattern, 0, NULL, &found) && ++tries < 6000)
		usleep(10000);
	assert_true(tries < 6000);
	globfree(&found);
}

/* A child that it left behind would be ours. */
static void check_alone(void)
{
	int status;

	assert_int_equal(waitpid(-1, &status, 0), -1);
	assert_int_equal(errno, ECHILD);
}

/* To end with the first block that is missing. */
static void shorten(const char *dir)
{
	json_t *json = json_load_file(file(dir, "machine.json"), 0, NULL);
	unsigned int blocks = 1;
	char name[32];

	assert_non_null(json);
	do
		snprintf(name, sizeof(name), "block-%04u.json", blocks);
	while (exists(dir, name) && ++blocks);
	snprintf(name, sizeof(name), "%u", blocks);
	assert_int_equal(json_array_set_new(json_object_get(json, "command"),
					    4, json_string(name)),
			 0);
	assert_int_equal(json_dump_file(json, file(dir, "machine.json"), 0),
			 0);
	json_decref(json);
}

static void test_interrupted(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	char out[128], dir[256], log[160], text[4096];
	int status;
	FILE *f;

	(void)state;
	for (int i = 0; i < 3; i++) {
		glob_t found;
		pid_t pid;

		snprintf(out, sizeof(out), "%s/int%d", folder, i);
		snprintf(log, sizeof(log), "%s.log", out);
		pid = start(out, "1", log);
		await(out, i ? "block-0001.json" : "machine.json");
		assert_int_equal(kill(pid, signals[i]), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		f = fopen(log, "r");
		assert_non_null(f);
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
		if (WEXITSTATUS(status) != 130)
			fail_msg("status %d: %s", WEXITSTATUS(status), text);
		check_alone();
		find_run(out, dir);
		assert_int_equal(glob(file(dir, ".*.tmp"), 0, NULL, &found),
				 GLOB_NOMATCH);
		/* How to go on stands in its last line. */
		assert_non_null(strstr(text, "--resume"));
		assert_non_null(strstr(strstr(text, "--resume"), dir));
		shorten(dir);
		if (resume(dir))
			fail_msg("%s", output);
	}
}

/* Until @word is in @log. */
static void await_word(const char *log, const char *word)
{
	static char text[1 << 20];
	unsigned int tries = 0;

	do {
		FILE *f = fopen(log, "r");

		assert_non_null(f);
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
		usleep(10000);
	} while (!strstr(text, word) && ++tries < 6000);
	assert_true(tries < 6000);
}

/* Blocks with fewer processors are not mixed with the others. */
static void test_processor_taken(void **state)
{
	char out[128], dir[256], log[160];
	cpu_set_t all, one;
	int status, last;
	pid_t pid;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	if (CPU_COUNT(&all) < 2) {
		print_message("skipped: there is only one processor, of which "
			      "none can be taken\n");
		skip();
	}
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	snprintf(out, sizeof(out), "%s/taken", folder);
	snprintf(log, sizeof(log), "%s.log", out);
	pid = start(out, "1", log);
	await(out, "block-0001.json");
	assert_int_equal(sched_setaffinity(pid, sizeof(one), &one), 0);
	await_word(log, "processors allowed");
	await_word(log, "waiting");
	find_run(out, dir);
	last = result_last_block(dir);
	assert_int_equal(sched_setaffinity(pid, sizeof(all), &all), 0);
	for (int i = 0; i < 6000 && result_last_block(dir) < last + 2; i++)
		usleep(10000);
	assert_true(result_last_block(dir) >= last + 2);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	check_alone();
	for (int i = 1; i <= last + 2; i++) {
		json_t *block, *conditions;
		char name[32], why[512];

		result_block_name(i, name, sizeof(name));
		block = result_read(dir, name, why, sizeof(why));
		conditions = json_object_get(json_object_get(block, "before"),
					     "conditions");
		assert_non_null(strpbrk(json_string_value(json_object_get(
						conditions,
						"processors_allowed")),
					",-"));
		json_decref(block);
	}
}

static void test_killed(void **state)
{
	char out[128], log[160], children[64], line[64] = "";
	unsigned int tries = 0;
	int status;
	pid_t pid;

	(void)state;
	snprintf(out, sizeof(out), "%s/kill", folder);
	snprintf(log, sizeof(log), "%s.log", out);
	/* A block that would take longer than this test may. */
	pid = start(out, "100000", log);
	snprintf(children, sizeof(children), "/proc/%d/task/%d/children", pid,
		 pid);
	while (!*line && ++tries < 6000) {
		FILE *f = fopen(children, "r");

		assert_non_null(f);
		if (!fgets(line, sizeof(line), f))
			usleep(10000);
		fclose(f);
	}
	assert_true(*line);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	pid = waitpid(-1, &status, 0);
	/* It may have been gone, even without us, in no other way. */
	assert_true(pid > 0);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	else
		assert_int_not_equal(WEXITSTATUS(status), 0);
	check_alone();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finished),
		cmocka_unit_test(test_missing_block),
		cmocka_unit_test(test_no_block),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_no_run),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_processor_taken),
		cmocka_unit_test(test_killed),
		/* Takes the run apart. */
		cmocka_unit_test(test_foreign),
	};

	if (!program_find())
		return 2;
	return cmocka_run_group_tests(tests, make_run, folder_remove);
}
