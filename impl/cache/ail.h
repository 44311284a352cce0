/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The active item list: what the log still needs, by sequence number, and
 * the daemon that writes it back (kernel: xfs_trans_ail.c).  Targets,
 * exits and sleeps are the kernel's.
 */
#ifndef CACHE_AIL_H
#define CACHE_AIL_H

#include "sync/sync.h"

struct mount;
struct log_item;
struct delwri_list;

#define AIL_STUCK_MAX		100
#define AIL_COUNT_MAX		1000
#define AIL_SLEEP_IDLE_MS	50
#define AIL_SLEEP_STUCK_MS	20
#define AIL_STUCK_PERCENT	90

/* The ticks that the daemon sleeps in: CONFIG_HZ of Debian 12's kernels. */
#define KERNEL_HZ		250u
#define TICK_NS			(1000000000u / KERNEL_HZ)

#define AIL_NO_TARGET		UINT64_MAX

struct ail {
	spinlock_t ail_lock;
	struct list_head ail_head;	/* ail_lock */
	struct log_item *ail_cursor;	/* ail_lock: daemon's next, or NULL */
	bool ail_cursor_lost;		/* ail_lock: it was removed */
	int ail_push_all;		/* atomic: asked for, not yet begun */
	uint64_t ail_nr;		/* ail_lock */
	uint64_t ail_target;		/* daemon */
	uint64_t ail_last_pushed;	/* daemon */
	int ail_log_flush;		/* daemon */
	uint64_t ail_passes;		/* daemon; a hint to others */
	struct wait_queue_head ail_empty;	/* looked at under ail_lock */
	struct delwri_list *ail_buf_list; /* daemon's own */
	struct thread ail_thread;
};

int ail_start(struct mount *mp);
/* Stop the daemon; it cancels what is left on its list. */
void ail_stop(struct mount *mp);
/* Insert, or move, @nr items at @lsn. */
void ail_update(struct mount *mp, struct log_item **items, int nr,
		uint64_t lsn);
/* Remove, if it is there. */
void ail_delete(struct log_item *lip);
/*
 * Remove those on @items, linked by li_bio_list and their buffer locked, that
 * were not logged again since they were flushed; none has failed any more
 * (xfs_iflush_ail_updates).
 */
void ail_delete_flushed(struct mount *mp, struct list_head *items);
uint64_t ail_min_lsn(struct mount *mp);
/*
 * Push all that is in it, or, if it is empty, what will be first: that stays
 * asked for (xfs_ail_push_all).
 */
void ail_push_all(struct mount *mp);
/* Push until it is empty (xfs_ail_push_all_sync). */
void ail_push_all_sync(struct mount *mp);

#endif
