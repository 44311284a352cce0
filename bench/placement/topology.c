// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flattening what hwloc knows of a machine.  Levels that a machine lacks,
 * numbers with gaps and memory without processors are all normal.
 */
#include "bench/placement/topology_private.h"

#include <errno.h>
#include <stdlib.h>

/* --- flattening --------------------------------------------------------- */

/* hwloc's logical numbers are ours where it has the level. */
static unsigned int ancestor(hwloc_topology_t topology, hwloc_obj_t pu,
			     hwloc_obj_type_t type)
{
	hwloc_obj_t obj = hwloc_get_ancestor_obj_by_type(topology, type, pu);

	return obj ? obj->logical_index : TOPOLOGY_NONE;
}

static unsigned int count(hwloc_topology_t topology, hwloc_obj_type_t type)
{
	int nr = hwloc_get_nbobjs_by_type(topology, type);

	return nr > 0 ? nr : 0;
}

/* Of @obj's own nodes, some behind a cache, the first that will do. */
static hwloc_obj_t own_node(hwloc_obj_t obj, const struct topology *t,
			    bool with_memory)
{
	hwloc_obj_t found = NULL;

	if (obj->type == HWLOC_OBJ_NUMANODE)
		return with_memory && !t->node[obj->logical_index].has_memory ?
			       NULL :
			       obj;
	for (hwloc_obj_t m = obj->memory_first_child; m && !found;
	     m = m->next_sibling)
		found = own_node(m, t, with_memory);
	return found;
}

/* The smallest one around it; of equals the first: fast memory is later. */
static unsigned int closest_node(hwloc_obj_t pu, const struct topology *t,
				 bool with_memory)
{
	hwloc_obj_t found = NULL;

	for (hwloc_obj_t obj = pu->parent; obj && !found; obj = obj->parent)
		found = own_node(obj, t, with_memory);
	return found ? found->logical_index : TOPOLOGY_NONE;
}

static void flatten_pus(hwloc_topology_t topology, struct topology *t)
{
	bool cores = t->nr_cores > 0;
	hwloc_obj_t obj = NULL;

	for (unsigned int i = 0; i < t->nr_pus; i++) {
		struct topology_pu *pu = &t->pu[i];

		obj = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, obj);
		pu->os = obj->os_index;
		pu->core = ancestor(topology, obj, HWLOC_OBJ_CORE);
		if (pu->core == TOPOLOGY_NONE)
			pu->core = cores ? t->nr_cores++ : i;
		pu->l3 = ancestor(topology, obj, HWLOC_OBJ_L3CACHE);
		pu->package = ancestor(topology, obj, HWLOC_OBJ_PACKAGE);
		pu->node = closest_node(obj, t, false);
		pu->memory = closest_node(obj, t, true);
		if (pu->node != TOPOLOGY_NONE)
			t->node[pu->node].nr_pus++;
	}
	if (!cores)
		t->nr_cores = t->nr_pus;
}

static int flatten_nodes(hwloc_topology_t topology, struct topology *t)
{
	bool told = false;
	hwloc_obj_t obj = NULL;

	for (unsigned int i = 0; i < t->nr_nodes; i++) {
		obj = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE,
						 obj);
		t->node[i].os = obj->os_index;
		t->node[i].has_memory = obj->attr->numanode.local_memory > 0;
		told |= t->node[i].has_memory;
		t->node[i].around = hwloc_bitmap_dup(obj->cpuset);
		if (!t->node[i].around)
			return -ENOMEM;
	}
	/* No sizes at all: the file leaves them out. */
	for (unsigned int i = 0; i < t->nr_nodes && !told; i++)
		t->node[i].has_memory = true;
	return 0;
}

/* A matrix may leave out nodes, and has an order of its own. */
static void flatten_distances(hwloc_topology_t topology, struct topology *t)
{
	struct hwloc_distances_s *d = NULL;
	unsigned int nr = 1;

	if (hwloc_distances_get_by_type(topology, HWLOC_OBJ_NUMANODE, &nr, &d,
					HWLOC_DISTANCES_KIND_MEANS_LATENCY,
					0) ||
	    !nr)
		return;
	for (unsigned int i = 0; i < d->nbobjs; i++)
		for (unsigned int j = 0; j < d->nbobjs; j++)
			if (d->objs[i] && d->objs[j])
				t->distance[d->objs[i]->logical_index *
						    t->nr_nodes +
					    d->objs[j]->logical_index] =
					d->values[i * d->nbobjs + j];
	hwloc_distances_release(topology, d);
}

static int flatten(hwloc_topology_t topology, struct topology *t)
{
	t->nr_pus = count(topology, HWLOC_OBJ_PU);
	t->nr_nodes = count(topology, HWLOC_OBJ_NUMANODE);
	t->nr_cores = count(topology, HWLOC_OBJ_CORE);
	t->nr_l3s = count(topology, HWLOC_OBJ_L3CACHE);
	t->nr_packages = count(topology, HWLOC_OBJ_PACKAGE);
	t->pu = calloc(t->nr_pus + 1, sizeof(*t->pu));
	t->node = calloc(t->nr_nodes + 1, sizeof(*t->node));
	t->distance = calloc((size_t)t->nr_nodes * t->nr_nodes + 1,
			     sizeof(*t->distance));
	if (!t->pu || !t->node || !t->distance)
		return -ENOMEM;
	if (flatten_nodes(topology, t))
		return -ENOMEM;
	flatten_pus(topology, t);
	flatten_distances(topology, t);
	return topology_kinds(topology, t);
}

int topology_load(const char *source, struct topology **tp, char *why,
		  size_t why_size)
{
	struct topology *t = calloc(1, sizeof(*t));
	hwloc_topology_t topology;
	int error = -ENOMEM;

	topology_fail(why, why_size, 0, "out of memory");
	if (!t)
		return error;
	if (hwloc_topology_init(&topology))
		goto out_free;
	error = topology_read(topology, source, why, why_size);
	if (!error)
		error = flatten(topology, t);
	if (error)
		goto out_destroy;
	if (!t->nr_pus) {
		error = topology_fail(
			why, why_size, -EINVAL,
			"topology '%s' has no processor that may be used",
			topology_shown(source));
		goto out_destroy;
	}
	t->here = hwloc_topology_is_thissystem(topology);
	hwloc_topology_destroy(topology);
	*tp = t;
	return 0;
out_destroy:
	hwloc_topology_destroy(topology);
out_free:
	topology_free(t);
	return error;
}

void topology_free(struct topology *t)
{
	if (!t)
		return;
	for (unsigned int i = 0; t->node && i < t->nr_nodes; i++)
		hwloc_bitmap_free(t->node[i].around);
	free(t->pu);
	free(t->node);
	free(t->distance);
	free(t);
}

/* --- questions ---------------------------------------------------------- */

bool topology_is_around(const struct topology *t, unsigned int node,
			unsigned int pu)
{
	return hwloc_bitmap_isset(t->node[node].around, t->pu[pu].os);
}

unsigned int topology_distance(const struct topology *t, unsigned int a,
			       unsigned int b)
{
	unsigned int there, back;

	if (a == TOPOLOGY_NONE || b == TOPOLOGY_NONE)
		return 0;
	there = t->distance[a * t->nr_nodes + b];
	back = t->distance[b * t->nr_nodes + a];
	return there > back ? there : back;
}

unsigned int topology_node_index(const struct topology *t, unsigned int os)
{
	for (unsigned int i = 0; i < t->nr_nodes; i++)
		if (t->node[i].os == os)
			return i;
	return TOPOLOGY_NONE;
}

unsigned int topology_distances(const struct topology *t, unsigned int *values,
				unsigned int max)
{
	unsigned int nr = 0, last = 0;

	while (nr < max) {
		unsigned int next = UINT_MAX;

		for (unsigned int a = 0; a < t->nr_nodes; a++)
			for (unsigned int b = 0; b < a; b++) {
				unsigned int d = topology_distance(t, a, b);

				if (t->node[a].nr_pus && t->node[b].nr_pus &&
				    d > last && d < next)
					next = d;
			}
		if (next == UINT_MAX)
			break;
		values[nr++] = last = next;
	}
	return nr;
}

bool topology_same(const struct topology *file, const struct topology *here)
{
	for (unsigned int i = 0; i < file->nr_pus; i++) {
		const struct topology_pu *a = &file->pu[i], *b = NULL;

		for (unsigned int j = 0; j < here->nr_pus && !b; j++)
			if (here->pu[j].os == a->os)
				b = &here->pu[j];
		if (!b || (a->node == TOPOLOGY_NONE) !=
				  (b->node == TOPOLOGY_NONE))
			return false;
		if (a->node != TOPOLOGY_NONE &&
		    file->node[a->node].os != here->node[b->node].os)
			return false;
	}
	return true;
}
