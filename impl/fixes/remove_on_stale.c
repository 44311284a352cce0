// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale: staling takes the buffer off the list it is queued on,
 * and drops that hold; so does a synchronous write.  A buffer in flight is
 * on a private list of its submitter and belongs to no list (b_owner is
 * NULL): staling, by a failed write for example, leaves it there.
 *
 * Locks: each list has one, inside b_sema, around every change of links;
 * a staler holds b_sema and takes it, an owner holding it only tries b_sema.
 * b_owner changes under b_sema alone.  A submit that does not wait claims
 * buffers by trylock, then sorts and issues them with the lock dropped; one
 * that waits sorts under the lock, and sleeps for buffers in ascending
 * order, as the kernel does, because it keeps what it has issued.  An owner
 * may leave only after having found the list empty under the lock.
 * Waits: nobody for a list.  Unsafe: for nobody known.
 */
#define FIX_BUF_FIELDS	\
	struct delwri_list *b_owner;	/* b_sema: the list it is queued on */
#define FIX_LIST_FIELDS	\
	spinlock_t lock;		/* the links of every entry */

#include "cache/delwri.h"
#include "cache/mount.h"

#define FIX_SUMMARY	"staling takes the buffer off its list"
#define FIX_CLAIMS	HAZARD_ALL
#define FIX_LOCKS	true

/* So many buffers are claimed before stalers get a turn at the lock. */
#define CLAIM_BATCH	32

#define fix_list_init fix_list_init
static inline void fix_list_init(struct delwri_list *list)
{
	spin_lock_init(&list->lock);
}

#define fix_list_empty fix_list_empty
static inline bool fix_list_empty(struct delwri_list *list)
{
	bool empty;

	/* A staler that emptied it has let go of the lock, and the list. */
	counted_lock(&list->lock);
	empty = list_empty(&list->head);
	counted_unlock(&list->lock);
	return empty;
}

#define fix_link fix_link
static inline void fix_link(struct buf *bp, struct delwri_list *list)
{
	bp->b_owner = list;
	counted_lock(&list->lock);
	list_add_tail(&bp->b_list, &list->head);
	counted_unlock(&list->lock);
}

#define fix_unlink fix_unlink
static inline void fix_unlink(struct buf *bp)
{
	struct delwri_list *list = bp->b_owner;

	bp->b_owner = NULL;
	counted_lock(&list->lock);
	list_del_init(&bp->b_list);
	counted_unlock(&list->lock);
}

/* The I/O may still run, and its completion looks at b_owner. */
#define fix_wait_pop fix_wait_pop
static inline struct buf *fix_wait_pop(struct list_head *wait_list)
{
	struct buf *bp = list_first_entry(wait_list, struct buf, b_list);

	list_del_init(&bp->b_list);
	return bp;
}

#define fix_stale fix_stale
static inline void fix_stale(struct buf *bp)
{
	buf_clear(bp, BUF_DELWRI_Q);
	if (!bp->b_owner)
		return;
	fix_unlink(bp);
	/* The caller of buf_stale() has a hold too: never the last. */
	buf_unhold(bp);
}

#define fix_unqueue fix_unqueue
static inline void fix_unqueue(struct buf *bp)
{
	fix_stale(bp);
}

/*
 * The lock is held, and dropped now and then.  Move what can be locked at
 * once to @claimed.  What waits on @left is still the list's: b_owner says
 * so, and a staler takes it off under the same lock.
 */
static inline int claim(struct delwri_list *list, struct list_head *claimed)
{
	struct list_head left = LIST_HEAD_INIT(left);
	unsigned int n = 0;
	int pinned = 0;

	while (!list_empty(&list->head)) {
		struct buf *bp = list_first_entry(&list->head, struct buf,
						  b_list);

		if (!delwri_lock(bp, false, &pinned)) {
			list_move_tail(&bp->b_list, &left);
		} else {
			bp->b_owner = NULL;
			list_move_tail(&bp->b_list, claimed);
		}
		if (++n % CLAIM_BATCH == 0) {
			counted_unlock(&list->lock);
			cpu_relax();
			counted_lock(&list->lock);
		}
	}
	list_splice_init(&left, &list->head);
	COUNT(list->nr_walked = n);
	return pinned;
}

/* The first of the list, with a hold more, or NULL. */
static inline struct buf *first_held(struct delwri_list *list)
{
	struct buf *bp = NULL;

	counted_lock(&list->lock);
	if (!list_empty(&list->head)) {
		bp = list_first_entry(&list->head, struct buf, b_list);
		buf_hold(bp);
	}
	counted_unlock(&list->lock);
	return bp;
}

static inline void submit_wait(struct delwri_list *list,
			       struct list_head *wait_list)
{
	struct buf *bp;

	counted_lock(&list->lock);
	list_sort(&list->head, delwri_cmp);
	counted_unlock(&list->lock);

	while ((bp = first_held(list))) {
		buf_lock(bp);
		if (bp->b_owner == list) {
			fix_unlink(bp);
			buf_clear(bp, BUF_DELWRI_Q);
			list_add_tail(&bp->b_list, wait_list);
			delwri_issue(bp, false);
		} else {
			buf_unlock(bp);	/* staled meanwhile */
		}
		buf_rele(bp);
	}
}

#define fix_submit fix_submit
static inline int fix_submit(struct delwri_list *list,
			     struct list_head *wait_list)
{
	struct list_head claimed = LIST_HEAD_INIT(claimed);
	int pinned;

	if (wait_list) {
		submit_wait(list, wait_list);
		return 0;
	}
	counted_lock(&list->lock);
	pinned = claim(list, &claimed);
	counted_unlock(&list->lock);

	list_sort(&claimed, delwri_cmp);
	while (!list_empty(&claimed)) {
		struct buf *bp = list_first_entry(&claimed, struct buf, b_list);

		buf_clear(bp, BUF_DELWRI_Q);
		list_del_init(&bp->b_list);
		delwri_issue(bp, true);
	}
	return pinned;
}

#define fix_cancel fix_cancel
static inline void fix_cancel(struct delwri_list *list)
{
	struct buf *bp;

	while ((bp = first_held(list))) {
		buf_lock(bp);
		if (bp->b_owner == list) {
			buf_clear(bp, BUF_DELWRI_Q);
			fix_unlink(bp);
			point(bp, POINT_UNLINK);
			buf_rele(bp);
		}
		buf_relse(bp);
	}
}
