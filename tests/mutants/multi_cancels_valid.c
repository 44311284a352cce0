// SPDX-License-Identifier: GPL-2.0-only
/*
 * multi_list with one mistake: cancelling forgets valid entries only.  To
 * be found: leak.
 */
#include "fixes/multi_list.c"

static inline void multi_cancels_valid(struct delwri_list *list)
{
	struct delwri_entry *e, *n;

	list_for_each_entry_safe(e, n, &list->head, link) {
		struct buf *bp = e->bp;

		buf_lock(bp);
		if (e->valid) {
			entry_unlink(e);
			buf_relse(bp);
		} else
			buf_unlock(bp);
	}
}
#undef fix_cancel
#define fix_cancel multi_cancels_valid
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(LEAK)
