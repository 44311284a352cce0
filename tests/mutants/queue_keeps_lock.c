// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here with one mistake: the bulk loader keeps the buffer
 * locked while it waits.  To be found: deadlock.
 */
#include "fixes/delwri_queue_here_mb.c"

static inline enum queued queue_keeps_lock(struct buf *bp,
					   struct delwri_list *list)
{
	if (!list_empty(&bp->b_list))
		wait_var_event(buf_link(bp), list_empty(&bp->b_list),
			       WAIT_LIST);
	return fix_queue_bload(bp, list);
}

#undef fix_queue_bload
#define fix_queue_bload queue_keeps_lock
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(DEADLOCK)
