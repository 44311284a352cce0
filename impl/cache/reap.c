// SPDX-License-Identifier: GPL-2.0-only
/*
 * Getting rid of a repaired tree's old blocks (kernel: scrub/reap.c): extent
 * by extent, from the first block on.  A block is invalidated in one
 * transaction and freed in a later one: until then no allocation sees it,
 * though its buffer may have been unlocked by a checkpoint in between.
 */
#include "cache/reap.h"

#include <stdlib.h>

#define REAP_MAX_BINVAL		2048u	/* XREAP_MAX_BINVAL */
#define REAP_MAX_DEFERRED	128u	/* XREP_MAX_ITRUNCATE_EFIS */
#define REAP_MAX_CHAIN		2048u	/* XREAP_MAX_DEFER_CHAIN */
#define FREED_PER_TRANS		2u	/* a barrier after so many extents */

struct reap {
	struct mount *mp;
	struct trans **tpp;
	struct buf *agbp;
	uint64_t *bno;		/* all blocks, sorted */
	unsigned int nr;
	unsigned int freed;	/* of these, freed or about to be */
	unsigned int next;	/* of these, invalidated */
	unsigned int deferred;	/* extents, in this transaction */
	unsigned int total_deferred; /* since the last were freed */
	unsigned int invalidated;
};

static int bno_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int collect(struct reap *r, const struct tree *old, unsigned int nr)
{
	unsigned int all = 0;

	for (unsigned int i = 0; i < nr; i++)
		all += old[i].nr;
	r->bno = calloc(all ? all : 1, sizeof(*r->bno));
	if (!r->bno)
		return -ENOMEM;
	for (unsigned int i = 0; i < nr; i++)
		for (unsigned int j = 0; j < old[i].nr; j++)
			r->bno[r->nr++] = old[i].bno[j];
	qsort(r->bno, r->nr, sizeof(*r->bno), bno_cmp);
	return 0;
}

/* Blocks in a row from the @i-th on, before the @end-th. */
static unsigned int extent_len(const struct reap *r, unsigned int i,
			       unsigned int end)
{
	unsigned int len = 1;

	while (i + len < end && r->bno[i + len] == r->bno[i] + len)
		len++;
	return len;
}

static int roll(struct reap *r)
{
	int error = trans_roll(r->tpp, r->agbp);

	if (!error)
		trans_log_buf(*r->tpp, r->agbp, HEADER_LOG_BYTES);
	return error;
}

/* Free what was invalidated, in transactions of its own (defer_finish). */
static int finish(struct reap *r)
{
	int error = 0;

	while (r->freed < r->next && !error) {
		error = roll(r);
		for (unsigned int i = 0;
		     i < FREED_PER_TRANS && !error && r->freed < r->next; i++) {
			unsigned int len = extent_len(r, r->freed, r->next);

			error = space_free(*r->tpp, r->bno[r->freed], len);
			r->freed += len;
		}
	}
	r->deferred = 0;
	r->total_deferred = 0;
	r->invalidated = 0;
	return error;
}

/*
 * Only what is cached and not stale needs staling (kernel:
 * xreap_agextent_binval, whose live scan gives no stale buffer).
 */
static int invalidate(struct reap *r, uint64_t bno)
{
	struct trans *tp = *r->tpp;
	struct buf *bp;
	int error;

	COUNT(tp->t_lookups++);
	error = buf_get(r->mp, bno, 1, BUF_GET_INCORE | BUF_GET_LIVESCAN, &bp);
	if (error)
		return error == -ENOENT ? 0 : error;
	error = trans_add(tp, bp);
	if (error)
		return error;
	trans_binval(tp, bp);
	r->invalidated++;
	return 0;
}

/* As much of an extent as one transaction can take. */
static int reap_extent(struct reap *r)
{
	unsigned int end = r->next + extent_len(r, r->next, r->nr);
	int error = 0;

	while (r->next < end && !error && r->invalidated <= REAP_MAX_BINVAL)
		error = invalidate(r, r->bno[r->next++]);
	r->deferred++;
	r->total_deferred++;
	return error;
}

int reap(struct trans **tpp, struct buf *agbp, const struct tree *old,
	 unsigned int nr)
{
	struct reap r = {
		.mp = (*tpp)->t_mount,
		.tpp = tpp,
		.agbp = agbp,
	};
	int error = collect(&r, old, nr);

	while (r.next < r.nr && !error) {
		error = reap_extent(&r);
		if (error)
			break;
		if (r.total_deferred > REAP_MAX_CHAIN) {
			error = finish(&r);
		} else if (r.deferred > REAP_MAX_DEFERRED ||
			   r.invalidated > REAP_MAX_BINVAL) {
			error = roll(&r);
			r.deferred = 0;
			r.invalidated = 0;
		}
	}
	if (!error)
		error = finish(&r);
	free(r.bno);
	return error;
}
