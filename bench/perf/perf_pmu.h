/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which PMU counts where a thread runs: hybrid processors have one per type
 * of core.
 */
#ifndef BENCH_PERF_PMU_H
#define BENCH_PERF_PMU_H

#include <hwloc.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PERF_PMU_NAME	32
/* The name where the machine tells of no types. */
#define PERF_PMU_ONLY	"cpu"

struct perf_pmu {
	char name[PERF_PMU_NAME];
	uint32_t type;			/* the kernel's; 0: the only one */
	hwloc_bitmap_t cpus;		/* only inside of perf_pmu.c */
};

/*
 * The one PMU that counts on all of @cpus.  0, or -EXDEV and a line in @why:
 * there is none, as they are of several types, or of one without a PMU.
 */
int perf_pmu_of(hwloc_const_bitmap_t cpus, struct perf_pmu *pmu, char *why,
		size_t size);
/* The same for where @tid may run; also -ENOMEM or -errno of asking that. */
int perf_pmu_of_thread(pid_t tid, struct perf_pmu *pmu, char *why,
		       size_t size);
/* Does it need a PMU of the processor's? */
bool perf_pmu_is_hardware(const struct perf_event_attr *attr);
/* Make @attr that PMU's event.  0, or -EXDEV: it is encoded for another. */
int perf_pmu_apply(const struct perf_pmu *pmu, struct perf_event_attr *attr);

#endif
