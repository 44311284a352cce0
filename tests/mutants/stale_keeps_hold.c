// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with one mistake: staling takes the buffer off its list
 * and forgets the list's hold.  To be found: leak.
 */
#include "fixes/remove_on_stale.c"

static inline void stale_keeps_hold(struct buf *bp)
{
	buf_clear(bp, BUF_DELWRI_Q);
	if (bp->b_owner)
		fix_unlink(bp);
}

#undef fix_stale
#define fix_stale stale_keeps_hold
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(LEAK)
