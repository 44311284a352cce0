// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here_mb: delwri_queue_here with the full barrier that the
 * kernel's own documentation asks for between changing a condition and
 * looking for sleepers.  Every removal from a list pays for it.
 *
 * Locks: none added; the buffer is unlocked meanwhile, all else that the
 * loader holds (the AG's header) is not.  Waits: the bulk loader, until
 * the owner's next submit.  Unsafe: for whoever needs that header.
 */
#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"delwri_queue_here, barrier before its wake-up"
#define FIX_CLAIMS	(HAZARD_ALL & ~(HAZARD(COLLATERAL_STALL) | \
					HAZARD(UNBOUNDED_WAIT)))
#define FIX_WAITS	true

#define fix_unlink fix_unlink
static inline void fix_unlink(struct buf *bp)
{
	list_del_init(&bp->b_list);
	smp_mb();	/* pairs with prepare_to_wait() in wait_for_link() */
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
static inline enum queued fix_queue_bload(struct buf *bp,
					  struct delwri_list *list)
{
	wait_for_link(bp);
	buf_set(bp, BUF_DELWRI_Q);
	buf_hold(bp);
	list_add_tail(&bp->b_list, &list->head);
	return QUEUED_HERE;
}
