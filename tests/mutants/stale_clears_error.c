// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with one mistake: staling resets the buffer's error too,
 * and a failed write stales its buffer before anybody has looked.  To be
 * found: lost-error.
 */
#include "fixes/remove_on_stale.c"

static inline void stale_clears_error(struct buf *bp)
{
	fix_stale(bp);
	bp->b_error = 0;
}

#undef fix_stale
#define fix_stale stale_clears_error
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(LOST_ERROR)
