// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with one mistake: a cancelled buffer still knows its list,
 * and staling takes it off once more.  To be found: leak, in 6.12.
 */
#include "fixes/remove_on_stale.c"

static inline void cancel_keeps_owner(struct delwri_list *list)
{
	struct buf *bp;

	while ((bp = first_held(list))) {
		buf_lock(bp);
		if (bp->b_owner == list) {
			buf_clear(bp, BUF_DELWRI_Q);
			counted_lock(&list->lock);
			list_del_init(&bp->b_list);
			counted_unlock(&list->lock);
			point(bp, POINT_UNLINK);
			buf_rele(bp);
		}
		buf_relse(bp);
	}
}
#undef fix_cancel
#define fix_cancel cancel_keeps_owner
#undef FIX_CLAIMS
#ifdef HOLDS_IN_LOCKREF
/*
 * A hold too few ends in a lookup that waits for a dead buffer to go: the
 * scenario gets stuck, and gives no verdict.
 */
#define FIX_CLAIMS	0
#else
#define FIX_CLAIMS	HAZARD(LEAK)
#endif
