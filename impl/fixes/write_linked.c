// SPDX-License-Identifier: GPL-2.0-only
/*
 * write_linked: the bulk loader that finds its buffer on another list writes
 * it and waits for that I/O, as its own submit would have done later.  An
 * error is the load's, as a submit's would be: nothing is shut down, which
 * is why this is no bwrite.
 *
 * The link and its hold stay the list owner's.  The buffer is locked until
 * the I/O is over, so he only tries that lock; a later submit of his finds
 * DELWRI_Q clear and drops it, as it does with what was staled or written
 * by bwrite.  A failed write has staled the buffer, with the flag clear.
 * Who logs the new block while it is linked queues it where it is linked:
 * the AIL, on the AIL's own list.
 *
 * DONE is set by the loader before and by the completion after; b_error is
 * the I/O's, and whoever gets the buffer next clears it.  A block that is
 * still linked when it is loaded once more is written once more.  No block
 * is written twice by one load: it is on no list of the loader's.
 *
 * Locks: none added.  Waits: nobody for a list; the loader, and whoever
 * wants the AG's header, for a write that the load waits for anyhow, but
 * one at a time.  Unsafe: for nobody known.
 */
#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"bulk loader writes a linked block itself, and waits"
#define FIX_CLAIMS	HAZARD_ALL

#define fix_queue_bload fix_queue_bload
static inline int fix_queue_bload(struct buf *bp, struct delwri_list *list)
{
	int error;

	if (likely(list_empty(&bp->b_list))) {
		buf_set(bp, BUF_DELWRI_Q);
		buf_hold(bp);
		list_add_tail(&bp->b_list, &list->head);
		return QUEUED_HERE;
	}
	/* Whoever has it on his list need not write it any more. */
	buf_clear(bp, BUF_DELWRI_Q);
	delwri_issue(bp, false);
	error = buf_iowait(bp);
	return error ? error : QUEUED_WRITTEN;
}
