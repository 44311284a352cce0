// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control groups that we run in, of either version: how much of the
 * processors' time and of the memory they leave us, and which processors.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine_part.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"
#include "bench/machine/machine_read.h"

#define CGROUP	"/sys/fs/cgroup"

struct group {
	char dir[MACHINE_PATH_MAX / 2];
	bool v2;
	size_t top;			/* length of the mount point's path */
};

/* Does the list "cpu,cpuacct" hold @name? */
static bool holds(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; *list; list += strcspn(list, ":,") + 1) {
		if (!strncmp(list, name, len) && strchr(":,", list[len]))
			return true;
		if (list[strcspn(list, ":,")] != ',')
			break;
	}
	return false;
}

/* Does @file, of either version, tell at the mount point @top? */
static bool mounted(const char *top, const char *file)
{
	char path[MACHINE_PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, file);
	f = machine_open(path);
	if (f)
		fclose(f);
	return f;
}

/*
 * Our group of @controller.  Of the second version every group but the
 * uppermost has files of its own; which controllers there are, the
 * uppermost says.  0 or -errno.
 */
static int find_group(const char *controller, struct group *group)
{
	FILE *file = machine_open("/proc/self/cgroup");
	char *line = NULL, *list, *path, top[64];
	size_t size = 0;
	int error = -ENODATA;

	if (!file)
		return -errno;
	while (error && getline(&line, &size, file) > 0) {
		list = strchr(line, ':');
		path = list ? strchr(++list, ':') : NULL;
		if (!path)
			continue;
		path++;
		path[strcspn(path, "\n")] = '\0';
		group->v2 = *list == ':';
		if (!group->v2 && !holds(list, controller))
			continue;
		snprintf(top, sizeof(top), CGROUP "%s%s",
			 group->v2 ? "" : "/", group->v2 ? "" : controller);
		if (group->v2 && !mounted(top, "cgroup.controllers"))
			continue;
		group->top = strlen(top);
		snprintf(group->dir, sizeof(group->dir), "%s%s", top,
			 strcmp(path, "/") ? path : "");
		error = 0;
	}
	free(line);
	fclose(file);
	return error;
}

/* Make it the group above; false if there is none. */
static bool group_up(struct group *group)
{
	char *slash = strrchr(group->dir, '/');

	if (strlen(group->dir) <= group->top || !slash)
		return false;
	*slash = '\0';
	return true;
}

/* --- quota -------------------------------------------------------------- */

/* In processors; 0: it sets none.  0 or -errno. */
static int read_quota(const struct group *group, double *cpus)
{
	long long quota, period;
	char line[64];
	int error;

	*cpus = 0;
	if (group->v2) {
		error = machine_read(line, sizeof(line), "%s/cpu.max",
				     group->dir);
		/* The uppermost, or one for which nobody asked for any. */
		if (error == -ENOENT)
			return 0;
		if (!error && sscanf(line, "%lld %lld", &quota, &period) == 2 &&
		    period > 0)
			*cpus = (double)quota / period;
		return error;
	}
	error = machine_read_number(&quota, "%s/cpu.cfs_quota_us", group->dir);
	if (!error)
		error = machine_read_number(&period, "%s/cpu.cfs_period_us",
					    group->dir);
	if (!error && quota > 0 && period > 0)
		*cpus = (double)quota / period;
	return error;
}

/* The least of our group's and of those above it. */
static void describe_quota(json_t *machine)
{
	static const char key[] = "cgroup_cpu_quota";
	char path[MACHINE_PATH_MAX];
	struct group group, least;
	double cpus, best = 0;
	bool told = false;
	int error;

	error = find_group("cpu", &group);
	/* Without groups, or without this controller, nobody can. */
	if (error == -ENODATA || error == -ENOENT) {
		json_object_set_new(machine, key, json_string("none"));
		return;
	}
	if (error) {
		json_set_missing(machine, key, "/proc/self/cgroup: %s",
				 strerror(-error));
		return;
	}
	do {
		if (read_quota(&group, &cpus))
			continue;
		told = true;
		if (cpus > 0 && (!best || cpus < best)) {
			best = cpus;
			least = group;
		}
	} while (group_up(&group));
	if (best) {
		snprintf(path, sizeof(path), "%s/%s", least.dir,
			 least.v2 ? "cpu.max" : "cpu.cfs_quota_us");
		json_object_set_new(machine, key, json_real(best));
		json_object_set_new(machine, "cgroup_cpu_quota_file",
				    json_string(path));
	} else if (told) {
		json_object_set_new(machine, key, json_string("none"));
	} else {
		json_set_missing(machine, key,
				 "no group of ours says whether it sets one");
	}
}

/* --- processors --------------------------------------------------------- */

/* The list that our group's cpuset has of @what, "cpus" or "mems". */
static void describe_set(json_t *machine, const char *key, const char *what)
{
	char effective[2][32], plain[32];
	struct group group;
	char list[1024];
	int error = find_group("cpuset", &group);

	if (error) {
		json_set_missing(machine, key, "/proc/self/cgroup: %s",
				 error == -ENODATA ? "no cpuset controller" :
						     strerror(-error));
		return;
	}
	snprintf(effective[0], sizeof(effective[0]), "cpuset.effective_%s",
		 what);
	snprintf(effective[1], sizeof(effective[1]), "cpuset.%s.effective",
		 what);
	snprintf(plain, sizeof(plain), "cpuset.%s", what);
	do {
		for (int i = 0; i < 2; i++) {
			if (machine_read(list, sizeof(list), "%s/%s",
					 group.dir,
					 i ? plain : effective[group.v2]) ||
			    !*list)
				continue;
			json_object_set_new(machine, key, json_string(list));
			return;
		}
	} while (group_up(&group));
	json_set_missing(machine, key, "no group of ours sets one");
}

/* --- memory ------------------------------------------------------------- */

/* What the first version says that sets none: a little below 2^63. */
#define NO_LIMIT	(1LL << 60)

/* The least of our group's and of those above it, in bytes. */
static void describe_memory_limit(json_t *machine)
{
	static const char key[] = "cgroup_memory_limit";
	long long bytes, least = NO_LIMIT;
	struct group group;
	int error = find_group("memory", &group);

	if (error && error != -ENODATA && error != -ENOENT) {
		json_set_missing(machine, key, "/proc/self/cgroup: %s",
				 strerror(-error));
		return;
	}
	/* "max" is no number. */
	if (!error)
		do {
			if (!machine_read_number(
				    &bytes, "%s/%s", group.dir,
				    group.v2 ? "memory.max" :
					       "memory.limit_in_bytes") &&
			    bytes < least)
				least = bytes;
		} while (group_up(&group));
	json_object_set_new(machine, key,
			    least < NO_LIMIT ? json_integer(least) :
					       json_string("none"));
}

void describe_cgroup(json_t *machine)
{
	describe_quota(machine);
	describe_set(machine, "cgroup_cpuset", "cpus");
}

void cgroup_conditions(json_t *conditions)
{
	describe_quota(conditions);
	describe_set(conditions, "cgroup_cpuset", "cpus");
	describe_set(conditions, "cgroup_memory_nodes", "mems");
	describe_memory_limit(conditions);
}

/* --- memory ------------------------------------------------------------- */

/* What one file of @group allows, less what is used and not given back. */
static void group_room(const struct group *group, const char *file,
		       struct memory_room *room)
{
	static const char *const cached[2][2] = {
		{ "total_active_file", "total_inactive_file" },
		{ "active_file", "inactive_file" },
	};
	char path[MACHINE_PATH_MAX], who[sizeof(room->limit)];
	long long most, used;
	uint64_t bytes;

	if (machine_read_number(&most, "%s/%s", group->dir, file) ||
	    machine_read_number(&used, "%s/%s", group->dir,
				group->v2 ? "memory.current" :
					    "memory.usage_in_bytes") ||
	    most < 0)
		return;
	snprintf(path, sizeof(path), "%s/memory.stat", group->dir);
	for (int i = 0; i < 2; i++)
		if (!memory_line(path, cached[group->v2][i], &bytes))
			used -= bytes;
	snprintf(who, sizeof(who), "%s of our control group%s", file,
		 strlen(group->dir) > group->top ? "" : ", the uppermost");
	memory_room_limit(room, most > used ? most - (used > 0 ? used : 0) : 0,
			  who);
}

void cgroup_memory_room(struct memory_room *room)
{
	struct group group;

	if (find_group("memory", &group))
		return;
	do {
		if (group.v2) {
			group_room(&group, "memory.max", room);
			group_room(&group, "memory.high", room);
		} else {
			group_room(&group, "memory.limit_in_bytes", room);
		}
	} while (group_up(&group));
}

/* --- what a quota cost -------------------------------------------------- */

void cgroup_state(json_t *state)
{
	static const char key[] = "cgroup_throttled_s";
	char path[MACHINE_PATH_MAX], line[128];
	const char *name, *format;
	unsigned long long value;
	struct group group;
	FILE *file = NULL;
	int error;

	error = find_group("cpu", &group);
	if (!error) {
		do {
			snprintf(path, sizeof(path), "%s/cpu.stat", group.dir);
			file = machine_open(path);
		} while (!file && group_up(&group));
		error = file ? 0 : -errno;
	}
	if (error) {
		json_set_missing(state, key, "cpu.stat of our group: %s",
				 strerror(-error));
		return;
	}
	name = group.v2 ? "throttled_usec" : "throttled_time";
	format = group.v2 ? "throttled_usec %llu" : "throttled_time %llu";
	json_set_missing(state, key, "cpu.stat of our group: no %s in it",
			 name);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, format, &value) != 1)
			continue;
		json_object_set_new(state, key,
			json_real(value * (group.v2 ? 1e-6 : 1e-9)));
		json_object_del(state, "cgroup_throttled_s_reason");
	}
	fclose(file);
}
