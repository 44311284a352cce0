// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here_mb with one mistake: whoever has waited for a list for 5 s
 * queues the block all the same.  To be found, on fibers: ordering.
 */
#include "fixes/delwri_queue_here_mb.c"

#define PATIENCE_NS	5000000000ull

/* False: it has not left its list in time. */
static inline bool wait_a_while(struct buf *bp)
{
	struct wait_queue_head *wq = var_waitqueue(buf_link(bp));
	struct wait_queue_entry e = { .task = current, .var = buf_link(bp) };
	uint64_t left = PATIENCE_NS;

	list_init(&e.list);
	for (;;) {
		prepare_to_wait(wq, &e);
		if (list_empty(&bp->b_list) || !left)
			break;
		left = schedule_timeout(left, WAIT_LIST, buf_link(bp));
	}
	finish_wait(wq, &e);
	return left;
}

static inline int gives_up(struct buf *bp, struct delwri_list *list)
{
	bool in_time = true;

	while (in_time && !list_empty(&bp->b_list)) {
		buf_unlock(bp);
		point(bp, POINT_WAIT_BEGIN);
		in_time = wait_a_while(bp);
		buf_lock(bp);
		point(bp, POINT_WAIT_END);
	}
	if (list_empty(&bp->b_list))
		return fix_queue_bload(bp, list);
	buf_set(bp, BUF_DELWRI_Q);
	return QUEUED_ELSEWHERE;
}

#undef fix_queue_bload
#define fix_queue_bload gives_up
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(ORDERING)
