/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One checkpoint on its way: collected by log.c, then written and completed
 * by checkpoint.c (kernel: struct xfs_cil_ctx).
 */
#ifndef CACHE_CHECKPOINT_H
#define CACHE_CHECKPOINT_H

#include "cache/format.h"
#include "cache/log.h"

struct cil_ctx {
	struct log *log;		/* constant */
	uint64_t seq;			/* constant once it collects */
	/* l_lock while commits are added, then the pusher's. */
	uint64_t bytes;
	unsigned int nr_roots;
	unsigned int nr_items;
	struct list_head items;		/* log_item.li_cil, while collecting */
	struct log_item **taken;	/* the same, once it is pushed */
	struct list_head busy;
	struct root_record roots[LOG_ROOTS];
	unsigned int committers;	/* l_lock: have not let go of theirs */

	struct list_head committing;	/* l_lock: in order of commit */
	uint64_t lsn;			/* constant once pushed */
	bool pushed;			/* l_lock: in the iclogs, in order */
	bool sent;			/* l_lock: its record is submitted */
	bool in_iclog;			/* l_lock: its record has one */
	unsigned int ios;		/* l_lock: I/Os in flight */
	int error;			/* l_lock: of one of them */
	struct log_record *record;	/* constant once pushed; NULL: none */
	struct bio record_bio;		/* by whoever set ->sent */
	struct bio tail_bio;		/* the same */
};

/*
 * Write @ctx, which collects no more and is last on l_committing.  Returns
 * when it is in the iclogs, as far as there are any free; what waits for
 * nothing else is then on its way to the disk (kernel: the second half of
 * xlog_cil_push_work).  By the pusher.
 */
void checkpoint_push(struct mount *mp, struct cil_ctx *ctx);
/* The thread that completes them, in order (xlog_state_do_callback). */
void checkpoint_daemon(void *arg);

#endif
