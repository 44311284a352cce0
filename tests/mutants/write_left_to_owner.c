// SPDX-License-Identifier: GPL-2.0-only
/*
 * write_linked with one mistake: a linked block is left to the owner of the
 * list, who is told by the flag, and nobody waits.  To be found: ordering.
 */
#include "fixes/write_linked.c"

static inline int write_left_to_owner(struct buf *bp, struct delwri_list *list)
{
	if (list_empty(&bp->b_list))
		return fix_queue_bload(bp, list);
	buf_set(bp, BUF_DELWRI_Q);
	return QUEUED_WRITTEN;
}

#undef fix_queue_bload
#define fix_queue_bload write_left_to_owner
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(ORDERING)
