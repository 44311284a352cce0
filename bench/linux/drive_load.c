// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loads beside the repairs: files that come and go, metadata of every
 * kind, a machine short of memory.
 */
#define _GNU_SOURCE
#include "drive.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096, SHARED_BLOCKS = 64 };

static void churn_name(const struct churn *c, long n, char *path, size_t size)
{
	if (c->filled.dirs)
		filled_name(&c->filled, c->dir, n, path, size);
	else
		snprintf(path, size, "%s/c%ld", c->dir, n);
}

void churn(struct churn *c, int n)
{
	char name[300];
	struct stat s;

	for (int i = 0; i < n; i++, c->made++) {
		int fd;

		churn_name(c, c->made, name, sizeof(name));
		fd = open(name, O_RDWR | O_CREAT, 0644);
		if (fd < 0) {
			c->error = errno;
			break;
		}
		if (!fstat(fd, &s))
			c->newest = s.st_ino;
		close(fd);
	}
	while (!c->keep && c->made - c->gone > 600 + rand_r(&c->seed) % 600) {
		for (int i = 0; i < 64; i++, c->gone++) {
			churn_name(c, c->gone, name, sizeof(name));
			unlink(name);
		}
	}
}

bool is_down(const struct churn *c)
{
	return c->error == EIO;
}

/* A file whose blocks all others share; it must be on disk for that. */
static int shared_file(struct churn *c)
{
	static char data[BLOCK];
	char name[300];

	if (c->shared_fd)
		return c->shared_fd;
	snprintf(name, sizeof(name), "%s/shared", c->dir);
	c->shared_fd = open(name, O_RDWR | O_CREAT, 0644);
	if (c->shared_fd < 0)
		die(name);
	memset(data, 'x', sizeof(data));
	for (int i = 0; i < SHARED_BLOCKS; i++)
		if (pwrite(c->shared_fd, data, BLOCK, i * BLOCK) != BLOCK)
			die(name);
	fsync(c->shared_fd);
	return c->shared_fd;
}

void churn_extents(struct churn *c, int n)
{
	struct file_clone_range range = { .src_fd = shared_file(c) };
	char name[300];

	for (int i = 0; i < n; i++, c->made++) {
		int fd;

		snprintf(name, sizeof(name), "%s/c%ld", c->dir, c->made);
		fd = open(name, O_RDWR | O_CREAT, 0644);
		if (fd < 0) {
			c->error = errno;
			break;
		}
		range.src_offset = rand_r(&c->seed) % SHARED_BLOCKS * BLOCK;
		range.src_length = BLOCK;
		range.dest_offset = 0;
		ioctl(fd, FICLONERANGE, &range);
		if (!fallocate(fd, 0, 2 * BLOCK, 4 * BLOCK))
			fallocate(fd,
				  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  3 * BLOCK, BLOCK);
		close(fd);
	}
}

void churn_links(struct churn *c, int n)
{
	enum { LINKS = 12 };	/* so few that they go while the AIL has them */
	char target[512], name[300];

	memset(target, 'x', sizeof(target) - 1);
	target[sizeof(target) - 1] = 0;
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/l%d", c->dir,
			 rand_r(&c->seed) % LINKS);
		unlink(name);
		if (symlink(target, name)) {
			c->error = errno;
			break;
		}
		c->links++;
	}
}

void *load(void *arg)
{
	struct loader *l = arg;
	unsigned int seed = l->id * 7919 + 1;
	char dir[300], name[400];

	snprintf(dir, sizeof(dir), "%s/d%d", l->dir, l->id);
	mkdir(dir, 0755);
	for (; !stop; l->ops++) {
		int fd, n = 1 + rand_r(&seed) % 16;

		snprintf(name, sizeof(name), "%s/f%d", dir,
			 rand_r(&seed) % 400);
		if (rand_r(&seed) % 3 == 0) {
			l->gone += !unlink(name);
			continue;
		}
		fd = open(name, O_RDWR | O_CREAT, 0644);
		if (fd < 0)
			continue;
		l->made++;
		if (fallocate(fd, 0, 0, n * BLOCK))
			n = 0;
		for (int i = 0; i < n; i += 2)
			if (fallocate(fd,
				      FALLOC_FL_PUNCH_HOLE |
					      FALLOC_FL_KEEP_SIZE,
				      i * BLOCK, BLOCK))
				break;
			else
				l->punched++;
		close(fd);
	}
	return NULL;
}

/*
 * A file in one piece, of as many sectors, that the AIL may write over.  Prints
 * its first sector.
 */
int cmd_room(char **argv)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent;
	} f = {
		.map.fm_length = FIEMAP_MAX_OFFSET,
		.map.fm_flags = FIEMAP_FLAG_SYNC,
		.map.fm_extent_count = 1,
	};
	long bytes = atol(argv[1]) * 512;
	char name[300];
	int fd;

	snprintf(name, sizeof(name), "%s/room", argv[0]);
	fd = open(name, O_RDWR | O_CREAT, 0644);
	if (fd < 0 || fallocate(fd, 0, 0, bytes) || fsync(fd) ||
	    ioctl(fd, FS_IOC_FIEMAP, &f))
		die(name);
	if (f.map.fm_mapped_extents != 1 ||
	    f.extent.fe_length < (uint64_t)bytes) {
		errno = ENOSPC;
		die(name);
	}
	printf("%llu\n", f.extent.fe_physical / 512);
	close(fd);
	return 0;
}

static long available_kb(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[100];
	long kb = 0;

	if (!f)
		die("/proc/meminfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %ld kB", &kb) == 1)
			break;
	fclose(f);
	return kb;
}

/* Leave others so many MB, and take them back as soon as they are free. */
int cmd_hog(char **argv)
{
	enum { CHUNK = 4 << 20, MAX_CHUNKS = 1 << 14 };
	static char *chunks[MAX_CHUNKS];
	long leave_kb = atol(argv[1]) * 1024;
	int n = 0;

	for (;; usleep(20000)) {
		long kb = available_kb();

		if (kb < leave_kb / 2 && n) {
			munmap(chunks[--n], CHUNK);
		} else if (kb > leave_kb && n < MAX_CHUNKS) {
			chunks[n] = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (chunks[n] == MAP_FAILED)
				continue;
			memset(chunks[n++], 1, CHUNK);
		}
	}
}
