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

#include "bench/run/run_memory.h"

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

static void check_affinity(const struct doctor_case *dc,
			   struct doctor_check *c)
{
	int error = dc->probe->affinity;

	if (!error) {
		check_set(c, DOCTOR_OK, "this thread went to each processor");
		return;
	}
	check_set(c, DOCTOR_CANNOT, "threads are not bound");
	check_why(c, "sched_setaffinity(): %s; threads that float are measured "
		     "where they happen to be",
		  strerror(-error));
}

/* What the default run needs, and what there is. */
static void check_memory(const struct doctor_case *dc, struct doctor_check *c)
{
	const char *sets[] = { "run", NULL };
	struct memory_fit fit, most = { 0 };
	unsigned int nr = 0, skipped = 0;
	char names[160] = "";
	struct cli cli;
	size_t at = 0;

	(void)dc;
	if (cli_parse(1, (char **)sets, &cli)) {
		check_set(c, DOCTOR_UNKNOWN, "not told");
		check_why(c, "out of memory");
		return;
	}
	for (unsigned int i = 0; i < cli.nr_workloads; i++, nr++) {
		bool fits = run_memory_of(&cli, cli.workloads[i], 0, &fit);

		if (fit.needs > most.needs)
			most = fit;
		if (fits)
			continue;
		skipped++;
		if (at < sizeof(names))
			at += snprintf(names + at, sizeof(names) - at, "%s%s",
				       at ? ", " : "", cli.workloads[i]->name);
	}
	cli_free(&cli);
	check_set(c, skipped ? DOCTOR_CANNOT : DOCTOR_OK, "a default run %s",
		  most.why);
	if (skipped)
		check_why(c, "%u of %u workloads do not fit and are skipped: "
			     "%s; fewer fixes at once need less",
			  skipped, nr, names);
	if (most.here == UINT64_MAX && !skipped)
		c->status = DOCTOR_UNKNOWN;
	if (c->status == DOCTOR_UNKNOWN)
		check_why(c, "neither /proc/meminfo nor a control group says "
			     "what is there");
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
	if (nr == 1) {
		check_why(c, "all memory is equally far: placements across "
			     "nodes are skipped");
	} else if (dc->probe->mbind) {
		check_set(c, DOCTOR_CANNOT, "%zu, and memory is not bound", nr);
		check_why(c, "binding a page to its node was refused: %s; a "
			     "container's filter of system calls does that",
			  strerror(-dc->probe->mbind));
	}
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

/* What the kernel's setting allows need not be had. */
static void check_had_huge(const struct doctor_case *dc, struct doctor_check *c,
			   const char *mode)
{
	int had = dc->probe->huge_page;

	if (had > 0) {
		check_set(c, DOCTOR_OK, "%s, and one was had", mode);
		return;
	}
	check_set(c, had ? DOCTOR_UNKNOWN : DOCTOR_CANNOT, "%s, and %s", mode,
		  had ? "not tried" : "none was had");
	if (had)
		check_why(c, "whether one is had cannot be seen here: %s",
			  strerror(-had));
	else
		check_why(c, "large caches are measured with small pages: "
			     "memory is in pieces, or huge pages are switched "
			     "off for this process");
}

static void check_huge(const struct doctor_case *dc, struct doctor_check *c)
{
	const char *mode = machine_text(dc, "transparent_hugepage");

	if (!mode) {
		check_missing(c, dc, "transparent_hugepage");
		return;
	}
	if (strcmp(mode, "never")) {
		check_had_huge(dc, c, mode);
		return;
	}
	check_set(c, DOCTOR_CANNOT, "%s", mode);
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

/* False, and what is wrong with @program, which scripts/setup@what brings. */
static bool check_program(const struct doctor_case *dc, struct doctor_check *c,
			  const char *program, const char *what, int ended)
{
	if (!ended)
		return true;
	if (ended == -ENOENT)
		check_set(c, DOCTOR_CANNOT, "no %s in PATH", program);
	else if (ended < 0)
		check_set(c, DOCTOR_CANNOT, "%s does not start: %s", program,
			  strerror(-ended));
	else
		check_set(c, DOCTOR_CANNOT, "%s --version: status %d", program,
			  ended);
	if (ended == -ENOENT)
		check_mend(c, "%sscripts/setup%s", check_sudo(dc), what);
	return false;
}

static void check_callgrind(const struct doctor_case *dc,
			    struct doctor_check *c)
{
	if (check_program(dc, c, "valgrind", " cost", dc->probe->valgrind))
		check_set(c, DOCTOR_OK, "valgrind starts: instructions can be "
					"counted (scripts/cost)");
	else
		check_why(c, "instructions per operation, which need no "
			     "statistics, are counted under it");
}

static void check_layouts(const struct doctor_case *dc, struct doctor_check *c)
{
	if (check_program(dc, c, "ld.lld", "", dc->probe->lld))
		check_set(c, DOCTOR_OK, "ld.lld starts: each block runs "
					"another link of the objects");
	else
		check_why(c, "blocks run other links of the same objects: "
			     "within one layout, identical code differs by up "
			     "to 1.6 %%");
}

/* It opens, and yet. */
static void check_kvm_failed(const struct doctor_kvm *kvm,
			     struct doctor_check *c)
{
	if (kvm->error == -EIO && kvm->exit_reason)
		check_set(c, DOCTOR_CANNOT,
			  "/dev/kvm opens, but a guest's first instruction "
			  "ends with exit reason %u",
			  kvm->exit_reason);
	else
		check_set(c, DOCTOR_CANNOT, "/dev/kvm opens, but %s: %s",
			  kvm->step,
			  kvm->error == -ETIME ?
				  "a guest's first instruction does not end" :
				  strerror(-kvm->error));
	check_why(c, "a guest with the real kernel is emulated, and its times "
		     "say nothing; who provides this machine would have to "
		     "let guests run in it");
}

static void check_kvm(const struct doctor_case *dc, struct doctor_check *c)
{
	const struct doctor_kvm *kvm = &dc->probe->kvm;
	int error = kvm->error;

	if (kvm->ran) {
		check_set(c, DOCTOR_UNKNOWN, "a guest ran one instruction");
		check_why(c, "whether one with the real kernel boots was not "
			     "tried: scripts/kernel does");
		return;
	}
	if (kvm->not_tried) {
		check_set(c, DOCTOR_UNKNOWN, "/dev/kvm makes a guest");
		check_why(c, "whether it runs was not tried on this "
			     "architecture");
		return;
	}
	if (strcmp(kvm->step, "opening it")) {
		check_kvm_failed(kvm, c);
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
	{ "affinity", check_affinity },
	{ "memory", check_memory },
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
