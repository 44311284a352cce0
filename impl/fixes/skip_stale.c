// SPDX-License-Identifier: GPL-2.0-only
/*
 * skip_stale: multi_list without the entries of its own, an ablation.  No
 * flag says that a buffer is queued; being linked does, and the owner
 * skips what is stale.
 *
 * Locks: none added.  Waits: nobody.  Unsafe: a lookup clears STALE while
 * the buffer is still linked, and with it all memory of what happened.
 */
#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"no flag, owner skips stale buffers: an ablation"
#define FIX_CLAIMS	(HAZARD_ALL & ~(HAZARD(ORDERING) | \
					HAZARD(LOST_ERROR) | \
					HAZARD(STALE_WRITE)))

#define fix_stale fix_stale
static inline void fix_stale(struct buf *bp)
{
	(void)bp;
}

#define fix_unqueue fix_unqueue
static inline void fix_unqueue(struct buf *bp)
{
	(void)bp;
}

#define fix_wanted fix_wanted
static inline bool fix_wanted(struct buf *bp)
{
	return !(bp->b_flags & BUF_STALE);
}

#define fix_queue fix_queue
static inline enum queued fix_queue(struct buf *bp, struct delwri_list *list)
{
	if (!list_empty(&bp->b_list))
		return QUEUED_BEFORE;
	buf_hold(bp);
	list_add_tail(&bp->b_list, &list->head);
	return QUEUED_HERE;
}

/* Whoever links it first owns it, and the bulk loader cannot tell. */
#define fix_queue_bload fix_queue_bload
static inline enum queued fix_queue_bload(struct buf *bp,
					  struct delwri_list *list)
{
	return fix_queue(bp, list) == QUEUED_HERE ? QUEUED_HERE :
						    QUEUED_ELSEWHERE;
}
