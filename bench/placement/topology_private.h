/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the parts that make a topology: reading it, and the kinds of its
 * cores.
 */
#ifndef BENCH_TOPOLOGY_PRIVATE_H
#define BENCH_TOPOLOGY_PRIVATE_H

#include <hwloc.h>

#include "bench/placement/topology.h"

/* A line in @why.  Returns @error. */
int topology_fail(char *why, size_t size, int error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The end of @source if it is long: the line is to stay one. */
const char *topology_shown(const char *source);

/* Load what @source says.  0 or -errno, and a line in @why. */
int topology_read(hwloc_topology_t topology, const char *source, char *why,
		  size_t size);
/* Fill in ->nr_kinds and each processor's ->kind.  0 or -ENOMEM. */
int topology_kinds(hwloc_topology_t topology, struct topology *t);

#endif
