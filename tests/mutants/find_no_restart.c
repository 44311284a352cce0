// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_find_lock with one mistake: after the wait it takes the lock and
 * does not start over, so that it resets the flags of a buffer that somebody
 * else has filled and queued meanwhile.  To be found: ordering.
 */
#include "fixes/wait_in_find_lock.c"

static inline int no_restart(struct buf *bp, unsigned int flags)
{
	int error = fix_find_stale(bp, flags);

	if (error != -ERESTART)
		return error;
	buf_lock(bp);
	return 0;
}
#undef fix_find_stale
#define fix_find_stale no_restart
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(ORDERING)
