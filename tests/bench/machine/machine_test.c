// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is written down about a machine: of machines nobody here has, and
 * that whatever is missing is null with a reason.
 */
#include "tests/bench/machine/machine_tree.h"

#include <hwloc.h>
#include <sys/mman.h>

static const char *text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		fail_msg("%s is no text", key);
	return json_string_value(value);
}

static json_int_t whole(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("%s is no whole number", key);
	return json_integer_value(value);
}

static double real(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_real(value))
		fail_msg("%s is no real number", key);
	return json_real_value(value);
}

static bool near(double a, double b)
{
	return a - b < 1e-9 && b - a < 1e-9;
}

/* Null and nothing else has a reason, and there is something in it. */
static void check_reasons(json_t *object)
{
	const char *key, *reason;
	char name[80];
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (strlen(key) > 7 &&
		    !strcmp(key + strlen(key) - 7, "_reason"))
			continue;
		snprintf(name, sizeof(name), "%s_reason", key);
		reason = json_string_value(json_object_get(object, name));
		if (json_is_null(value) != (reason && *reason))
			fail_msg("%s: null %d, reason %s", key,
				 json_is_null(value), reason);
	}
}

static json_t *describe(void)
{
	json_t *machine = machine_describe();

	assert_non_null(machine);
	check_reasons(machine);
	return machine;
}

static json_t *look(void)
{
	json_t *state = machine_state();

	assert_non_null(state);
	check_reasons(state);
	return state;
}

static bool is_null(json_t *object, const char *key)
{
	return json_is_null(json_object_get(object, key));
}

/* --- a big machine ------------------------------------------------------ */

static void test_big(void **state)
{
	unsigned int *cpus, nr;
	json_t *m, *nodes;

	(void)state;
	tree_big();
	m = describe();
	assert_int_equal(whole(m, "processors"), 256);
	assert_int_equal(whole(m, "cores"), 128);
	assert_int_equal(whole(m, "packages"), 8);
	assert_int_equal(whole(m, "l3_caches"), 8);
	assert_string_equal(text(m, "processors_online"), "0-255");
	assert_string_equal(text(m, "processors_allowed"), "0-255");
	assert_non_null(strstr(text(m, "topology"), "Package:8"));
	nodes = json_object_get(m, "numa_nodes");
	assert_int_equal(json_array_size(nodes), 8);
	assert_string_equal(text(json_array_get(nodes, 1), "processors"),
			    "16-31,144-159");
	assert_int_equal(whole(json_array_get(nodes, 1), "bytes"),
			 65536000ll * 1024);
	json_decref(m);

	/* One of each core first. */
	assert_int_equal(machine_cpus(&cpus, &nr), 0);
	assert_int_equal(nr, 256);
	for (unsigned int i = 0; i < 128; i++) {
		assert_true(cpus[i] < 128);
		assert_true(cpus[128 + i] >= 128);
	}
	free(cpus);
}

static void test_settings(void **state)
{
	json_t *m, *list;

	(void)state;
	tree_middle();
	m = describe();
	assert_string_equal(text(m, "frequency_governor"),
			    "performance, powersave");
	assert_string_equal(text(m, "frequency_driver"), "intel_cpufreq");
	assert_int_equal(whole(m, "frequency_min_khz"), 800000);
	assert_int_equal(whole(m, "frequency_max_khz"), 3900000);
	assert_string_equal(text(m, "turbo"), "on");
	assert_string_equal(text(m, "smt_active"), "on");
	assert_string_equal(text(m, "smt"), "on");
	assert_string_equal(text(m, "isolated_processors"), "none");
	assert_string_equal(text(m, "nohz_full_processors"), "none");
	assert_string_equal(text(m, "microcode"), "0x2b000590");
	assert_string_equal(text(m, "hypervisor"), "none");
	assert_string_equal(text(m, "vendor"), "Somebody");
	assert_true(is_null(m, "product"));
	assert_string_equal(text(m, "transparent_hugepage"), "always");
	assert_string_equal(text(m, "transparent_hugepage_defrag"),
			    "madvise");
	assert_string_equal(text(m, "numa_balancing"), "1");
	assert_string_equal(text(m, "clocksource"), "hpet");
	assert_string_equal(text(m, "irqbalance"), "running");
	/* What names disks is no business of a result's readers. */
	assert_string_equal(text(m, "kernel_command_line"),
			    "isolcpus=2-3 mitigations=off "
			    "rcutree.kthread_prio=2");
	assert_int_equal(whole(m, "kernel_command_line_left_out"), 4);
	list = json_object_get(m, "vulnerabilities");
	assert_int_equal(json_object_size(list), 2);
	assert_string_equal(text(list, "meltdown"), "Mitigation: PTI");
	json_decref(m);
}

static void test_other_settings(void **state)
{
	json_t *m;

	(void)state;
	tree_middle();
	tree_put(TREE_CPU "/intel_pstate/no_turbo", "1");
	tree_put(TREE_CPU "/isolated", "2-3,8");
	tree_put(TREE_CPU "/cpu0/microcode/version", "0xaa");
	tree_put("/proc/cpuinfo", "flags\t\t: fpu hypervisor sse");
	tree_put("/proc/5000001/comm", "irqbalance-ui");
	m = describe();
	assert_string_equal(text(m, "turbo"), "off");
	assert_string_equal(text(m, "isolated_processors"), "2-3,8");
	assert_string_equal(text(m, "microcode"), "0xaa");
	assert_string_equal(text(m, "hypervisor"), "one without a name");
	assert_string_equal(text(m, "irqbalance"), "not running");
	json_decref(m);

	/* The other drivers' switch, and the hypervisor that says its name. */
	tree_put(TREE_CPU "/intel_pstate/no_turbo", NULL);
	tree_put(TREE_CPU "/cpufreq/boost", "1");
	tree_put("/sys/hypervisor/type", "xen");
	m = describe();
	assert_string_equal(text(m, "turbo"), "on");
	assert_non_null(strstr(text(m, "turbo_switch"), "boost"));
	assert_string_equal(text(m, "hypervisor"), "xen");
	json_decref(m);
}

/* --- a machine that tells nothing --------------------------------------- */

static void test_nothing(void **state)
{
	static const char *const unknown[] = {
		"frequency_governor",
		"frequency_driver",
		"frequency_min_khz",
		"frequency_max_khz",
		"turbo",
		"smt",
		"smt_active",
		"processors_online",
		"isolated_processors",
		"nohz_full_processors",
		"microcode",
		"vulnerabilities",
		"kernel_command_line",
		"hypervisor",
		"vendor",
		"product",
		"transparent_hugepage",
		"transparent_hugepage_defrag",
		"numa_balancing",
		"perf_event_paranoid",
		"clocksource",
		"clocksources",
		"irqbalance",
		"cgroup_cpuset",
	};
	static const char *const silent[] = {
		"load",		  "steal_s",	     "busy_s",
		"cpu_pressure_s", "frequency_khz",   "cgroup_throttled_s",
		"migrations",	  "runqueue_wait_s",
	};
	json_t *m = describe(), *s = look();

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		if (!is_null(m, unknown[i]))
			fail_msg("%s is told", unknown[i]);
	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
		if (!is_null(s, silent[i]))
			fail_msg("%s is told", silent[i]);
	json_decref(m);
	json_decref(s);
}

/* Files are there, and nonsense. */
static void test_nonsense(void **state)
{
	json_t *m, *s;

	(void)state;
	tree_small();
	tree_put(TREE_CPU "/intel_pstate/no_turbo", "perhaps");
	tree_put(TREE_CPU "/smt/active", "");
	tree_put("/proc/stat", "cpu 1 2 3");
	tree_put("/proc/loadavg", "much");
	tree_put("/proc/pressure/cpu", "some total=lots");
	tree_put("/proc/cpuinfo", "flags");
	tree_put("/proc/self/cgroup", "nothing\n1:cpu\n2:cpu,cpuset:");
	tree_put("/sys/kernel/mm/transparent_hugepage/enabled", "always");
	m = describe();
	s = look();
	assert_true(is_null(m, "turbo"));
	assert_true(is_null(m, "smt_active"));
	assert_true(is_null(m, "hypervisor"));
	assert_true(is_null(m, "transparent_hugepage"));
	assert_true(is_null(s, "steal_s"));
	assert_true(is_null(s, "load"));
	assert_true(is_null(s, "cpu_pressure_s"));
	json_decref(m);
	json_decref(s);
}

/* Every second of 4,096 processors, and the last one is not lost. */
static void test_long_list(void **state)
{
	char list[16384];
	hwloc_bitmap_t online;
	size_t len = 0;

	(void)state;
	for (unsigned int cpu = 0; cpu < 4096; cpu += 2)
		len += sprintf(list + len, "%s%u", cpu ? "," : "", cpu);
	tree_put(TREE_CPU "/online", list);
	online = machine_online();
	assert_non_null(online);
	assert_int_equal(hwloc_bitmap_weight(online), 2048);
	assert_int_equal(hwloc_bitmap_last(online), 4094);
	hwloc_bitmap_free(online);
}

/* --- ARM: numbers instead of a name -------------------------------------- */

#define CPUINFO_ARM							\
	"processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\n"	\
	"CPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n"	\
	"CPU revision\t: 1\n"
#define MIDR	"regs/identification/midr_el1"

static void test_arm(void **state)
{
	json_t *m;

	(void)state;
	tree_middle();
	tree_put("/proc/cpuinfo", CPUINFO_ARM);
	m = describe();
	assert_string_equal(text(m, "cpu_model"),
			    "ARM Neoverse N1 r3p1 (0x41, 0xd0c)");
	assert_string_equal(text(m, "cpu_vendor"), "ARM");
	assert_null(json_object_get(m, "cpu_model_reason"));
	json_decref(m);
	/* Each processor's own, where the kernel shows it. */
	tree_put_cpu(0, MIDR, "0x00000000410fd034");
	tree_put_cpu(1, MIDR, "0x00000000410fd080");
	m = describe();
	assert_non_null(strstr(text(m, "cpu_model"),
			       "ARM Cortex-A53 r0p4 (0x41, 0xd03), "
			       "ARM Cortex-A72 r0p0 (0x41, 0xd08)"));
	json_decref(m);
	/* What has no name here keeps its numbers. */
	tree_put("/proc/cpuinfo", "CPU implementer\t: 0x99\n"
				  "CPU part\t: 0x123");
	tree_put_cpu(0, MIDR, NULL);
	tree_put_cpu(1, MIDR, NULL);
	m = describe();
	assert_string_equal(text(m, "cpu_model"),
			    "implementer unknown part unknown r0p0 "
			    "(0x99, 0x123)");
	assert_true(is_null(m, "cpu_vendor"));
	json_decref(m);
	/* No number at all. */
	tree_put("/proc/cpuinfo", "CPU part\t: 0x123");
	m = describe();
	assert_true(is_null(m, "cpu_model"));
	assert_non_null(text(m, "cpu_model_reason"));
	json_decref(m);
}

/* --- control groups ----------------------------------------------------- */

static void test_quota(void **state)
{
	json_t *m;

	(void)state;
	tree_small();
	/* No groups at all. */
	m = describe();
	assert_string_equal(text(m, "cgroup_cpu_quota"), "none");
	json_decref(m);

	tree_put("/proc/self/cgroup", "0::/a/b");
	tree_put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu");
	tree_put("/sys/fs/cgroup/a/cpu.max", "max 100000");
	tree_put("/sys/fs/cgroup/a/b/cpu.max", "max 100000");
	m = describe();
	assert_string_equal(text(m, "cgroup_cpu_quota"), "none");
	json_decref(m);

	/* The stricter of the two holds. */
	tree_put("/sys/fs/cgroup/a/cpu.max", "150000 100000");
	tree_put("/sys/fs/cgroup/a/b/cpu.max", "400000 100000");
	tree_put("/sys/fs/cgroup/a/b/cpuset.cpus.effective", "0-3");
	m = describe();
	assert_true(real(m, "cgroup_cpu_quota") == 1.5);
	assert_string_equal(text(m, "cgroup_cpu_quota_file"),
			    "/sys/fs/cgroup/a/cpu.max");
	assert_string_equal(text(m, "cgroup_cpuset"), "0-3");
	json_decref(m);
}

/* The first version, from inside: the group's name is another's. */
static void test_quota_v1(void **state)
{
	json_t *m, *s;

	(void)state;
	tree_small();
	tree_put("/proc/self/cgroup", "3:cpuset:/box\n"
		 "2:cpuacct,cpu:/box\n1:name=systemd:/\n0::/box");
	tree_put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000");
	tree_put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
	tree_put("/sys/fs/cgroup/cpu/cpu.stat",
		 "nr_periods 9\nnr_throttled 4\nthrottled_time 2500000000");
	tree_put("/sys/fs/cgroup/cpuset/cpuset.cpus", "2,4-5");
	m = describe();
	s = look();
	assert_true(real(m, "cgroup_cpu_quota") == 0.5);
	assert_string_equal(text(m, "cgroup_cpuset"), "2,4-5");
	assert_true(near(real(s, "cgroup_throttled_s"), 2.5));
	json_decref(m);
	json_decref(s);

	tree_put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
	m = describe();
	assert_string_equal(text(m, "cgroup_cpu_quota"), "none");
	json_decref(m);

	tree_put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", NULL);
	m = describe();
	assert_true(is_null(m, "cgroup_cpu_quota"));
	json_decref(m);
}

/* --- at this moment ----------------------------------------------------- */

static void test_state(void **state)
{
	double tick = 1.0 / sysconf(_SC_CLK_TCK);
	json_t *s, *khz;

	(void)state;
	tree_middle();
	tree_put("/proc/self/cgroup", "0::/a");
	tree_put("/sys/fs/cgroup/a/cpu.stat",
		 "usage_usec 5\nthrottled_usec 1500000");
	tree_put("/proc/self/task/1/schedstat", "5000 1500000000 7");
	tree_put("/proc/self/task/2/schedstat", "5000 500000000 7");
	tree_put("/proc/self/task/1/sched", "a (1, #threads: 2)\n----\n"
		 "se.nr_migrations                   :                    3");
	tree_put("/proc/self/task/2/sched",
		 "se.nr_migrations                   :                    4");
	s = look();
	assert_true(near(real(s, "steal_s"), 50 * tick));
	assert_true(near(real(s, "busy_s"), 1530 * tick));
	assert_true(near(real(s, "cpu_pressure_s"), 2.5));
	assert_true(near(real(s, "cgroup_throttled_s"), 1.5));
	assert_true(near(real(s, "runqueue_wait_s"), 2.0));
	assert_int_equal(whole(s, "migrations"), 7);
	assert_true(json_real_value(json_array_get(json_object_get(s, "load"),
						   1)) == 1.5);
	khz = json_object_get(s, "frequency_khz");
	assert_int_equal(json_integer_value(json_array_get(khz, 0)), 2000000);
	assert_int_equal(json_integer_value(json_array_get(khz, 1)), 3800000);
	json_decref(s);

	/* Half an answer is none. */
	tree_put("/proc/self/task/2/sched", NULL);
	s = look();
	assert_true(is_null(s, "migrations"));
	assert_true(near(real(s, "runqueue_wait_s"), 2.0));
	json_decref(s);
}

/* The process that we are, on the machine that there is. */
static void test_ourselves(void **state)
{
	const size_t pages = 64, size = sysconf(_SC_PAGESIZE);
	json_t *before, *after;
	char *memory;

	(void)state;
	machine_set_root(NULL);
	before = look();
	memory = mmap(NULL, pages * size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	madvise(memory, pages * size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < pages; i++)
		memory[i * size] = 1;
	for (int i = 0; i < 10; i++)
		usleep(1000);
	after = look();
	munmap(memory, pages * size);
	assert_true(whole(after, "page_faults_minor") >=
		    whole(before, "page_faults_minor") + (json_int_t)pages);
	assert_true(whole(after, "context_switches_voluntary") >=
		    whole(before, "context_switches_voluntary") + 10);
	assert_true(real(after, "clock_s") > real(before, "clock_s"));
	json_decref(before);
	json_decref(after);
	machine_set_root(folder);
}

/* --- the program and the picture ---------------------------------------- */

/* The polynomial of ECMA-182 bit by bit, as xz writes its sums. */
static void test_program(void **state)
{
	json_t *program = machine_program();
	FILE *file = fopen("/proc/self/exe", "r");
	uint64_t crc = ~0ull;
	json_int_t bytes = 0;
	char sum[20];

	(void)state;
	check_reasons(program);
	assert_non_null(file);
	for (int c; (c = getc_unlocked(file)) != EOF; bytes++) {
		crc ^= c;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xc96c5795d7870f42 : 0);
	}
	fclose(file);
	snprintf(sum, sizeof(sum), "%016llx", (unsigned long long)~crc);
	assert_string_equal(text(program, "program_crc64"), sum);
	assert_int_equal(whole(program, "program_bytes"), bytes);
	json_decref(program);
}

#define TREE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_big),
		TREE_TEST(test_settings),
		TREE_TEST(test_other_settings),
		TREE_TEST(test_nothing),
		TREE_TEST(test_nonsense),
		TREE_TEST(test_long_list),
		TREE_TEST(test_arm),
		TREE_TEST(test_quota),
		TREE_TEST(test_quota_v1),
		TREE_TEST(test_state),
		TREE_TEST(test_ourselves),
		TREE_TEST(test_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
