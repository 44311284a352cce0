// SPDX-License-Identifier: GPL-2.0-only
/*
 * Enough inodes for inode btrees of two levels: 3 leaves and more in each AG,
 * once bulk-loaded, with blocks of 1 KiB.  A few free inodes are left in every
 * chunk, so that the btree of free inodes is as large as the other.
 */
#define _GNU_SOURCE
#include "drive.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64, LEFT_FREE = 4 };

static void dir_name(const char *mnt, int n, char *path, size_t size)
{
	snprintf(path, size, "%s/t%d", mnt, n);
}

struct filled filled_find(const char *mnt, bool one_ag)
{
	struct filled f = { .step = one_ag ? 2 : 1 };
	ino_t first = 0;
	char path[300];
	struct stat s;

	for (;; f.dirs++) {
		dir_name(mnt, f.dirs, path, sizeof(path));
		if (stat(path, &s))
			break;
		if (f.dirs == 0)
			first = s.st_ino;
		/* The kernel deals directories to the two AGs in turn. */
		if (f.dirs == 1 && one_ag)
			f.first = s.st_ino < first;
	}
	return f;
}

void filled_name(const struct filled *f, const char *mnt, long n, char *path,
		 size_t size)
{
	int nr = (f->dirs - f->first + f->step - 1) / f->step;
	int dir = f->first + n * 7919 % nr * f->step;

	snprintf(path, size, "%s/t%d/c%ld", mnt, dir, n);
}

/* drive fill MNT CHUNKS: so many inode chunks in each of two AGs. */
int cmd_fill(char **argv)
{
	int dirs = 2 * atoi(argv[1]);
	uint64_t begin = now_ns();
	unsigned int seed = 1;
	char dir[300], path[400];
	long files = 0;

	for (int d = 0; d < dirs; d++) {
		dir_name(argv[0], d, dir, sizeof(dir));
		if (mkdir(dir, 0755))
			die(dir);
		for (int i = 1; i < CHUNK; i++, files++) {
			int fd;

			snprintf(path, sizeof(path), "%s/f%d", dir, i);
			fd = open(path, O_RDWR | O_CREAT, 0644);
			if (fd < 0)
				die(path);
			close(fd);
		}
	}
	for (int d = 0; d < dirs; d++) {
		dir_name(argv[0], d, dir, sizeof(dir));
		for (int i = 0; i < LEFT_FREE; i++) {
			snprintf(path, sizeof(path), "%s/f%d", dir,
				 1 + rand_r(&seed) % (CHUNK - 1));
			files -= !unlink(path);
		}
	}
	printf("fill_files=%ld fill_seconds=%.3f\n", files,
	       (now_ns() - begin) / 1e9);
	return 0;
}
