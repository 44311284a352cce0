// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_find_lock with one mistake: a trylock caller does not get
 * -EAGAIN, so that read-ahead resets STALE on a linked buffer and the next
 * lookup has nothing to wait for.  To be found: ordering.
 */
#include "fixes/wait_in_find_lock.c"

static inline int trylock_resets(struct buf *bp, unsigned int flags)
{
	if (flags & BUF_GET_TRYLOCK)
		return 0;
	return fix_find_stale(bp, flags);
}

#undef fix_find_stale
#define fix_find_stale trylock_resets
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(ORDERING)
