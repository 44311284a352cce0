/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inodes, as far as buffers care: a dirty one sits in the AIL and hangs on
 * its cluster's buffer, which the AIL daemon writes; freeing the last one
 * frees the cluster's blocks and stales its buffer (kernel: xfs_inode.c,
 * xfs_inode_item.c).
 */
#ifndef CACHE_INODE_H
#define CACHE_INODE_H

#include "cache/trans.h"

#define CLUSTER_BLOCKS	4u		/* 16 KiB, as the kernel's */
#define CLUSTER_INODES	32u		/* of 512 bytes */

#define INODE_STALE	(1u << 0)	/* its cluster was freed */
#define INODE_FLUSHING	(1u << 1)	/* copied to the buffer, not written */

struct icluster {
	unsigned int agno;
	uint64_t bno;
	unsigned int next;		/* AG header: inodes handed out */
	unsigned int used;		/* AG header: of those in use */
};

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
	struct icluster *i_cluster;
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
/* Free it, and the cluster with the last; @ip is gone in any case. */
int inode_unlink(struct inode *ip);

#endif
