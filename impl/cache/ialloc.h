/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The chunks of inodes of an AG (kernel: libxfs/xfs_ialloc.c, the btrees of
 * inodes and of free inodes).  The AG header is locked in all that follows.
 */
#ifndef CACHE_IALLOC_H
#define CACHE_IALLOC_H

#include "sync/list.h"

#include <stdint.h>

struct ag;
struct trans;

#define CLUSTER_BLOCKS	4u		/* 16 KiB, as the kernel's */
#define CLUSTER_INODES	32u		/* of 512 bytes */
#define CHUNK_INODES	64u		/* kernel: XFS_INODES_PER_CHUNK */
#define CHUNK_BLOCKS	(CHUNK_INODES / CLUSTER_INODES * CLUSTER_BLOCKS)

/* Kernel: a record of the btree of inodes. */
struct ichunk {
	unsigned int agno;		/* constant */
	uint64_t bno;			/* constant: its first block */
	uint64_t free;			/* AG header: a bit per inode */
	struct list_head all;		/* AG header: those of the AG */
	struct list_head with_free;	/* AG header: if one is free */
};

/*
 * The chunk that the next inode comes from: of those with a free one that with
 * the lowest blocks, since directories lie in front, and a file's inode is
 * near its directory's (kernel: xfs_dialloc_ag_finobt_near).  If none is free,
 * a new chunk.  0, -ENOSPC, -ENOMEM, -EIO.
 */
int chunk_find(struct trans *tp, unsigned int agno, struct ichunk **chunkp);

/* Kernel: xfs_inobt_first_free_inode. */
static inline unsigned int chunk_first(const struct ichunk *chunk)
{
	return __builtin_ctzll(chunk->free);
}

/* Inode @nr of it is in use. */
void chunk_take(struct ichunk *chunk, unsigned int nr);

/*
 * Inode @nr of it is free.  True: all are, so that the chunk is no longer the
 * AG's, and its blocks are to be freed (kernel: xfs_difree_inobt).
 */
bool chunk_give(struct ag *pag, struct ichunk *chunk, unsigned int nr);

#endif
