// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the processors are set to: what makes one run faster or slower
 * than another, or than itself a minute ago.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine_part.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"
#include "bench/machine/machine_read.h"

#define CPU	"/sys/devices/system/cpu"

/* --- frequency ---------------------------------------------------------- */

/* The names in @set, in the order in which they came. */
static void join(json_t *machine, const char *key, json_t *set)
{
	char text[256] = "";
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach(set, name, value) if (n < sizeof(text))
		n += snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
			      name);
	json_object_set_new(machine, key, json_string(text));
}

/* What @name says for each processor, once each: "performance, powersave". */
static void set_each(json_t *machine, const char *key, const char *name,
		     hwloc_const_bitmap_t online)
{
	json_t *set = json_object();
	int error = 0;
	char line[128];
	unsigned int cpu;

	hwloc_bitmap_foreach_begin(cpu, online) error = machine_read(
		line, sizeof(line), CPU "/cpu%u/%s", cpu, name);
	if (!error)
		json_object_set_new(set, line, json_true());
	hwloc_bitmap_foreach_end();
	if (json_object_size(set))
		join(machine, key, set);
	else
		json_set_missing(machine, key, CPU "/cpu*/%s: %s", name,
				 strerror(-error));
	json_decref(set);
}

/* The least (@sign 1) or greatest (-1) of all processors' @name, in kHz. */
static void set_extreme(json_t *machine, const char *key, const char *name,
			int sign, hwloc_const_bitmap_t online)
{
	long long value, best = 0;
	int error = 0, found = 0;
	unsigned int cpu;

	hwloc_bitmap_foreach_begin(cpu, online)
		error = machine_read_number(&value, CPU "/cpu%u/%s", cpu, name);
	if (!error && (!found++ || (best - value) * sign > 0))
		best = value;
	hwloc_bitmap_foreach_end();
	if (found)
		json_object_set_new(machine, key, json_integer(best));
	else
		json_set_missing(machine, key, CPU "/cpu*/%s: %s", name,
				 strerror(-error));
}

static void describe_frequency(json_t *machine)
{
	static const char *const keys[] = {
		"frequency_governor",
		"frequency_driver",
		"frequency_min_khz",
		"frequency_max_khz",
	};
	hwloc_bitmap_t online = machine_online();

	if (!online) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
			json_set_missing(machine, keys[i], "%s: not told",
					 CPU "/online");
		return;
	}
	set_each(machine, keys[0], "cpufreq/scaling_governor", online);
	set_each(machine, keys[1], "cpufreq/scaling_driver", online);
	set_extreme(machine, keys[2], "cpufreq/scaling_min_freq", 1, online);
	set_extreme(machine, keys[3], "cpufreq/scaling_max_freq", -1, online);
	hwloc_bitmap_free(online);
}

static void set_switch(json_t *machine, const char *key, bool on)
{
	json_object_set_new(machine, key, json_string(on ? "on" : "off"));
}

/* One driver's switch turns it off, the others' turns it on. */
static void describe_turbo(json_t *machine)
{
	static const char off[] = CPU "/intel_pstate/no_turbo";
	static const char on[] = CPU "/cpufreq/boost";
	long long value;
	int error;

	error = machine_read_number(&value, "%s", off);
	if (!error) {
		set_switch(machine, "turbo", !value);
		json_object_set_new(machine, "turbo_switch", json_string(off));
		return;
	}
	error = machine_read_number(&value, "%s", on);
	if (error) {
		json_set_missing(machine, "turbo", "%s, %s: %s", off, on,
				 strerror(-error));
		return;
	}
	set_switch(machine, "turbo", value);
	json_object_set_new(machine, "turbo_switch", json_string(on));
}

/* --- threads of a core, isolation --------------------------------------- */

static void describe_smt(json_t *machine)
{
	static const char path[] = CPU "/smt/active";
	long long value;
	int error = machine_read_number(&value, "%s", path);

	json_set_file(machine, "smt", CPU "/smt/control");
	if (error)
		json_set_missing(machine, "smt_active", "%s: %s", path,
				 strerror(-error));
	else
		set_switch(machine, "smt_active", value);
}

/* A list of processors; the kernel writes an empty line for none. */
static void set_list(json_t *machine, const char *key, const char *path)
{
	char list[MACHINE_LIST_MAX];
	int error = machine_read(list, sizeof(list), "%s", path);

	if (!error && (!*list || !strcmp(list, "(null)")))
		json_object_set_new(machine, key, json_string("none"));
	else if (!error)
		json_object_set_new(machine, key, json_string(list));
	else
		json_set_missing(machine, key, "%s: %s", path,
				 strerror(-error));
}

/* --- weaknesses --------------------------------------------------------- */

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* What is done against each is paid for in every system call. */
static void describe_vulnerabilities(json_t *machine)
{
	static const char path[] = CPU "/vulnerabilities";
	char full[MACHINE_PATH_MAX], line[256];
	struct dirent **names;
	json_t *list;
	int n;

	machine_path(full, path);
	n = scandir(full, &names, no_dots, alphasort);
	if (n < 0) {
		json_set_missing(machine, "vulnerabilities", "%s: %s", path,
				 strerror(errno));
		return;
	}
	list = json_object();
	for (int i = 0; i < n; i++) {
		if (!machine_read(line, sizeof(line), "%s/%s", path,
				  names[i]->d_name))
			json_object_set_new(list, names[i]->d_name,
					    json_string(line));
		free(names[i]);
	}
	free(names);
	json_object_set_new(machine, "vulnerabilities", list);
}

static void describe_microcode(json_t *machine)
{
	static const char path[] = CPU "/cpu0/microcode/version";
	char line[64], *value;
	int error = machine_read(line, sizeof(line), "%s", path);

	if (!error) {
		json_object_set_new(machine, "microcode", json_string(line));
		return;
	}
	if (!machine_cpuinfo("microcode", &value)) {
		json_object_set_new(machine, "microcode", json_string(value));
		free(value);
		return;
	}
	json_set_missing(machine, "microcode",
			 "%s: %s, and /proc/cpuinfo does not tell", path,
			 strerror(-error));
}

void describe_cpu(json_t *machine)
{
	describe_frequency(machine);
	describe_turbo(machine);
	describe_smt(machine);
	set_list(machine, "processors_online", CPU "/online");
	set_list(machine, "isolated_processors", CPU "/isolated");
	set_list(machine, "nohz_full_processors", CPU "/nohz_full");
	describe_microcode(machine);
	describe_vulnerabilities(machine);
}
