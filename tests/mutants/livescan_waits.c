// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_find_lock with one mistake: a live scan waits for the list
 * before it is told that there is nothing to see.  To be found: deadlock,
 * with a list's owner who sleeps for a lock that the scanning thread has.
 */
#include "fixes/wait_in_find_lock.c"

/* The lookup answers a live scan ahead of the hook: hide it from there. */
enum { LIVESCAN = BUF_GET_LIVESCAN };
#undef BUF_GET_LIVESCAN
#define BUF_GET_LIVESCAN	0u

static inline int livescan_waits(struct buf *bp, unsigned int flags)
{
	int error = fix_find_stale(bp, flags);

	if (!error && (flags & LIVESCAN)) {
		buf_unlock(bp);
		error = -ENOENT;
	}
	return error;
}

#undef fix_find_stale
#define fix_find_stale livescan_waits
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(DEADLOCK)
