/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Linux 7.3's buffer, where its hash is, and how a hold of it is counted: the
 * LRU has none, a count of 0 is a cached buffer that nobody uses, and one hash
 * has all buffers of the device.  cache/buf.h includes it.
 */
#ifndef GENERATION_LAYOUT_H
#define GENERATION_LAYOUT_H

#define HOLDS_IN_LOCKREF	1	/* for who must know: fix->lru_holds */

#include "sync/lockref.h"

struct buf {
	/* First line: all that an uncontended lookup needs. */
	struct hash_node b_hash;	/* its bucket's lock; RCU */
	uint64_t b_bno;			/* constant: first block */
	uint32_t b_length;		/* constant: blocks */
	struct lockref b_lockref;	/* holds; whether it is on the LRU */
	atomic_t b_lru_ref;		/* turns left on the LRU */
	uint32_t b_flags;		/* b_sema; read without as a hint */
	struct semaphore b_sema;

	struct list_head b_lru;		/* lru node's lock */
	struct wait_queue_head b_waiters; /* for the last unpin */
	/*
	 * Link of whatever delayed-write list or in-flight list the buffer
	 * is on.  Changed under b_sema by the list's owner; what else may
	 * change it is the fix's business.  Emptiness is read without.
	 */
	struct list_head b_list;
	struct ag *b_pag;		/* constant once hashed */
	struct mount *b_mount;		/* constant */
	struct device *b_target;	/* constant */
	void *b_addr;			/* constant once set: contents */
	struct rcu_callback b_rcu;
	const void *b_ops;		/* b_sema: verifier; NULL: unknown */
	struct completion b_iowait;
	struct buf_log_item *b_log_item; /* b_sema */
	struct list_head b_li_list;	/* b_sema: inode items attached */
	struct trans *b_transp;		/* b_sema: owner, or NULL */
	uint64_t b_pad;			/* kernel: b_maps */
	uint64_t b_next;		/* bench_lookup_chain: next block */
	int b_last_error;		/* b_sema: of the last failed write */
	int b_pad2;
	int b_nid;			/* constant: memory node */
	atomic_t b_pin_count;
	int b_error;			/* b_sema: of the last I/O */
	struct bio b_bio;		/* by whoever does I/O, b_sema held */
	FIX_BUF_FIELDS
};

/*
 * x86-64, lockdep off, DETECT_HUNG_TASK_BLOCKER as it comes: where a hit and a
 * release go.
 */
BUF_AT(b_bno, 8);
BUF_AT(b_length, 16);
BUF_AT(b_lockref, 24);
BUF_AT(b_lru_ref, 32);
BUF_AT(b_flags, 36);
BUF_AT(b_sema, 40);
BUF_AT(b_lru, 64);
BUF_AT(b_waiters, 80);
BUF_AT(b_list, 104);
BUF_AT(b_pag, 120);
BUF_AT(b_mount, 128);
BUF_AT(b_target, 136);
BUF_AT(b_addr, 144);
BUF_AT(b_iowait, 184);
BUF_AT(b_log_item, 216);
BUF_AT(b_pin_count, 276);
BUF_AT(b_error, 280);

/* Parts of struct ag and struct mount (cache/mount.h). */
#define GENERATION_AG_FIELDS
#define GENERATION_MOUNT_FIELDS						\
	struct hash bt_hash LINE_ALIGNED; /* of all blocks */

/* Held once, and not locked: whoever finds it may be the first to lock it. */
static inline void hold_init(struct buf *bp)
{
	lockref_init(&bp->b_lockref);
	sema_init(&bp->b_sema, 1);
}

static inline void buf_unhold(struct buf *bp)
{
	bool put = lockref_put_or_lock(&bp->b_lockref);

	ASSERT(put);
	(void)put;
}

static inline bool buf_try_hold(struct buf *bp)
{
	return lockref_get_not_dead(&bp->b_lockref);
}

static inline int buf_holds(const struct buf *bp)
{
	return lockref_count(&bp->b_lockref);
}

/* As buf_get(), but not locked yet (kernel: xfs_find_get_buf). */
int buf_find_get(struct mount *mp, uint64_t bno, unsigned int len,
		 unsigned int flags, struct buf **bpp);
/* b_lockref.lock held, the count is 0: nobody shall find it any more. */
void buf_kill(struct buf *bp);
/* Killed, on no list: free it. */
void buf_destroy(struct buf *bp);

#endif
