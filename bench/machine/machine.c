// SPDX-License-Identifier: GPL-2.0-only
/*
 * Describing the machine, from hwloc, /proc and /sys.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine.h"

#include <errno.h>
#include <hwloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/machine/machine_part.h"
#include "bench/machine/machine_read.h"
#include "sync/affinity.h"

/* --- processors --------------------------------------------------------- */

/* What the process may run on: not only its cgroup, also its affinity. */
static int topology_load(hwloc_topology_t *topology)
{
	/* Where that is refused, hwloc would ask for ever. */
	int error = allowed_processors(NULL, 0);
	hwloc_bitmap_t bound;

	if (error < 0)
		return error;
	error = -ENOMEM;
	bound = hwloc_bitmap_alloc();
	if (!bound || hwloc_topology_init(topology))
		goto out;
	error = -EIO;
	if (hwloc_topology_load(*topology) ||
	    hwloc_get_cpubind(*topology, bound, HWLOC_CPUBIND_PROCESS) ||
	    hwloc_topology_restrict(*topology, bound, 0))
		hwloc_topology_destroy(*topology);
	else
		error = 0;
out:
	hwloc_bitmap_free(bound);
	return error;
}

/* How many processing units of its core come before @pu. */
static unsigned int sibling_rank(hwloc_topology_t topology, hwloc_obj_t pu)
{
	hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology,
							  HWLOC_OBJ_CORE, pu);
	hwloc_obj_t other = NULL;
	unsigned int rank = 0;

	if (!core)
		return 0;
	while ((other = hwloc_get_next_obj_inside_cpuset_by_type(
			topology, core->cpuset, HWLOC_OBJ_PU, other)) &&
	       other != pu)
		rank++;
	return rank;
}

int machine_cpus(unsigned int **cpus, unsigned int *nr)
{
	hwloc_topology_t topology;
	unsigned int total, rank, found;
	hwloc_obj_t pu;
	int error;

	error = topology_load(&topology);
	if (error)
		return error;
	total = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
	*nr = 0;
	*cpus = calloc(total, sizeof(**cpus));
	if (!*cpus) {
		error = -ENOMEM;
		goto out;
	}
	for (rank = 0; *nr < total; rank++) {
		pu = NULL;
		found = *nr;
		while ((pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU,
							pu)))
			if (sibling_rank(topology, pu) == rank)
				(*cpus)[(*nr)++] = pu->os_index;
		if (*nr == found)
			break;
	}
	if (!*nr) {
		free(*cpus);
		error = -ENODEV;
	}
out:
	hwloc_topology_destroy(topology);
	return error;
}

static json_t *describe_nodes(hwloc_topology_t topology)
{
	json_t *nodes = json_array();
	hwloc_obj_t node = NULL;

	while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE,
						  node))) {
		char *cpus = NULL;

		hwloc_bitmap_list_asprintf(&cpus, node->cpuset);
		json_array_append_new(nodes,
			json_pack("{s:i, s:I, s:s?}", "node", node->os_index,
				  "bytes",
				  (json_int_t)node->attr->numanode.local_memory,
				  "processors", cpus));
		free(cpus);
	}
	return nodes;
}

/* Of the first package; some machines tell nothing. */
static void describe_model(json_t *machine, hwloc_topology_t topology)
{
	static const char *const infos[][2] = {
		{ "cpu_vendor", "CPUVendor" },
		{ "cpu_family", "CPUFamilyNumber" },
		{ "cpu_model_number", "CPUModelNumber" },
		{ "cpu_stepping", "CPUStepping" },
		{ "cpu_model", "CPUModel" },
	};
	hwloc_obj_t package =
		hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
	const char *value;
	int len;

	/* Without packages it is the machine that has the name. */
	if (!package)
		package = hwloc_get_root_obj(topology);
	for (size_t i = 0; i < sizeof(infos) / sizeof(*infos); i++) {
		value = hwloc_obj_get_info_by_name(package, infos[i][1]);
		if (!value) {
			json_set_missing(machine, infos[i][0],
					 "hwloc knows no %s of this processor",
					 infos[i][1]);
			continue;
		}
		/* Some are padded. */
		for (len = strlen(value); len && value[len - 1] == ' '; len--)
			;
		json_object_set_new(machine, infos[i][0],
				    json_stringn(value, len));
	}
	if (json_is_null(json_object_get(machine, "cpu_model")))
		describe_arm(machine);
}

/* How many of @type there are among those that we may use. */
static void set_count(json_t *machine, const char *key,
		      hwloc_topology_t topology, hwloc_obj_type_t type)
{
	int nr = hwloc_get_nbobjs_by_type(topology, type);

	if (nr > 0)
		json_object_set_new(machine, key, json_integer(nr));
	else
		json_set_missing(machine, key, "hwloc sees none");
}

static void describe_processors(json_t *machine)
{
	hwloc_topology_t topology;
	hwloc_const_bitmap_t set;
	char *allowed = NULL, tree[4096];
	int error = topology_load(&topology);

	if (error) {
		json_set_missing(machine, "topology", "hwloc: %s",
				 strerror(-error));
		return;
	}
	describe_model(machine, topology);
	set = hwloc_topology_get_topology_cpuset(topology);
	hwloc_bitmap_list_asprintf(&allowed, set);
	json_set_text(machine, "processors_allowed", allowed, "no memory");
	free(allowed);
	set_count(machine, "processors", topology, HWLOC_OBJ_PU);
	set_count(machine, "cores", topology, HWLOC_OBJ_CORE);
	set_count(machine, "packages", topology, HWLOC_OBJ_PACKAGE);
	set_count(machine, "l3_caches", topology, HWLOC_OBJ_L3CACHE);
	json_object_set_new(machine, "numa_nodes", describe_nodes(topology));
	if (hwloc_topology_export_synthetic(topology, tree, sizeof(tree), 0) >
	    0)
		json_object_set_new(machine, "topology", json_string(tree));
	else
		json_set_missing(machine, "topology",
				 "too uneven for one line: see its XML");
	hwloc_topology_destroy(topology);
}

/* --- all of it ---------------------------------------------------------- */

json_t *machine_settings(void)
{
	json_t *machine = json_object();
	struct utsname uts;

	if (!machine)
		return NULL;
	if (uname(&uts)) {
		json_set_missing(machine, "host", "uname: %s",
				 strerror(errno));
	} else {
		json_set_text(machine, "host", uts.nodename, "");
		json_set_text(machine, "kernel", uts.release, "");
		json_set_text(machine, "kernel_version", uts.version, "");
		json_set_text(machine, "architecture", uts.machine, "");
	}
	describe_processors(machine);
	json_object_set_new(machine, "memory_bytes",
			    json_integer((json_int_t)sysconf(_SC_PHYS_PAGES) *
					 sysconf(_SC_PAGESIZE)));
	describe_cpu(machine);
	describe_kernel(machine);
	describe_cgroup(machine);
	return machine;
}

json_t *machine_describe(void)
{
	json_t *machine = machine_settings(), *program = machine_program();

	if (!program || json_object_update(machine, program)) {
		json_decref(machine);
		machine = NULL;
	}
	json_decref(program);
	return machine;
}
