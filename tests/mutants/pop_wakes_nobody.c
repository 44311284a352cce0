// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here with one mistake: what a submit has waited for leaves
 * the list of buffers in flight and wakes nobody.  To be found: deadlock.
 */
#include "fixes/delwri_queue_here_mb.c"

static inline struct buf *pop_wakes_nobody(struct list_head *wait_list)
{
	struct buf *bp = list_first_entry(wait_list, struct buf, b_list);

	list_del_init(&bp->b_list);
	return bp;
}
#define fix_wait_pop pop_wakes_nobody
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(DEADLOCK)
