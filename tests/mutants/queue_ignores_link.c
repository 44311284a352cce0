// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here with one mistake: the bulk loader does not look at the
 * link, and reports success.  To be found: ordering.
 */
#include "fixes/delwri_queue_here_mb.c"

static inline enum queued queue_ignores_link(struct buf *bp,
					     struct delwri_list *list)
{
	if (list_empty(&bp->b_list))
		return fix_queue_bload(bp, list);
	buf_set(bp, BUF_DELWRI_Q);
	return QUEUED_HERE;
}

#undef fix_queue_bload
#define fix_queue_bload queue_ignores_link
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(ORDERING)
