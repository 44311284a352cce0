// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with one mistake: staling takes the buffer off whatever
 * list it is linked on, also off the private list of buffers in flight.
 * To be found: list-corruption.
 */
#include "fixes/remove_on_stale.c"

static inline void stale_anywhere(struct buf *bp)
{
	buf_clear(bp, BUF_DELWRI_Q);
	if (list_empty(&bp->b_list))
		return;
	bp->b_owner = NULL;
	list_del_init(&bp->b_list);
	buf_unhold(bp);
}

#undef fix_stale
#define fix_stale stale_anywhere
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(LIST_CORRUPTION)
