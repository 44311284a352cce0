// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with one mistake: staling takes the buffer off its list
 * without the list's lock.  It is list-corruption, in a window of a few
 * instructions; links are stored atomically, so that the race detector
 * sees it by chance too.  It claims nothing: no test may depend on chance.
 */
#include "fixes/remove_on_stale.c"

static inline void stale_no_lock(struct buf *bp)
{
	buf_clear(bp, BUF_DELWRI_Q);
	if (!bp->b_owner)
		return;
	bp->b_owner = NULL;
	list_del_init(&bp->b_list);
	buf_unhold(bp);
}

#undef fix_stale
#define fix_stale stale_no_lock
#undef FIX_CLAIMS
#define FIX_CLAIMS	0
