// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here with one mistake: taking a buffer off its list wakes
 * nobody.  To be found: deadlock.
 */
#include "fixes/delwri_queue_here_mb.c"

static inline void never_wakes(struct buf *bp)
{
	list_del_init(&bp->b_list);
}

#undef fix_unlink
#define fix_unlink never_wakes
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(DEADLOCK)
