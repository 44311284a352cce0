// SPDX-License-Identifier: GPL-2.0-only
/*
 * multi_list: lists hold entries of their own, so that a buffer may be on
 * several and the bulk loader always gets onto its own.  No flag: an entry
 * is valid until the buffer is staled or written synchronously, and an
 * invalid one is dropped when its owner comes by.  A buffer with two valid
 * entries is written twice.
 *
 * This is the idea as it was proposed, and what scripts/run measures.  The
 * patch of impl/linux, which scripts/kernel measures, has an entry only for
 * a bulk loader that finds the first one in use: the AIL queues under a
 * spinlock, where it could not allocate, and need not.  Waits, and on which
 * list a load's blocks are, are the same in both; queueing is dearer here.
 *
 * Locks: none added.  A buffer's entries change under b_sema, the links of
 * a list by its owner alone.  The first entry is part of the buffer; for
 * another one memory is needed, and without it the bulk load fails and the
 * AIL tries again later.  Waits: nobody.  Unsafe: for nobody known.
 */
#include "sync/list.h"

struct delwri_entry {
	struct list_head link;		/* owner of the list */
	struct list_head on_buf;	/* b_sema: b_entries */
	struct buf *bp;			/* b_sema; NULL: unused */
	struct delwri_list *list;	/* b_sema */
	bool valid;			/* b_sema: to be written */
};

#define FIX_BUF_FIELDS	\
	struct list_head b_entries;	/* b_sema: on_buf of each */ \
	struct delwri_entry b_entry;	/* b_sema: the first one */

#include "cache/delwri.h"
#include "cache/mount.h"

#include <stdlib.h>

#define FIX_SUMMARY	"a buffer may be on several lists"
#define FIX_CLAIMS	HAZARD_ALL

#define fix_buf_init fix_buf_init
static inline void fix_buf_init(struct buf *bp)
{
	list_init(&bp->b_entries);
	bp->b_entry.bp = NULL;
}

#define fix_linked fix_linked
static inline bool fix_linked(struct buf *bp)
{
	return !list_empty(&bp->b_entries);
}

/* Locked.  NULL: no memory. */
static inline struct delwri_entry *entry_get(struct buf *bp)
{
	struct delwri_entry *e = &bp->b_entry;

	if (e->bp) {
		e = malloc(sizeof(*e));
		if (!e)
			return NULL;
		COUNT(atomic_inc(&bp->b_mount->m_entries));
	}
	e->bp = bp;
	return e;
}

/* Locked; @e is on nothing. */
static inline void entry_put(struct delwri_entry *e)
{
	struct buf *bp = e->bp;

	if (e == &bp->b_entry) {
		e->bp = NULL;
		return;
	}
	free(e);
	COUNT(atomic_dec(&bp->b_mount->m_entries));
}

/* By the list's owner, locked. */
static inline void entry_unlink(struct delwri_entry *e)
{
	list_del_init(&e->link);
	list_del_init(&e->on_buf);
	entry_put(e);
}

static inline struct delwri_entry *entry_find(struct buf *bp,
					      struct delwri_list *list)
{
	struct delwri_entry *e;

	list_for_each_entry(e, &bp->b_entries, on_buf)
		if (e->list == list)
			return e;
	return NULL;
}

#define fix_stale fix_stale
static inline void fix_stale(struct buf *bp)
{
	struct delwri_entry *e;

	list_for_each_entry(e, &bp->b_entries, on_buf)
		e->valid = false;
}

#define fix_unqueue fix_unqueue
static inline void fix_unqueue(struct buf *bp)
{
	fix_stale(bp);
}

#define fix_queue fix_queue
static inline enum queued fix_queue(struct buf *bp, struct delwri_list *list)
{
	struct delwri_entry *e = entry_find(bp, list);

	if (e && e->valid)
		return QUEUED_BEFORE;
	if (!e) {
		e = entry_get(bp);
		if (!e)
			return QUEUED_NOT;
		buf_hold(bp);
		e->list = list;
		list_add_tail(&e->link, &list->head);
		list_add_tail(&e->on_buf, &bp->b_entries);
	}
	e->valid = true;
	return QUEUED_HERE;
}

/* The litmus of a list link: one entry, as in fix_queue(). */
#define fix_link fix_link
static inline void fix_link(struct buf *bp, struct delwri_list *list)
{
	if (fix_queue(bp, list) == QUEUED_HERE)
		buf_unhold(bp);
}

#define fix_unlink fix_unlink
static inline void fix_unlink(struct buf *bp)
{
	entry_unlink(list_first_entry(&bp->b_entries, struct delwri_entry,
				      on_buf));
}

static inline int entry_cmp(const struct list_head *a,
			    const struct list_head *b)
{
	uint64_t x = list_entry(a, struct delwri_entry, link)->bp->b_bno;
	uint64_t y = list_entry(b, struct delwri_entry, link)->bp->b_bno;

	return x < y ? -1 : x > y;
}

#define fix_submit fix_submit
static inline int fix_submit(struct delwri_list *list,
			     struct list_head *wait_list)
{
	struct delwri_entry *e, *n;
	int pinned = 0;

	COUNT(list->nr_walked = 0);
	list_sort(&list->head, entry_cmp);
	list_for_each_entry_safe(e, n, &list->head, link) {
		struct buf *bp = e->bp;

		COUNT(list->nr_walked++);
		if (!delwri_lock(bp, wait_list, &pinned))
			continue;
		if (!e->valid) {
			entry_unlink(e);
			point(bp, POINT_SUBMIT_DROPPED);
			buf_relse(bp);
			continue;
		}
		/* In flight it is no entry of the buffer any more. */
		list_del_init(&e->on_buf);
		if (wait_list) {
			list_move_tail(&e->link, wait_list);
		} else {
			list_del_init(&e->link);
			entry_put(e);
		}
		delwri_issue(bp, !wait_list);
	}
	return pinned;
}

#define fix_wait_pop fix_wait_pop
static inline struct buf *fix_wait_pop(struct list_head *wait_list)
{
	struct delwri_entry *e = list_first_entry(wait_list,
						  struct delwri_entry, link);
	struct buf *bp = e->bp;

	/* Still locked by its I/O, and so by the caller. */
	list_del_init(&e->link);
	entry_put(e);
	return bp;
}

#define fix_cancel fix_cancel
static inline void fix_cancel(struct delwri_list *list)
{
	while (!list_empty(&list->head)) {
		struct delwri_entry *e = list_first_entry(
			&list->head, struct delwri_entry, link);
		struct buf *bp = e->bp;

		buf_lock(bp);
		entry_unlink(e);
		point(bp, POINT_UNLINK);
		buf_relse(bp);
	}
}
