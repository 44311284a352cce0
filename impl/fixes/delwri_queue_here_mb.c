// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here_mb: delwri_queue_here with the full barrier that the
 * kernel's own documentation asks for between changing a condition and
 * looking for sleepers.  Every removal from a list pays for it.
 *
 * Locks, who waits, and for whom that is unsafe: delwri_queue_here's.
 */
#include "fixes/delwri_queue_here.c"

#undef FIX_SUMMARY
#define FIX_SUMMARY	"delwri_queue_here, barrier before its wake-up"
#undef FIX_CLAIMS
#define FIX_CLAIMS	(HAZARD_ALL & ~(HAZARD(COLLATERAL_STALL) | \
					HAZARD(UNBOUNDED_WAIT)))

static inline void fix_unlink_mb(struct buf *bp)
{
	list_del_init(&bp->b_list);
	smp_mb();	/* pairs with prepare_to_wait() in wait_for_link() */
	wake_up_var(buf_link(bp));
}

#undef fix_unlink
#define fix_unlink fix_unlink_mb
