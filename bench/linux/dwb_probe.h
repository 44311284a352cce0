/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks that probe.cocci puts into fs/xfs: counters, delays that widen the
 * race window, and crash points.  Only the instrumented modules have them.
 */
#ifndef DWB_PROBE_H
#define DWB_PROBE_H

#include <linux/types.h>

struct bio;
struct xfs_ail;
struct xfs_buf;
struct xfs_btree_cur;
union xfs_btree_ptr;

/* xfs_buf.c, with the buffer locked. */
void dwb_locked(struct xfs_buf *bp);
void dwb_queue(struct xfs_buf *bp);
void dwb_stale(struct xfs_buf *bp);
void dwb_unlock(struct xfs_buf *bp);
void dwb_found(struct xfs_buf *bp);
void dwb_submit(struct xfs_buf *bp);
void dwb_ioend(struct xfs_buf *bp);
/* Instead of submit_bio(): or fail it, with nothing written. */
void dwb_submit_bio(struct xfs_buf *bp, struct bio *bio);

/* A wait for a list: begin returns the time in ns that end wants back. */
u64 dwb_wait_begin(void);
void dwb_wait_end(u64 begin);

/* What buffers the caller has locked, as far as dwb_held.c knows. */
enum dwb_held {
	DWB_HELD_AGF	= 1 << 0,
	DWB_HELD_AGI	= 1 << 1,
	DWB_HELD_OTHER	= 1 << 2,
};
unsigned int dwb_held(void);
void dwb_held_add(struct xfs_buf *bp);
void dwb_held_del(struct xfs_buf *bp);

/* The AIL daemon, around the submission of its list. */
bool dwb_ail_eager(void);
void dwb_ail_before_submit(struct xfs_ail *ailp);
void dwb_ail_after_submit(void);
void dwb_others_queue(struct xfs_ail *ailp);

/* The bulk loader.  A load belongs to the task that calls these. */
void dwb_bload_begin(void);
void dwb_bload_claim(struct xfs_btree_cur *cur, union xfs_btree_ptr *ptr);
void dwb_bload_block(struct xfs_buf *bp);
void dwb_bload_end(int error);

#endif
