// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_find_lock with one mistake: a trylock caller gets -EAGAIN and
 * the buffer stays locked.  To be found: deadlock.
 */
#include "fixes/wait_in_find_lock.c"

static inline int trylock_keeps_lock(struct buf *bp, unsigned int flags)
{
	if (!list_empty(&bp->b_list) && bp->b_queued_by != current &&
	    (flags & BUF_GET_TRYLOCK))
		return -EAGAIN;
	return fix_find_stale(bp, flags);
}

#undef fix_find_stale
#define fix_find_stale trylock_keeps_lock
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(DEADLOCK)
