// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with one mistake: a submit that waits drops the buffers
 * that somebody has locked, instead of sleeping for them.  To be found:
 * ordering.
 */
#include "fixes/remove_on_stale.c"

static inline int submit_skips_locked(struct delwri_list *list,
				      struct list_head *wait_list)
{
	struct buf *bp;

	if (!wait_list)
		return fix_submit(list, NULL);
	while ((bp = first_held(list))) {
		bool locked = buf_trylock(bp);

		bp->b_owner = NULL;
		list_del_init(&bp->b_list);
		if (locked) {
			buf_clear(bp, BUF_DELWRI_Q);
			list_add_tail(&bp->b_list, wait_list);
			delwri_issue(bp, false);
		}
		buf_rele(bp);
	}
	return 0;
}

#undef fix_submit
#define fix_submit submit_skips_locked
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(ORDERING)
