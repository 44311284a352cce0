// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much more memory this process may have: what is free, what its
 * control groups leave it, what its own limits allow.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine_memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/machine/machine_part.h"
#include "bench/machine/machine_read.h"

int memory_line(const char *path, const char *key, uint64_t *value)
{
	FILE *file = machine_open(path);
	size_t len = strlen(key);
	char line[256];
	int error = -ENODATA;

	if (!file)
		return -errno;
	while (error && fgets(line, sizeof(line), file)) {
		char *at = strstr(line, key);
		unsigned long long n;

		/* A whole word: "Active" is not in "Inactive". */
		if (!at || (at != line && at[-1] != ' ') ||
		    !strchr(": ", at[len]))
			continue;
		if (sscanf(at + len + strspn(at + len, ": "), "%llu", &n) != 1)
			continue;
		*value = n;
		error = 0;
	}
	fclose(file);
	return error;
}

void memory_room_limit(struct memory_room *room, uint64_t bytes,
		       const char *limit)
{
	if (room->limit[0] && bytes >= room->bytes)
		return;
	room->bytes = bytes;
	snprintf(room->limit, sizeof(room->limit), "%s", limit);
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t machine_memory_own(const char *key)
{
	uint64_t kb = 0;

	memory_line("/proc/self/status", key, &kb);
	return kb << 10;
}

/* --- pages that are in memory ------------------------------------------- */

void machine_memory_room(struct memory_room *room)
{
	uint64_t kb;

	*room = (struct memory_room){ .bytes = UINT64_MAX };
	if (!memory_line("/proc/meminfo", "MemAvailable", &kb) ||
	    !memory_line("/proc/meminfo", "MemFree", &kb))
		memory_room_limit(room, kb << 10,
				  "what the machine has available");
	cgroup_memory_room(room);
}

int machine_node_room(unsigned int node, uint64_t *bytes)
{
	static const char *const more[] = { "Active(file)", "Inactive(file)" };
	uint64_t sum, kb;
	char path[128];
	int error;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%u/meminfo", node);
	error = memory_line(path, "MemFree", &sum);
	for (int i = 0; i < 2 && !error; i++)
		if (!memory_line(path, more[i], &kb))
			sum += kb;
	*bytes = sum << 10;
	return error;
}

/* --- address space ------------------------------------------------------ */

/* @limit's soft value in /proc/self/limits less @used of /proc/self/status. */
static void limit_room(struct memory_room *room, const char *limit,
		       const char *used, const char *name)
{
	uint64_t most, kb;

	if (memory_line("/proc/self/limits", limit, &most) ||
	    memory_line("/proc/self/status", used, &kb))
		return;
	memory_room_limit(room, less(most, kb << 10), name);
}

void machine_address_room(struct memory_room *room)
{
	uint64_t commit, used;
	char line[16];

	*room = (struct memory_room){ .bytes = UINT64_MAX };
	limit_room(room, "Max address space", "VmSize",
		   "RLIMIT_AS, see ulimit -v");
	limit_room(room, "Max data size", "VmData",
		   "RLIMIT_DATA, see ulimit -d");
	if (machine_read(line, sizeof(line), "/proc/sys/vm/overcommit_memory") ||
	    strcmp(line, "2") ||
	    memory_line("/proc/meminfo", "CommitLimit", &commit) ||
	    memory_line("/proc/meminfo", "Committed_AS", &used))
		return;
	memory_room_limit(room, less(commit, used) << 10,
			  "CommitLimit, as vm.overcommit_memory is 2");
}
