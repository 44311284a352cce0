/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transactions and log items (kernel: xfs_trans.h, xfs_buf_item.c).  A
 * changed buffer is pinned from commit until its checkpoint is on disk;
 * then its item enters the AIL.  A freed buffer stays locked and pinned
 * until the last reference of its item goes, which unlocks it.
 */
#ifndef CACHE_TRANS_H
#define CACHE_TRANS_H

#include "cache/buf.h"
#include "cache/format.h"
#include "cache/space.h"

#define LI_IN_AIL	(1u << 0)	/* AIL lock */
#define LI_DIRTY	(1u << 1)	/* the transaction's owner */
#define LI_FAILED	(1u << 2)	/* buffer locked: write it again */
#define LI_ABORTED	(1u << 3)
#define LI_FLUSHING	(1u << 4)	/* li_buf's lock: copied to it */

enum push_result { PUSH_SUCCESS, PUSH_PINNED, PUSH_LOCKED, PUSH_FLUSHING };

struct log_item;

struct log_item_ops {
	void (*pin)(struct log_item *lip);
	/*
	 * Its checkpoint is on disk.  False: it need not go into the AIL,
	 * and was unpinned.  NULL: always true.
	 */
	bool (*committed)(struct log_item *lip);
	void (*unpin)(struct log_item *lip, bool abort);
	/* The transaction is done with it: unlock, or keep until unpinned. */
	void (*release)(struct log_item *lip);
	/* AIL lock held; may be dropped and taken again. */
	enum push_result (*push)(struct log_item *lip);
};

struct log_item {
	const struct log_item_ops *li_ops;	/* constant */
	struct mount *li_mount;			/* constant */
	struct list_head li_ail;		/* AIL lock */
	uint64_t li_lsn;			/* AIL lock */
	uint64_t li_flush_lsn;			/* li_buf's lock: flushed at */
	uint32_t li_flags;			/* atomic bits */
	uint32_t li_bytes;			/* logged by the transaction */
	struct list_head li_cil;		/* log lock */
	struct list_head li_trans;		/* transaction's owner */
	struct list_head li_bio_list;		/* b_li_list of li_buf */
	struct buf *li_buf;			/* li_buf's lock */
};

static inline bool li_test(struct log_item *lip, uint32_t bit)
{
	return READ_ONCE(lip->li_flags) & bit;
}

static inline void li_set(struct log_item *lip, uint32_t bit)
{
	__atomic_fetch_or(&lip->li_flags, bit, __ATOMIC_RELAXED);
}

static inline void li_clear(struct log_item *lip, uint32_t bit)
{
	__atomic_fetch_and(&lip->li_flags, ~bit, __ATOMIC_RELAXED);
}

void log_item_init(struct log_item *lip, struct mount *mp,
		   const struct log_item_ops *ops);

#define BLI_DIRTY	(1u << 0)
#define BLI_STALE	(1u << 1)
#define BLI_LOGGED	(1u << 2)
#define BLI_HOLD	(1u << 3)	/* stay locked over the commit */
#define BLI_STALE_INODE	(1u << 4)	/* an inode cluster was freed */

struct buf_log_item {
	struct log_item bli_item;
	struct buf *bli_buf;		/* constant */
	uint32_t bli_flags;		/* buffer locked */
	atomic_t bli_refcount;		/* transaction, and each pin */
};

struct busy_extent {
	struct list_head list;		/* transaction's, then checkpoint's */
	uint64_t bno;
	unsigned int len;
};

struct trans {
	struct mount *t_mount;
	struct list_head t_items;	/* log_item.li_trans */
	struct list_head t_busy;	/* busy_extent.list */
	uint64_t t_lookups;		/* COUNT() */
	bool t_dirty;
	bool t_has_root;
	struct root_record t_root;
};

/* Waits for log space.  0, -EIO after a shutdown, -ENOMEM. */
int trans_alloc(struct mount *mp, struct trans **tpp);
/* A buffer of the transaction: locked until the commit. */
int trans_get_buf(struct trans *tp, uint64_t bno, unsigned int len,
		  struct buf **bpp);
int trans_read_buf(struct trans *tp, uint64_t bno, unsigned int len,
		   struct buf **bpp);
/* A locked buffer becomes the transaction's.  0, or -ENOMEM: released. */
int trans_add(struct trans *tp, struct buf *bp);
/* Give back a buffer that the transaction has not changed. */
void trans_brelse(struct trans *tp, struct buf *bp);
/* Keep it locked over the commit. */
void trans_bhold(struct trans *tp, struct buf *bp);
void trans_bjoin(struct trans *tp, struct buf *bp);
void trans_join(struct trans *tp, struct log_item *lip);
/* @bytes of it change in this transaction. */
void trans_log_buf(struct trans *tp, struct buf *bp, uint32_t bytes);
/* Its block is freed: stale, locked and pinned until that is on disk. */
void trans_binval(struct trans *tp, struct buf *bp);
/* Always ends the transaction.  0 or -EIO. */
int trans_commit(struct trans *tp);
/* Commit, go on in a new one that still has @bp locked (kernel: roll). */
int trans_roll(struct trans **tpp, struct buf *bp);

/* ail.c: queue a locked buffer for the daemon, which calls this. */
enum push_result ail_queue(struct buf *bp);

/* buf_item.c */
int buf_item_init(struct buf *bp);
void buf_item_done(struct buf *bp);
void buf_item_put(struct buf_log_item *bip);

#define HEADER_LOG_BYTES	128u	/* one chunk of it changes */

/* space.c: the AG's header is locked by the transaction. */
int space_init(struct ag *pag);
void space_destroy(struct ag *pag);
struct buf *trans_ag_header(struct trans *tp, unsigned int agno);
/* Lock, and change, the AG's header. */
int trans_lock_ag(struct trans *tp, unsigned int agno, struct buf **agbpp);
/*
 * Blocks in a row near one of the AG, none of them busy; forces the log if
 * only busy ones are left.  How many, or -ENOSPC, -ENOMEM (kernel:
 * xfs_alloc_vextent_near_bno).
 */
int space_alloc_near(struct trans *tp, unsigned int agno,
		     const struct space_want *want, uint64_t *bno);
/* The same at want->near or not at all (xfs_alloc_vextent_exact_bno). */
int space_alloc_exact(struct trans *tp, unsigned int agno,
		      const struct space_want *want, uint64_t *bno);
/* @len blocks near the AG's header.  0 or -errno. */
int space_alloc(struct trans *tp, unsigned int agno, unsigned int len,
		uint64_t *bno);
/*
 * Free, but busy until the transaction's checkpoint is complete.  0, or
 * -ENOMEM: it is not (kernel: __xfs_free_extent, xfs_extent_busy_insert).
 */
int space_free(struct trans *tp, uint64_t bno, unsigned int len);
/* By checkpoint completion, after everything was unpinned. */
void space_busy_clear(struct mount *mp, struct list_head *busy);
/* The AG's free list, whose blocks may be reused at once; 0: none. */
uint64_t agfl_get(struct ag *pag);
bool agfl_put(struct ag *pag, uint64_t bno);

#endif
