/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the guest's driver share. */
#ifndef DRIVE_H
#define DRIVE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

enum { MAX_TYPES = 8 };

/* The btrees to repair, in turn. */
struct trees {
	int nr;
	uint32_t type[MAX_TYPES];
};

extern int mnt_fd;		/* the file system */
extern atomic_bool stop;	/* to the threads of loads and syncs */

uint64_t now_ns(void);
/* Print what failed and errno, and exit. */
void die(const char *what) __attribute__((noreturn));

/* "inobt,finobt"; exits if it does not know one. */
void trees_parse(struct trees *trees, const char *names);

/* Rebuild a btree of an AG.  Returns 0 or an errno. */
int rebuild(uint32_t type, uint32_t agno);

/* syncfs every @us, until stop; 0: never. */
void sync_start(unsigned int us);
/* None from now on, or again. */
void sync_pause(bool pause);
/* Waits for its end; returns how many there were. */
long sync_stop(void);

/*
 * What cmd_fill() has left: so many directories, in the AGs in turn, each about
 * an inode chunk of its AG.  A file created in one gets the free inode nearest
 * to it, so that any leaf of an AG's inode btrees can be made dirty.
 */
struct filled {
	int dirs;		/* 0: none */
	int first, step;	/* the ones to use: those of one AG, or all */
};

/* @one_ag: only those in AG 0. */
struct filled filled_find(const char *mnt, bool one_ag);
/* The path of file @n, in any of those directories. */
void filled_name(const struct filled *f, const char *mnt, long n, char *path,
		 size_t size);

/*
 * Create files, and unlink the oldest, so that inode chunks come and go.  With
 * @keep nothing is unlinked: what the kernel does about unlinked inodes later,
 * by itself, would log a lost block again and so have it written.
 */
struct churn {
	const char *dir;
	long made, gone, links;
	unsigned int seed;
	bool keep;
	int shared_fd;		/* see churn_extents() */
	uint64_t newest;	/* inode number of the last that was created */
	int error;		/* errno of the last creation that failed */
	struct filled filled;	/* else all files are in @dir */
};

void churn(struct churn *c, int n);

/*
 * Extents beside inodes: @n files with a hole each and blocks that they share
 * with others, so that the btrees of reverse mappings and of reference counts
 * change, too.
 */
void churn_extents(struct churn *c, int n);

/*
 * @n symbolic links too long for their inodes, in place of earlier ones: each
 * has a block of metadata of its own, which is freed and soon comes back.
 */
void churn_links(struct churn *c, int n);

/* Metadata of every kind under DIR, by a thread, until stop. */
struct loader {
	const char *dir;
	pthread_t thread;
	int id;
	long ops;		/* files taken up, ... */
	long made, gone, punched; /* ... creates and opens, unlinks, holes */
};

void *load(void *arg);

/* Does the file system refuse everything, having been shut down? */
bool is_down(const struct churn *c);

/* The commands; each prints its figures.  Returns the exit status. */
int cmd_storm(char **argv);
int cmd_trial(char **argv);
int cmd_scrub(char **argv);
int cmd_room(char **argv);
int cmd_hog(char **argv);
int cmd_fill(char **argv);

#endif
