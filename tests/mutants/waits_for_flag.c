// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_find_lock with the condition as it was first proposed: stale
 * with DELWRI_Q, which staling has cleared.  It never waits.  To be found:
 * ordering.
 */
#include "fixes/wait_in_find_lock.c"

static inline int waits_for_flag(struct buf *bp, unsigned int flags)
{
	return bp->b_flags & BUF_DELWRI_Q ? fix_find_stale(bp, flags) : 0;
}

#undef fix_find_stale
#define fix_find_stale waits_for_flag
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(ORDERING)
