/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine's processors and memory nodes as flat tables, from hwloc: this
 * machine's, an XML file's or a synthetic description's.  Everything that
 * places threads works on these, and so on machines that nobody here has.
 */
#ifndef BENCH_TOPOLOGY_H
#define BENCH_TOPOLOGY_H

#include <hwloc.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The machine has no such level there, or does not tell. */
#define TOPOLOGY_NONE	UINT_MAX

/* All but ->os are numbers of ours, counted from 0. */
struct topology_pu {
	unsigned int os;		/* the kernel's number */
	unsigned int core;		/* its own, if there are no cores */
	unsigned int l3;
	unsigned int package;
	unsigned int node;		/* closest; may have no memory */
	unsigned int memory;		/* closest around it that has some */
	unsigned int kind;		/* of core; 0: the fastest */
};

struct topology_node {
	unsigned int os;
	unsigned int nr_pus;		/* whose closest one it is */
	bool has_memory;
	hwloc_bitmap_t around;		/* its processors, by ->os */
};

struct topology {
	bool here;			/* threads can run on it */
	unsigned int nr_pus, nr_nodes;
	unsigned int nr_cores, nr_l3s, nr_packages, nr_kinds;
	struct topology_pu *pu;		/* neighbours side by side */
	struct topology_node *node;
	unsigned int *distance;		/* [from * nr_nodes + to]; 0: unknown */
};

/*
 * Only what may be used: not what is offline, nor, if it is this machine,
 * outside the process's cpuset or affinity.  @source is "this", the path
 * of an XML file of hwloc 1 or 2, or hwloc's synthetic description.  0 or
 * -errno, and a line in @why.
 */
int topology_load(const char *source, struct topology **tp, char *why,
		  size_t why_size);
void topology_free(struct topology *t);

/*
 * Is @node, fast or slow, memory of the cluster that @pu is in?  Then it is
 * not remote, whatever its distance.
 */
bool topology_is_around(const struct topology *t, unsigned int node,
			unsigned int pu);
/* The worse of both directions; 0: unknown. */
unsigned int topology_distance(const struct topology *t, unsigned int a,
			       unsigned int b);
/* Index of the node that the kernel calls @os, or TOPOLOGY_NONE. */
unsigned int topology_node_index(const struct topology *t, unsigned int os);
/*
 * Distances between different nodes with processors, each once, smallest
 * first; at most @max.  How many.
 */
unsigned int topology_distances(const struct topology *t, unsigned int *values,
				unsigned int max);
/* Every processor of @file is one of @here's, on the same node? */
bool topology_same(const struct topology *file, const struct topology *here);

#endif
