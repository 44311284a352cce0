/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log: committed items collect in a checkpoint (kernel: the CIL); one
 * thread pushes checkpoints, another completes them in order, which moves
 * the items to the AIL, unpins them, and only then clears the busy extents
 * (kernel: xfs_log_cil.c; checkpoint.h has one on its way).
 * Log sequence numbers are byte offsets that only grow.
 */
#ifndef CACHE_LOG_H
#define CACHE_LOG_H

#include "cache/format.h"
#include "sync/sync.h"

struct mount;
struct trans;
struct log_item;

#define LOG_ITEM_BATCH	32		/* as LOG_ITEM_BATCH_SIZE */

struct cil_ctx;
struct log;

/* An iclog that a checkpoint's data fills; that with its record is its own. */
struct iclog {
	struct log *log;		/* constant */
	struct cil_ctx *ctx;		/* l_lock: whose data; NULL: free */
	struct bio bio;			/* by the pusher */
};

struct log {
	uint64_t l_size;		/* constant: bytes */
	uint64_t l_sync_ns;		/* constant: period of the worker */
	spinlock_t l_lock;
	struct cil_ctx *l_ctx;		/* l_lock: collects commits */
	uint64_t l_seq;			/* l_lock: number of l_ctx */
	uint64_t l_push_seq;		/* l_lock: to be pushed up to here */
	uint64_t l_pushed_seq;		/* l_lock: in the iclogs up to here */
	uint64_t l_stable_seq;		/* l_lock: wanted on disk up to here */
	uint64_t l_done_seq;		/* l_lock: completed up to here */
	uint64_t l_head;		/* l_lock: next byte */
	uint64_t l_done_lsn;		/* l_lock: of it, completed */
	struct list_head l_committing;	/* l_lock: pushed, not yet completed */
	unsigned int l_nr_iclogs;	/* l_lock: in use */
	struct iclog l_iclog[NR_ICLOGS]; /* for data */
	struct wait_queue_head l_idle_wait;	/* committers have let go */
	struct wait_queue_head l_pushed_wait;	/* l_pushed_seq moved */
	struct wait_queue_head l_iclog_wait;	/* one is free again */
	struct wait_queue_head l_done_wait;	/* l_done_seq moved */
	struct wait_queue_head l_space_wait;	/* the tail moved */
	struct wait_queue_head l_push_wait;	/* l_ctx was taken */
	void *l_zeros;			/* constant: zeros to be written */
	struct thread l_thread;		/* pushes, and is the log worker */
	struct thread l_io_thread;	/* completes */
};

int log_start(struct mount *mp, uint64_t bytes, uint32_t syncd_ms);
void log_stop(struct mount *mp);
/* Everything committed so far is on disk on return (XFS_LOG_SYNC). */
void log_force(struct mount *mp);
/*
 * It is on its way, all of it in the iclogs (xfs_log_force without
 * XFS_LOG_SYNC).
 */
void log_force_start(struct mount *mp);
/* The same without waiting for that, unless nothing is collected. */
void log_flush(struct mount *mp);
/* Sleep until there is space for one more transaction. */
void log_reserve(struct mount *mp);
/* The tail has moved, or the end of what is complete. */
void log_space_wake(struct mount *mp);
/*
 * Hand @tp's changes to the current checkpoint; its items get pinned.  That
 * is not written before log_committed() (kernel: xc_ctx_lock, held for
 * reading in xlog_cil_commit).
 */
struct cil_ctx *log_commit(struct mount *mp, struct trans *tp);
/*
 * All its items are unlocked.  Sleeps while too much is collected, which
 * only the pusher ends: what a rolling transaction keeps is locked meanwhile
 * (kernel: xlog_cil_push_background).
 */
void log_committed(struct mount *mp, struct cil_ctx *ctx);

#endif
