/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Delayed-write lists (kernel: xfs_buf_delwri_*).  A list belongs to one
 * thread, often lives on its stack, and has no lock of its own; every
 * entry owns one hold.
 */
#ifndef CACHE_DELWRI_H
#define CACHE_DELWRI_H

#include "cache/mount.h"

#ifndef FIX_LIST_FIELDS
#define FIX_LIST_FIELDS
#endif

struct delwri_list {
	struct list_head head;
	unsigned int nr_walked;		/* COUNT(): owner: by the last submit */
	FIX_LIST_FIELDS
};

enum queued {
	QUEUED_HERE,		/* the caller's submit will write it */
	QUEUED_BEFORE,		/* somebody's submit will: it was queued */
	QUEUED_ELSEWHERE,	/* flag set, link on somebody else's list */
	QUEUED_NOT,		/* no memory for it */
	QUEUED_WRITTEN,		/* bulk loader: written already, not queued */
};

void delwri_list_init(struct delwri_list *list);
/* Owner only: nobody else will touch it again if this says true. */
bool delwri_list_empty(struct delwri_list *list);

/* Queue a locked buffer (kernel: xfs_buf_delwri_queue). */
enum queued delwri_queue(struct buf *bp, struct delwri_list *list);
/*
 * The same for a bulk loader.  0, -EALREADY: it is on somebody else's list,
 * or what the fix failed with, -ENOMEM if it has no memory.
 */
int delwri_queue_bload(struct buf *bp, struct delwri_list *list);
/*
 * Write what can be locked at once and is not pinned, leave the rest on
 * the list, wait for nothing.  How many were left for being pinned.
 */
int delwri_submit_nowait(struct delwri_list *list);
/* Write all, wait for all; the first error. */
int delwri_submit(struct delwri_list *list);
/* Write nothing, forget all. */
void delwri_cancel(struct delwri_list *list);

/*
 * For hooks: lock a buffer that a submit comes to; it sleeps for that only
 * if it will @wait.  False: it stays on the list, counted if that is for a
 * pin.
 */
static inline bool delwri_lock(struct buf *bp, bool wait, int *pinned)
{
	if (wait) {
		buf_lock(bp);
		return true;
	}
	if (!buf_trylock(bp)) {
		point(bp, POINT_SUBMIT_LOCKED);
		return false;
	}
	if (buf_ispinned(bp)) {
		point(bp, POINT_SUBMIT_PINNED);
		buf_unlock(bp);
		++*pinned;
		return false;
	}
	return true;
}

/* For hooks: start the I/O of a locked buffer that was just unlinked. */
void delwri_issue(struct buf *bp, bool async);
/* For hooks: which block a link is of, and the order of submission. */
static inline uint64_t delwri_block(const struct list_head *link)
{
	return list_entry(link, const struct buf, b_list)->b_bno;
}

int delwri_cmp(const struct list_head *a, const struct list_head *b);

#endif
