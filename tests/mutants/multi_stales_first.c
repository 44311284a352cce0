// SPDX-License-Identifier: GPL-2.0-only
/*
 * multi_list with one mistake: staling invalidates the buffer's first entry
 * and no other.  To be found: stale-write.
 */
#include "fixes/multi_list.c"

static inline void stale_first(struct buf *bp)
{
	if (!list_empty(&bp->b_entries))
		list_first_entry(&bp->b_entries, struct delwri_entry, on_buf)
			->valid = false;
}
#undef fix_stale
#define fix_stale stale_first
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(STALE_WRITE)
