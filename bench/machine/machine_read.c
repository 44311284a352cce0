// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading /proc and /sys, and JSON that says why something is missing.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"

static char root[MACHINE_PATH_MAX / 2];

void machine_set_root(const char *path)
{
	snprintf(root, sizeof(root), "%s", path ? path : "");
	/* Nor may hwloc ask the processor that we really run on. */
	if (path) {
		setenv("HWLOC_FSROOT", path, 1);
		setenv("HWLOC_COMPONENTS", "-x86", 1);
	} else {
		unsetenv("HWLOC_FSROOT");
		unsetenv("HWLOC_COMPONENTS");
	}
}

bool machine_is_real(void)
{
	return !*root;
}

void machine_path(char full[MACHINE_PATH_MAX], const char *path)
{
	snprintf(full, MACHINE_PATH_MAX, "%s%s", root, path);
}

FILE *machine_open(const char *path)
{
	char full[MACHINE_PATH_MAX];

	machine_path(full, path);
	return fopen(full, "re");
}

static int read_line(char *line, size_t size, const char *path)
{
	FILE *file = machine_open(path);
	int error = 0;

	if (!file)
		return -errno;
	errno = 0;
	if (fgets(line, size, file))
		line[strcspn(line, "\n")] = '\0';
	else
		error = errno ? -errno : -ENODATA;
	fclose(file);
	return error;
}

int machine_read(char *line, size_t size, const char *fmt, ...)
{
	char path[MACHINE_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return read_line(line, size, path);
}

int machine_read_number(long long *value, const char *fmt, ...)
{
	char path[MACHINE_PATH_MAX], line[64], *end;
	va_list ap;
	int error;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	error = read_line(line, sizeof(line), path);
	if (error)
		return error;
	errno = 0;
	*value = strtoll(line, &end, 10);
	return errno || end == line ? -EINVAL : 0;
}

int machine_cpuinfo(const char *key, char **value)
{
	FILE *file = machine_open("/proc/cpuinfo");
	size_t size = 0, len = strlen(key);
	char *line = NULL;
	int error = -ENODATA;

	if (!file)
		return -errno;
	while (error && getline(&line, &size, file) > 1) {
		char *at = strchr(line, ':');

		if (!at || strncmp(line, key, len) ||
		    line[len + strspn(line + len, " \t")] != ':')
			continue;
		at += 1 + strspn(at + 1, " ");
		at[strcspn(at, "\n")] = '\0';
		*value = strdup(at);
		error = *value ? 0 : -ENOMEM;
		break;
	}
	free(line);
	fclose(file);
	return error;
}

hwloc_bitmap_t machine_online(void)
{
	char list[MACHINE_LIST_MAX];
	hwloc_bitmap_t online;

	if (machine_read(list, sizeof(list), "/sys/devices/system/cpu/online"))
		return NULL;
	online = hwloc_bitmap_alloc();
	if (online && !hwloc_bitmap_list_sscanf(online, list))
		return online;
	hwloc_bitmap_free(online);
	return NULL;
}

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

void json_set_text(json_t *object, const char *key, const char *value,
		   const char *reason)
{
	if (value)
		json_object_set_new(object, key, json_string(value));
	else
		json_set_missing(object, key, "%s", reason);
}

void json_set_file(json_t *object, const char *key, const char *path)
{
	char line[256];
	int error = machine_read(line, sizeof(line), "%s", path);

	if (error)
		json_set_missing(object, key, "%s: %s", path,
				 strerror(-error));
	else
		json_object_set_new(object, key, json_string(line));
}
