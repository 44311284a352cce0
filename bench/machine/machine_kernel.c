// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel under us: what it was started with and set to, and what it
 * itself runs on.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine_part.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"
#include "bench/machine/machine_read.h"

#define HUGEPAGE	"/sys/kernel/mm/transparent_hugepage"

/* --- command line ------------------------------------------------------- */

/* Options that bear on times; a name that ends in '.' stands for all. */
static const char *const options[] = {
	"amd_pstate",
	"audit",
	"clocksource",
	"cpufreq.",
	"cpuidle.",
	"debug_pagealloc",
	"default_hugepagesz",
	"gather_data_sampling",
	"highres",
	"hpet",
	"hugepages",
	"hugepagesz",
	"idle",
	"indirect_target_selection",
	"init_on_alloc",
	"init_on_free",
	"intel_idle.",
	"intel_pstate",
	"irqaffinity",
	"isolcpus",
	"kpti",
	"kvm-intel.",
	"l1tf",
	"lapic",
	"maxcpus",
	"mds",
	"mitigations",
	"mmio_stale_data",
	"nmi_watchdog",
	"no-kvmclock",
	"no_timer_check",
	"nohz",
	"nohz_full",
	"nopti",
	"nosmt",
	"nosoftlockup",
	"nospectre_v1",
	"nospectre_v2",
	"notsc",
	"nowatchdog",
	"nr_cpus",
	"numa",
	"numa_balancing",
	"page_alloc.",
	"possible_cpus",
	"preempt",
	"processor.",
	"psi",
	"pti",
	"rcu_nocb_poll",
	"rcu_nocbs",
	"rcupdate.",
	"rcutree.",
	"reg_file_data_sampling",
	"retbleed",
	"skew_tick",
	"slab_nomerge",
	"slub_debug",
	"spec_rstack_overflow",
	"spec_store_bypass_disable",
	"spectre_bhi",
	"spectre_v2",
	"spectre_v2_user",
	"srbds",
	"threadirqs",
	"transparent_hugepage",
	"tsa",
	"tsc",
	"tsx",
	"tsx_async_abort",
	"vmscape",
};

static bool option_matters(const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		size_t n = strlen(options[i]);

		if ((options[i][n - 1] == '.' || n == len) &&
		    !strncmp(word, options[i], n))
			return true;
	}
	return false;
}

/* The rest may name disks, addresses and secrets: results are made public. */
static void describe_command_line(json_t *machine)
{
	static const char path[] = "/proc/cmdline";
	char line[4096], kept[4096] = "", *save, *word;
	int error = machine_read(line, sizeof(line), "%s", path);
	unsigned int left_out = 0;
	size_t n = 0;

	if (error) {
		json_set_missing(machine, "kernel_command_line", "%s: %s",
				 path, strerror(-error));
		return;
	}
	for (word = strtok_r(line, " ", &save); word && strcmp(word, "--");
	     word = strtok_r(NULL, " ", &save)) {
		if (option_matters(word))
			n += sprintf(kept + n, "%s%s", n ? " " : "", word);
		else
			left_out++;
	}
	json_object_set_new(machine, "kernel_command_line", json_string(kept));
	json_object_set_new(machine, "kernel_command_line_left_out",
			    json_integer(left_out));
}

/* --- what it runs on ---------------------------------------------------- */

/* What the hypervisor calls itself; "" if it does not. */
static void hypervisor_name(char name[64])
{
	*name = '\0';
	if (!machine_read(name, 64, "/sys/hypervisor/type"))
		return;
#if defined(__x86_64__) || defined(__i386__)
	unsigned int eax, id[4] = { 0 };

	if (!machine_is_real())
		return;
	__cpuid(0x40000000, eax, id[0], id[1], id[2]);
	for (const char *c = (const char *)id; *c; c++)
		if (*c < ' ' || *c > '~')
			return;
	memcpy(name, id, sizeof(id));
	for (size_t len = strlen(name); len && name[len - 1] == ' '; len--)
		name[len - 1] = '\0';
#endif
}

bool machine_is_emulated(void)
{
	char name[64];

	hypervisor_name(name);
	return !strncmp(name, "TCG", 3);
}

static void describe_hypervisor(json_t *machine)
{
	char name[64], *flags;
	int error = machine_cpuinfo("flags", &flags);

	hypervisor_name(name);
	if (!error && !strstr(flags, " hypervisor"))
		json_object_set_new(machine, "hypervisor", json_string("none"));
	else if (!error || *name)
		json_object_set_new(machine, "hypervisor",
				    json_string(*name ? name :
							"one without a name"));
	else
		json_set_missing(machine, "hypervisor",
				 "/proc/cpuinfo does not tell on this architecture");
	if (!error)
		free(flags);
	json_set_file(machine, "vendor", "/sys/class/dmi/id/sys_vendor");
	json_set_file(machine, "product", "/sys/class/dmi/id/product_name");
}

/* --- settings ----------------------------------------------------------- */

/* "always [madvise] never": the one chosen. */
static void set_choice(json_t *machine, const char *key, const char *path)
{
	char line[256], *from, *to;
	int error = machine_read(line, sizeof(line), "%s", path);

	from = error ? NULL : strchr(line, '[');
	to = from ? strchr(from, ']') : NULL;
	if (to) {
		*to = '\0';
		json_object_set_new(machine, key, json_string(from + 1));
	} else {
		json_set_missing(machine, key, "%s: %s", path,
				 error ? strerror(-error) : "nothing chosen");
	}
}

/* Is a process of this name running?  1, 0 or -errno. */
static int is_running(const char *name)
{
	char full[MACHINE_PATH_MAX], comm[32];
	struct dirent *entry;
	int found = 0;
	DIR *proc;

	machine_path(full, "/proc");
	proc = opendir(full);
	if (!proc)
		return -errno;
	while (!found && (entry = readdir(proc)))
		found = strspn(entry->d_name, "0123456789") ==
				strlen(entry->d_name) &&
			!machine_read(comm, sizeof(comm), "/proc/%s/comm",
				      entry->d_name) &&
			!strcmp(comm, name);
	closedir(proc);
	return found;
}

static void describe_irqbalance(json_t *machine)
{
	int running = is_running("irqbalance");

	if (running < 0)
		json_set_missing(machine, "irqbalance", "/proc: %s",
				 strerror(-running));
	else
		json_object_set_new(machine, "irqbalance",
				    json_string(running ? "running" :
							  "not running"));
}

void describe_kernel(json_t *machine)
{
	static const char clock[] =
		"/sys/devices/system/clocksource/clocksource0";
	char path[128];

	describe_command_line(machine);
	describe_hypervisor(machine);
	set_choice(machine, "transparent_hugepage", HUGEPAGE "/enabled");
	set_choice(machine, "transparent_hugepage_defrag", HUGEPAGE "/defrag");
	json_set_file(machine, "numa_balancing",
		      "/proc/sys/kernel/numa_balancing");
	json_set_file(machine, "perf_event_paranoid",
		      "/proc/sys/kernel/perf_event_paranoid");
	snprintf(path, sizeof(path), "%s/current_clocksource", clock);
	json_set_file(machine, "clocksource", path);
	snprintf(path, sizeof(path), "%s/available_clocksource", clock);
	json_set_file(machine, "clocksources", path);
	describe_irqbalance(machine);
}
