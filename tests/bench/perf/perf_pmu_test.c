// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which PMU's event a thread gets, by where it may run, on processors that
 * nobody here has: Intel's P and E cores, ARM's big and LITTLE ones.
 */
#include "tests/bench/machine/machine_tree.h"

#include <linux/perf_event.h>

#include "bench/perf/perf.h"
#include "bench/perf/perf_pmu.h"

#define DEVICES	"/sys/bus/event_source/devices"

static void put_pmu(const char *name, const char *cpus, const char *type)
{
	char path[128];

	snprintf(path, sizeof(path), DEVICES "/%s/type", name);
	tree_put(path, type);
	snprintf(path, sizeof(path), DEVICES "/%s/cpus", name);
	tree_put(path, cpus);
}

static int pmu_of(const char *list, struct perf_pmu *pmu, char why[128])
{
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	int error;

	hwloc_bitmap_list_sscanf(cpus, list);
	*why = '\0';
	error = perf_pmu_of(cpus, pmu, why, 128);
	hwloc_bitmap_free(cpus);
	assert_true(!error == !*why);
	return error;
}

static void expect(const char *list, const char *name, uint32_t type)
{
	struct perf_pmu pmu;
	char why[128];

	if (pmu_of(list, &pmu, why))
		fail_msg("%s: %s", list, why);
	assert_string_equal(pmu.name, name);
	assert_int_equal(pmu.type, type);
}

static void expect_none(const char *list, const char *word)
{
	struct perf_pmu pmu;
	char why[128];

	assert_int_equal(pmu_of(list, &pmu, why), -EXDEV);
	if (!strstr(why, word))
		fail_msg("%s: no '%s' in: %s", list, word, why);
}

static void test_intel(void **state)
{
	(void)state;
	put_pmu("cpu_core", "0-15", "4");
	put_pmu("cpu_atom", "16-23", "10");
	/* Not a processor's. */
	tree_put(DEVICES "/uncore_imc/type", "20");
	tree_put(DEVICES "/uncore_imc/cpumask", "0");
	expect("3", "cpu_core", 4);
	expect("16-17", "cpu_atom", 10);
	expect_none("15-16", "cpu_atom, cpu_core");
	expect_none("0-23", "pin");
}

static void test_arm(void **state)
{
	(void)state;
	put_pmu("armv8_cortex_a53", "0-3", "8");
	put_pmu("armv8_cortex_a72", "4-5", "9");
	expect("0", "armv8_cortex_a53", 8);
	expect("4-5", "armv8_cortex_a72", 9);
	expect_none("0-5", "armv8_cortex_a53, armv8_cortex_a72");
	/* The firmware tells of no PMU for the big ones. */
	put_pmu("armv8_cortex_a72", NULL, "9");
	expect("0-3", "armv8_cortex_a53", 0);
	expect_none("4", "no PMU counts on all of processors 4");
}

/* Nobody tells of types: plain events are right. */
static void test_alike(void **state)
{
	(void)state;
	expect("0-7", "cpu", 0);
	tree_put(DEVICES "/cpu/type", "4");
	expect("0-7", "cpu", 0);
	put_pmu("armv8_pmuv3_0", "0-127", "8");
	expect("5", "armv8_pmuv3_0", 0);
}

static void test_apply(void **state)
{
	const struct perf_pmu atom = { .name = "cpu_atom", .type = 10 };
	const struct perf_pmu only = { .name = "cpu" };
	struct perf_event_attr attr = { .type = PERF_TYPE_HARDWARE,
					.config = 1 };

	(void)state;
	assert_int_equal(perf_pmu_apply(&only, &attr), 0);
	assert_true(attr.config == 1);
	assert_int_equal(perf_pmu_apply(&atom, &attr), 0);
	assert_true(attr.config == (10ull << 32 | 1));
	attr = (struct perf_event_attr){ .type = PERF_TYPE_HW_CACHE,
					 .config = 0x10006 };
	assert_int_equal(perf_pmu_apply(&atom, &attr), 0);
	assert_true(attr.config == (10ull << 32 | 0x10006));
	/* The kernel's own events are everywhere. */
	attr = (struct perf_event_attr){ .type = PERF_TYPE_SOFTWARE,
					 .config = 2 };
	assert_false(perf_pmu_is_hardware(&attr));
	assert_int_equal(perf_pmu_apply(&atom, &attr), 0);
	assert_true(attr.config == 2);
	/* Raw numbers are some type's: nobody says whose. */
	attr = (struct perf_event_attr){ .type = PERF_TYPE_RAW,
					 .config = 0x4d2 };
	assert_int_equal(perf_pmu_apply(&atom, &attr), -EXDEV);
	attr.type = 10;
	assert_int_equal(perf_pmu_apply(&atom, &attr), 0);
	assert_true(attr.config == 0x4d2);
}

/* Nothing is opened that would never count; the kernel's own is. */
static void test_open(void **state)
{
	struct perf_set *set;
	unsigned int refused = 0;

	(void)state;
	put_pmu("cpu_core", "60000-60001", "4");
	put_pmu("cpu_atom", "60002-60003", "10");
	assert_int_equal(perf_open(0, &set), 0);
	for (unsigned int i = 0; i < set->nr; i++) {
		const struct perf_counter *c = &set->counter[i];

		if (!strcmp(c->name, "cycles")) {
			assert_int_equal(c->status, PERF_UNSUPPORTED);
			assert_int_equal(c->fd, -1);
			assert_non_null(strstr(c->reason, "no PMU counts on"));
			refused++;
		}
		if (!strcmp(c->name, "task-clock-ns") && c->fd >= 0)
			assert_string_equal(c->pmu, "software");
	}
	assert_int_equal(refused, 2);
	perf_close(set);
}

#define PMU_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PMU_TEST(test_intel),
		PMU_TEST(test_arm),
		PMU_TEST(test_alike),
		PMU_TEST(test_open),
		cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
