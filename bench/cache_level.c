// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of this machine's caches holds a working set, from hwloc.
 */
#include "bench/cache_level.h"

#include <hwloc.h>
#include <stdio.h>

#define SIZE_TEXT	24

static const char *size_text(uint64_t bytes, char text[SIZE_TEXT])
{
	if (bytes < 1 << 20)
		snprintf(text, SIZE_TEXT, "%.0f KiB", bytes / 1024.0);
	else
		snprintf(text, SIZE_TEXT, "%.0f MiB", bytes / 1048576.0);
	return text;
}

/* Caches of the first processor, inside out. */
static hwloc_obj_t next_cache(hwloc_obj_t obj)
{
	do
		obj = obj->parent;
	while (obj && !hwloc_obj_type_is_dcache(obj->type));
	return obj;
}

static void find_level(hwloc_topology_t topology, uint64_t bytes,
		       unsigned int threads, char *text, size_t size)
{
	hwloc_obj_t at = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, 0);
	char set[SIZE_TEXT], cache[SIZE_TEXT];
	hwloc_obj_t last = NULL;

	size_text(bytes, set);
	while (at && (at = next_cache(at))) {
		unsigned int sharers = hwloc_bitmap_weight(at->cpuset);

		if (sharers > threads)
			sharers = threads;
		last = at;
		if (bytes * sharers <= at->attr->cache.size)
			break;
	}
	if (!last || !last->attr->cache.size)
		snprintf(text, size, "%s each, caches unknown", set);
	else
		snprintf(text, size, "%s each %s L%u of %s", set,
			 at ? "in" : "beyond", last->attr->cache.depth,
			 size_text(last->attr->cache.size, cache));
}

void cache_level(uint64_t bytes, unsigned int threads, char *text,
		 size_t size)
{
	hwloc_topology_t topology;

	if (hwloc_topology_init(&topology)) {
		snprintf(text, size, "caches unknown");
		return;
	}
	if (hwloc_topology_load(topology))
		snprintf(text, size, "caches unknown");
	else
		find_level(topology, bytes, threads, text, size);
	hwloc_topology_destroy(topology);
}
