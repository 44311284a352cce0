// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_stale: staling sleeps until the buffer has left whatever list it
 * is on.  Dropped by its author: the staler holds the buffer's lock, which
 * the list's owner only tries, so the owner never takes the buffer off.
 *
 * Locks: none added.  Waits: everyone who stales a linked buffer, with the
 * buffer and all else still locked.  Unsafe: for everybody.
 */
#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"staling waits for the link (dropped by its author)"
#define FIX_CLAIMS	HAZARD(LOST_WAKEUP)
#define FIX_WAITS	WAITS_STALE

#define fix_unlink fix_unlink
static inline void fix_unlink(struct buf *bp)
{
	list_del_init(&bp->b_list);
	smp_mb();	/* pairs with prepare_to_wait() in fix_stale() */
	wake_up_var(buf_link(bp));
}

#define fix_stale fix_stale
static inline void fix_stale(struct buf *bp)
{
	buf_clear(bp, BUF_DELWRI_Q);
	if (list_empty(&bp->b_list))
		return;
	point(bp, POINT_WAIT_BEGIN);
	wait_var_event(buf_link(bp), list_empty(&bp->b_list), WAIT_LIST);
	point(bp, POINT_WAIT_END);
}
