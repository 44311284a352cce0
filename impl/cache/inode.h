/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inodes, as far as buffers care: a dirty one sits in the AIL and hangs on
 * its cluster's buffer, which the AIL daemon writes.  A chunk has two clusters;
 * freeing its last inode frees its blocks and stales both buffers (kernel:
 * xfs_inode.c, xfs_inode_item.c, libxfs/xfs_ialloc.c).
 */
#ifndef CACHE_INODE_H
#define CACHE_INODE_H

#include "cache/ialloc.h"
#include "cache/trans.h"

#define BLOCK_INODES	(CLUSTER_INODES / CLUSTER_BLOCKS)

#define INODE_STALE	(1u << 0)	/* its chunk was freed */
#define INODE_FLUSHING	(1u << 1)	/* copied to the buffer, not written */

struct inode_log_item {
	struct log_item ili_item;
	struct inode *ili_inode;
	/*
	 * Guards what follows, and, with the buffer's lock, li_buf: whoever
	 * finds the inode attached and makes it dirty keeps it attached.
	 */
	spinlock_t ili_lock;
	bool ili_dirty;			/* changed since last flush */
	bool ili_last_dirty;		/* being flushed */
};

struct inode {
	struct mount *i_mount;
	struct ichunk *i_chunk;
	unsigned int i_nr;		/* in its chunk */
	struct semaphore i_lock;	/* kernel: ILOCK */
	struct stall_clock i_stall;	/* COUNT(): of that lock */
	atomic_t i_pincount;
	atomic_t i_count;		/* user, attachment, pins */
	uint32_t i_flags;		/* atomic bits */
	struct inode_log_item i_item;
};

/* Buffer locked by I/O completion, or by the last reference of its item. */
void inode_iodone(struct buf *bp);
/* Its write failed for good: every inode on it will have it written again. */
void inode_io_fail(struct buf *bp);

int inode_create(struct mount *mp, unsigned int agno, struct inode **ipp);
/* Change it.  0 or -EIO. */
int inode_touch(struct inode *ip);
/* Free it, and the chunk with the last; @ip is gone in any case. */
int inode_unlink(struct inode *ip);
/* The block that it is in. */
uint64_t inode_block(const struct inode *ip);

#endif
