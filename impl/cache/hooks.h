/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The points where a fix may differ, and what Linux 6.12 does there with
 * only the bulk loader's queueing reverted: the defaults below are `none`.
 * A fix overrides a hook as architectures override asm-generic: it
 * defines the function and a macro of the same name.  The build includes
 * the fix's file ahead of every source of its copy of the cache.
 *
 * "Locked" means b_sema held by the caller.  Hooks that return an error may
 * do so where the kernel's function can: a lookup fails with that of
 * fix_find_stale(), a bulk load with that of fix_queue_bload(); and memory
 * may be short in fix_queue(), QUEUED_NOT.  All others cannot fail, as theirs
 * cannot.
 */
#ifndef CACHE_HOOKS_H
#define CACHE_HOOKS_H

#include "cache/delwri.h"
#include "cache/mount.h"

/* --- what staling does to a list link ------------------------------- */

/* STALE was just set; buffer locked, perhaps by I/O completion. */
#ifndef fix_stale
static inline void fix_stale(struct buf *bp)
{
	buf_clear(bp, BUF_DELWRI_Q);
}
#endif

/* Synchronous write: whoever queued it need not write it any more. */
#ifndef fix_unqueue
static inline void fix_unqueue(struct buf *bp)
{
	buf_clear(bp, BUF_DELWRI_Q);
}
#endif

/* --- what find_lock does on meeting a stale buffer ------------------- */

/*
 * Locked, not a live scan.  0: go on, its flags are reset next; -EAGAIN:
 * unlocked, the caller gives up (only for BUF_GET_TRYLOCK); -ERESTART:
 * unlocked, lock it anew; another -errno: unlocked, the lookup's.
 */
#ifndef fix_find_stale
static inline int fix_find_stale(struct buf *bp, unsigned int flags)
{
	(void)bp;
	(void)flags;
	return 0;
}
#endif

/* --- how a link is added and removed -------------------------------- */

#ifndef fix_buf_init
static inline void fix_buf_init(struct buf *bp)
{
	(void)bp;
}
#endif

#ifndef fix_list_init
static inline void fix_list_init(struct delwri_list *list)
{
	(void)list;
}
#endif

/* Is it on any list?  Without the lock a hint. */
#ifndef fix_linked
static inline bool fix_linked(struct buf *bp)
{
	return !list_empty(&bp->b_list);
}
#endif

/* Locked, on no list; the hold is taken already. */
#ifndef fix_link
static inline void fix_link(struct buf *bp, struct delwri_list *list)
{
	list_add_tail(&bp->b_list, &list->head);
}
#endif

/* By the list's owner, locked; the caller drops the hold. */
#ifndef fix_unlink
static inline void fix_unlink(struct buf *bp)
{
	list_del_init(&bp->b_list);
}
#endif

/*
 * Where those sleep who wait for the link to clear.  Other than by address
 * only if the fix says so here: the litmus watches that queue.
 */
#ifndef fix_waitqueue
static inline struct wait_queue_head *fix_waitqueue(struct buf *bp)
{
	return var_waitqueue(buf_link(bp));
}
#endif

/* --- how buffers are queued ----------------------------------------- */

#ifndef fix_queue
static inline enum queued fix_queue(struct buf *bp, struct delwri_list *list)
{
	if (bp->b_flags & BUF_DELWRI_Q)
		return QUEUED_BEFORE;
	buf_set(bp, BUF_DELWRI_Q);
	if (fix_linked(bp))
		return QUEUED_ELSEWHERE;
	buf_hold(bp);
	fix_link(bp, list);
	return QUEUED_HERE;
}
#endif

/*
 * The bulk loader's way: its own submit has to write the buffer, or the hook
 * itself does.  One of enum queued, or -errno: the load fails with it.
 */
#ifndef fix_queue_bload
static inline int fix_queue_bload(struct buf *bp, struct delwri_list *list)
{
	return fix_queue(bp, list);
}
#endif

/* Does it queue and drop a block before it gets and locks the next one? */
#ifndef fix_bload_drop_first
static inline bool fix_bload_drop_first(void)
{
	return false;
}
#endif

/* Does it mark a finished block up to date (since Linux 6.8)? */
#ifndef fix_bload_done
static inline bool fix_bload_done(void)
{
	return true;
}
#endif

/* --- how submit walks a list ---------------------------------------- */

/* Locked, on the caller's list: is it still to be written? */
#ifndef fix_wanted
static inline bool fix_wanted(struct buf *bp)
{
	return bp->b_flags & BUF_DELWRI_Q;
}
#endif

#ifndef fix_list_empty
static inline bool fix_list_empty(struct delwri_list *list)
{
	return list_empty(&list->head);
}
#endif

/*
 * Issue what is on @list.  With @wait_list sleep for each lock, move the
 * buffer there and keep it; without, skip what is locked or pinned.
 * Returns how many were pinned (kernel: xfs_buf_delwri_submit_buffers), and
 * counts in ->nr_walked how many there were.
 */
#ifndef fix_submit
static inline int fix_submit(struct delwri_list *list,
			     struct list_head *wait_list)
{
	struct buf *bp, *n;
	int pinned = 0;

	COUNT(list->nr_walked = 0);
	list_sort(&list->head, delwri_cmp);
	list_for_each_entry_safe(bp, n, &list->head, b_list) {
		COUNT(list->nr_walked++);
		if (!delwri_lock(bp, wait_list, &pinned))
			continue;
		if (!fix_wanted(bp)) {
			fix_unlink(bp);
			point(bp, POINT_SUBMIT_DROPPED);
			buf_relse(bp);
			continue;
		}
		buf_clear(bp, BUF_DELWRI_Q);
		if (wait_list)
			list_move_tail(&bp->b_list, wait_list);
		else
			fix_unlink(bp);
		delwri_issue(bp, !wait_list);
	}
	return pinned;
}
#endif

/* Take the first of the buffers in flight off the list of them. */
#ifndef fix_wait_pop
static inline struct buf *fix_wait_pop(struct list_head *wait_list)
{
	struct buf *bp = list_first_entry(wait_list, struct buf, b_list);

	fix_unlink(bp);
	return bp;
}
#endif

/* Forget every entry (kernel: xfs_buf_delwri_cancel). */
#ifndef fix_cancel
static inline void fix_cancel(struct delwri_list *list)
{
	while (!list_empty(&list->head)) {
		struct buf *bp = list_first_entry(&list->head, struct buf,
						  b_list);

		buf_lock(bp);
		buf_clear(bp, BUF_DELWRI_Q);
		fix_unlink(bp);
		point(bp, POINT_UNLINK);
		buf_relse(bp);
	}
}
#endif

/* --- the floor ------------------------------------------------------ */

/* True for `null`: every timed operation returns at once. */
#ifndef fix_does_nothing
static inline bool fix_does_nothing(void)
{
	return false;
}
#endif

#endif
