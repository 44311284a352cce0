// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of the machine is ours: what somebody else may take from us or give
 * us while we measure, after which no time is comparable with one before.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine_part.h"
#include "bench/machine/machine_read.h"

/* The value of @name in the first thread's status. */
static void set_status(json_t *conditions, const char *key, const char *name)
{
	FILE *file = machine_open("/proc/self/status");
	size_t size = 0, len = strlen(name);
	char *line = NULL, *value = NULL;
	int error = file ? 0 : -errno;

	while (file && !value && getline(&line, &size, file) > 0)
		if (!strncmp(line, name, len) && line[len] == ':')
			value = line + len + 1;
	if (value) {
		value += strspn(value, " \t");
		value[strcspn(value, "\n")] = '\0';
		json_object_set_new(conditions, key, json_string(value));
	} else {
		json_set_missing(conditions, key, "/proc/self/status: %s",
				 error ? strerror(-error) : "does not tell");
	}
	free(line);
	if (file)
		fclose(file);
}

static void set_online(json_t *conditions)
{
	static const char path[] = "/sys/devices/system/cpu/online";
	char list[4096];
	int error = machine_read(list, sizeof(list), "%s", path);

	if (error)
		json_set_missing(conditions, "processors_online", "%s: %s",
				 path, strerror(-error));
	else
		json_object_set_new(conditions, "processors_online",
				    json_string(list));
}

json_t *machine_conditions(void)
{
	json_t *conditions = json_object();

	if (!conditions)
		return NULL;
	set_online(conditions);
	set_status(conditions, "processors_allowed", "Cpus_allowed_list");
	set_status(conditions, "memory_nodes_allowed", "Mems_allowed_list");
	cgroup_conditions(conditions);
	/* Where it is set is no condition, and may name a user. */
	json_object_del(conditions, "cgroup_cpu_quota_file");
	return conditions;
}

/* A value in words. */
static void format(const json_t *value, char *text, size_t size)
{
	if (json_is_string(value))
		snprintf(text, size, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(text, size, "%lld",
			 (long long)json_integer_value(value));
	else
		snprintf(text, size, "%g", json_number_value(value));
}

bool machine_conditions_differ(const json_t *then, const json_t *now,
			       char *why, size_t why_size)
{
	static const char *const names[][2] = {
		{ "processors_online", "processors online" },
		{ "processors_allowed", "processors allowed" },
		{ "memory_nodes_allowed", "memory nodes allowed" },
		{ "cgroup_cpuset", "processors of the cgroup" },
		{ "cgroup_memory_nodes", "memory nodes of the cgroup" },
		{ "cgroup_cpu_quota", "quota of the cgroup, in processors" },
		{ "cgroup_memory_limit", "memory limit of the cgroup, in bytes" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const json_t *old = json_object_get(then, names[i][0]);
		const json_t *new = json_object_get(now, names[i][0]);
		char was[256], is[256];

		/* What nobody could tell has not been seen to change. */
		if (!old || !new || json_is_null(old) || json_is_null(new) ||
		    json_equal(old, new))
			continue;
		format(old, was, sizeof(was));
		format(new, is, sizeof(is));
		snprintf(why, why_size, "%s: %s, then %s", names[i][1], was,
			 is);
		return true;
	}
	return false;
}
