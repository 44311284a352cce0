// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocating and freeing the blocks of an AG (kernel: xfs_alloc.c,
 * xfs_extent_busy.c).  Which extent an allocation takes: space_near.c.  The
 * blocks of the btrees of free space and their free list are left out: with
 * so few extents these trees neither grow nor shrink.
 */
#include "cache/mount.h"
#include "cache/trans.h"

#include <stdlib.h>
#include <string.h>

/* --- sorted extents -------------------------------------------------- */

/* Room for @more. */
static int make_room(struct extents *x, unsigned int more)
{
	unsigned int room = x->room ? x->room : 16;
	struct extent *e;

	while (room < x->nr + more)
		room *= 2;
	if (room == x->room)
		return 0;
	e = realloc(x->e, room * sizeof(*e));
	if (!e)
		return -ENOMEM;
	x->e = e;
	x->room = room;
	return 0;
}

static void insert_at(struct extents *x, unsigned int i, struct extent e)
{
	memmove(x->e + i + 1, x->e + i, (x->nr++ - i) * sizeof(e));
	x->e[i] = e;
}

static void remove_at(struct extents *x, unsigned int i)
{
	memmove(x->e + i, x->e + i + 1, (--x->nr - i) * sizeof(*x->e));
}

/* Where a record of @e is, or belongs, by length and then by block. */
static unsigned int place_by_length(const struct extents *x, struct extent e)
{
	unsigned int low = 0, high = x->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;
		const struct extent *m = &x->e[mid];

		if (m->len < e.len || (m->len == e.len && m->at < e.at))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Both need room for one more. */
static void add_free(struct space *s, struct extent e)
{
	if (!e.len)
		return;
	insert_at(&s->by_block, space_lower(&s->by_block, e.at), e);
	insert_at(&s->by_length, place_by_length(&s->by_length, e), e);
}

static void remove_free(struct space *s, unsigned int i)
{
	remove_at(&s->by_length,
		  place_by_length(&s->by_length, s->by_block.e[i]));
	remove_at(&s->by_block, i);
}

/* space_lock held.  @e lies within a free extent. */
static void take(struct space *s, struct extent e)
{
	unsigned int i = space_lower(&s->by_block, e.at + 1) - 1;
	struct extent whole = s->by_block.e[i];

	remove_free(s, i);
	add_free(s, (struct extent){ whole.at, e.at - whole.at });
	add_free(s, (struct extent){ e.at + e.len, whole.at + whole.len -
							   e.at - e.len });
}

/* space_lock held.  With what is free beside it one extent. */
static void give_back(struct space *s, struct extent e)
{
	unsigned int i = space_lower(&s->by_block, e.at);
	const struct extent *x = s->by_block.e;

	if (i < s->by_block.nr && e.at + e.len == x[i].at) {
		e.len += x[i].len;
		remove_free(s, i);
	}
	if (i && x[i - 1].at + x[i - 1].len == e.at) {
		e.at = x[i - 1].at;
		e.len += x[i - 1].len;
		remove_free(s, i - 1);
	}
	add_free(s, e);
}

/* space_lock held.  For one more extent of each kind. */
static int make_rooms(struct space *s)
{
	if (make_room(&s->by_block, 2) || make_room(&s->by_length, 2) ||
	    make_room(&s->busy, 1))
		return -ENOMEM;
	return 0;
}

/* --- the AG ---------------------------------------------------------- */

int space_init(struct ag *pag)
{
	struct space *s = &pag->space;

	spin_lock_init(&pag->space_lock);
	COUNT(stall_clock_init(&pag->header_stall, HELD_AG));
	if (make_rooms(s))
		return -ENOMEM;
	/* All but the header. */
	add_free(s, (struct extent){ 1, pag->blocks - 1 });
	return 0;
}

void space_destroy(struct ag *pag)
{
	free(pag->space.by_block.e);
	free(pag->space.by_length.e);
	free(pag->space.busy.e);
}

int trans_lock_ag(struct trans *tp, unsigned int agno, struct buf **agbpp)
{
	struct mount *mp = tp->t_mount;
	struct ag *pag = &mp->m_ag[agno];
	struct block_header *h;
	struct buf *bp;
	int error;

	COUNT(stall_begin(&pag->header_stall));
	error = trans_get_buf(tp, pag->first, 1, &bp);
	COUNT(stall_end(&pag->header_stall));
	if (error)
		return error;
	COUNT(task_holds(&pag->header_stall));
	buf_set_ref(bp, HEADER_LRU_REF);
	h = bp->b_addr;
	h->magic = BLOCK_MAGIC;
	WRITE_ONCE(h->gen, next_gen(mp));
	trans_log_buf(tp, bp, HEADER_LOG_BYTES);
	*agbpp = bp;
	return 0;
}

static struct extent take_near(struct ag *pag, const struct space_want *want,
			       bool exact, bool *busy, int *error)
{
	struct space *s = &pag->space;
	struct extent e = { 0 };

	spin_lock(&pag->space_lock);
	*error = make_rooms(s);
	if (!*error) {
		e = exact ? space_find_exact(s, want) :
			    space_find_near(s, want, busy);
		if (e.len)
			take(s, e);
	}
	spin_unlock(&pag->space_lock);
	return e;
}

/* Tell where it is, and return how many blocks these are. */
static int took(struct mount *mp, struct ag *pag, struct extent e,
		uint64_t *bno)
{
	*bno = pag->first + e.at;
	for (unsigned int i = 0; mp->m_points && i < e.len; i++)
		point_block(mp, POINT_ALLOC, *bno + i);
	return e.len;
}

int space_alloc_near(struct trans *tp, unsigned int agno,
		     const struct space_want *want, uint64_t *bno)
{
	struct mount *mp = tp->t_mount;
	struct ag *pag = &mp->m_ag[agno];
	bool busy = false;
	struct extent e;
	int error;

	e = take_near(pag, want, false, &busy, &error);
	if (!error && !e.len && busy) {
		/* Kernel: xfs_extent_busy_flush. */
		log_force(mp);
		e = take_near(pag, want, false, &busy, &error);
	}
	if (error)
		return error;
	return e.len ? took(mp, pag, e, bno) : -ENOSPC;
}

int space_alloc_exact(struct trans *tp, unsigned int agno,
		      const struct space_want *want, uint64_t *bno)
{
	struct ag *pag = &tp->t_mount->m_ag[agno];
	bool busy;
	int error;
	struct extent e = take_near(pag, want, true, &busy, &error);

	if (error)
		return error;
	return e.len ? took(tp->t_mount, pag, e, bno) : -ENOSPC;
}

int space_alloc(struct trans *tp, unsigned int agno, unsigned int len,
		uint64_t *bno)
{
	const struct space_want want = {
		.near = AG_FIRST_BLOCK,
		.minlen = len,
		.maxlen = len,
		.align = 1,
	};
	int error = space_alloc_near(tp, agno, &want, bno);

	return error < 0 ? error : 0;
}

int space_free(struct trans *tp, uint64_t bno, unsigned int len)
{
	struct mount *mp = tp->t_mount;
	struct ag *pag = ag_of(mp, bno);
	struct busy_extent *busy = malloc(sizeof(*busy));
	struct extent e = { bno - pag->first, len };
	struct space *s = &pag->space;
	int error;

	if (!busy)
		return -ENOMEM;
	busy->bno = bno;
	busy->len = len;
	spin_lock(&pag->space_lock);
	error = make_rooms(s);
	if (!error) {
		give_back(s, e);
		insert_at(&s->busy, space_lower(&s->busy, e.at), e);
		s->nr_busy += len;
	}
	spin_unlock(&pag->space_lock);
	if (error)
		free(busy);
	else
		list_add_tail(&busy->list, &tp->t_busy);
	return error;
}

void space_busy_clear(struct mount *mp, struct list_head *list)
{
	while (!list_empty(list)) {
		struct busy_extent *busy = list_first_entry(
			list, struct busy_extent, list);
		struct ag *pag = ag_of(mp, busy->bno);
		struct space *s = &pag->space;

		list_del_init(&busy->list);
		spin_lock(&pag->space_lock);
		remove_at(&s->busy,
			  space_lower(&s->busy, busy->bno - pag->first));
		s->nr_busy -= busy->len;
		spin_unlock(&pag->space_lock);
		for (unsigned int i = 0; mp->m_points && i < busy->len; i++)
			point_block(mp, POINT_BUSY_CLEARED, busy->bno + i);
		free(busy);
	}
}

uint64_t agfl_get(struct ag *pag)
{
	uint64_t bno;

	if (!pag->nr_agfl)
		return 0;
	bno = pag->agfl[0];
	memmove(pag->agfl, pag->agfl + 1, --pag->nr_agfl * sizeof(bno));
	return bno;
}

bool agfl_put(struct ag *pag, uint64_t bno)
{
	if (pag->nr_agfl == AGFL_SIZE)
		return false;
	pag->agfl[pag->nr_agfl++] = bno;
	return true;
}
