// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which events are counted, in groups of at most four, and what libpfm4
 * calls them.  The first of an event's names that this processor has is
 * taken; none: unsupported.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/perf/perf.h"

#include <perfmon/pfmlib_perf_event.h>
#include <stdlib.h>
#include <string.h>

#define NAMES	5

struct event {
	const char *name;
	const char *libpfm[NAMES];	/* in order of preference */
	bool together;			/* user and kernel as one counter */
};

/* A new group begins after each empty name. */
static const struct event events[] = {
	{ "cycles", { "perf::CYCLES" }, false },
	{ "instructions", { "perf::INSTRUCTIONS" }, false },
	{ NULL, { NULL }, false },
	{ "l1d-load-misses", { "perf::L1-DCACHE-LOAD-MISSES" }, false },
	{ "cache-misses", { "perf::CACHE-MISSES" }, false },
	{ NULL, { NULL }, false },
	{ "node-loads", { "perf::NODE-LOADS" }, false },
	{ "node-load-misses", { "perf::NODE-LOAD-MISSES" }, false },
	{ NULL, { NULL }, false },
	/* A load that found the line changed in another core's cache. */
	{ "local-hitm",
	  { "MEM_LOAD_L3_HIT_RETIRED:XSNP_HITM",
	    "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD",
	    "MEM_LOAD_UOPS_L3_HIT_RETIRED:XSNP_HITM",
	    "MEM_LOAD_UOPS_LLC_HIT_RETIRED:XSNP_HITM" },
	  false },
	{ "remote-hitm",
	  { "MEM_LOAD_L3_MISS_RETIRED:REMOTE_HITM",
	    "MEM_LOAD_UOPS_L3_MISS_RETIRED:REMOTE_HITM",
	    "MEM_LOAD_UOPS_LLC_MISS_RETIRED:REMOTE_HITM",
	    "ANY_DATA_CACHE_FILLS_FROM_SYSTEM:EXT_CACHE_RMT" },
	  false },
	{ NULL, { NULL }, false },
	/* The kernel's own: no hardware is needed. */
	{ "task-clock-ns", { "perf::TASK-CLOCK" }, true },
	{ "context-switches", { "perf::CONTEXT-SWITCHES" }, true },
	{ "cpu-migrations", { "perf::CPU-MIGRATIONS" }, true },
	{ "page-faults", { "perf::PAGE-FAULTS" }, false },
};

#define EVENTS	(sizeof(events) / sizeof(*events))

static void add(struct perf_set *set, const char *name, const char *mode)
{
	set->counter[set->nr++] = (struct perf_counter){
		.name = name,
		.mode = mode,
		.group = set->nr_groups - 1,
		.fd = -1,
	};
}

/* User and kernel in one group, so that they count at the same time. */
void perf_list(struct perf_set *set)
{
	*set = (struct perf_set){ .nr_groups = 1 };
	for (unsigned int i = 0; i < EVENTS; i++) {
		if (!events[i].name) {
			set->nr_groups++;
		} else if (events[i].together) {
			add(set, events[i].name, "all");
		} else {
			add(set, events[i].name, "user");
			add(set, events[i].name, "kernel");
		}
	}
	for (unsigned int g = 0; g < PERF_GROUPS; g++)
		set->leader[g] = -1;
}

static const struct event *find(const char *name)
{
	for (unsigned int i = 0; i < EVENTS; i++)
		if (events[i].name && !strcmp(events[i].name, name))
			return &events[i];
	return NULL;
}

static int levels(const char *mode)
{
	if (!strcmp(mode, "user"))
		return PFM_PLM3;
	if (!strcmp(mode, "kernel"))
		return PFM_PLM0;
	return PFM_PLM0 | PFM_PLM3;
}

bool perf_encode(struct perf_counter *c, struct perf_event_attr *attr)
{
	const struct event *event = find(c->name);
	int error = pfm_initialize();

	for (int i = 0; event && i < NAMES && event->libpfm[i]; i++) {
		char *full = NULL;
		pfm_perf_encode_arg_t arg = { .attr = attr,
					      .fstr = &full,
					      .size = sizeof(arg) };

		memset(attr, 0, sizeof(*attr));
		attr->size = sizeof(*attr);
		error = pfm_get_os_event_encoding(event->libpfm[i],
						  levels(c->mode),
						  PFM_OS_PERF_EVENT, &arg);
		if (error != PFM_SUCCESS)
			continue;
		snprintf(c->event, sizeof(c->event), "%s", full ? full : "");
		free(full);
		return true;
	}
	c->status = PERF_UNSUPPORTED;
	snprintf(c->reason, sizeof(c->reason),
		 "libpfm4 knows no such event of this processor (%s)",
		 pfm_strerror(error));
	return false;
}
