/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the doctor's tests share: a machine as good as any, the report on
 * the test's tree, and processes that have worked meanwhile.
 */
#ifndef TESTS_DOCTOR_CASE_H
#define TESTS_DOCTOR_CASE_H

#include "tests/bench/machine/machine_tree.h"

#include "bench/doctor/doctor.h"

#define NR(array) (sizeof(array) / sizeof(*(array)))
#define THP	"/sys/kernel/mm/transparent_hugepage/enabled"
#define TURBO	TREE_CPU "/intel_pstate/no_turbo"

/* What a good machine's trials give. */
static const struct doctor_probe good __attribute__((unused)) = {
	.root = true,
	.hardware = { .counts = true },
	.software = { .counts = true },
	.kvm = { .ran = true },
	.huge_page = 1,
	.clock_ns = 20,
	.clock_resolution_ns = 1,
	.seconds = 1,
};

/* Memory enough for any run. */
#define MEMINFO	"MemTotal: 67108864 kB\nMemFree: 1000 kB\n"	\
		"MemAvailable: 60000000 kB"

static inline json_t *examine(const struct doctor_probe *probe)
{
	struct doctor_case dc = { .probe = probe };
	json_t *machine = machine_settings(), *state = machine_state();
	json_t *report;

	dc.machine = machine;
	dc.state = state;
	report = doctor_report(&dc);
	assert_non_null(report);
	json_decref(machine);
	json_decref(state);
	return report;
}

static inline const char *field(const json_t *report, const char *name,
				const char *key)
{
	const json_t *checks = json_object_get(report, "checks"), *check;
	size_t i;

	json_array_foreach(checks, i, check) if (
		!strcmp(json_string_value(json_object_get(check, "name")),
			name)) return json_string_value(json_object_get(check,
									key));
	fail_msg("no check named %s", name);
	return NULL;
}

/* With @user and @steal ticks more than before, and each process's. */
static inline void put_activity(unsigned int user, unsigned int steal,
				unsigned int idle,
				const unsigned int *processes)
{
	static const char *const names[] = {
		"sh", "a) R (b", "kworker/0:1", "busy\x01loop", "idle",
	};
	char line[256], path[64];

	snprintf(line, sizeof(line), "cpu %u 0 0 %u 0 0 0 %u 0 0",
		 1000 + user, 5000 + idle, 10 + steal);
	tree_put("/proc/stat", line);
	for (unsigned int i = 0; i < NR(names); i++) {
		snprintf(path, sizeof(path), "/proc/%u/stat", 5000001 + i);
		snprintf(line, sizeof(line),
			 "%u (%s) R 1 1 1 0 -1 %u 0 0 0 0 %u 7 0 0 20 0",
			 5000001 + i, names[i], i == 2 ? 0x00208040 : 0x400000,
			 100 + processes[i]);
		tree_put(path, line);
	}
}

static inline void watch(struct doctor_probe *probe, const unsigned int *ticks,
			 unsigned int user, unsigned int steal,
			 unsigned int idle)
{
	static const unsigned int none[5];
	struct activity before, after;

	put_activity(0, 0, 0, none);
	assert_int_equal(activity_take(&before), 0);
	put_activity(user, steal, idle, ticks);
	assert_int_equal(activity_take(&after), 0);
	activity_between(&before, &after, 1, probe);
	activity_free(&before);
	activity_free(&after);
}

#define DOCTOR_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, tree_make, tree_remove)

#endif
