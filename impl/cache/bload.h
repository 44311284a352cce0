/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bulk loading of a btree, and the online repair around it
 * (kernel: xfs_btree_staging.c, scrub/newbt.c, scrub/reap.c).
 */
#ifndef CACHE_BLOAD_H
#define CACHE_BLOAD_H

#include "cache/trans.h"

/* The kernel's inode btree with CRCs in 4 KiB blocks. */
#define BLOAD_LEAF_MAX	((BLOCK_SIZE - 56) / 16)
#define BLOAD_NODE_MAX	((BLOCK_SIZE - 56) / 8)
#define BLOAD_LEVELS	9
#define BLOAD_MAX_DIRTY	(256u << 10)

struct bload {
	struct mount *mount;
	uint64_t nr_records;
	unsigned int height;
	uint64_t nr_blocks;
	uint64_t *bno;		/* reserved blocks, used in this order */
	uint64_t used;
	uint64_t gen;		/* stamped into every block */
	uint64_t nr_dirty;
	uint64_t misqueued;	/* COUNT() */
};

/* Height and number of blocks for bl->nr_records.  0 or -EOVERFLOW. */
int bload_geometry(struct bload *bl);
/*
 * Build and write the tree in bl->bno.  Every block is durable if this
 * returns 0: that is the contract which the fixes are about.
 */
int bload_run(struct bload *bl);

/* repair.c; contracts in fix.h. */
int repair(struct mount *mp, unsigned int agno, uint64_t nr_records,
	   struct repair_result *res);
int bulkload(struct mount *mp, unsigned int agno, uint64_t nr_records,
	     struct repair_result *res);
int tree_modify(struct mount *mp, unsigned int agno, uint64_t pick);
int tree_walk(struct mount *mp, unsigned int agno, uint64_t pick);
struct tree;
void tree_destroy(struct tree *tree);

#endif
