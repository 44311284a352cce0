// SPDX-License-Identifier: GPL-2.0-only
/*
 * 6.12, and a submit takes pinned buffers off its list instead of leaving
 * them: the review's interleaving is mended, and what was left for being
 * locked is forgotten.  To be found: ordering.
 */
#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"submit takes pinned buffers off"
#define FIX_CLAIMS	HAZARD(ORDERING)

#define fix_submit fix_submit
static inline int fix_submit(struct delwri_list *list,
			     struct list_head *wait_list)
{
	struct buf *bp, *n;
	int pinned = 0;

	COUNT(list->nr_walked = 0);
	list_sort(&list->head, delwri_cmp);
	list_for_each_entry_safe(bp, n, &list->head, b_list) {
		COUNT(list->nr_walked++);
		if (wait_list)
			buf_lock(bp);
		else if (!buf_trylock(bp)) {
			point(bp, POINT_SUBMIT_LOCKED);
			continue;
		}
		if (!wait_list && buf_ispinned(bp)) {
			pinned++;
			buf_clear(bp, BUF_DELWRI_Q);
			list_del_init(&bp->b_list);
			point(bp, POINT_SUBMIT_PINNED);
			buf_relse(bp);
			continue;
		}
		if (!(bp->b_flags & BUF_DELWRI_Q)) {
			list_del_init(&bp->b_list);
			buf_relse(bp);
			continue;
		}
		buf_clear(bp, BUF_DELWRI_Q);
		if (wait_list)
			list_move_tail(&bp->b_list, wait_list);
		else
			list_del_init(&bp->b_list);
		delwri_issue(bp, !wait_list);
	}
	return pinned;
}
