/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One file system: its device, its allocation groups with their buffer
 * hashes, the log, the AIL, the LRU.
 */
#ifndef CACHE_MOUNT_H
#define CACHE_MOUNT_H

#include "cache/ail.h"
#include "cache/buf.h"
#include "cache/count.h"
#include "cache/log.h"
#include "cache/space.h"

#define LINE_ALIGNED	__attribute__((aligned(64)))
/* Processors fetch lines in pairs: what shares nothing has its own pairs. */
#define PAIR_ALIGNED	__attribute__((aligned(128)))

/* The tree that repairs rebuild; guarded by the AG header's lock. */
struct tree {
	uint64_t gen;			/* owner of all its blocks; 0: none */
	unsigned int nr;
	unsigned int height;
	uint64_t *bno;			/* leaves first, root last */
	uint64_t *block_gen;		/* newest generation of each */
};

#define AG_FIRST_BLOCK	1u	/* behind the header */
#define AGFL_SIZE	8
#define DIR_BLOCKS	64

struct ag {
	atomic_t pag_ref;		/* a cached buffer has one */
	unsigned int agno;		/* constant */
	uint64_t first;			/* constant: its header's block */
	uint64_t blocks;		/* constant */

	GENERATION_AG_FIELDS

	spinlock_t space_lock LINE_ALIGNED;
	struct space space;		/* space_lock */

	/* The rest under the AG header's lock. */
	struct tree tree[TREES_MAX];	/* one of them by default */
	uint32_t last_chunk;		/* behind the last of inodes, or 0 */
	uint64_t agfl[AGFL_SIZE];
	unsigned int nr_agfl;
	uint64_t dir[DIR_BLOCKS];
	unsigned int nr_dir;
	struct list_head chunks;	/* of inodes */
	struct list_head with_free;	/* those with a free inode, in order */
	struct stall_clock header_stall; /* COUNT(): of that lock */
} PAIR_ALIGNED;

#define LRU_NODES	64

struct lru_node {
	spinlock_t lock;
	struct list_head list;		/* lock */
	uint64_t nr;			/* lock */
} LINE_ALIGNED;

struct mount {
	/* Constant after mount. */
	struct device *m_device;
	const struct point_ops *m_points;
	const struct repair_watch *m_watch;
	unsigned int m_ag_count;
	uint32_t m_ag_blocks;
	uint64_t m_blocks;
	uint64_t m_ag_inverse;		/* ag_inverse(m_ag_blocks) */
	uint64_t m_max_dirty;		/* blocks */
	unsigned int m_trees;		/* of each AG */
	bool m_headers_only;
	struct ag *m_ag;

	int m_shutdown LINE_ALIGNED;	/* set once */
	int m_unmounting;		/* set once */
	uint64_t m_gen LINE_ALIGNED;	/* atomic: last generation given */
	atomic_t m_io_count;		/* buffers with asynchronous I/O */
	uint64_t m_flag_leaks;		/* atomic */
	atomic_t m_log_items;		/* COUNT(): allocated */
	atomic_t m_entries;		/* COUNT(): list entries of a fix */

	struct cache_stat m_stat;	/* COUNT(): atomic: stat.c */

	struct log m_log;
	struct ail m_ail;
	struct thread m_hash_thread;	/* rehashes */
	GENERATION_MOUNT_FIELDS
	struct lru_node m_lru[LRU_NODES];
};

static inline void point(struct buf *bp, enum point p)
{
	if (unlikely(bp->b_mount->m_points))
		point_reached(bp, p);
}

static inline bool is_shutdown(struct mount *mp)
{
	return READ_ONCE(mp->m_shutdown);
}

static inline bool is_unmounting(struct mount *mp)
{
	return READ_ONCE(mp->m_unmounting);
}

static inline uint64_t next_gen(struct mount *mp)
{
	return __atomic_add_fetch(&mp->m_gen, 1, __ATOMIC_RELAXED);
}

/* 2^64 / @blocks, rounded up: see ag_of(). */
static inline uint64_t ag_inverse(uint32_t blocks)
{
	return UINT64_MAX / blocks + 1;
}

/*
 * The AG of a block (kernel: xfs_daddr_to_agno).  A multiplication, as a
 * division would be a tenth of a hit; exact while the product of a block's
 * number and an AG's size is below 2^64, as mount_fs() makes sure.
 */
static inline struct ag *ag_of(struct mount *mp, uint64_t bno)
{
	return &mp->m_ag[(unsigned __int128)bno * mp->m_ag_inverse >> 64];
}

/*
 * The hashes of a mount, of which the kernel decides how many there are:
 * hash_nr(), hash_nth() below that, hash_of() a block; and hash_locks_init(),
 * what locks the kernel has around them.
 */
#include "caches.h"

/* stat.c: only within COUNT() and COUNTED(); contracts in fix.h. */
void stat_take(struct mount *mp, struct cache_stat *stat);
void stat_lookups(struct mount *mp, uint64_t nr);
/* A lookup has found @bp, locked and stale, perhaps still on a list. */
void stat_found_stale(struct buf *bp, unsigned int flags);
/* The caller is about to unlock @bp, which may be an AG's header. */
void stat_lets_go(struct buf *bp);
void stat_ail_push(struct mount *mp, uint64_t list);
void stat_rehashes(struct mount *mp, uint64_t nr);

/*
 * To the LRU of the buffer's node, unless it is there: then false.  Inline, as
 * Linux 7.3 asks at every last release.
 */
static inline bool lru_add(struct buf *bp)
{
	struct lru_node *lru = &bp->b_mount->m_lru[bp->b_nid];
	bool added;

	spin_lock(&lru->lock);
	added = list_empty(&bp->b_lru);
	if (unlikely(added)) {
		list_add_tail(&bp->b_lru, &lru->list);
		WRITE_ONCE(lru->nr, lru->nr + 1);
	}
	spin_unlock(&lru->lock);
	return added;
}

/* lru.c */
void lru_init(struct mount *mp);
/* Off it; false: it was not there. */
bool lru_del(struct buf *bp);
/* Free everything that nobody holds. */
void lru_drain(struct mount *mp);

/* Power is gone, or the log is: no write succeeds from here on. */
void force_shutdown(struct mount *mp);

#endif
