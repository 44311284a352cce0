/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Linux 6.12's buffer, where its hash is, and how a hold of it is counted:
 * the LRU has one too, and an AG has the hash of its buffers.  cache/buf.h
 * includes it.
 */
#ifndef GENERATION_LAYOUT_H
#define GENERATION_LAYOUT_H

#define BSTATE_DISPOSE		(1u << 0)	/* on a shrinker's list */
#define BSTATE_IN_FLIGHT	(1u << 1)	/* counted in m_io_count */

struct buf {
	/* First line: all that an uncontended lookup needs. */
	struct hash_node b_hash;	/* its bucket's lock; RCU */
	uint64_t b_bno;			/* constant: first block */
	uint32_t b_length;		/* constant: blocks */
	atomic_t b_hold;
	atomic_t b_lru_ref;		/* turns left on the LRU */
	uint32_t b_flags;		/* b_sema; read without as a hint */
	struct semaphore b_sema;

	struct list_head b_lru;		/* lru node's lock */
	spinlock_t b_lock;		/* b_state, order of releases */
	unsigned int b_state;		/* b_lock */
	int b_io_error;			/* by the completion of the I/O */
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
	struct completion b_iowait;
	struct buf_log_item *b_log_item; /* b_sema */
	struct list_head b_li_list;	/* b_sema: inode items attached */
	struct trans *b_transp;		/* b_sema: owner, or NULL */
	struct bio b_bio;		/* by whoever does I/O, b_sema held */
	const void *b_ops;		/* b_sema: verifier; NULL: unknown */
	int b_nid;			/* constant: memory node */
	atomic_t b_pin_count;
	uint64_t b_next;		/* bench_lookup_chain: next block */
	int b_last_error;		/* b_sema: of the last failed write */
	int b_error;			/* b_sema: of the last I/O */
	struct rcu_callback b_rcu;
	FIX_BUF_FIELDS
};

/* x86-64, lockdep off: where a hit and a release go. */
BUF_AT(b_bno, 8);
BUF_AT(b_hold, 20);
BUF_AT(b_flags, 28);
BUF_AT(b_sema, 32);
BUF_AT(b_lru, 56);
BUF_AT(b_lock, 72);
BUF_AT(b_list, 112);
BUF_AT(b_pag, 128);
BUF_AT(b_addr, 152);
BUF_AT(b_pin_count, 308);
BUF_AT(b_error, 324);

/* Kernel: xfs_buf_cache. */
struct buf_cache {
	spinlock_t bc_lock;		/* inserting and the last release */
	struct hash bc_hash;
};

/* Parts of struct ag and struct mount (cache/mount.h). */
#define GENERATION_AG_FIELDS						\
	struct buf_cache pag_bcache LINE_ALIGNED; /* of its blocks */
#define GENERATION_MOUNT_FIELDS

/* Held once and locked: nobody can find it yet. */
static inline void hold_init(struct buf *bp)
{
	atomic_set(&bp->b_hold, 1);
	sema_init(&bp->b_sema, 0);
	spin_lock_init(&bp->b_lock);
}

static inline void buf_unhold(struct buf *bp)
{
	atomic_dec(&bp->b_hold);
	ASSERT(atomic_read(&bp->b_hold) > 0);
}

static inline bool buf_try_hold(struct buf *bp)
{
	return atomic_inc_not_zero(&bp->b_hold);
}

static inline int buf_holds(const struct buf *bp)
{
	return atomic_read(&bp->b_hold) - !list_empty(&bp->b_lru);
}

#endif
