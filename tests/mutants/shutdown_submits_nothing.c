// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here with one mistake: after a shutdown a submit leaves its
 * list as it is.  To be found: deadlock.
 */
#include "fixes/delwri_queue_here_mb.c"

static inline int shutdown_submits_nothing(struct delwri_list *list,
					   struct list_head *wait_list)
{
	struct buf *bp, *n;
	int pinned = 0;

	COUNT(list->nr_walked = 0);
	list_for_each_entry_safe(bp, n, &list->head, b_list) {
		COUNT(list->nr_walked++);
		if (!wait_list && is_shutdown(bp->b_mount))
			return 0;
		if (!delwri_lock(bp, wait_list, &pinned))
			continue;
		if (!(bp->b_flags & BUF_DELWRI_Q)) {
			fix_unlink(bp);
			point(bp, POINT_SUBMIT_DROPPED);
			buf_relse(bp);
			continue;
		}
		buf_clear(bp, BUF_DELWRI_Q);
		if (wait_list)
			list_move_tail(&bp->b_list, wait_list);
		else
			fix_unlink(bp);
		delwri_issue(bp, !wait_list);
	}
	return pinned;
}
#define fix_submit shutdown_submits_nothing
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(DEADLOCK)
