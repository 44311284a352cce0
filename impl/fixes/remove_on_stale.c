// SPDX-License-Identifier: GPL-2.0-only
/*
 * remove_on_stale: staling takes the buffer off the list it is queued on,
 * and drops that hold; so does a synchronous write.  A buffer in flight is
 * on a private list of its submitter and belongs to no list (b_owner is
 * NULL): staling, by a failed write for example, leaves it there.
 *
 * Locks: each list has one, inside b_sema, around every change of links;
 * a staler holds b_sema and takes it, an owner holding it only tries b_sema.
 * b_owner changes under b_sema alone.  Lists get longer by their owner only,
 * and shorter by anybody, whenever he does not hold that lock.
 *
 * A submit sorts the list, and then takes it buffer by buffer: under the
 * list's lock it tries the lock of the first one and takes it off; it drops
 * the list's lock and issues the buffer before it looks at the next.  One
 * that does not wait puts what is locked or pinned on a list aside, whose
 * links the same lock guards: b_owner still says that it is queued, a staler
 * can take it off there, and the rest goes back in the end.  One that waits
 * takes a hold of a buffer that is locked, sleeps for it with the list's
 * lock dropped, and looks at b_owner: it may have been staled.  It sleeps
 * for buffers in ascending order, as the kernel does, because it keeps what
 * it has issued.
 *
 * Sorting: list_sort() under the lock for up to SORT_RUN buffers, which is
 * all there is to it for a short list.  A longer one is cut into runs of so
 * many, and two runs of about the same length are merged, as in a binary
 * counter.  Before and after a run is sorted, and each MERGE_STEPS of merges,
 * the lock is let go: every run is a proper list then, and a staler can take a
 * buffer off any of them.  Two runs that are in order are put together at
 * once.
 *
 * An owner may leave only after having found the list empty under the lock.
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

/*
 * So much is done before stalers get a turn at the lock, 20,000 instructions
 * at most: buffers sorted by list_sort() or passed over, steps of a merge.
 */
#define SORT_RUN	64
#define MERGE_STEPS	256
/* Run i has up to 2^i * SORT_RUN buffers; the last one all that come. */
#define SORT_RUNS	20

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

/* --- sorting; the lock is held on entry and on return ---------------- */

static inline void let_others_in(struct delwri_list *list)
{
	counted_unlock(&list->lock);
	cpu_relax();
	counted_lock(&list->lock);
}

static inline bool in_order(const struct list_head *a,
			    const struct list_head *b)
{
	return delwri_block(a) <= delwri_block(b);
}

/* Move the first SORT_RUN buffers of @from to @run, which is empty. */
static inline void cut_run(struct list_head *from, struct list_head *run)
{
	struct list_head *last = from->next;

	for (unsigned int n = 1; n < SORT_RUN && last->next != from; n++)
		last = last->next;
	list_cut_position(run, from, last);
}

/*
 * Both are sorted; @b, queued after @a, is empty afterwards.  @steps: of all
 * merges of this sort, for short ones follow each other without a turn.
 */
static inline void merge_runs(struct delwri_list *list, struct list_head *a,
			      struct list_head *b, unsigned int *steps)
{
	struct list_head merged = LIST_HEAD_INIT(merged);

	if (list_empty(a) || list_empty(b) || in_order(a->prev, b->next)) {
		list_splice_tail_init(b, a);
		return;
	}
	while (!list_empty(a) && !list_empty(b)) {
		list_move_tail(in_order(a->next, b->next) ? a->next : b->next,
			       &merged);
		if (++*steps % MERGE_STEPS == 0)
			let_others_in(list);
	}
	list_splice_tail_init(b, a);
	list_splice_init(&merged, a);
}

static __attribute__((noinline)) void sort_long(struct delwri_list *list)
{
	struct list_head runs[SORT_RUNS], run = LIST_HEAD_INIT(run);
	unsigned int i, steps = 0;

	for (i = 0; i < SORT_RUNS; i++)
		list_init(&runs[i]);
	while (!list_empty(&list->head)) {
		cut_run(&list->head, &run);
		list_sort(&run, delwri_cmp);
		let_others_in(list);
		for (i = 0; i < SORT_RUNS - 1 && !list_empty(&runs[i]); i++) {
			merge_runs(list, &runs[i], &run, &steps);
			list_splice_init(&runs[i], &run);
		}
		merge_runs(list, &runs[i], &run, &steps);
		let_others_in(list);
	}
	for (i = 0; i < SORT_RUNS; i++) {
		merge_runs(list, &runs[i], &list->head, &steps);
		list_splice_init(&runs[i], &list->head);
	}
}

static inline void sort(struct delwri_list *list)
{
	struct list_head *last = &list->head;

	for (unsigned int n = 0; n <= SORT_RUN; n++) {
		last = last->next;
		if (last == &list->head) {
			list_sort(&list->head, delwri_cmp);
			return;
		}
	}
	sort_long(list);
}

/* --- submitting; the same --------------------------------------------- */

static inline void submit_nowait(struct delwri_list *list, int *pinned)
{
	struct list_head left = LIST_HEAD_INIT(left);
	unsigned int n = 0;
	struct buf *bp;

	while (!list_empty(&list->head)) {
		bp = list_first_entry(&list->head, struct buf, b_list);
		COUNT(list->nr_walked++);
		if (!delwri_lock(bp, false, pinned)) {
			list_move_tail(&bp->b_list, &left);
			if (++n % SORT_RUN == 0)
				let_others_in(list);
			continue;
		}
		bp->b_owner = NULL;
		list_del_init(&bp->b_list);
		counted_unlock(&list->lock);
		buf_clear(bp, BUF_DELWRI_Q);
		delwri_issue(bp, true);
		counted_lock(&list->lock);
	}
	list_splice_init(&left, &list->head);
}

/* Lock dropped: a buffer of the list that was locked; one more hold. */
static inline bool lock_again(struct delwri_list *list, struct buf *bp,
			      struct list_head *wait_list)
{
	bool queued;

	buf_lock(bp);
	queued = bp->b_owner == list;	/* neither staled nor written */
	if (queued) {
		fix_unlink(bp);
		list_add_tail(&bp->b_list, wait_list);
	} else {
		buf_unlock(bp);
	}
	buf_rele(bp);
	return queued;
}

static inline void submit_wait(struct delwri_list *list,
			       struct list_head *wait_list)
{
	struct buf *bp;
	bool locked;

	while (!list_empty(&list->head)) {
		bp = list_first_entry(&list->head, struct buf, b_list);
		COUNT(list->nr_walked++);
		locked = buf_trylock(bp);
		if (likely(locked)) {
			bp->b_owner = NULL;
			list_move_tail(&bp->b_list, wait_list);
		} else {
			buf_hold(bp);
		}
		counted_unlock(&list->lock);
		if (likely(locked) || lock_again(list, bp, wait_list)) {
			buf_clear(bp, BUF_DELWRI_Q);
			delwri_issue(bp, false);
		}
		counted_lock(&list->lock);
	}
}

#define fix_submit fix_submit
static inline int fix_submit(struct delwri_list *list,
			     struct list_head *wait_list)
{
	int pinned = 0;

	COUNT(list->nr_walked = 0);
	counted_lock(&list->lock);
	sort(list);
	if (wait_list)
		submit_wait(list, wait_list);
	else
		submit_nowait(list, &pinned);
	counted_unlock(&list->lock);
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
