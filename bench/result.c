// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing results so that nothing finished can be lost.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/result.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* In one second, on one host. */
#define RUNS_MAX	1000

/* As mkdir -p. */
static int make_path(const char *path)
{
	char part[RESULT_PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0777) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static void run_name(const char *host, char *name, size_t size)
{
	time_t now = time(NULL);
	struct utsname uts;
	char stamp[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	if (!host)
		host = uname(&uts) ? "host" : uts.nodename;
	snprintf(name, size, "%s-%s", host, stamp);
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '_';
}

int result_create(const char *out, const char *host, char dir[RESULT_PATH_MAX],
		  char *why, size_t why_size)
{
	char name[128];
	int error = make_path(out);

	run_name(host, name, sizeof(name));
	for (int i = 1; !error && i < RUNS_MAX; i++) {
		int len = snprintf(dir, RESULT_PATH_MAX,
				   i == 1 ? "%s/%s" : "%s/%s-%d", out, name, i);

		if (len >= RESULT_PATH_MAX - NAME_MAX)
			error = -ENAMETOOLONG;
		else if (!mkdir(dir, 0777))
			return 0;
		else if (errno != EEXIST)
			error = -errno;
	}
	if (!error)
		error = -EEXIST;
	snprintf(why, why_size,
		 "cannot make a folder for results in %s: %s; name another with --out",
		 out, strerror(-error));
	return error;
}

int result_temporary(const char *dir, const char *name,
		     char path[RESULT_PATH_MAX])
{
	return snprintf(path, RESULT_PATH_MAX, "%s/.%s.tmp", dir, name) <
			       RESULT_PATH_MAX ?
		       0 :
		       -ENAMETOOLONG;
}

static int sync_dir(const char *dir)
{
	int error = 0, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* Some file systems cannot, and say so with EINVAL. */
	if (fsync(fd) && errno != EINVAL)
		error = -errno;
	close(fd);
	return error;
}

static int write_synced(const char *path, const json_t *json)
{
	FILE *file = fopen(path, "we");
	int error = 0;

	if (!file)
		return -errno;
	errno = 0;
	if (json_dumpf(json, file, JSON_COMPACT | JSON_REAL_PRECISION(17)))
		error = errno ? -errno : -ENOMEM;
	else if (fputc('\n', file) == EOF || fflush(file) ||
		 fsync(fileno(file)))
		error = -errno;
	if (fclose(file) && !error)
		error = -errno;
	return error;
}

/* Never replaces what is at @to. */
static int rename_new(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system without it: a link does the same. */
	if (link(from, to))
		return -errno;
	unlink(from);
	return 0;
}

int result_write(const char *dir, const char *name, const json_t *json)
{
	char path[RESULT_PATH_MAX], from[RESULT_PATH_MAX];
	int error = result_temporary(dir, name, from);

	if (error)
		return error;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!access(path, F_OK))
		return -EEXIST;
	error = write_synced(from, json);
	if (!error)
		error = rename_new(from, path);
	if (error) {
		unlink(from);
		return error;
	}
	return sync_dir(dir);
}

void result_discard(const char *dir, const char *name)
{
	char path[RESULT_PATH_MAX];

	if (!result_temporary(dir, name, path))
		unlink(path);
}

static bool is_temporary(const char *name)
{
	size_t len = strlen(name);

	return *name == '.' && len > 4 && !strcmp(name + len - 4, ".tmp");
}

void result_discard_all(const char *dir)
{
	DIR *d = opendir(dir);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));)
		if (is_temporary(e->d_name))
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

int result_last_block(const char *dir)
{
	DIR *d = opendir(dir);
	int last = 0;

	if (!d)
		return -errno;
	for (struct dirent *e; (e = readdir(d));) {
		int block, end = 0;

		if (sscanf(e->d_name, "block-%d.json%n", &block, &end) == 1 &&
		    end && !e->d_name[end] && block > last)
			last = block;
	}
	closedir(d);
	return last;
}

int result_lock(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	error = errno;
	/* A file system without locks: nobody can be kept out. */
	if (error == EINVAL || error == ENOLCK || error == EOPNOTSUPP)
		return fd;
	close(fd);
	return -error;
}

json_t *result_read(const char *dir, const char *name, char *why,
		    size_t why_size)
{
	char path[RESULT_PATH_MAX];
	json_error_t error;
	json_t *json;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	json = json_load_file(path, 0, &error);
	if (!json)
		snprintf(why, why_size, "cannot read %s: %s", path, error.text);
	return json;
}

void result_block_name(unsigned int block, char *name, size_t size)
{
	snprintf(name, size, "block-%04u.json", block);
}
