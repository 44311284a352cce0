// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_find_lock: the reviewer's proposal, with the condition that can
 * be true: a lookup that finds a buffer stale and still linked unlocks it,
 * sleeps until it has left the list, and starts over.  A trylock caller
 * gets -EAGAIN and leaves the buffer stale, so that no later caller meets
 * it clean and linked.  A live scan has answered before.
 *
 * Locks: none added; whatever the caller of the lookup holds stays held.
 * Waits: everyone who looks up a freed block, until the owner's next
 * submit; not the list's owner, who would wait for himself: he takes the
 * buffer off his own list.  Unsafe: for whoever needs what the caller
 * holds.
 */
#define FIX_BUF_FIELDS	\
	const struct task *b_queued_by;	/* b_sema: owner of b_list's list */

#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"lookup waits for a stale buffer's link"
#define FIX_CLAIMS	(HAZARD_ALL & ~(HAZARD(COLLATERAL_STALL) | \
					HAZARD(UNBOUNDED_WAIT)))
#define FIX_WAITS	WAITS_LOOKUP

#define fix_link fix_link
static inline void fix_link(struct buf *bp, struct delwri_list *list)
{
	bp->b_queued_by = current;
	list_add_tail(&bp->b_list, &list->head);
}

#define fix_unlink fix_unlink
static inline void fix_unlink(struct buf *bp)
{
	list_del_init(&bp->b_list);
	smp_mb();	/* pairs with prepare_to_wait() in fix_find_stale() */
	wake_up_var(buf_link(bp));
}

#define fix_find_stale fix_find_stale
static inline int fix_find_stale(struct buf *bp, unsigned int flags)
{
	if (list_empty(&bp->b_list))
		return 0;
	if (bp->b_queued_by == current) {
		fix_unlink(bp);
		point(bp, POINT_UNLINK);
		buf_rele(bp);
		return 0;
	}
	if (flags & BUF_GET_TRYLOCK) {
		buf_unlock(bp);
		return -EAGAIN;
	}
	buf_unlock(bp);
	point(bp, POINT_WAIT_BEGIN);
	wait_var_event(buf_link(bp), list_empty(&bp->b_list), WAIT_LIST);
	point(bp, POINT_WAIT_END);
	return -ERESTART;
}
