// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait_in_find_lock with one mistake: a lookup that has waited for a list for
 * a second takes the block as it is.  To be found, on fibers: ordering.
 */
#include "fixes/wait_in_find_lock.c"

#define PATIENCE_NS	1000000000ull

static inline int gives_up_lookup(struct buf *bp, unsigned int flags)
{
	struct wait_queue_head *wq = var_waitqueue(buf_link(bp));
	struct wait_queue_entry e = { .task = current, .var = buf_link(bp) };
	uint64_t left = PATIENCE_NS;

	if (list_empty(&bp->b_list) || bp->b_queued_by == current ||
	    flags & BUF_GET_TRYLOCK)
		return fix_find_stale(bp, flags);
	buf_unlock(bp);
	point(bp, POINT_WAIT_BEGIN);
	list_init(&e.list);
	for (;;) {
		prepare_to_wait(wq, &e);
		if (list_empty(&bp->b_list) || !left)
			break;
		left = schedule_timeout(left, WAIT_LIST, buf_link(bp));
	}
	finish_wait(wq, &e);
	point(bp, POINT_WAIT_END);
	if (left)
		return -ERESTART;
	buf_lock(bp);
	return 0;
}

#undef fix_find_stale
#define fix_find_stale gives_up_lookup
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(ORDERING)
