/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much more memory this process may have, and who says so.  Read anew
 * at each call; nothing is changed.
 */
#ifndef BENCH_MACHINE_MEMORY_H
#define BENCH_MACHINE_MEMORY_H

#include <stdint.h>

struct memory_room {
	uint64_t bytes;			/* UINT64_MAX: nobody sets a limit */
	char limit[64];		/* who sets the least; "": nobody */
};

/* Pages in memory: what is available, control groups and all above them. */
void machine_memory_room(struct memory_room *room);
/* Private memory that is mapped, touched or not: RLIMIT_AS and the like. */
void machine_address_room(struct memory_room *room);
/* Pages of one node that are free or could be.  0 or -errno. */
int machine_node_room(unsigned int node, uint64_t *bytes);
/* Bytes of ours in memory, by /proc/self/status: "VmRSS"; 0: not told. */
uint64_t machine_memory_own(const char *key);

/* For the parts of it: the number behind @key in a file.  0 or -errno. */
int memory_line(const char *path, const char *key, uint64_t *value);
/* Take @bytes if it is less than what @room has. */
void memory_room_limit(struct memory_room *room, uint64_t bytes,
		       const char *limit);

#endif
