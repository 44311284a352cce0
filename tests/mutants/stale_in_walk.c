// SPDX-License-Identifier: GPL-2.0-only
/*
 * Staling takes the buffer off the list it is queued on, as it should, and
 * no walk of a list was changed to expect that.  To be found:
 * list-corruption.
 */
#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"staling unlinks under the feet of a walk"
#define FIX_CLAIMS	HAZARD(LIST_CORRUPTION)

#define fix_stale   fix_stale
static inline void fix_stale(struct buf *bp)
{
	bool queued = bp->b_flags & BUF_DELWRI_Q;

	buf_clear(bp, BUF_DELWRI_Q);
	if (!queued || list_empty(&bp->b_list))
		return;
	list_del_init(&bp->b_list);
	buf_unhold(bp);
}
