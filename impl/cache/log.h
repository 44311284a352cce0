/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log: committed items collect in a checkpoint, one thread writes
 * checkpoints, its completion moves the items to the AIL, unpins them,
 * and only then clears the busy extents (kernel: xfs_log_cil.c).
 * Log sequence numbers are byte offsets that only grow.
 */
#ifndef CACHE_LOG_H
#define CACHE_LOG_H

#include "sync/sync.h"

struct mount;
struct trans;
struct log_item;

#define LOG_ITEM_BATCH	32		/* as LOG_ITEM_BATCH_SIZE */

struct cil_ctx;

struct log {
	uint64_t l_size;		/* constant: bytes */
	uint64_t l_sync_ns;		/* constant: period of the worker */
	spinlock_t l_lock;
	struct cil_ctx *l_ctx;		/* l_lock: collects commits */
	uint64_t l_seq;			/* l_lock: number of l_ctx */
	uint64_t l_push_seq;		/* l_lock: wanted on disk up to here */
	uint64_t l_done_seq;		/* l_lock: on disk up to here */
	uint64_t l_head;		/* l_lock: next byte */
	uint64_t l_forces;		/* l_lock: checkpoints written */
	struct wait_queue_head l_done_wait;	/* l_done_seq moved */
	struct wait_queue_head l_space_wait;	/* the tail moved */
	struct wait_queue_head l_push_wait;	/* l_ctx was taken */
	void *l_iclogs;			/* constant: zeros to be written */
	struct thread l_thread;
};

int log_start(struct mount *mp, uint64_t bytes, uint32_t syncd_ms);
void log_stop(struct mount *mp);
/* Everything committed so far is on disk on return (xfs_log_force). */
void log_force(struct mount *mp);
/* The same, without waiting (xlog_cil_flush). */
void log_flush(struct mount *mp);
/* Sleep until there is space for one more transaction. */
void log_reserve(struct mount *mp);
/* Hand @tp's changes to the current checkpoint; its items get pinned. */
void log_commit(struct mount *mp, struct trans *tp);
/*
 * Sleep while the checkpoint has collected too much.  Only what a rolling
 * transaction keeps is locked (kernel: xlog_cil_push_background).
 */
void log_throttle(struct mount *mp);

#endif
