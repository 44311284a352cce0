// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale with one mistake: a submit that has slept for a buffer
 * writes it without looking whether it was staled meanwhile.  To be found:
 * stale-write.
 */
#include "fixes/remove_on_stale.c"

static inline int submit_no_recheck(struct delwri_list *list,
				    struct list_head *wait_list)
{
	struct buf *bp;

	if (!wait_list)
		return fix_submit(list, NULL);
	while ((bp = first_held(list))) {
		buf_lock(bp);
		if (bp->b_owner == list)
			fix_unlink(bp);
		else
			buf_hold(bp);
		buf_clear(bp, BUF_DELWRI_Q);
		list_add_tail(&bp->b_list, wait_list);
		delwri_issue(bp, false);
		buf_rele(bp);
	}
	return 0;
}
#undef fix_submit
#define fix_submit submit_no_recheck
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(STALE_WRITE)
