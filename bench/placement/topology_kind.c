// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kinds of cores.  hwloc makes one of all that differ in anything: cores of
 * one design whose maximum frequency is a little higher, because their
 * silicon happens to be better, are no kind to place threads by.
 */
#include "bench/placement/topology_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct kind {
	const char *type;		/* NULL: not told; numbers: 0 */
	unsigned long capacity, max_mhz, base_mhz;
	unsigned int group;		/* ours; KIND_NEW: none yet */
};

#define KIND_NEW	UINT_MAX

static void describe(hwloc_topology_t topology, int index, struct kind *k)
{
	struct hwloc_info_s *info = NULL;
	unsigned int nr = 0;

	*k = (struct kind){ .group = KIND_NEW };
	if (hwloc_cpukinds_get_info(topology, index, NULL, NULL, &nr, &info,
				    0))
		return;
	for (unsigned int i = 0; i < nr; i++) {
		const char *value = info[i].value;

		if (!strcmp(info[i].name, "CoreType"))
			k->type = value;
		else if (!strcmp(info[i].name, "LinuxCapacity"))
			k->capacity = strtoul(value, NULL, 10);
		else if (!strcmp(info[i].name, "FrequencyMaxMHz"))
			k->max_mhz = strtoul(value, NULL, 10);
		else if (!strcmp(info[i].name, "FrequencyBaseMHz"))
			k->base_mhz = strtoul(value, NULL, 10);
	}
}

/* One is at least @percent more than the other; both are known. */
static bool apart(unsigned long a, unsigned long b, unsigned int percent)
{
	unsigned long least = a < b ? a : b, most = a < b ? b : a;

	return least && (most - least) * 100 >= least * percent;
}

/*
 * A favoured core runs at up to a fifth more than others of its design; the
 * slow ones of big.LITTLE, or of a hybrid that does not name its types, lose
 * a third or more, or are slower in both frequencies.
 */
static bool same(const struct kind *a, const struct kind *b)
{
	if (a->type && b->type && strcmp(a->type, b->type))
		return false;
	if (apart(a->base_mhz, b->base_mhz, 10) &&
	    apart(a->max_mhz, b->max_mhz, 10))
		return false;
	if (a->capacity && b->capacity)
		return !apart(a->capacity, b->capacity, 33);
	if (a->max_mhz && b->max_mhz)
		return !apart(a->max_mhz, b->max_mhz, 33);
	if (a->base_mhz && b->base_mhz)
		return !apart(a->base_mhz, b->base_mhz, 33);
	/* All that hwloc says is that they differ. */
	return a->type && b->type;
}

/* With all that are like it, or like one of those. */
static void join(struct kind *kinds, int nr, int index, unsigned int group)
{
	kinds[index].group = group;
	for (int i = 0; i < nr; i++)
		if (kinds[i].group == KIND_NEW &&
		    same(&kinds[i], &kinds[index]))
			join(kinds, nr, i, group);
}

/* hwloc sorts from the thriftiest on, but not by what Linux says. */
static unsigned long rank(const struct kind *kinds, int index, bool sorted)
{
	const struct kind *k = &kinds[index];

	if (sorted)
		return index;
	return k->capacity ? k->capacity :
	       k->max_mhz  ? k->max_mhz :
			     k->base_mhz;
}

/* Fastest first, if anybody knows.  How many groups. */
static unsigned int group_all(struct kind *kinds, int nr, bool sorted)
{
	unsigned int groups = 0;

	for (;;) {
		int next = -1;

		for (int i = 0; i < nr; i++)
			if (kinds[i].group == KIND_NEW &&
			    (next < 0 || rank(kinds, i, sorted) >
						 rank(kinds, next, sorted)))
				next = i;
		if (next < 0)
			return groups;
		join(kinds, nr, next, groups++);
	}
}

int topology_kinds(hwloc_topology_t topology, struct topology *t)
{
	int nr = hwloc_cpukinds_get_nr(topology, 0), efficiency = -1;
	hwloc_obj_t pu = NULL;
	struct kind *kinds;

	t->nr_kinds = 1;
	if (nr <= 1)
		return 0;
	kinds = calloc(nr, sizeof(*kinds));
	if (!kinds)
		return -ENOMEM;
	for (int i = 0; i < nr; i++)
		describe(topology, i, &kinds[i]);
	/* Of one it is known if it is of all. */
	hwloc_cpukinds_get_info(topology, 0, NULL, &efficiency, NULL, NULL, 0);
	t->nr_kinds = group_all(kinds, nr, efficiency >= 0);
	for (unsigned int i = 0; i < t->nr_pus; i++) {
		int kind;

		pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu);
		kind = hwloc_cpukinds_get_by_cpuset(topology, pu->cpuset, 0);
		/* One of which nothing is known comes last. */
		t->pu[i].kind = kind < 0 ? t->nr_kinds - 1 : kinds[kind].group;
	}
	free(kinds);
	return 0;
}
