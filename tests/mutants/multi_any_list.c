// SPDX-License-Identifier: GPL-2.0-only
/*
 * multi_list with one mistake: any entry of the buffer will do, on whatever
 * list, and the bulk loader thinks it has queued.  To be found: ordering.
 */
#include "fixes/multi_list.c"

static inline enum queued queue_any_list(struct buf *bp,
					 struct delwri_list *list)
{
	if (list_empty(&bp->b_entries))
		return fix_queue(bp, list);
	list_first_entry(&bp->b_entries, struct delwri_entry, on_buf)->valid =
		true;
	return QUEUED_HERE;
}

#define fix_queue_bload queue_any_list
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(ORDERING)
