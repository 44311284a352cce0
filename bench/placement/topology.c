// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flattening what hwloc knows of a machine.  Levels that a machine lacks,
 * numbers with gaps and memory without processors are all normal.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/placement/topology.h"

#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(char *why, size_t size, int error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(char *why, size_t size, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return error;
}

/* --- reading ------------------------------------------------------------ */

static bool is_file(const char *source)
{
	size_t len = strlen(source);

	return strchr(source, '/') || !access(source, F_OK) ||
	       (len > 4 && !strcmp(source + len - 4, ".xml"));
}

/* Of the format, from the beginning of the file; 0: not one of hwloc's. */
static int xml_version(const char *path)
{
	char text[2048];
	FILE *file = fopen(path, "r");
	const char *at;
	int major = 0;
	size_t n;

	if (!file)
		return -errno;
	n = fread(text, 1, sizeof(text) - 1, file);
	if (ferror(file))
		major = -EIO;
	fclose(file);
	text[n] = '\0';
	at = strstr(text, "<topology");
	if (at && sscanf(at, "<topology version=\"%d.", &major) != 1)
		major = 1;	/* the first format did not name itself */
	return major;
}

/* hwloc's own opinion of a bad file is several lines: ours is one. */
static int load_quietly(hwloc_topology_t topology, const char *path)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), saved, error;

	fflush(stderr);
	saved = dup(STDERR_FILENO);
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	error = hwloc_topology_set_xml(topology, path) ||
		hwloc_topology_load(topology);
	if (saved >= 0) {
		dup2(saved, STDERR_FILENO);
		close(saved);
	}
	if (null >= 0)
		close(null);
	return error;
}

static int load_file(hwloc_topology_t topology, const char *path, char *why,
		     size_t size)
{
	int version = xml_version(path);

	if (version < 0)
		return fail(why, size, version,
			    "cannot read topology file %s: %s", path,
			    strerror(-version));
	if (version != 0 && version != 2)
		return fail(why, size, -EINVAL,
			    "topology file %s is of version %d, and hwloc 2 is what reads it: export it with lstopo of hwloc 2%s",
			    path, version,
			    version > 2 ? ", or with --export-xml-flags v2" :
					  "");
	if (version == 0 || load_quietly(topology, path))
		return fail(why, size, -EINVAL,
			    "topology file %s is no XML that hwloc understands: make it again with lstopo --of xml",
			    path);
	return 0;
}

static int load_this(hwloc_topology_t topology, char *why, size_t size)
{
	hwloc_bitmap_t bound = hwloc_bitmap_alloc();
	int error;

	if (!bound)
		return -ENOMEM;
	error = hwloc_topology_load(topology) ||
		hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) ||
		hwloc_topology_restrict(topology, bound, 0);
	hwloc_bitmap_free(bound);
	if (error)
		return fail(why, size, -EIO,
			    "hwloc cannot find out this machine's processors: see what lstopo says");
	if (!hwloc_topology_is_thissystem(topology))
		return fail(why, size, -EINVAL,
			    "the environment makes hwloc describe another machine: unset HWLOC_XMLFILE, HWLOC_SYNTHETIC and HWLOC_FSROOT");
	return 0;
}

static int load(hwloc_topology_t topology, const char *source, char *why,
		size_t size)
{
	if (!strcmp(source, "this"))
		return load_this(topology, why, size);
	if (is_file(source))
		return load_file(topology, source, why, size);
	if (hwloc_topology_set_synthetic(topology, source) ||
	    hwloc_topology_load(topology))
		return fail(why, size, -EINVAL,
			    "topology '%s' is neither a file nor a description that hwloc understands: write \"this\", or for example \"node:2 core:4 pu:2\"",
			    source);
	return 0;
}

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

/* The smallest node around it; of equals the first: fast memory is later. */
static unsigned int closest_node(hwloc_topology_t topology, hwloc_obj_t pu)
{
	unsigned int found = TOPOLOGY_NONE;
	hwloc_obj_t node = NULL;
	int weight, best = INT_MAX;

	while ((node = hwloc_get_next_obj_by_type(
			topology, HWLOC_OBJ_NUMANODE, node))) {
		if (!node->cpuset ||
		    !hwloc_bitmap_isset(node->cpuset, pu->os_index))
			continue;
		weight = hwloc_bitmap_weight(node->cpuset);
		if (weight < best) {
			best = weight;
			found = node->logical_index;
		}
	}
	return found;
}

/* hwloc sorts from the thriftiest to the fastest, if it knows. */
static unsigned int core_kind(hwloc_topology_t topology, hwloc_obj_t pu,
			      unsigned int nr_kinds)
{
	int efficiency = -1, kind;

	kind = hwloc_cpukinds_get_by_cpuset(topology, pu->cpuset, 0);
	if (kind < 0)
		return nr_kinds - 1;
	hwloc_cpukinds_get_info(topology, kind, NULL, &efficiency, NULL, NULL,
				0);
	return efficiency < 0 ? (unsigned int)kind : nr_kinds - 1 - kind;
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
		pu->node = closest_node(topology, obj);
		pu->kind = core_kind(topology, obj, t->nr_kinds);
		if (pu->node != TOPOLOGY_NONE)
			t->node[pu->node].nr_pus++;
	}
	if (!cores)
		t->nr_cores = t->nr_pus;
}

static void flatten_nodes(hwloc_topology_t topology, struct topology *t)
{
	bool told = false;
	hwloc_obj_t obj = NULL;

	for (unsigned int i = 0; i < t->nr_nodes; i++) {
		obj = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE,
						 obj);
		t->node[i].os = obj->os_index;
		t->node[i].has_memory = obj->attr->numanode.local_memory > 0;
		told |= t->node[i].has_memory;
	}
	/* No sizes at all: the file leaves them out. */
	for (unsigned int i = 0; i < t->nr_nodes && !told; i++)
		t->node[i].has_memory = true;
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
	int kinds = hwloc_cpukinds_get_nr(topology, 0);

	t->nr_pus = count(topology, HWLOC_OBJ_PU);
	t->nr_nodes = count(topology, HWLOC_OBJ_NUMANODE);
	t->nr_cores = count(topology, HWLOC_OBJ_CORE);
	t->nr_l3s = count(topology, HWLOC_OBJ_L3CACHE);
	t->nr_packages = count(topology, HWLOC_OBJ_PACKAGE);
	t->nr_kinds = kinds > 1 ? kinds : 1;
	t->pu = calloc(t->nr_pus + 1, sizeof(*t->pu));
	t->node = calloc(t->nr_nodes + 1, sizeof(*t->node));
	t->distance = calloc((size_t)t->nr_nodes * t->nr_nodes + 1,
			     sizeof(*t->distance));
	if (!t->pu || !t->node || !t->distance)
		return -ENOMEM;
	flatten_nodes(topology, t);
	flatten_pus(topology, t);
	flatten_distances(topology, t);
	return 0;
}

int topology_load(const char *source, struct topology **tp, char *why,
		  size_t why_size)
{
	struct topology *t = calloc(1, sizeof(*t));
	hwloc_topology_t topology;
	int error = -ENOMEM;

	fail(why, why_size, 0, "out of memory");
	if (!t)
		return error;
	if (hwloc_topology_init(&topology))
		goto out_free;
	error = load(topology, source, why, why_size);
	if (!error)
		error = flatten(topology, t);
	if (error)
		goto out_destroy;
	if (!t->nr_pus) {
		error = fail(why, why_size, -EINVAL,
			     "topology '%s' has no processor that may be used",
			     source);
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
	free(t->pu);
	free(t->node);
	free(t->distance);
	free(t);
}

/* --- questions ---------------------------------------------------------- */

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
