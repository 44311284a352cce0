// SPDX-License-Identifier: GPL-2.0-only
/*
 * The doctor on machines nobody here has: every check in every state, and
 * what mends it.
 */
#include "tests/bench/doctor/doctor_case.h"

/* @mend: all of the command; NULL: none. */
static void expect(const struct doctor_probe *probe, const char *name,
		   const char *status, const char *mend)
{
	json_t *report = examine(probe);
	const char *got = field(report, name, "mend");

	if (strcmp(field(report, name, "status"), status))
		fail_msg("%s: %s, not %s", name, field(report, name, "status"),
			 status);
	if (!mend != !got || (mend && strcmp(got, mend)))
		fail_msg("%s: mended by '%s', not '%s'", name, got, mend);
	/* What is not well has a reason. */
	if (strcmp(status, "ok"))
		assert_non_null(field(report, name, "why"));
	json_decref(report);
}

/* --- by files ----------------------------------------------------------- */

struct by_file {
	const char *path, *line;	/* NULL: no such file */
	const char *name, *status, *mend;
};

static void check_files(const struct by_file *f, size_t nr)
{
	struct doctor_probe probe = good;

	for (; nr--; f++) {
		if (f->path)
			tree_put(f->path, f->line);
		expect(&probe, f->name, f->status, f->mend);
	}
}

#define CLOCK	"/sys/devices/system/clocksource/clocksource0/"
#define BOOST	TREE_CPU "/cpufreq/boost"

/* Each line starts where the one before has left the machine. */
static const struct by_file middle[] = {
	{ NULL, NULL, "processors", "ok", NULL },
	{ NULL, NULL, "numa_nodes", "ok", NULL },
	{ NULL, NULL, "l3_caches", "ok", NULL },
	{ NULL, NULL, "smt_pairs", "ok", NULL },
	{ NULL, NULL, "huge_pages", "ok", NULL },
	{ NULL, NULL, "transparent_hugepage", "noisy",
	  "echo madvise | tee " THP },
	{ THP, "always [madvise] never", "transparent_hugepage", "ok", NULL },
	{ THP, "always madvise [never]", "huge_pages", "cannot",
	  "echo madvise | tee " THP },
	{ THP, NULL, "huge_pages", "unknown", NULL },
	{ THP, NULL, "transparent_hugepage", "unknown", NULL },
	{ NULL, NULL, "turbo", "noisy", "echo 1 | tee " TURBO },
	{ TURBO, "1", "turbo", "ok", NULL },
	{ TURBO, NULL, "turbo", "unknown", NULL },
	{ BOOST, "1", "turbo", "noisy", "echo 0 | tee " BOOST },
	{ BOOST, "0", "turbo", "ok", NULL },
	{ NULL, NULL, "smt", "noisy",
	  "echo off | tee " TREE_CPU "/smt/control" },
	{ TREE_CPU "/smt/active", "0", "smt", "ok", NULL },
	{ TREE_CPU "/smt/active", NULL, "smt", "unknown", NULL },
	{ NULL, NULL, "numa_balancing", "noisy",
	  "sysctl -w kernel.numa_balancing=0" },
	{ "/proc/sys/kernel/numa_balancing", "0", "numa_balancing", "ok",
	  NULL },
	{ "/proc/sys/kernel/numa_balancing", NULL, "numa_balancing",
	  "unknown", NULL },
	{ NULL, NULL, "irqbalance", "noisy", "systemctl stop irqbalance" },
	{ "/proc/5000001/comm", "sshd", "irqbalance", "ok", NULL },
	{ NULL, NULL, "load", "ok", NULL },
	{ "/proc/loadavg", "7.00 3.00 1.00 2/900 1", "load", "noisy",
	  "sleep 60; scripts/doctor" },
	{ "/proc/loadavg", NULL, "load", "unknown", NULL },
	{ NULL, NULL, "cpu_quota", "ok", NULL },
	{ "/sys/fs/cgroup/cpu.max", "50000 100000", "cpu_quota", "noisy",
	  "echo max | tee /sys/fs/cgroup/cpu.max" },
	{ NULL, NULL, "virtualisation", "ok", NULL },
	{ "/proc/cpuinfo", "flags\t: fpu hypervisor", "virtualisation",
	  "noisy", NULL },
	{ "/proc/cpuinfo", "Features\t: fp", "virtualisation", "unknown",
	  NULL },
	{ TREE_CPU "/isolated", "2-7", "isolation", "noisy",
	  "taskset -c 2-7 scripts/run" },
	{ TREE_CPU "/isolated", "0-7", "isolation", "ok", NULL },
	{ TREE_CPU "/isolated", NULL, "isolation", "unknown", NULL },
};

static void test_middle(void **state)
{
	(void)state;
	tree_middle();
	check_files(middle, NR(middle));
}

static const struct by_file small[] = {
	{ NULL, NULL, "processors", "cannot", NULL },
	{ NULL, NULL, "numa_nodes", "cannot", NULL },
	{ NULL, NULL, "smt_pairs", "cannot", NULL },
	{ NULL, NULL, "l3_caches", "unknown", NULL },
	{ NULL, NULL, "governor", "unknown", NULL },
	{ NULL, NULL, "turbo", "unknown", NULL },
	{ NULL, NULL, "numa_balancing", "ok", NULL },
	{ NULL, NULL, "virtualisation", "unknown", NULL },
	{ TREE_CPU "/isolated", "", "isolation", "noisy", NULL },
	{ TREE_CPU "/cpu0/cpufreq/scaling_governor", "powersave", "governor",
	  "noisy",
	  "echo performance | tee " TREE_CPU "/cpu*/cpufreq/scaling_governor" },
	{ TREE_CPU "/cpu0/cpufreq/scaling_governor", "performance", "governor",
	  "ok", NULL },
	{ TREE_CPU "/smt/control", "off", "smt_pairs", "cannot",
	  "echo on | tee " TREE_CPU "/smt/control" },
	/* Of one core, and that not the only one of the machine. */
	{ TREE_CPU "/cpu0/cache/index3/shared_cpu_map", "1", "l3_caches",
	  "unknown", NULL },
	{ TREE_CPU "/cpu0/cache/index3/type", "Unified", "l3_caches",
	  "unknown", NULL },
	{ TREE_CPU "/cpu0/cache/index3/level", "3", "l3_caches", "cannot",
	  NULL },
	/* The smallest machine is somebody's guest. */
	{ "/proc/cpuinfo", "flags\t: fpu hypervisor", "virtualisation",
	  "noisy", NULL },
	{ TREE_CPU "/smt/active", "0", "smt", "unknown", NULL },
	{ TREE_CPU "/smt/active", NULL, "smt", "unknown", NULL },
	{ "/proc/self/cgroup", "1:cpu:/", "cpu_quota", "unknown", NULL },
};

static void test_small(void **state)
{
	(void)state;
	tree_small();
	check_files(small, NR(small));
}

/* Processors that are there and not ours. */
static void test_cpuset(void **state)
{
	struct doctor_probe probe = good;
	json_t *report;

	(void)state;
	tree_middle();
	tree_put("/proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0");
	tree_put("/proc/self/cgroup", "0::/box");
	tree_put("/sys/fs/cgroup/box/cpuset.cpus.effective", "1-2");
	report = examine(&probe);
	assert_string_equal(field(report, "processors", "status"), "ok");
	assert_string_equal(field(report, "processors", "value"),
			    "2 usable (1-2) of 8 online");
	assert_non_null(strstr(field(report, "processors", "why"), "1-2"));
	assert_string_equal(field(report, "smt_pairs", "status"), "cannot");
	json_decref(report);

	tree_put("/sys/fs/cgroup/box/cpuset.cpus.effective", "5");
	expect(&probe, "processors", "cannot", NULL);
}

/* The first core's both threads stay for other work. */
static void test_isolation(void **state)
{
	struct doctor_probe probe = good;
	json_t *report;

	(void)state;
	tree_middle();
	report = examine(&probe);
	assert_string_equal(
		field(report, "isolation", "mend"),
		"echo \"GRUB_CMDLINE_LINUX=\\\"\\$GRUB_CMDLINE_LINUX "
		"isolcpus=1-3,5-7 nohz_full=1-3,5-7 "
		"rcu_nocbs=1-3,5-7\\\"\" | tee -a /etc/default/grub && "
		"update-grub && reboot");
	json_decref(report);
}

/* --- by trials ---------------------------------------------------------- */

static void test_counters(void **state)
{
	const struct doctor_counter denied = { .denied = true,
					       .reason = "no; level 4" };
	const struct doctor_counter missing = { .reason = "no such" };
	const struct doctor_counter silent = { .reason = "" };
	struct doctor_probe probe = good;
	json_t *report;

	(void)state;
	tree_middle();
	expect(&probe, "hardware_counters", "ok", NULL);
	expect(&probe, "software_events", "ok", NULL);
	/* To root the paranoid level does not apply. */
	probe.hardware = denied;
	expect(&probe, "hardware_counters", "cannot", NULL);
	expect(&probe, "software_events", "ok", NULL);
	probe.root = false;
	probe.software = denied;
	expect(&probe, "hardware_counters", "cannot",
	       "sudo sysctl -w kernel.perf_event_paranoid=2");
	expect(&probe, "software_events", "cannot",
	       "sudo sysctl -w kernel.perf_event_paranoid=2");
	tree_put("/proc/sys/kernel/perf_event_paranoid", "2");
	expect(&probe, "hardware_counters", "cannot", NULL);
	probe.hardware = silent;
	expect(&probe, "hardware_counters", "cannot", NULL);
	probe.hardware = missing;
	report = examine(&probe);
	assert_string_equal(field(report, "hardware_counters", "why"),
			    "no such");
	json_decref(report);
	/* A guest's host is to blame. */
	tree_put("/proc/cpuinfo", "flags\t: fpu hypervisor");
	report = examine(&probe);
	assert_non_null(strstr(field(report, "hardware_counters", "why"),
			       "host"));
	json_decref(report);
}

static void test_clock(void **state)
{
	struct doctor_probe probe = good;
	const char *mend = "echo tsc | tee " CLOCK "current_clocksource";

	(void)state;
	tree_middle();
	expect(&probe, "clock", "ok", NULL);
	probe.clock_ns = 900;
	expect(&probe, "clock", "noisy", mend);
	probe.clock_ns = 20;
	probe.clock_resolution_ns = 4e6;
	expect(&probe, "clock", "noisy", mend);
	/* There is no better one. */
	tree_put(CLOCK "available_clocksource", "hpet acpi_pm");
	expect(&probe, "clock", "noisy", NULL);
	tree_put(CLOCK "current_clocksource", NULL);
	expect(&probe, "clock", "noisy", NULL);
	probe.clock_ns = -1;
	expect(&probe, "clock", "cannot", NULL);
}

static void test_tools(void **state)
{
	struct doctor_probe probe = good;

	(void)state;
	tree_middle();
	expect(&probe, "callgrind", "ok", NULL);
	expect(&probe, "layouts", "ok", NULL);
	expect(&probe, "privileges", "ok", NULL);
	probe.valgrind = probe.lld = 1;
	/* They are there, and do not start. */
	expect(&probe, "callgrind", "cannot", NULL);
	expect(&probe, "layouts", "cannot", NULL);
	probe.valgrind = probe.lld = -ENOENT;
	expect(&probe, "callgrind", "cannot", "scripts/setup cost");
	expect(&probe, "layouts", "cannot", "scripts/setup");
	probe.root = false;
	expect(&probe, "callgrind", "cannot",
	       "sudo scripts/setup cost");
	expect(&probe, "turbo", "noisy", "echo 1 | sudo tee " TURBO);
	expect(&probe, "privileges", "ok", NULL);
}

/* What opens need not run a guest, and what ran is no kernel. */
static void test_kvm(void **state)
{
	struct doctor_probe probe = good;

	(void)state;
	tree_middle();
	expect(&probe, "kvm", "unknown", NULL);
	probe.kvm = (struct doctor_kvm){ .not_tried = true };
	expect(&probe, "kvm", "unknown", NULL);
	probe.kvm = (struct doctor_kvm){ .step = "KVM_RUN",
					 .error = -EIO,
					 .exit_reason = 9 };
	expect(&probe, "kvm", "cannot", NULL);
	probe.kvm = (struct doctor_kvm){ .step = "KVM_RUN", .error = -ETIME };
	expect(&probe, "kvm", "cannot", NULL);
	probe.kvm = (struct doctor_kvm){ .step = "KVM_CREATE_VM",
					 .error = -EACCES };
	expect(&probe, "kvm", "cannot", NULL);
	probe.root = false;
	probe.kvm = (struct doctor_kvm){ .step = "opening it",
					 .error = -EACCES };
	expect(&probe, "kvm", "cannot", "sudo usermod -aG kvm \"$USER\"");
	probe.kvm.error = -ENOENT;
	expect(&probe, "kvm", "cannot",
	       "sudo modprobe kvm_intel || sudo modprobe kvm_amd");
	tree_put("/proc/cpuinfo", "flags\t: fpu hypervisor");
	expect(&probe, "kvm", "cannot", NULL);
}

/* Here, whatever it ends with: a result, or the step that failed. */
static void test_try_kvm(void **state)
{
	struct doctor_kvm kvm;

	(void)state;
	doctor_try_kvm(&kvm);
	assert_true(kvm.ran + kvm.not_tried + (kvm.error < 0) == 1);
	assert_true(!kvm.error || kvm.step);
	if (access("/dev/kvm", R_OK | W_OK))
		assert_string_equal(kvm.step, "opening it");
}

static void test_tried(void **state)
{
	struct doctor_probe probe = good;

	(void)state;
	tree_middle();
	expect(&probe, "affinity", "ok", NULL);
	expect(&probe, "numa_nodes", "ok", NULL);
	expect(&probe, "huge_pages", "ok", NULL);
	probe.affinity = -EPERM;
	expect(&probe, "affinity", "cannot", NULL);
	/* Two nodes, and a sandbox. */
	probe.mbind = -ENOSYS;
	expect(&probe, "numa_nodes", "cannot", NULL);
	/* The setting allows them, and none came. */
	probe.huge_page = 0;
	expect(&probe, "huge_pages", "cannot", NULL);
	probe.huge_page = -ENOENT;
	expect(&probe, "huge_pages", "unknown", NULL);
}

static void test_memory(void **state)
{
	struct doctor_probe probe = good;
	json_t *report;

	(void)state;
	tree_middle();
	/* Nothing tells. */
	expect(&probe, "memory", "unknown", NULL);
	tree_put("/proc/meminfo", MEMINFO);
	expect(&probe, "memory", "ok", NULL);
	tree_put("/proc/self/cgroup", "0::/box");
	tree_put("/sys/fs/cgroup/box/memory.current", "0");
	tree_put("/sys/fs/cgroup/box/memory.max", "536870912");
	report = examine(&probe);
	assert_string_equal(field(report, "memory", "status"), "cannot");
	assert_non_null(strstr(field(report, "memory", "value"),
			       "512 here (memory.max of our control group)"));
	assert_non_null(strstr(field(report, "memory", "why"),
			       "lookup/own_400k"));
	json_decref(report);
}

/* --- who else works ----------------------------------------------------- */

static bool near(double a, double b)
{
	return a - b < 1e-9 && b - a < 1e-9;
}

static void test_others(void **state)
{
	static const unsigned int ticks[5] = { 1, 20, 60, 100, 0 };
	struct doctor_probe probe = good;
	long hz = sysconf(_SC_CLK_TCK);
	json_t *report;

	(void)state;
	tree_middle();
	expect(&probe, "other_processes", "ok", NULL);
	watch(&probe, ticks, 181, 0, 19);
	assert_true(near(probe.busy, 181.0 / hz));
	assert_int_equal(probe.nr_top, 3);
	assert_int_equal(probe.top[0].pid, 5000004);
	assert_string_equal(probe.top[0].name, "busy?loop");
	assert_true(probe.top[1].kernel);
	assert_string_equal(probe.top[2].name, "a) R (b");
	assert_true(probe.top[2].processors > 19.0 / hz);
	/* A number may be another's by the time that it is typed. */
	expect(&probe, "other_processes", "noisy", NULL);
	report = examine(&probe);
	assert_non_null(strstr(field(report, "other_processes", "why"),
			       "busy?loop (5000004) 1.00"));
	assert_string_equal(field(report, "steal", "value"),
			    "0.0 % in 1 s, 0.8 % of the work since boot");
	json_decref(report);
	/* Busy, and nobody is seen who is. */
	probe.nr_top = 0;
	expect(&probe, "other_processes", "noisy", NULL);
	probe.activity = -EACCES;
	expect(&probe, "other_processes", "unknown", NULL);
}

static void test_steal(void **state)
{
	static const unsigned int none[5];
	struct doctor_probe probe = good;

	(void)state;
	tree_middle();
	expect(&probe, "steal", "ok", NULL);
	watch(&probe, none, 0, 5, 195);
	assert_true(near(probe.steal, 0.025));
	expect(&probe, "steal", "noisy", NULL);
	/* It may be over. */
	probe.steal = 0;
	expect(&probe, "steal", "noisy", NULL);
	probe.steal_since_boot = 0;
	expect(&probe, "steal", "ok", NULL);
	probe.activity = -ENOENT;
	expect(&probe, "steal", "unknown", NULL);
}

static void test_no_activity(void **state)
{
	struct activity a;

	(void)state;
	assert_int_equal(activity_take(&a), -ENOENT);
	activity_free(&a);
	tree_put("/proc/stat", "cpu 1 2");
	assert_int_equal(activity_take(&a), -EINVAL);
	activity_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCTOR_TEST(test_middle),
		DOCTOR_TEST(test_small),
		DOCTOR_TEST(test_cpuset),
		DOCTOR_TEST(test_isolation),
		DOCTOR_TEST(test_counters),
		DOCTOR_TEST(test_clock),
		DOCTOR_TEST(test_tools),
		DOCTOR_TEST(test_kvm),
		DOCTOR_TEST(test_try_kvm),
		DOCTOR_TEST(test_tried),
		DOCTOR_TEST(test_memory),
		DOCTOR_TEST(test_others),
		DOCTOR_TEST(test_steal),
		DOCTOR_TEST(test_no_activity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
