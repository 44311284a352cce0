// SPDX-License-Identifier: GPL-2.0-only
/*
 * What makes times vary on this machine: each check's answer is ok (it
 * does not), noisy, or unknown where only somebody else can see it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/doctor/doctor.h"

#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine_read.h"

/* Less than this shows in nobody's times. */
#define STEAL_NOISY	0.005
#define BUSY_NOISY	0.05
#define LOAD_NOISY	0.5

#define CPU	"/sys/devices/system/cpu"

/* --- power -------------------------------------------------------------- */

static void check_governor(const struct doctor_case *dc,
			   struct doctor_check *c)
{
	const char *governor = machine_text(dc, "frequency_governor");

	if (!governor) {
		check_set(c, DOCTOR_UNKNOWN, "not shown");
		check_why(
			c,
			machine_is_guest(dc) ?
				"the host of this virtual machine sets it" :
				"no cpufreq driver: the firmware alone decides; "
				"its power profile should be for performance");
		return;
	}
	if (!strcmp(governor, "performance")) {
		check_set(c, DOCTOR_OK, "performance");
		return;
	}
	check_set(c, DOCTOR_NOISY, "%s", governor);
	check_why(c, "the frequency follows the load, and times follow the "
		     "frequency");
	check_mend_write(c, dc, "performance",
			 CPU "/cpu*/cpufreq/scaling_governor");
}

static void check_turbo(const struct doctor_case *dc, struct doctor_check *c)
{
	const char *turbo = machine_text(dc, "turbo");
	const char *path = machine_text(dc, "turbo_switch");

	if (!turbo) {
		check_set(c, DOCTOR_UNKNOWN, "not shown");
		check_why(
			c,
			machine_is_guest(dc) ?
				"the host of this virtual machine sets it" :
				"no driver shows a switch; the firmware may have "
				"one");
		return;
	}
	if (strcmp(turbo, "on")) {
		check_set(c, DOCTOR_OK, "off");
		return;
	}
	check_set(c, DOCTOR_NOISY, "on");
	check_why(c, "the frequency depends on heat and on how many "
		     "processors work");
	check_mend_write(c, dc, strstr(path, "no_turbo") ? "1" : "0", path);
}

/* --- who shares the processors ------------------------------------------ */

static void check_smt(const struct doctor_case *dc, struct doctor_check *c)
{
	const char *active = machine_text(dc, "smt_active");

	if (!active) {
		check_missing(c, dc, "smt_active");
		return;
	}
	if (!strcmp(active, "on")) {
		check_set(c, DOCTOR_NOISY, "on");
		check_why(c, "what runs on one thread of a core slows the "
			     "other; only a placement on both needs it");
		check_mend_write(c, dc, "off", CPU "/smt/control");
		return;
	}
	check_set(c, DOCTOR_OK, "off");
	if (machine_is_guest(dc)) {
		check_set(c, DOCTOR_UNKNOWN, "none in this virtual machine");
		check_why(c, "whether its processors share cores with others, "
			     "its host knows");
	}
}

static void check_quota(const struct doctor_case *dc, struct doctor_check *c)
{
	const json_t *quota = json_object_get(dc->machine, "cgroup_cpu_quota");
	const char *path = machine_text(dc, "cgroup_cpu_quota_file");

	if (json_is_null(quota)) {
		check_missing(c, dc, "cgroup_cpu_quota");
		return;
	}
	if (!json_is_number(quota)) {
		check_set(c, DOCTOR_OK, "none");
		return;
	}
	check_set(c, DOCTOR_NOISY, "%.2f processors",
		  json_number_value(quota));
	check_why(c, "who has used it up stands still until the next period");
	check_mend_write(c, dc, strstr(path, "cpu.max") ? "max" : "-1", path);
}

static void check_isolation(const struct doctor_case *dc,
			    struct doctor_check *c)
{
	const char *isolated = machine_text(dc, "isolated_processors");
	const char *allowed = machine_text(dc, "processors_allowed");
	hwloc_bitmap_t online = machine_online();
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	char list[256] = "";

	if (!isolated || !online || !set || !allowed) {
		check_missing(c, dc, "isolated_processors");
		goto out;
	}
	if (strcmp(isolated, "none")) {
		hwloc_bitmap_t ours = hwloc_bitmap_alloc();

		check_set(c, DOCTOR_OK, "%s", isolated);
		hwloc_bitmap_list_sscanf(set, isolated);
		hwloc_bitmap_list_sscanf(ours, allowed);
		if (!hwloc_bitmap_isincluded(ours, set)) {
			c->status = DOCTOR_NOISY;
			check_why(c, "set aside, but this process was not "
				     "started on them alone");
			check_mend(c, "taskset -c %s scripts/run", isolated);
		}
		hwloc_bitmap_free(ours);
		goto out;
	}
	check_set(c, DOCTOR_NOISY, "none set aside");
	check_why(c, "ticks, interrupts and other work come in between");
	/* The first core stays for all that. */
	if (machine_read(list, sizeof(list),
			 CPU "/cpu%d/topology/thread_siblings_list",
			 hwloc_bitmap_first(online)) ||
	    hwloc_bitmap_list_sscanf(set, list))
		hwloc_bitmap_only(set, hwloc_bitmap_first(online));
	hwloc_bitmap_andnot(set, online, set);
	if (hwloc_bitmap_weight(set) < 2) {
		check_why(c, "ticks, interrupts and other work come in "
			     "between; there are too few to set two aside");
		goto out;
	}
	hwloc_bitmap_list_snprintf(list, sizeof(list), set);
	check_mend(c, "echo \"GRUB_CMDLINE_LINUX=\\\"\\$GRUB_CMDLINE_LINUX "
		   "isolcpus=%s nohz_full=%s rcu_nocbs=%s\\\"\" | %stee -a "
		   "/etc/default/grub && %supdate-grub && %sreboot",
		   list, list, list, check_sudo(dc), check_sudo(dc),
		   check_sudo(dc));
out:
	hwloc_bitmap_free(online);
	hwloc_bitmap_free(set);
}

static void check_guest(const struct doctor_case *dc, struct doctor_check *c)
{
	const char *name = machine_text(dc, "hypervisor");

	if (!name) {
		check_missing(c, dc, "hypervisor");
		return;
	}
	if (!machine_is_guest(dc)) {
		check_set(c, DOCTOR_OK, "none");
		return;
	}
	check_set(c, DOCTOR_NOISY, "%s", name);
	check_why(c, "timers, interrupts and some instructions leave for the "
		     "hypervisor, and neighbours are not seen: only other "
		     "hardware mends that");
}

static void check_steal(const struct doctor_case *dc, struct doctor_check *c)
{
	const struct doctor_probe *p = dc->probe;
	double now = p->steal, boot = p->steal_since_boot;

	if (p->activity) {
		check_set(c, DOCTOR_UNKNOWN, "not told");
		check_why(c, "/proc/stat: %s", strerror(-p->activity));
		return;
	}
	check_set(c,
		  now > STEAL_NOISY || boot > STEAL_NOISY ? DOCTOR_NOISY :
							    DOCTOR_OK,
		  "%.1f %% in %.0f s, %.1f %% of the work since boot",
		  100 * now, p->seconds, 100 * boot);
	if (c->status == DOCTOR_NOISY)
		check_why(c, "the host gave these processors to others "
			     "meanwhile; only it can stop that");
}

/* --- what else the kernel does ------------------------------------------ */

static void check_collapse(const struct doctor_case *dc,
			   struct doctor_check *c)
{
	const char *mode = machine_text(dc, "transparent_hugepage");

	if (!mode) {
		check_missing(c, dc, "transparent_hugepage");
		return;
	}
	check_set(c, strcmp(mode, "always") ? DOCTOR_OK : DOCTOR_NOISY, "%s",
		  mode);
	if (c->status == DOCTOR_OK)
		return;
	check_why(c, "who gets huge pages, and when the kernel makes some of "
		     "small ones, is chance");
	check_mend_write(c, dc, "madvise",
			 "/sys/kernel/mm/transparent_hugepage/enabled");
}

static void check_balancing(const struct doctor_case *dc,
			    struct doctor_check *c)
{
	const char *value = machine_text(dc, "numa_balancing");
	size_t nodes = json_array_size(json_object_get(dc->machine,
						       "numa_nodes"));

	if (nodes == 1) {
		check_set(c, DOCTOR_OK, "one node");
		return;
	}
	if (!value) {
		check_missing(c, dc, "numa_balancing");
		return;
	}
	if (!strcmp(value, "0")) {
		check_set(c, DOCTOR_OK, "off");
		return;
	}
	check_set(c, DOCTOR_NOISY, "on");
	check_why(c, "the kernel takes pages away to see who wants them, and "
		     "moves them");
	check_mend(c, "%ssysctl -w kernel.numa_balancing=0", check_sudo(dc));
}

static void check_irqbalance(const struct doctor_case *dc,
			     struct doctor_check *c)
{
	const char *running = machine_text(dc, "irqbalance");

	if (!running) {
		check_missing(c, dc, "irqbalance");
		return;
	}
	check_set(c, strcmp(running, "running") ? DOCTOR_OK : DOCTOR_NOISY,
		  "%s", running);
	if (c->status == DOCTOR_OK)
		return;
	check_why(c, "it moves interrupts to whoever is measured");
	check_mend(c, "%ssystemctl stop irqbalance", check_sudo(dc));
}

/* --- who else works ----------------------------------------------------- */

static void check_load(const struct doctor_case *dc, struct doctor_check *c)
{
	const json_t *load = json_object_get(dc->state, "load");
	double one = json_number_value(json_array_get(load, 0));

	if (!json_is_array(load)) {
		check_set(c, DOCTOR_UNKNOWN, "not told");
		check_why(c, "%s",
			  json_string_value(
				  json_object_get(dc->state, "load_reason")));
		return;
	}
	check_set(c, one >= LOAD_NOISY ? DOCTOR_NOISY : DOCTOR_OK,
		  "%.2f over the last minute", one);
	if (c->status == DOCTOR_OK)
		return;
	check_why(c, "there was other work; look again when it is over");
	check_mend(c, "sleep 60; scripts/doctor");
}

static void check_others(const struct doctor_case *dc, struct doctor_check *c)
{
	const struct doctor_probe *p = dc->probe;
	char who[256] = "";
	size_t n = 0;
	bool ours = false;

	if (p->activity) {
		check_set(c, DOCTOR_UNKNOWN, "not told");
		check_why(c, "/proc: %s", strerror(-p->activity));
		return;
	}
	check_set(c, p->busy > BUSY_NOISY ? DOCTOR_NOISY : DOCTOR_OK,
		  "%.2f processors busy in %.0f s", p->busy, p->seconds);
	if (c->status == DOCTOR_OK)
		return;
	for (unsigned int i = 0; i < p->nr_top; i++) {
		const struct doctor_process *top = &p->top[i];

		n += snprintf(who + n, sizeof(who) - n, "%s%s (%d) %.2f",
			      n ? ", " : "", top->name, top->pid,
			      top->processors);
		/* The kernel's own do not end. */
		ours |= !top->kernel && top->processors > BUSY_NOISY;
	}
	check_why(c, "%s%s",
		  n ? who :
		      "none that is seen from here: other "
		      "containers, or short-lived ones",
		  ours ? "; end what is yours, or wait for its end" : "");
}

const struct doctor_entry doctor_noises[] = {
	{ "governor", check_governor },
	{ "turbo", check_turbo },
	{ "smt", check_smt },
	{ "cpu_quota", check_quota },
	{ "isolation", check_isolation },
	{ "virtualisation", check_guest },
	{ "steal", check_steal },
	{ "transparent_hugepage", check_collapse },
	{ "numa_balancing", check_balancing },
	{ "irqbalance", check_irqbalance },
	{ "load", check_load },
	{ "other_processes", check_others },
	{ NULL, NULL },
};
