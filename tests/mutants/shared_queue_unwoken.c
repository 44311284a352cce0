// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here with one mistake: the waiters of all blocks sleep on one
 * queue, an object that the sources of the fix share, and who unlinks a block
 * wakes those who sleep for its address.  To be found: deadlock.
 */
#include "fixes/delwri_queue_here_mb.c"

extern struct wait_queue_head shared_queue;
#define FIX_OBJECTS							\
	struct wait_queue_head shared_queue = {				\
		.lock = SPINLOCK_INIT,					\
		.head = LIST_HEAD_INIT(shared_queue.head),		\
	};

#define fix_waitqueue fix_waitqueue
static inline struct wait_queue_head *fix_waitqueue(struct buf *bp)
{
	(void)bp;
	return &shared_queue;
}

static inline int queue_bload_shared(struct buf *bp, struct delwri_list *list)
{
	while (!list_empty(&bp->b_list)) {
		buf_unlock(bp);
		wait_event(&shared_queue, list_empty(&bp->b_list), WAIT_LIST,
			   buf_link(bp));
		buf_lock(bp);
	}
	return fix_queue_bload(bp, list);
}

#undef fix_queue_bload
#define fix_queue_bload queue_bload_shared
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(DEADLOCK)
