// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here: merged in Linux 6.8.  The bulk loader that finds its
 * buffer on another list unlocks it, sleeps until it has left that list,
 * locks it and looks again.  Every removal wakes by address.
 *
 * Locks: none added; the buffer is unlocked meanwhile, all else that the
 * loader holds (the AG's header) is not.  Waits: the bulk loader, until
 * the owner's next submit.  Unsafe: for whoever needs that header; and the
 * wake-up looks for sleepers without a barrier after the unlinking.
 */
#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"bulk loader waits for the link (merged, 6.8)"
#define FIX_CLAIMS	(HAZARD_ALL & ~(HAZARD(COLLATERAL_STALL) | \
					HAZARD(UNBOUNDED_WAIT) | \
					HAZARD(LOST_WAKEUP)))
#define FIX_WAITS	WAITS_BLOAD

#define fix_unlink fix_unlink
static inline void fix_unlink(struct buf *bp)
{
	list_del_init(&bp->b_list);
	wake_up_var(buf_link(bp));
}

static __attribute__((noinline)) void wait_for_link(struct buf *bp)
{
	while (!list_empty(&bp->b_list)) {
		buf_unlock(bp);
		point(bp, POINT_WAIT_BEGIN);
		wait_var_event(buf_link(bp), list_empty(&bp->b_list),
			       WAIT_LIST);
		buf_lock(bp);
		point(bp, POINT_WAIT_END);
	}
}

#define fix_queue_bload fix_queue_bload
static inline int fix_queue_bload(struct buf *bp, struct delwri_list *list)
{
	wait_for_link(bp);
	buf_set(bp, BUF_DELWRI_Q);
	buf_hold(bp);
	list_add_tail(&bp->b_list, &list->head);
	return QUEUED_HERE;
}
