// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the doctor prints: lines that fit, commands that a shell takes, JSON
 * that is sound; and that it writes nothing anywhere.
 */
#include "tests/bench/doctor/doctor_case.h"

#include <sys/wait.h>

static char printed[65536];

static void print(const json_t *report)
{
	FILE *out = fmemopen(printed, sizeof(printed), "w");

	assert_non_null(out);
	doctor_print(report, out);
	assert_false(ferror(out));
	fclose(out);
	for (const char *line = printed; *line;
	     line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > 80)
			fail_msg("too long: %.*s", (int)strcspn(line, "\n"),
				 line);
}

/* As a shell reads it: without the breaks, and runs of blanks are one. */
static void read_back(const char *from, char *to)
{
	char *start = to;

	for (; *from; from++) {
		if (from[0] == '\\' && from[1] == '\n')
			from++;
		else if (*from == '\n')
			*to++ = '\n';
		else if (*from != ' ' || (to > start && to[-1] != ' ' &&
					  to[-1] != '\n'))
			*to++ = *from;
	}
	*to = '\0';
}

/* Every check is printed, and every command can be taken as it stands. */
static void check_printed(const json_t *report)
{
	static char commands[sizeof(printed)];
	const json_t *checks = json_object_get(report, "checks"), *check;
	const char *mend, *name;
	char title[32];
	size_t i;

	print(report);
	read_back(printed, commands);
	json_array_foreach(checks, i, check)
	{
		mend = json_string_value(json_object_get(check, "mend"));
		name = json_string_value(json_object_get(check, "name"));
		snprintf(title, sizeof(title), "\n  %s ", name);
		for (char *c = title; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		if (!strstr(printed, title))
			fail_msg("%s is not printed", name);
		if (mend && !strstr(commands, mend))
			fail_msg("'%s' cannot be taken from: %s", mend,
				 printed);
	}
}

static void test_lines(void **state)
{
	static const unsigned int ticks[5] = { 1, 20, 60, 100, 0 };
	struct doctor_probe probe = good;
	char path[512], group[300];
	json_t *report;

	(void)state;
	/* The emptiest, the smallest and the largest, with the worst names. */
	report = examine(&probe);
	check_printed(report);
	json_decref(report);
	tree_small();
	report = examine(&probe);
	check_printed(report);
	json_decref(report);

	tree_big();
	memset(group, 'x', sizeof(group));
	memcpy(group, "0::/", 4);
	for (size_t i = 100; i < sizeof(group); i += 100)
		group[i] = '/';
	group[250] = '\0';
	tree_put("/proc/self/cgroup", group);
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group + 3);
	tree_put(path, "1 100000");
	tree_put("/sys/class/dmi/id/sys_vendor", group);
	watch(&probe, ticks, 181, 3, 19);
	probe.root = false;
	probe.hardware = (struct doctor_counter){ .denied = true,
						  .reason = "no" };
	probe.kvm = (struct doctor_kvm){ .step = "opening it",
					 .error = -EACCES };
	probe.valgrind = probe.lld = false;
	report = examine(&probe);
	check_printed(report);
	assert_non_null(strstr(printed, "noisy, and what mends it\n"));
	assert_non_null(strstr(printed, "\nverdict: noisy: "));
	json_decref(report);
}

static void test_quiet(void **state)
{
	struct doctor_probe probe = good;
	json_t *report;

	(void)state;
	tree_middle();
	tree_put(THP, "always [madvise] never");
	tree_put(TURBO, "1");
	tree_put(TREE_CPU "/smt/active", "0");
	tree_put(TREE_CPU "/isolated", "0-7");
	tree_put("/proc/sys/kernel/numa_balancing", "0");
	tree_put("/proc/5000001/comm", "init");
	tree_put("/proc/meminfo", MEMINFO);
	for (unsigned int cpu = 0; cpu < 8; cpu++)
		tree_put_cpu(cpu, "cpufreq/scaling_governor", "performance");
	report = examine(&probe);
	check_printed(report);
	assert_null(strstr(printed, "noisy, and"));
	assert_null(strstr(printed, "cannot, and"));
	/* A kernel in a guest, which it does not try. */
	assert_string_equal(field(report, "kvm", "status"), "unknown");
	assert_string_equal(json_string_value(json_object_get(report,
							      "verdict")),
			    "quiet: 0 noisy (0 of them mended by a command), "
			    "0 cannot, 1 unknown");
	json_decref(report);
}

/* Names, sizes and times of all files below @path, as one number. */
static uint64_t fingerprint;

static int fingerprint_one(const char *path, const struct stat *st, int type,
			   struct FTW *ftw)
{
	uint64_t h = st->st_mtim.tv_sec * 1000000007ull + st->st_mtim.tv_nsec +
		     st->st_size * 31ull;

	(void)type;
	(void)ftw;
	for (; *path; path++)
		h = h * 131 + *path;
	fingerprint += h;
	return 0;
}

static uint64_t fingerprint_of(const char *path)
{
	fingerprint = 0;
	assert_int_equal(nftw(path, fingerprint_one, 8, FTW_PHYS), 0);
	return fingerprint;
}

static int doctor(const char *args)
{
	const char *program = getenv("DELWRIBENCH");
	char command[1024];
	FILE *pipe;
	size_t n;

	assert_non_null(program);
	snprintf(command, sizeof(command),
		 "cd '%s' && '%s' doctor %s 2>&1 </dev/null", folder, program,
		 args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(printed, 1, sizeof(printed) - 1, pipe);
	printed[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static void test_program(void **state)
{
	static const char *const words[] = { "ok", "noisy", "cannot",
					     "unknown" };
	const json_t *checks, *check;
	json_error_t error;
	uint64_t before;
	json_t *report;
	size_t i, nr = 0;

	(void)state;
	tree_middle();
	before = fingerprint_of(folder);
	assert_int_equal(doctor("--json"), 0);
	report = json_loads(printed, 0, &error);
	assert_non_null(report);
	checks = json_object_get(report, "checks");
	json_array_foreach(checks, i, check)
	{
		const char *status = json_string_value(
			json_object_get(check, "status"));
		bool known = false;

		for (size_t w = 0; w < NR(words); w++)
			known |= !strcmp(status, words[w]);
		assert_true(known);
		assert_true(json_is_string(json_object_get(check, "value")));
		nr++;
	}
	for (const struct doctor_entry *e = doctor_abilities; e->name; e++)
		nr--;
	for (const struct doctor_entry *e = doctor_noises; e->name; e++)
		nr--;
	assert_int_equal(nr, 0);
	json_decref(report);

	assert_int_equal(doctor(""), 0);
	for (const char *line = printed; *line;
	     line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	assert_non_null(strstr(printed, "\nverdict: "));

	assert_int_equal(doctor("--no-such-option"), 2);
	assert_int_equal(doctor("more"), 2);
	assert_int_equal(strcspn(printed, "\n") + 1, strlen(printed));
	/* Neither where it was started nor in the trees it can read. */
	assert_true(fingerprint_of(folder) == before);
}

/* Looking at a tree leaves it as it was. */
static void test_writes_nothing(void **state)
{
	struct doctor_probe probe;
	uint64_t before;
	json_t *report;

	(void)state;
	tree_middle();
	before = fingerprint_of(folder);
	doctor_probe(&probe);
	report = examine(&probe);
	print(report);
	json_decref(report);
	assert_true(fingerprint_of(folder) == before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCTOR_TEST(test_lines),
		DOCTOR_TEST(test_quiet),
		DOCTOR_TEST(test_program),
		DOCTOR_TEST(test_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
