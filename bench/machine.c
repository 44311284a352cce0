// SPDX-License-Identifier: GPL-2.0-only
/*
 * Describing the machine, from hwloc, /proc and /sys.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine.h"

#include <elf.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <hwloc.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The build may say with what flags it compiled. */
#ifndef DELWRI_BUILD_FLAGS
#define DELWRI_BUILD_FLAGS	NULL
#endif

int json_set_missing(json_t *object, const char *key, const char *fmt, ...)
{
	char name[64], reason[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	snprintf(name, sizeof(name), "%s_reason", key);
	if (json_object_set_new(object, key, json_null()))
		return -1;
	return json_object_set_new(object, name, json_string(reason));
}

static void set_string(json_t *object, const char *key, const char *value,
		       const char *reason)
{
	if (value)
		json_object_set_new(object, key, json_string(value));
	else
		json_set_missing(object, key, "%s", reason);
}

/* First line of @path without its newline; 0 or -errno. */
static int read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "r");
	int error = 0;

	if (!file)
		return -errno;
	if (fgets(line, size, file))
		line[strcspn(line, "\n")] = '\0';
	else
		error = ferror(file) ? -EIO : -ENODATA;
	fclose(file);
	return error;
}

static void set_file(json_t *object, const char *key, const char *path)
{
	char line[256];
	int error = read_line(path, line, sizeof(line));

	if (error)
		json_set_missing(object, key, "%s: %s", path,
				 strerror(-error));
	else
		json_object_set_new(object, key, json_string(line));
}

/* --- processors --------------------------------------------------------- */

/* What the process may run on: not only its cgroup, also its affinity. */
static int topology_load(hwloc_topology_t *topology)
{
	hwloc_bitmap_t bound = hwloc_bitmap_alloc();
	int error = -ENOMEM;

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

static void describe_processors(json_t *machine)
{
	hwloc_topology_t topology;
	hwloc_obj_t package;
	const char *model = NULL;
	char text[128], *allowed = NULL;
	int error = topology_load(&topology);

	if (error) {
		json_set_missing(machine, "topology", "hwloc: %s",
				 strerror(-error));
		return;
	}
	package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
	if (package)
		model = hwloc_obj_get_info_by_name(package, "CPUModel");
	if (model) {
		/* Some are padded. */
		int len = snprintf(text, sizeof(text), "%s", model);

		len = len < (int)sizeof(text) ? len : (int)sizeof(text) - 1;
		while (len > 0 && text[len - 1] == ' ')
			text[--len] = '\0';
		model = text;
	}
	set_string(machine, "cpu_model", model,
		   "hwloc knows no model of this processor");
	hwloc_bitmap_list_asprintf(&allowed,
				   hwloc_topology_get_allowed_cpuset(topology));
	set_string(machine, "processors_allowed", allowed, "no memory");
	free(allowed);
	json_object_set_new(
		machine, "processors",
		json_integer(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU)));
	json_object_set_new(machine, "cores",
			    json_integer(hwloc_get_nbobjs_by_type(
				    topology, HWLOC_OBJ_CORE)));
	json_object_set_new(machine, "numa_nodes", describe_nodes(topology));
	hwloc_topology_destroy(topology);
}

/* --- the program -------------------------------------------------------- */

const char *machine_build_type(void)
{
#if defined(__SANITIZE_THREAD__)
	return "tsan";
#elif defined(__SANITIZE_ADDRESS__)
	return "asan";
#elif defined(DELWRI_CHECKING)
	return "checking";
#elif defined(__OPTIMIZE__)
	return "release";
#else
	return "unoptimised";
#endif
}

#define NOTE_ALIGN(n)	(((n) + 3) & ~(size_t)3)

/* The build id in the notes of the program itself, in hexadecimal. */
static int find_build_id(struct dl_phdr_info *info, size_t size, void *arg)
{
	char *hex = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		const char *at = (const char *)(info->dlpi_addr + ph->p_vaddr);
		const char *end = at + ph->p_memsz;

		while (ph->p_type == PT_NOTE &&
		       at + sizeof(ElfW(Nhdr)) < end) {
			const ElfW(Nhdr) *note = (const void *)at;
			const unsigned char *id =
				(const void *)(at + sizeof(*note) +
					       NOTE_ALIGN(note->n_namesz));

			if (note->n_type == NT_GNU_BUILD_ID &&
			    note->n_descsz <= 32) {
				for (unsigned int j = 0; j < note->n_descsz;
				     j++)
					sprintf(hex + 2 * j, "%02x", id[j]);
				return 1;
			}
			at = (const char *)id + NOTE_ALIGN(note->n_descsz);
		}
	}
	/* Only the first object is the program. */
	return 1;
}

static void describe_program(json_t *machine)
{
	char id[72] = "";
	struct stat st;

	dl_iterate_phdr(find_build_id, id);
	set_string(machine, "build_id", *id ? id : NULL,
		   "the linker wrote none");
	if (stat("/proc/self/exe", &st))
		json_set_missing(machine, "program_bytes",
				 "/proc/self/exe: %s", strerror(errno));
	else
		json_object_set_new(machine, "program_bytes",
				    json_integer(st.st_size));
	set_string(machine, "build_type", machine_build_type(), "");
#ifdef __clang__
	set_string(machine, "compiler", "clang " __clang_version__, "");
#else
	set_string(machine, "compiler", "gcc " __VERSION__, "");
#endif
	set_string(machine, "compiler_flags", DELWRI_BUILD_FLAGS,
		   "the build did not record them");
	set_string(machine, "libc", gnu_get_libc_version(), "");
}

json_t *machine_describe(void)
{
	json_t *machine = json_object();
	struct utsname uts;

	if (!machine)
		return NULL;
	if (uname(&uts)) {
		json_set_missing(machine, "host", "uname: %s",
				 strerror(errno));
	} else {
		set_string(machine, "host", uts.nodename, "");
		set_string(machine, "kernel", uts.release, "");
		set_string(machine, "kernel_version", uts.version, "");
		set_string(machine, "architecture", uts.machine, "");
	}
	describe_processors(machine);
	json_object_set_new(machine, "memory_bytes",
			    json_integer((json_int_t)sysconf(_SC_PHYS_PAGES) *
					 sysconf(_SC_PAGESIZE)));
	set_file(machine, "frequency_governor",
		 "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	set_file(machine, "smt", "/sys/devices/system/cpu/smt/control");
	set_file(machine, "isolated_processors",
		 "/sys/devices/system/cpu/isolated");
	set_file(machine, "transparent_hugepage",
		 "/sys/kernel/mm/transparent_hugepage/enabled");
	set_file(machine, "numa_balancing",
		 "/proc/sys/kernel/numa_balancing");
	set_file(machine, "clocksource",
		 "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	describe_program(machine);
	return machine;
}

/* --- what it is doing --------------------------------------------------- */

/* Seconds stolen by the hypervisor from all processors since boot. */
static void set_steal(json_t *state)
{
	unsigned long long steal;
	char line[256];
	int error = read_line("/proc/stat", line, sizeof(line));

	if (error)
		json_set_missing(state, "steal_s", "/proc/stat: %s",
				 strerror(-error));
	else if (sscanf(line, "cpu %*u %*u %*u %*u %*u %*u %*u %llu",
			&steal) != 1)
		json_set_missing(state, "steal_s",
				 "/proc/stat does not tell");
	else
		json_object_set_new(state, "steal_s",
			json_real((double)steal / sysconf(_SC_CLK_TCK)));
}

json_t *machine_state(void)
{
	json_t *state = json_object();
	double load[3];
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	if (!state)
		return NULL;
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	set_string(state, "time", text, "");
	if (getloadavg(load, 3) == 3)
		json_object_set_new(state, "load",
				    json_pack("[f, f, f]", load[0], load[1],
					      load[2]));
	else
		json_set_missing(state, "load", "the system does not tell");
	set_steal(state);
	return state;
}
