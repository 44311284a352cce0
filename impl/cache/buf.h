/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The metadata buffer and its cache (kernel: xfs_buf.h).  Names are the
 * kernel's without xfs_/XBF_; offsets of what a cached lookup and release
 * touch are the kernel's too, because those cache lines are part of what is
 * compared.  What differs between kernels is in generation/.
 */
#ifndef CACHE_BUF_H
#define CACHE_BUF_H

#include <errno.h>

#include "cache/fix.h"
#include "cache/hash.h"

/* Fields that a fix adds; defined by its file ahead of this header. */
#ifndef FIX_BUF_FIELDS
#define FIX_BUF_FIELDS
#endif

#define BUF_READ	(1u << 0)	/* being read, or to be */
#define BUF_WRITE	(1u << 1)	/* being written */
#define BUF_READ_AHEAD	(1u << 2)
#define BUF_ASYNC	(1u << 4)	/* I/O completion releases it */
#define BUF_DONE	(1u << 5)	/* contents are up to date */
#define BUF_STALE	(1u << 6)	/* contents belong to nobody */
#define BUF_WRITE_FAIL	(1u << 7)	/* an asynchronous write failed */
#define BUF_INODES	(1u << 16)	/* inode cluster: items in b_li_list */
#define BUF_PAGES	(1u << 20)	/* has memory of its own */
#define BUF_DELWRI_Q	(1u << 22)	/* queued for delayed write */

struct buf_log_item;
struct ag;

/* In a generation's layout: where the kernel has a field. */
#define BUF_AT(field, where) \
	_Static_assert(offsetof(struct buf, field) == (where), #field)

/*
 * A kernel's own part is impl/cache/generation/NAME/, which is on the path of
 * each copy of the cache.  Here: struct buf, and, on every one of them,
 *   buf_unhold(): drop a hold that is not the last, as the caller has another;
 *   buf_try_hold(): get one unless it is being freed, under RCU;
 *   hold_init(): of a new buffer, which then has one hold;
 *   buf_holds(): how many there are, but for the LRU's own; a hint.
 */
#include "layout.h"

/* Flag changes: buffer locked; a relaxed store, for those who only look. */
static inline void buf_set(struct buf *bp, uint32_t flags)
{
	WRITE_ONCE(bp->b_flags, bp->b_flags | flags);
}

static inline void buf_clear(struct buf *bp, uint32_t flags)
{
	WRITE_ONCE(bp->b_flags, bp->b_flags & ~flags);
}

static inline bool buf_ispinned(struct buf *bp)
{
	/* Who finds it unpinned may free the item that unpin just read. */
	return smp_load_acquire(&bp->b_pin_count.counter) > 0;
}

static inline bool buf_islocked(struct buf *bp)
{
	return sema_is_locked(&bp->b_sema);
}

/*
 * Lookup.  On success the buffer is locked and held once for the caller.
 * -EINVAL: out of the device; -EAGAIN: BUF_GET_TRYLOCK and locked;
 * -ENOENT: BUF_GET_INCORE and not cached, or BUF_GET_LIVESCAN and stale;
 * -ENOMEM.  Kernel: xfs_buf_get_map().
 */
int buf_get(struct mount *mp, uint64_t bno, unsigned int len,
	    unsigned int flags, struct buf **bpp);
/* The same, and contents up to date.  Adds -EIO and -EFSBADCRC. */
int buf_read(struct mount *mp, uint64_t bno, unsigned int len,
	     unsigned int flags, struct buf **bpp);
/* Start a read if that needs no waiting; nobody learns of failure. */
void buf_readahead(struct mount *mp, uint64_t bno, unsigned int len);

void buf_hold(struct buf *bp);
/* Drop a hold; the last one puts it on the LRU, or frees it if stale. */
void buf_rele(struct buf *bp);
bool buf_trylock(struct buf *bp);
/*
 * Forces the log first if it is pinned and stale: else nobody unlocks it.
 * Does not wait for the log: it queues, and is handed the buffer by the
 * completion's unlock, before any other.
 */
void buf_lock(struct buf *bp);
void buf_unlock(struct buf *bp);

static inline void buf_relse(struct buf *bp)
{
	buf_unlock(bp);
	buf_rele(bp);
}

/* XFS_AGF_REF, XFS_INO_BTREE_REF */
#define HEADER_LRU_REF	4
#define TREE_LRU_REF	3

/*
 * So many turns of the LRU it will stay; what was staled has none until a
 * reader says so (kernel: xfs_buf_set_ref, xfs_btree_set_refs).
 */
static inline void buf_set_ref(struct buf *bp, int turns)
{
	atomic_set(&bp->b_lru_ref, turns);
}

/* The contents belong to nobody: never write them.  Buffer locked. */
void buf_stale(struct buf *bp);

/* Issue the I/O that b_flags ask for; waits for pins, not for the I/O. */
void buf_submit(struct buf *bp);
/* Wait for synchronous I/O; its error. */
int buf_iowait(struct buf *bp);
/* Write now and wait; buffer locked and stays so. */
int buf_bwrite(struct buf *bp);

void buf_state_get(struct buf *bp, struct buf_state *state);
void point_reached(struct buf *bp, enum point point);
void point_block(struct mount *mp, enum point point, uint64_t bno);
/* The address a link is known by to onlookers and sleepers. */
#define buf_link(bp)	((const void *)&(bp)->b_list)

/* Rotate @nr buffers of the LRU; how many were freed. */
uint64_t lru_shrink(struct mount *mp, uint64_t nr);

#endif
