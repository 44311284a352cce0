/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading /proc and /sys, for the parts of machine.c: under another root
 * in tests, and with the reason kept where something is not there.
 */
#ifndef BENCH_MACHINE_READ_H
#define BENCH_MACHINE_READ_H

#include <hwloc.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define MACHINE_PATH_MAX	1024
/* A list of processors: sysfs shows a page, of up to 64 KiB. */
#define MACHINE_LIST_MAX	65537

/*
 * From now on every path of the machine's is meant below @root, hwloc's
 * too.  For tests; NULL is the machine itself.  Before any thread.
 */
void machine_set_root(const char *root);
bool machine_is_real(void);
/* Where @path lies below the root. */
void machine_path(char full[MACHINE_PATH_MAX], const char *path);
/* Open for reading; NULL and errno. */
FILE *machine_open(const char *path);

/* First line of the file, without its newline: 0 or -errno. */
int machine_read(char *line, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The one whole number that the file holds: 0 or -errno. */
int machine_read_number(long long *value, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * The value of @key ("flags") in /proc/cpuinfo, of its first processor:
 * 0 or -errno; free(*@value).
 */
int machine_cpuinfo(const char *key, char **value);
/* Processors that are online.  NULL: not told, or no memory. */
hwloc_bitmap_t machine_online(void);

/* Set @key to @value or, if that is NULL, to null with @reason. */
void json_set_text(json_t *object, const char *key, const char *value,
		   const char *reason);
/* Set @key to the first line of @path, or to null with the reason. */
void json_set_file(json_t *object, const char *key, const char *path);

#endif
