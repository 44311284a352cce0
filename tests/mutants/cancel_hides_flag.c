// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with two mistakes: cancelling leaves the flag set, and the
 * buffer is said to be linked all the same, so that no check of flags can
 * see it.  To be found: flag-leak, by what is not written.
 */
#include "fixes/remove_on_stale.c"

static inline void cancel_hides_flag(struct delwri_list *list)
{
	struct buf *bp;

	while ((bp = first_held(list))) {
		buf_lock(bp);
		if (bp->b_owner == list) {
			fix_unlink(bp);
			bp->b_owner = list;
			buf_rele(bp);
		}
		buf_relse(bp);
	}
}

#undef fix_cancel
#define fix_cancel cancel_hides_flag

static inline bool has_owner(struct buf *bp)
{
	return bp->b_owner;
}

#define fix_linked has_owner
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(FLAG_LEAK)
