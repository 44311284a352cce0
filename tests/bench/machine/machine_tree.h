/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machines that nobody here has: /proc and /sys as files of the test's
 * folder, which the machine's readers take for the real ones.
 */
#ifndef TESTS_MACHINE_TREE_H
#define TESTS_MACHINE_TREE_H

#include "tests/bench/bench_test.h"

#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>

#include "bench/machine/machine.h"
#include "bench/machine/machine_read.h"

#define TREE_CPU	"/sys/devices/system/cpu"

/* One line at @path, which may be there; NULL takes the file away. */
static inline void tree_put(const char *path, const char *line)
{
	char full[1024];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", folder, path);
	if (!line) {
		assert_true(!unlink(full) || errno == ENOENT);
		return;
	}
	for (char *c = full + strlen(folder) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		assert_true(!mkdir(full, 0755) || errno == EEXIST);
		*c = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fprintf(file, "%s\n", line);
	fclose(file);
}

static inline void tree_put_cpu(unsigned int cpu, const char *name,
				const char *line)
{
	char path[256];

	snprintf(path, sizeof(path), TREE_CPU "/cpu%u/%s", cpu, name);
	tree_put(path, line);
}

/* Cores are numbered through; the second threads come behind them all. */
static unsigned int tree_packages, tree_cores;	/* of each package */

static inline bool tree_same_core(unsigned int cpu, unsigned int of)
{
	unsigned int all = tree_packages * tree_cores;

	return cpu % all == of % all;
}

static inline bool tree_same_package(unsigned int cpu, unsigned int of)
{
	unsigned int all = tree_packages * tree_cores;

	return cpu % all / tree_cores == of % all / tree_cores;
}

/* A mask as the kernel writes it, of the processors that @in says. */
static inline const char *tree_mask(bool (*in)(unsigned int cpu,
					       unsigned int of),
				    unsigned int of)
{
	static char text[512];
	unsigned int nr = 2 * tree_packages * tree_cores;
	size_t n = 0;

	for (unsigned int w = (nr + 31) / 32; w--;) {
		uint32_t bits = 0;

		for (unsigned int i = 0; i < 32; i++)
			if (32 * w + i < nr && in(32 * w + i, of))
				bits |= 1u << i;
		n += sprintf(text + n, "%08x%s", bits, w ? "," : "");
	}
	return text;
}

static inline void tree_put_processors(void)
{
	unsigned int all = tree_packages * tree_cores;
	const char *package;
	char text[64];

	snprintf(text, sizeof(text), "0-%u", 2 * all - 1);
	tree_put(TREE_CPU "/online", text);
	tree_put(TREE_CPU "/possible", text);
	tree_put(TREE_CPU "/present", text);
	for (unsigned int cpu = 0; cpu < 2 * all; cpu++) {
		snprintf(text, sizeof(text), "%u", cpu % all / tree_cores);
		tree_put_cpu(cpu, "topology/physical_package_id", text);
		snprintf(text, sizeof(text), "%u", cpu % tree_cores);
		tree_put_cpu(cpu, "topology/core_id", text);
		snprintf(text, sizeof(text), "%u,%u", cpu % all,
			 cpu % all + all);
		tree_put_cpu(cpu, "topology/thread_siblings_list", text);
		tree_put_cpu(cpu, "topology/thread_siblings",
			     tree_mask(tree_same_core, cpu));
		package = tree_mask(tree_same_package, cpu);
		tree_put_cpu(cpu, "topology/core_siblings", package);
		tree_put_cpu(cpu, "cache/index3/shared_cpu_map", package);
		tree_put_cpu(cpu, "cache/index3/level", "3");
		tree_put_cpu(cpu, "cache/index3/type", "Unified");
		tree_put_cpu(cpu, "cache/index3/size", "32768K");
		tree_put_cpu(cpu, "cpufreq/scaling_governor",
			     cpu < all / 2 ? "performance" : "powersave");
		tree_put_cpu(cpu, "cpufreq/scaling_driver", "intel_cpufreq");
		tree_put_cpu(cpu, "cpufreq/scaling_min_freq",
			     cpu ? "1200000" : "800000");
		tree_put_cpu(cpu, "cpufreq/scaling_max_freq",
			     cpu ? "3500000" : "3900000");
		tree_put_cpu(cpu, "cpufreq/scaling_cur_freq",
			     cpu ? "2000000" : "3800000");
	}
}

static inline void tree_put_nodes(void)
{
	char text[64], path[128];

	snprintf(text, sizeof(text), "0-%u", tree_packages - 1);
	tree_put("/sys/devices/system/node/online", text);
	for (unsigned int node = 0; node < tree_packages; node++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%u/cpumap", node);
		tree_put(path, tree_mask(tree_same_package,
					 tree_cores * node));
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%u/meminfo", node);
		snprintf(text, sizeof(text), "Node %u MemTotal: 65536000 kB",
			 node);
		tree_put(path, text);
	}
}

/* All that can be told, and much of it bad. */
static inline void tree_machine(unsigned int packages, unsigned int cores)
{
	tree_packages = packages;
	tree_cores = cores;
	tree_put_processors();
	tree_put_nodes();
	tree_put(TREE_CPU "/intel_pstate/no_turbo", "0");
	tree_put(TREE_CPU "/smt/active", "1");
	tree_put(TREE_CPU "/smt/control", "on");
	tree_put(TREE_CPU "/isolated", "");
	tree_put(TREE_CPU "/nohz_full", "(null)");
	tree_put(TREE_CPU "/vulnerabilities/meltdown", "Mitigation: PTI");
	tree_put(TREE_CPU "/vulnerabilities/l1tf", "Not affected");
	tree_put("/proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\n"
		 "microcode\t: 0x2b000590\nflags\t\t: fpu vme sse");
	tree_put("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=UUID=1234 "
		 "isolcpus=2-3 mitigations=off rcutree.kthread_prio=2 quiet "
		 "isolated=9 -- nosmt");
	tree_put("/proc/stat", "cpu 1000 200 300 5000 100 10 20 50 0 0");
	tree_put("/proc/loadavg", "0.25 1.50 2.00 1/900 4242");
	tree_put("/proc/pressure/cpu",
		 "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000");
	tree_put("/proc/sys/kernel/numa_balancing", "1");
	tree_put("/proc/sys/kernel/perf_event_paranoid", "4");
	tree_put("/proc/self/cgroup", "0::/");
	tree_put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu memory");
	tree_put("/proc/5000001/comm", "irqbalance");
	tree_put("/sys/kernel/mm/transparent_hugepage/enabled",
		 "[always] madvise never");
	tree_put("/sys/kernel/mm/transparent_hugepage/defrag",
		 "always defer defer+madvise [madvise] never");
	tree_put("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		 "hpet");
	tree_put("/sys/devices/system/clocksource/clocksource0/available_clocksource",
		 "tsc hpet acpi_pm");
	tree_put("/sys/class/dmi/id/sys_vendor", "Somebody");
}

/* 256 processors. */
static inline void tree_big(void)
{
	tree_machine(8, 16);
}

/* 8 processors, of 2 packages. */
static inline void tree_middle(void)
{
	tree_machine(2, 2);
}

/* A machine of one processor and one node, of which little is told. */
static inline void tree_small(void)
{
	tree_put(TREE_CPU "/online", "0");
	tree_put(TREE_CPU "/possible", "0");
	tree_put(TREE_CPU "/present", "0");
	tree_put_cpu(0, "topology/physical_package_id", "0");
	tree_put_cpu(0, "topology/core_id", "0");
	tree_put_cpu(0, "topology/thread_siblings", "00000001");
	tree_put_cpu(0, "topology/core_siblings", "00000001");
	tree_put("/sys/devices/system/node/online", "0");
	tree_put("/sys/devices/system/node/node0/cpumap", "00000001");
	tree_put("/sys/devices/system/node/node0/meminfo",
		 "Node 0 MemTotal: 65536 kB");
}

static inline int tree_make(void **state)
{
	int error = folder_make(state);

	/* An empty tree is meant to be one. */
	setenv("HWLOC_HIDE_ERRORS", "2", 1);
	machine_set_root(folder);
	return error;
}

static inline int tree_remove(void **state)
{
	machine_set_root(NULL);
	return folder_remove(state);
}

#endif
