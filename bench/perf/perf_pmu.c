// SPDX-License-Identifier: GPL-2.0-only
/*
 * Types of cores.  Each has a PMU of its own on hybrid processors (cpu_core
 * and cpu_atom, armv8_cortex_a53 and ..._a72), and an event belongs to one
 * PMU: on cores of the others it does not count, which is no multiplexing.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/perf/perf_pmu.h"

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine_read.h"

#define DEVICES		"/sys/bus/event_source/devices"
#define LIST_MAX	1024
#define PMUS		16
/* Where an event's PMU goes; older headers do not name it. */
#define TYPE_SHIFT	32
#define PROCESSORS_MAX	65536

/* In words, the processors of @set. */
static void list_set(char list[LIST_MAX], hwloc_const_bitmap_t set)
{
	hwloc_bitmap_list_snprintf(list, LIST_MAX, set);
}

/* PMUs of processors, by name; an uncore's has a "cpumask" instead. */
static unsigned int find_pmus(struct perf_pmu pmu[PMUS])
{
	char path[MACHINE_PATH_MAX], line[LIST_MAX];
	struct dirent *entry;
	unsigned int nr = 0;
	long long type;
	DIR *dir;

	machine_path(path, DEVICES);
	dir = opendir(path);
	while (dir && nr < PMUS && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (*name == '.' || strlen(name) >= sizeof(pmu[nr].name) ||
		    machine_read(line, sizeof(line), DEVICES "/%s/cpus",
				 name) ||
		    machine_read_number(&type, DEVICES "/%s/type", name))
			continue;
		pmu[nr].cpus = hwloc_bitmap_alloc();
		if (!pmu[nr].cpus ||
		    hwloc_bitmap_list_sscanf(pmu[nr].cpus, line)) {
			hwloc_bitmap_free(pmu[nr].cpus);
			continue;
		}
		strcpy(pmu[nr].name, name);
		pmu[nr++].type = type;
	}
	if (dir)
		closedir(dir);
	return nr;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct perf_pmu *)a)->name,
		      ((const struct perf_pmu *)b)->name);
}

/* Why no one PMU counts on all of @cpus. */
static void say_none(const struct perf_pmu *pmu, unsigned int nr,
		     hwloc_const_bitmap_t cpus, char *why, size_t size)
{
	char list[LIST_MAX], names[96] = "";
	unsigned int met = 0;
	size_t at = 0;

	for (unsigned int i = 0; i < nr; i++) {
		if (!hwloc_bitmap_intersects(pmu[i].cpus, cpus))
			continue;
		met++;
		if (at < sizeof(names))
			at += snprintf(names + at, sizeof(names) - at, "%s%s",
				       at ? ", " : "", pmu[i].name);
	}
	if (met > 1) {
		snprintf(why, size,
			 "this thread may run on cores of several types (%.50s), whose counts are not one: pin it to one",
			 names);
		return;
	}
	list_set(list, cpus);
	snprintf(why, size, "no PMU counts on all of processors %.64s%s", list,
		 met ? ": pin the thread" : "");
}

int perf_pmu_of(hwloc_const_bitmap_t cpus, struct perf_pmu *pmu, char *why,
		size_t size)
{
	struct perf_pmu all[PMUS];
	unsigned int nr = find_pmus(all);
	int error = nr ? -EXDEV : 0;

	*pmu = (struct perf_pmu){ .name = PERF_PMU_ONLY };
	qsort(all, nr, sizeof(*all), by_name);
	for (unsigned int i = 0; i < nr && error; i++) {
		if (!hwloc_bitmap_isincluded(cpus, all[i].cpus))
			continue;
		strcpy(pmu->name, all[i].name);
		pmu->type = nr > 1 ? all[i].type : 0;
		error = 0;
	}
	if (error)
		say_none(all, nr, cpus, why, size);
	for (unsigned int i = 0; i < nr; i++)
		hwloc_bitmap_free(all[i].cpus);
	return error;
}

int perf_pmu_of_thread(pid_t tid, struct perf_pmu *pmu, char *why, size_t size)
{
	size_t bytes = CPU_ALLOC_SIZE(PROCESSORS_MAX);
	cpu_set_t *set = CPU_ALLOC(PROCESSORS_MAX);
	hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
	int error = set && cpus ? 0 : -ENOMEM;

	if (!error && sched_getaffinity(tid, bytes, set))
		error = -errno;
	for (int i = 0; i < PROCESSORS_MAX && !error; i++)
		if (CPU_ISSET_S(i, bytes, set))
			hwloc_bitmap_set(cpus, i);
	if (error)
		snprintf(why, size, "where this thread may run is not told: %s",
			 strerror(-error));
	else
		error = perf_pmu_of(cpus, pmu, why, size);
	hwloc_bitmap_free(cpus);
	CPU_FREE(set);
	return error;
}

bool perf_pmu_is_hardware(const struct perf_event_attr *attr)
{
	return attr->type != PERF_TYPE_SOFTWARE &&
	       attr->type != PERF_TYPE_TRACEPOINT;
}

int perf_pmu_apply(const struct perf_pmu *pmu, struct perf_event_attr *attr)
{
	if (!pmu->type || !perf_pmu_is_hardware(attr) ||
	    attr->type == pmu->type)
		return 0;
	if (attr->type != PERF_TYPE_HARDWARE &&
	    attr->type != PERF_TYPE_HW_CACHE)
		return -EXDEV;
	attr->config |= (uint64_t)pmu->type << TYPE_SHIFT;
	return 0;
}
