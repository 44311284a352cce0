// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this machine can measure at all: each check's answer is ok or
 * cannot, with the reason and, where there is one, the cure.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/doctor/doctor.h"

#include <errno.h>
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

/* A clock that costs more than this shows in what it times. */
#define CLOCK_SLOW_NS	100

static json_int_t number(const struct doctor_case *dc, const char *key)
{
	return json_integer_value(json_object_get(dc->machine, key));
}

static bool told(const struct doctor_case *dc, const char *key)
{
	return json_is_number(json_object_get(dc->machine, key));
}

/* How many processors the list "0-3,7" has. */
static int list_weight(const char *list)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	int nr = 0;

	if (list && set && !hwloc_bitmap_list_sscanf(set, list))
		nr = hwloc_bitmap_weight(set);
	hwloc_bitmap_free(set);
	return nr;
}

/* --- processors and memory ---------------------------------------------- */

static void check_processors(const struct doctor_case *dc,
			     struct doctor_check *c)
{
	const char *online = machine_text(dc, "processors_online");
	const char *cpuset = machine_text(dc, "cgroup_cpuset");
	int nr = number(dc, "processors"), all = list_weight(online);

	if (!told(dc, "processors")) {
		check_missing(c, dc, "topology");
		return;
	}
	check_set(c, nr > 1 ? DOCTOR_OK : DOCTOR_CANNOT,
		  "%d usable (%s) of %d online", nr,
		  machine_text(dc, "processors_allowed"), all);
	if (nr == 1)
		check_why(c, "nothing runs at the same time: what fixes make "
			     "each other wait for is not seen");
	if (nr >= all)
		return;
	if (!cpuset || list_weight(cpuset) > nr) {
		check_why(c,
			  "%sthe affinity given to this process leaves out "
			  "the others",
			  nr == 1 ? "one at a time: " : "");
		check_mend(c, "taskset -c %s scripts/run",
			   cpuset ? cpuset : online);
	} else {
		check_why(c, "%sthe control group has only %s",
			  nr == 1 ? "one at a time: " : "", cpuset);
	}
}

static void check_nodes(const struct doctor_case *dc, struct doctor_check *c)
{
	size_t nr = json_array_size(json_object_get(dc->machine,
						    "numa_nodes"));

	if (!nr) {
		check_missing(c, dc, "topology");
		return;
	}
	check_set(c, nr > 1 ? DOCTOR_OK : DOCTOR_CANNOT, "%zu", nr);
	if (nr == 1)
		check_why(c, "all memory is equally far: placements across "
			     "nodes are skipped");
}

static void check_caches(const struct doctor_case *dc, struct doctor_check *c)
{
	json_int_t nr = number(dc, "l3_caches");

	if (!told(dc, "l3_caches")) {
		check_missing(c, dc, "l3_caches");
		return;
	}
	check_set(c, nr > 1 ? DOCTOR_OK : DOCTOR_CANNOT, "%d", (int)nr);
	if (nr == 1)
		check_why(c, "all processors share it: placements across "
			     "caches are skipped");
}

static void check_pairs(const struct doctor_case *dc, struct doctor_check *c)
{
	json_int_t nr = number(dc, "processors"), cores = number(dc, "cores");
	const char *smt = machine_text(dc, "smt");

	if (!told(dc, "cores")) {
		check_missing(c, dc, "cores");
		return;
	}
	check_set(c, nr > cores ? DOCTOR_OK : DOCTOR_CANNOT,
		  "%d processors on %d cores", (int)nr, (int)cores);
	if (nr > cores)
		return;
	check_why(c, "no two threads of one core: that placement is skipped");
	if (smt && !strcmp(smt, "off"))
		check_mend_write(c, dc, "on",
				 "/sys/devices/system/cpu/smt/control");
}

static void check_huge(const struct doctor_case *dc, struct doctor_check *c)
{
	const char *mode = machine_text(dc, "transparent_hugepage");

	if (!mode) {
		check_missing(c, dc, "transparent_hugepage");
		return;
	}
	check_set(c, strcmp(mode, "never") ? DOCTOR_OK : DOCTOR_CANNOT, "%s",
		  mode);
	if (c->status == DOCTOR_OK)
		return;
	check_why(c, "large caches are measured with small pages, and their "
		     "lookups with what a miss of the TLB costs");
	check_mend_write(c, dc, "madvise",
			 "/sys/kernel/mm/transparent_hugepage/enabled");
}

/* --- counters and clock ------------------------------------------------- */

static void check_counter(const struct doctor_case *dc,
			  struct doctor_check *c,
			  const struct doctor_counter *counter,
			  const char *what)
{
	const char *paranoid = machine_text(dc, "perf_event_paranoid");

	if (counter->counts) {
		check_set(c, DOCTOR_OK, "%s are counted", what);
		return;
	}
	if (counter->denied) {
		check_set(c, DOCTOR_CANNOT, "denied");
		check_why(c, "%s", counter->reason);
		if (paranoid && atoi(paranoid) > 2 && !dc->probe->root)
			check_mend(c, "sudo sysctl -w "
				      "kernel.perf_event_paranoid=2");
		else
			check_why(c, "%s, which would do: a container's filter "
				  "of system calls, or another policy",
				  counter->reason);
		return;
	}
	check_set(c, DOCTOR_CANNOT, "unsupported");
	if (!*counter->reason)
		check_why(c, "they open, and count nothing: what shows them "
			     "does not implement them");
	else if (machine_is_guest(dc))
		check_why(c,
			  "%s; this is a virtual machine, to which its host "
			  "would have to give a PMU",
			  counter->reason);
	else
		check_why(c, "%s", counter->reason);
}

static void check_hardware(const struct doctor_case *dc,
			   struct doctor_check *c)
{
	check_counter(dc, c, &dc->probe->hardware, "instructions");
}

static void check_software(const struct doctor_case *dc,
			   struct doctor_check *c)
{
	check_counter(dc, c, &dc->probe->software, "page faults");
}

static void check_clock(const struct doctor_case *dc, struct doctor_check *c)
{
	const char *source = machine_text(dc, "clocksource");
	const char *others = machine_text(dc, "clocksources");
	const struct doctor_probe *p = dc->probe;

	if (p->clock_ns < 0) {
		check_set(c, DOCTOR_CANNOT, "no monotonic clock");
		check_why(c, "clock_gettime() refuses it");
		return;
	}
	check_set(c,
		  p->clock_ns > CLOCK_SLOW_NS || p->clock_resolution_ns > 1 ?
			  DOCTOR_NOISY :
			  DOCTOR_OK,
		  "%s, %.0f ns a reading, resolution %.0f ns",
		  source ? source : "unknown source", p->clock_ns,
		  p->clock_resolution_ns);
	if (c->status == DOCTOR_OK)
		return;
	check_why(c, "latencies of single operations carry it");
	if (source && strcmp(source, "tsc") && others &&
	    strstr(others, "tsc"))
		check_mend_write(c, dc, "tsc",
			"/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

/* --- tools and rights --------------------------------------------------- */

static void check_callgrind(const struct doctor_case *dc,
			    struct doctor_check *c)
{
	if (dc->probe->valgrind) {
		check_set(c, DOCTOR_OK, "valgrind is there: instructions "
					"can be counted (scripts/cost)");
		return;
	}
	check_set(c, DOCTOR_CANNOT, "no valgrind in PATH");
	check_why(c, "instructions per operation, which need no statistics, "
		     "are counted under it");
	check_mend(c, "%sapt-get install valgrind", check_sudo(dc));
}

static void check_layouts(const struct doctor_case *dc, struct doctor_check *c)
{
	if (dc->probe->lld) {
		check_set(c, DOCTOR_OK, "ld.lld is there: each block runs "
					"another link of the objects");
		return;
	}
	check_set(c, DOCTOR_CANNOT, "no ld.lld in PATH");
	check_why(c, "blocks run other links of the same objects: within one "
		     "layout, identical code differs by up to 1.6 %%");
	check_mend(c, "%sapt-get install lld", check_sudo(dc));
}

static void check_kvm(const struct doctor_case *dc, struct doctor_check *c)
{
	int error = dc->probe->kvm;

	if (!error) {
		check_set(c, DOCTOR_OK, "/dev/kvm opens: a guest with the "
					"real kernel runs (scripts/kernel)");
		return;
	}
	check_set(c, DOCTOR_CANNOT, "/dev/kvm: %s", strerror(-error));
	if (error == -EACCES || error == -EPERM) {
		check_why(c, "a guest with the real kernel would be emulated; "
			     "log in again after this");
		check_mend(c, "sudo usermod -aG kvm \"$USER\"");
	} else if (machine_is_guest(dc)) {
		check_why(c, "a guest with the real kernel is emulated, and "
			     "its times say nothing; this is a guest itself, "
			     "whose host would have to allow another");
	} else {
		check_why(c, "a guest with the real kernel is emulated, and "
			     "its times say nothing; if the firmware allows "
			     "virtual machines, loading a module is enough");
		check_mend(c, "%smodprobe kvm_intel || %smodprobe kvm_amd",
			   check_sudo(dc), check_sudo(dc));
	}
}

static void check_privileges(const struct doctor_case *dc,
			     struct doctor_check *c)
{
	check_set(c, DOCTOR_OK,
		  dc->probe->root ?
			  "root, which nothing here needs" :
			  "not root: enough to measure; some cures need sudo");
}

const struct doctor_entry doctor_abilities[] = {
	{ "processors", check_processors },
	{ "numa_nodes", check_nodes },
	{ "l3_caches", check_caches },
	{ "smt_pairs", check_pairs },
	{ "huge_pages", check_huge },
	{ "hardware_counters", check_hardware },
	{ "software_events", check_software },
	{ "clock", check_clock },
	{ "callgrind", check_callgrind },
	{ "layouts", check_layouts },
	{ "kvm", check_kvm },
	{ "privileges", check_privileges },
	{ NULL, NULL },
};
