// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which free extent an allocation near a block takes (kernel: xfs_alloc.c,
 * xfs_alloc_ag_vextent_near and what it calls).  Where two extents are as
 * good, and where busy ones are in the way, the choice is the kernel's, as it
 * decides which freed block comes back.
 */
#include "cache/space.h"

/*
 * Records of a leaf of a btree of 4 KiB blocks.  Up to so many of the longest
 * extents the kernel looks at one by one; with more it searches near the hint.
 */
#define LEAF_RECORDS	505u

unsigned int space_lower(const struct extents *x, uint32_t at)
{
	unsigned int low = 0, high = x->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (x->e[mid].at < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The best so far (kernel: struct xfs_alloc_cur). */
struct best {
	struct extent found;	/* found.len 0: none */
	uint32_t diff;		/* from want->near */
	bool busy;
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t distance(uint32_t a, uint32_t b)
{
	return a < b ? b - a : a - b;
}

static uint32_t round_up(uint32_t at, uint32_t align)
{
	return (at + align - 1) / align * align;
}

/*
 * A part of *@e that is not busy; @e->len 0: none was found, which need not
 * mean that there is none (kernel: xfs_extent_busy_trim).  It visits the
 * busy extents as a search in a tree does, from the root; ours is the
 * balanced one, the kernel's red-black.  True if *@e has changed.
 */
static bool trim_busy(const struct space *s, const struct space_want *want,
		      struct extent *e)
{
	unsigned int low = 0, high = s->busy.nr;
	uint32_t at = e->at, end = e->at + e->len;
	bool changed = false;

	while (low < high && end - at >= want->minlen) {
		const struct extent *b = &s->busy.e[low + (high - low) / 2];
		uint32_t busy_end = b->at + b->len;

		if (end <= b->at) {
			high = b - s->busy.e;
			continue;
		}
		if (at >= busy_end) {
			low = b - s->busy.e + 1;
			continue;
		}
		changed = true;
		if (b->at <= at) {
			at = min_u32(busy_end, end);
			if (at == end)
				break;
		} else if (busy_end >= end) {
			end = b->at;
		} else if (b->at - at >= want->maxlen) {
			end = b->at;
		} else if (end - busy_end >= want->maxlen * 4) {
			at = busy_end;
		} else if (b->at - at >= want->minlen) {
			end = b->at;
		} else {
			end = at;
			break;
		}
	}
	*e = (struct extent){ at, end - at };
	return changed;
}

/*
 * Where in @e, which is free and long enough, @len blocks should start; false:
 * nowhere (kernel: xfs_alloc_compute_diff, without user data).
 */
static bool place(const struct space_want *want, const struct extent *e,
		  uint32_t len, uint32_t *at)
{
	uint32_t end = e->at + e->len, near = want->near, align = want->align;
	uint32_t after, before;

	if (e->at >= near) {
		*at = round_up(e->at, align);
		return *at < end;
	}
	if (end < near + len) {
		*at = align > 1 ? round_up(end - len, align) : end - len;
		if (align > 1 && *at > end - len && *at - align >= e->at)
			*at -= align;
		return *at < end;
	}
	after = round_up(near, align);
	*at = after;
	if (align == 1)
		return true;
	before = after - align;
	if (before < e->at)
		return after < end;
	if (after >= end ||
	    min_u32(len, end - after) < min_u32(len, end - before) ||
	    distance(after, near) > distance(before, near))
		*at = before;
	return true;
}

/*
 * Is the record @e better than the best?  *@on: a walk from the hint outwards
 * may go on (kernel: xfs_alloc_cur_check).
 */
static bool check(const struct space *s, const struct space_want *want,
		  struct extent e, struct best *best, bool *on)
{
	uint32_t len, at, diff, aligned;

	if (e.len < want->minlen)
		return false;
	best->busy |= trim_busy(s, want, &e);
	if (want->align > 1 && e.len >= want->minlen) {
		aligned = round_up(e.at, want->align);
		e.len = aligned - e.at >= e.len ? 0 : e.len - (aligned - e.at);
		e.at = aligned;
	}
	if (!e.len || e.len < want->minlen)
		return false;
	len = min_u32(e.len, want->maxlen);
	if (len < best->found.len || !place(want, &e, len, &at))
		return false;
	diff = distance(at, want->near);
	if (diff > best->diff) {
		*on = false;
		return false;
	}
	best->found = (struct extent){ at, len };
	best->diff = diff;
	if (!diff && len == want->maxlen)
		*on = false;
	return true;
}

/* The first record of that length at that block, or behind it. */
static unsigned int lower_length(const struct extents *x, uint32_t len,
				 uint32_t at)
{
	unsigned int low = 0, high = x->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;
		const struct extent *e = &x->e[mid];

		if (e->len < len || (e->len == len && e->at < at))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * One record near the hint of so many blocks or more (kernel:
 * xfs_alloc_cntbt_iter).  False: there is none, the search by length is over.
 */
static bool by_length(const struct space *s, const struct space_want *want,
		      struct best *best, uint32_t *len)
{
	const struct extents *x = &s->by_length;
	unsigned int i = lower_length(x, *len, want->near);
	bool on = true;

	if (i == x->nr)
		return false;
	check(s, want, x->e[i], best, &on);
	/* It may lie behind the hint, and one as long closer before it. */
	if (x->e[i].at > want->near && i && x->e[i - 1].len == x->e[i].len)
		check(s, want, x->e[i - 1], best, &on);
	if (!best->found.len || x->e[i].len >= 2 * *len)
		*len = x->e[i].len + 1;
	else
		*len *= 2;
	return on;
}

/* From @i on, up or down, until one is better than the best. */
static void walk(const struct space *s, const struct space_want *want,
		 const struct extents *x, int64_t i, int step,
		 struct best *best)
{
	bool on = true;

	for (; on && i >= 0 && i < x->nr; i += step)
		if (check(s, want, x->e[i], best, &on))
			break;
}

/* Kernel: xfs_alloc_ag_vextent_locality. */
static void search(const struct space *s, const struct space_want *want,
		   struct best *best)
{
	const struct extents *x = &s->by_block;
	int64_t right = space_lower(x, want->near), left = right - 1;
	bool on_left = true, on_right = true;
	uint32_t len = want->maxlen;

	if (right < x->nr && x->e[right].at == want->near)
		left = right;
	for (;;) {
		on_left = on_left && left >= 0;
		if (on_left && check(s, want, x->e[left--], best, &on_left))
			return walk(s, want, x, right, 1, best);
		on_right = on_right && right < x->nr;
		if (on_right && check(s, want, x->e[right++], best, &on_right))
			return walk(s, want, x, left, -1, best);
		if (!by_length(s, want, best, &len))
			break;
	}
	if (!best->found.len && !best->busy)
		walk(s, want, &s->by_length, (int64_t)s->by_length.nr - 1, -1,
		     best);
}

struct extent space_find_near(const struct space *s,
			      const struct space_want *want, bool *busy)
{
	const struct extents *x = &s->by_length;
	struct best best = { .diff = UINT32_MAX };
	unsigned int first = lower_length(x, want->maxlen, 0);
	bool on = true;

	/* None is so long, or that is not enough: those long enough. */
	if (first == x->nr || want->align > 1)
		first = lower_length(x, want->minlen, 0);
	if (x->nr - first <= LEAF_RECORDS)
		for (unsigned int i = first; on && i < x->nr; i++)
			check(s, want, x->e[i], &best, &on);
	if (!best.found.len)
		search(s, want, &best);
	*busy = best.busy;
	return best.found;
}

struct extent space_find_exact(const struct space *s,
			       const struct space_want *want)
{
	unsigned int i = space_lower(&s->by_block, want->near + 1);
	uint32_t end = want->near + want->minlen;
	struct extent e;

	if (!i)
		return (struct extent){ 0 };
	e = s->by_block.e[i - 1];
	trim_busy(s, want, &e);
	if (e.at > want->near || e.at + e.len < end)
		return (struct extent){ 0 };
	return (struct extent){
		want->near,
		min_u32(e.at + e.len - want->near, want->maxlen),
	};
}
