// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_find_lock with one mistake: an owner who takes a stale buffer off
 * his own list forgets the list's hold.  To be found: leak.
 */
#include "fixes/wait_in_find_lock.c"

static inline int own_list_leaks(struct buf *bp, unsigned int flags)
{
	if (!list_empty(&bp->b_list) && bp->b_queued_by == current)
		buf_hold(bp);
	return fix_find_stale(bp, flags);
}
#undef fix_find_stale
#define fix_find_stale own_list_leaks
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(LEAK)
