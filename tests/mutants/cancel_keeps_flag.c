// SPDX-License-Identifier: GPL-2.0-only
/*
 * 6.12 with one mistake more: cancelling takes buffers off their list and
 * leaves DELWRI_Q set.  To be found: flag-leak.
 */
#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"cancelling leaves the flag set"
#define FIX_CLAIMS	HAZARD(FLAG_LEAK)

#define fix_cancel  fix_cancel
static inline void fix_cancel(struct delwri_list *list)
{
	while (!list_empty(&list->head)) {
		struct buf *bp = list_first_entry(&list->head, struct buf,
						  b_list);

		buf_lock(bp);
		list_del_init(&bp->b_list);
		point(bp, POINT_UNLINK);
		buf_relse(bp);
	}
}
