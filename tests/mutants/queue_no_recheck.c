// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here with one mistake: after the wait it takes the lock and
 * does not look again whether somebody else has queued the buffer
 * meanwhile.  To be found: list-corruption.
 */
#include "fixes/delwri_queue_here_mb.c"

static inline enum queued queue_no_recheck(struct buf *bp,
					   struct delwri_list *list)
{
	if (!list_empty(&bp->b_list)) {
		point(bp, POINT_WAIT_BEGIN);
		buf_unlock(bp);
		wait_var_event(buf_link(bp), list_empty(&bp->b_list),
			       WAIT_LIST);
		buf_lock(bp);
		point(bp, POINT_WAIT_END);
	}
	buf_set(bp, BUF_DELWRI_Q);
	buf_hold(bp);
	list_add_tail(&bp->b_list, &list->head);
	return QUEUED_HERE;
}

#undef fix_queue_bload
#define fix_queue_bload queue_no_recheck
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(LIST_CORRUPTION)
