/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two halves of a storm share: pace_storm.c has the threads and the
 * repairs, pace_files.c the files that come and go.
 */
#ifndef BENCH_PACE_STORM_H
#define BENCH_PACE_STORM_H

#include "bench/workload.h"
#include "bench/pace/pace.h"

#define KEPT_FILES		600u	/* drive_load.c: churn() */
#define UNLINKED_AT_ONCE	64u
#define FILES_MAX		(2 * KEPT_FILES + UNLINKED_AT_ONCE)
#define ROOT_INODES		16u	/* their first block, see layout() */
#define GC_BATCH		32u	/* inodes of a cluster */
#define GC_MAX			(GC_BATCH + 1)
#define LOADER_FILES		400u	/* drive_load.c: load() */
#define LINKS			12u	/* drive_load.c: churn_links() */

/* A file of a loader: blocks of data, every other one punched out. */
struct file {
	struct inode *ip;
	uint64_t bno;
	unsigned int nr;
};

/* A symbolic link, and the block that its text is in. */
struct link {
	struct inode *ip;
	uint64_t bno;
};

/* An inode that was unlinked, and the block of a link, or 0. */
struct inactive {
	struct inode *ip;
	uint64_t bno;
	unsigned int agno;
};

struct storm {
	const struct pace_options *o;
	const struct guest *g;
	const struct fix *fix;
	struct probe *probe;
	struct device *dev;
	struct mount *mp;
	uint64_t ag_blocks;
	uint64_t records;		/* of each tree */
	uint64_t others;		/* the first of their blocks */
	uint64_t random;
	uint64_t end;
	/* The thread that repairs. */
	struct inode *files[FILES_MAX];	/* a ring */
	uint64_t made, gone;
	struct link link[LINKS];
	/* Unlinked, and not inactivated yet. */
	struct inactive inactive[GC_MAX];
	unsigned int nr_inactive;
	uint64_t queued;		/* when the last of them was */
	struct wait_stat waits;		/* of its repairs */
	struct pace_row row;
	int error;
};

struct loader {
	struct storm *s;
	struct thread thread;
	unsigned int agno;
	uint64_t random;
	struct file files[LOADER_FILES];
	struct wait_stat waits;
	int error;
};

static inline void wait_until(uint64_t when)
{
	uint64_t now = now_ns();

	if (when > now)
		sleep_ns(when - now, WAIT_IDLE);
}

/*
 * A transaction with the header of an AG locked; storm_end() commits it, and
 * returns @error or its own.  0 or -errno: there is none.
 */
int storm_begin(const struct storm *s, unsigned int agno, struct trans **tpp);
int storm_end(const struct storm *s, struct trans *tp, int error);

/*
 * The repairing thread's changes, so many, each of which takes @ns: files come
 * and go.  0 or -errno, as all below.
 */
int storm_churn(struct storm *s, uint64_t ns);
/*
 * A link too long for its inode: a block of metadata of its own goes, and
 * another comes, each in @ns.
 */
int storm_relink(struct storm *s, uint64_t ns);
/* What was unlinked goes now. */
int storm_inactivate(struct storm *s);
/* One step of a loader beside it. */
int storm_load(struct loader *l);

#endif
