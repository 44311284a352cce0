// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_find_lock with one mistake: the owner of the list waits too, for
 * himself.  To be found: deadlock.
 */
#include "fixes/wait_in_find_lock.c"

static inline int waits_for_itself(struct buf *bp, unsigned int flags)
{
	bp->b_queued_by = NULL;
	return fix_find_stale(bp, flags);
}

#undef fix_find_stale
#define fix_find_stale waits_for_itself
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(DEADLOCK)
