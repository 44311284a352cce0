// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here with one mistake: cancelling a list wakes nobody.  To
 * be found: deadlock.
 */
#include "fixes/delwri_queue_here_mb.c"

static inline void cancel_wakes_nobody(struct delwri_list *list)
{
	while (!list_empty(&list->head)) {
		struct buf *bp = list_first_entry(&list->head, struct buf,
						  b_list);

		buf_lock(bp);
		buf_clear(bp, BUF_DELWRI_Q);
		list_del_init(&bp->b_list);
		point(bp, POINT_UNLINK);
		buf_relse(bp);
	}
}
#define fix_cancel cancel_wakes_nobody
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(DEADLOCK)
