// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with one mistake: staling takes the buffer off its list
 * and leaves DELWRI_Q set.  To be found: flag-leak.
 */
#include "fixes/remove_on_stale.c"

static inline void stale_keeps_flag(struct buf *bp)
{
	if (!bp->b_owner)
		return;
	fix_unlink(bp);
	buf_unhold(bp);
}

#undef fix_stale
#define fix_stale stale_keeps_flag
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(FLAG_LEAK)
