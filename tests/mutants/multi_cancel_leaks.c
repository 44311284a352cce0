// SPDX-License-Identifier: GPL-2.0-only
/*
 * multi_list with one mistake: cancelling forgets the entry's hold.  To be
 * found: leak.
 */
#include "fixes/multi_list.c"

static inline void cancel_leaks(struct delwri_list *list)
{
	while (!list_empty(&list->head)) {
		struct delwri_entry *e = list_first_entry(
			&list->head, struct delwri_entry, link);
		struct buf *bp = e->bp;

		buf_lock(bp);
		entry_unlink(e);
		point(bp, POINT_UNLINK);
		buf_unlock(bp);
	}
}

#undef fix_cancel
#define fix_cancel cancel_leaks
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(LEAK)
