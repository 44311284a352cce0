/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The free space of one AG: its free extents, by block and by length (kernel:
 * bnobt and cntbt), and those of its blocks that were freed but whose
 * checkpoint is not complete yet (kernel: the tree of busy extents).  A busy
 * block is free in the two btrees, as in the kernel.
 */
#ifndef CACHE_SPACE_H
#define CACHE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

/* Blocks of the AG, counted from its first. */
struct extent {
	uint32_t at;
	uint32_t len;
};

struct extents {
	struct extent *e;	/* sorted */
	unsigned int nr;
	unsigned int room;
};

/* Guarded by the AG's space_lock. */
struct space {
	struct extents by_block;	/* free, and maybe busy */
	struct extents by_length;	/* the same, then by block */
	struct extents busy;		/* by block; each as it was freed */
	uint64_t nr_busy;		/* blocks of these */
};

/* What somebody wants (kernel: struct xfs_alloc_arg). */
struct space_want {
	uint32_t near;		/* block of the AG */
	uint32_t minlen, maxlen;
	uint32_t align;		/* 1: anywhere */
};

/*
 * The extent that the kernel would take, which still is free after it, or one
 * of no length; *@busy: there were busy ones that are as good.  space_lock
 * held (kernel: xfs_alloc_ag_vextent_near).
 */
struct extent space_find_near(const struct space *s,
			      const struct space_want *want, bool *busy);
/* The same, at want->near exactly (kernel: xfs_alloc_ag_vextent_exact). */
struct extent space_find_exact(const struct space *s,
			       const struct space_want *want);

/* The first of @x at @at or behind it. */
unsigned int space_lower(const struct extents *x, uint32_t at);

#endif
