// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bulk loader writes a block that is linked elsewhere by itself, with
 * bwrite(), and nobody can be told of an error but by shutting down.  To be
 * found: lost-error.
 */
#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"bulk loader writes itself"
#define FIX_CLAIMS	HAZARD(LOST_ERROR)

#define fix_queue fix_queue
static inline enum queued fix_queue(struct buf *bp, struct delwri_list *list)
{
	if (bp->b_flags & BUF_DELWRI_Q)
		return QUEUED_BEFORE;
	buf_set(bp, BUF_DELWRI_Q);
	if (!list_empty(&bp->b_list))
		return QUEUED_ELSEWHERE;
	buf_hold(bp);
	list_add_tail(&bp->b_list, &list->head);
	return QUEUED_HERE;
}
#define fix_queue_bload fix_queue_bload
static inline enum queued fix_queue_bload(struct buf *bp,
					  struct delwri_list *list)
{
	if (list_empty(&bp->b_list))
		return fix_queue(bp, list);
	buf_bwrite(bp);
	return QUEUED_HERE;
}
