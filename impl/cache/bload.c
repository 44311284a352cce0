// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bottom-up bulk load of a btree into reserved blocks
 * (kernel: libxfs/xfs_btree_staging.c).
 */
#include "cache/bload.h"
#include "cache/delwri.h"
#include "cache/hooks.h"
#include "cache/mount.h"

#include <string.h>

struct level_shape {
	uint64_t blocks;
	uint64_t per_block;
	uint64_t with_extra;	/* so many of the first have one more */
};

static unsigned int max_records(unsigned int level)
{
	return level ? BLOAD_NODE_MAX : BLOAD_LEAF_MAX;
}

/*
 * A slack that loads blocks to three quarters, halfway between the least
 * and the most that a block may hold (xfs_btree_bload_ensure_slack).
 */
static struct level_shape level_shape(unsigned int level, uint64_t nr)
{
	unsigned int max = max_records(level), min = max / 2;
	unsigned int slack = max - (max + min) / 2;
	unsigned int desired = max - slack;
	struct level_shape s;

	s.blocks = nr / desired;
	if (!s.blocks)
		s.blocks = 1;
	s.per_block = nr / s.blocks;
	s.with_extra = nr % s.blocks;
	if (s.per_block > max || (s.per_block == max && s.with_extra)) {
		s.blocks++;
		s.per_block = nr / s.blocks;
		s.with_extra = nr % s.blocks;
	}
	return s;
}

int bload_geometry(struct bload *bl)
{
	uint64_t nr = bl->nr_records;
	unsigned int level;

	bl->nr_blocks = 0;
	for (level = 0; level < BLOAD_LEVELS; level++) {
		struct level_shape s = level_shape(level, nr);

		bl->nr_blocks += s.blocks;
		if (s.blocks == 1) {
			bl->height = level + 1;
			return 0;
		}
		nr = s.blocks;
	}
	return -EOVERFLOW;
}

/* Finished with *@bpp: queue it, and write if enough has collected. */
static int drop_buf(struct bload *bl, struct delwri_list *list,
		    struct buf **bpp)
{
	struct buf *bp = *bpp;
	int error;

	if (!bp)
		return 0;
	*bpp = NULL;
	if (fix_bload_done())
		buf_set(bp, BUF_DONE);
	error = delwri_queue_bload(bp, list);
	buf_relse(bp);
	if (error == -EALREADY)
		COUNT(bl->misqueued++);	/* as the kernel: nobody looks */
	else if (error)
		return error;

	if (++bl->nr_dirty < bl->mount->m_max_dirty)
		return 0;
	bl->nr_dirty = 0;
	return delwri_submit(list);
}

/*
 * Claim the next block, link it behind *@bpp, which it replaces.  The kernel
 * has both locked for a moment, and what is on another list is waited for
 * with the next one locked (xfs_btree_bload_prep_block).
 */
static int prep_block(struct bload *bl, struct delwri_list *list,
		      unsigned int level, unsigned int nr, struct buf **bpp)
{
	struct buf *bp, *left = *bpp;
	struct block_header *h;
	uint64_t bno, leftbno = 0;
	int error = 0;

	if (bl->used == bl->nr_blocks)
		return -ENOSPC;
	bno = bl->bno[bl->used++];
	if (left) {
		struct block_header *lh = left->b_addr;

		lh->right = bno;
		leftbno = lh->bno;
	}
	if (fix_bload_drop_first())
		error = drop_buf(bl, list, bpp);
	if (error)
		return error;
	point_block(bl->mount, POINT_CLAIM, bno);
	error = buf_get(bl->mount, bno, 1, 0, &bp);
	if (error)
		return error;
	h = bp->b_addr;
	h->magic = BLOCK_MAGIC;
	h->crc = 0;
	h->bno = bno;
	WRITE_ONCE(h->gen, bl->gen);
	h->owner = bl->gen;
	h->level = level;
	h->numrecs = nr;
	h->pad = 0;
	h->left = leftbno;
	h->right = 0;
	error = drop_buf(bl, list, bpp);
	if (error) {
		buf_relse(bp);
		return error;
	}
	*bpp = bp;
	return 0;
}

/* Nothing of what stood in the block before is to reach the device. */
static void clear_rest(struct block_header *h, void *end)
{
	memset(end, 0, (char *)h + BLOCK_SIZE - (char *)end);
}

static void load_leaf(struct buf *bp, uint64_t first, unsigned int nr)
{
	struct block_header *h = bp->b_addr;
	struct bload_record *rec = (void *)(h + 1);
	uint64_t gen = h->gen;

	for (unsigned int i = 0; i < nr; i++) {
		rec[i].key = first + i;
		rec[i].value = gen ^ (first + i);
	}
	clear_rest(h, rec + nr);
}

static uint32_t first_key(const struct block_header *h)
{
	if (h->level)
		return ((const struct bload_entry *)(h + 1))->key;
	return ((const struct bload_record *)(h + 1))->key;
}

/*
 * Entries for the next @nr blocks of the level below, read back through the
 * cache (before 6.8: looked up without a read), by their right links.
 */
static int load_node(struct bload *bl, struct buf *bp, unsigned int nr,
		     uint64_t *child)
{
	struct block_header *node = bp->b_addr;
	struct bload_entry *entry = (void *)(node + 1);

	for (unsigned int i = 0; i < nr; i++) {
		const struct block_header *h;
		struct buf *cbp;
		int error;

		error = fix_bload_done() ?
				buf_read(bl->mount, *child, 1, 0, &cbp) :
				buf_get(bl->mount, *child, 1, 0, &cbp);
		if (error)
			return error;
		if (fix_bload_done())
			buf_set_ref(cbp, TREE_LRU_REF);
		h = cbp->b_addr;
		if (h->owner != bl->gen) {
			buf_relse(cbp);
			return -EUCLEAN;
		}
		entry[i].key = first_key(h);
		entry[i].bno = *child;
		*child = h->right;
		buf_relse(cbp);
	}
	clear_rest(node, entry + nr);
	return 0;
}

/* One level; *@child is its first block's child, on return itself. */
static int load_level(struct bload *bl, struct delwri_list *list,
		      unsigned int level, uint64_t nr, uint64_t *child)
{
	struct level_shape s = level_shape(level, nr);
	uint64_t i, key = 0, first = 0, below = *child;
	struct buf *bp = NULL;
	int error = 0;

	for (i = 0; i < s.blocks; i++) {
		unsigned int here = s.per_block + (i < s.with_extra);

		error = prep_block(bl, list, level, here, &bp);
		if (error)
			goto out;
		if (i == 0)
			first = bp->b_bno;
		if (level)
			error = load_node(bl, bp, here, &below);
		else
			load_leaf(bp, key, here);
		if (error)
			goto out;
		key += here;
	}
	error = drop_buf(bl, list, &bp);
	*child = first;
out:
	if (bp)
		buf_relse(bp);
	return error;
}

int bload_run(struct bload *bl)
{
	uint64_t nr = bl->nr_records, child = 0;
	struct delwri_list list;
	unsigned int level;
	int error = 0;

	delwri_list_init(&list);
	bl->used = 0;
	bl->nr_dirty = 0;
	for (level = 0; level < bl->height && !error; level++) {
		error = load_level(bl, &list, level, nr, &child);
		nr = level_shape(level, nr).blocks;
	}
	if (!error)
		error = delwri_submit(&list);
	if (!error && !delwri_list_empty(&list))
		error = -EIO;
	delwri_cancel(&list);
	point_block(bl->mount, error ? POINT_LOAD_FAILED : POINT_LOAD_DONE,
		    UINT64_MAX);
	return error;
}
