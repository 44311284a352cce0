// SPDX-License-Identifier: GPL-2.0-only
/*
 * Online repair of an AG's tree: reserve, load, commit the root, free the
 * old blocks; and what others do to that tree meanwhile.  Everything here
 * happens with the AG's header locked, as in the kernel.
 */
#include "cache/bload.h"
#include "cache/reap.h"
#include "cache/mount.h"

#include <stdlib.h>
#include <string.h>

#define LEAF_LOG_BYTES	256u		/* two chunks of a leaf change */

void tree_destroy(struct tree *tree)
{
	free(tree->bno);
	free(tree->block_gen);
	*tree = (struct tree){ 0 };
}

/* Free the first @nr blocks of a load that will never be a tree. */
static void free_reservation(struct trans *tp, struct bload *bl, uint64_t nr)
{
	for (uint64_t i = 0, n; i < nr; i += n) {
		for (n = 1; i + n < nr; n++)
			if (bl->bno[i + n] != bl->bno[i] + n)
				break;
		space_free(tp, bl->bno[i], n);
	}
}

/*
 * In as few extents as there are, from the AG's beginning on, each near the
 * end of the last (kernel: xrep_newbt_alloc_ag_blocks, whose first hint for
 * the two inode btrees are XFS_IBT_BLOCK and the block behind it).
 */
static int reserve_blocks(struct trans *tp, unsigned int agno,
			  struct bload *bl, unsigned int tree)
{
	struct ag *pag = &tp->t_mount->m_ag[agno];
	struct space_want want = {
		.near = AG_FIRST_BLOCK + tree,
		.minlen = 1,
		.align = 1,
	};
	uint64_t have = 0;

	bl->bno = calloc(bl->nr_blocks, sizeof(*bl->bno));
	if (!bl->bno)
		return -ENOMEM;
	while (have < bl->nr_blocks) {
		uint64_t bno;
		int len;

		want.maxlen = bl->nr_blocks - have;
		len = space_alloc_near(tp, agno, &want, &bno);
		if (len < 0) {
			free_reservation(tp, bl, have);
			free(bl->bno);
			bl->bno = NULL;
			return len;
		}
		while (len--)
			bl->bno[have++] = bno++;
		want.near = bno - pag->first;
	}
	return 0;
}

static void watch_root_commit(struct mount *mp, struct ag *pag,
			      const struct tree *tree)
{
	struct tree_blocks t = {
		.agno = pag->agno,
		.gen = tree->gen,
		.nr = tree->nr,
		.bno = tree->bno,
	};

	point_block(mp, POINT_ROOT_COMMIT, t.bno[t.nr - 1]);
	if (mp->m_watch)
		mp->m_watch->root_commit(mp->m_watch->ctx, &t);
}

/* Make @bl the AG's tree; *@old is what it replaces. */
static int switch_root(struct trans *tp, struct ag *pag, struct tree *tree,
		       struct bload *bl, struct tree *old)
{
	uint64_t *gens = calloc(bl->nr_blocks, sizeof(*gens));

	if (!gens)
		return -ENOMEM;
	*old = *tree;
	*tree = (struct tree){
		.gen = bl->gen,
		.nr = bl->nr_blocks,
		.height = bl->height,
		.bno = bl->bno,
		.block_gen = gens,
	};
	for (unsigned int i = 0; i < tree->nr; i++)
		gens[i] = bl->gen;
	bl->bno = NULL;
	/* The log names one root of an AG: that of the first tree. */
	if (tree == &pag->tree[0]) {
		tp->t_has_root = true;
		tp->t_root = (struct root_record){
			.agno = pag->agno,
			.level = tree->height - 1,
			.bno = tree->bno[tree->nr - 1],
			.gen = tree->gen,
		};
	}
	watch_root_commit(tp->t_mount, pag, tree);
	return 0;
}

/* Reserve the blocks of all trees, then load one after the other. */
static int load_blocks(struct trans *tp, unsigned int agno, struct bload *bl,
		       unsigned int nr, struct repair_result *res)
{
	unsigned int i, reserved;
	int error = 0;

	for (i = 0; i < nr && !error; i++)
		error = bload_geometry(&bl[i]);
	for (reserved = 0; reserved < nr && !error; reserved++) {
		error = reserve_blocks(tp, agno, &bl[reserved], reserved);
		if (error)
			break;
	}
	for (i = 0; i < nr && !error; i++) {
		bl[i].gen = next_gen(bl[i].mount);
		error = bload_run(&bl[i]);
		res->loads += !error;
		res->blocks += bl[i].nr_blocks;
		COUNT(res->misqueued += bl[i].misqueued);
	}
	res->gen = bl[0].gen;
	if (error)
		for (i = 0; i < reserved; i++)
			free_reservation(tp, &bl[i], bl[i].nr_blocks);
	return error;
}

/*
 * Load the blocks of @nr trees in a transaction that has the AG's header.
 * On error there may be one to end all the same: *@tpp.
 */
static int load(struct mount *mp, unsigned int agno, struct bload *bl,
		unsigned int nr, struct trans **tpp, struct buf **agbpp,
		struct repair_result *res)
{
	int error;

	*res = (struct repair_result){ 0 };
	*tpp = NULL;
	error = trans_alloc(mp, tpp);
	if (!error)
		error = trans_lock_ag(*tpp, agno, agbpp);
	if (error)
		return error;
	/* The kernel reads all inodes now: xrep_ibt_find_inodes. */
	point_block(mp, POINT_REPAIR, mp->m_ag[agno].first);
	return load_blocks(*tpp, agno, bl, nr, res);
}

int repair(struct mount *mp, unsigned int agno, uint64_t nr_records,
	   struct repair_result *res)
{
	struct bload bl[TREES_MAX];
	struct ag *pag = &mp->m_ag[agno];
	struct tree old[TREES_MAX] = { 0 };
	struct buf *agbp;
	struct trans *tp;
	int error, error2;
	unsigned int i;

	for (i = 0; i < mp->m_trees; i++)
		bl[i] = (struct bload){
			.mount = mp,
			.nr_records = nr_records,
		};
	error = load(mp, agno, bl, mp->m_trees, &tp, &agbp, res);
	for (i = 0; i < mp->m_trees && !error; i++)
		error = switch_root(tp, pag, &pag->tree[i], &bl[i], &old[i]);
	if (!error) {
		error = trans_roll(&tp, agbp);
		res->committed = !error;
	}
	if (!error) {
		trans_log_buf(tp, agbp, HEADER_LOG_BYTES);
		error = reap(&tp, agbp, old, mp->m_trees);
	}
	if (tp) {
		error2 = trans_commit(tp);
		if (!error)
			error = error2;
	}
	for (i = 0; i < mp->m_trees; i++) {
		tree_destroy(&old[i]);
		free(bl[i].bno);
	}
	return error;
}

int bulkload(struct mount *mp, unsigned int agno, uint64_t nr_records,
	     struct repair_result *res)
{
	struct bload bl = { .mount = mp, .nr_records = nr_records };
	struct buf *agbp;
	struct trans *tp;
	int error, error2 = 0;

	error = load(mp, agno, &bl, 1, &tp, &agbp, res);
	if (!error)
		free_reservation(tp, &bl, bl.nr_blocks);
	if (tp)
		error2 = trans_commit(tp);
	free(bl.bno);
	return error ? error : error2;
}

static unsigned int nr_leaves(const struct tree *tree)
{
	/* A tree of one block is a leaf. */
	return tree->nr > 1 ? tree->nr - 1 : tree->nr;
}

static int modify_leaf(struct trans *tp, struct tree *tree, uint64_t pick)
{
	struct block_header *h;
	struct buf *bp;
	unsigned int i;
	int error;

	if (!tree->gen)
		return 0;
	i = pick % nr_leaves(tree);
	error = trans_read_buf(tp, tree->bno[i], 1, &bp);
	if (error)
		return error;
	buf_set_ref(bp, TREE_LRU_REF);
	h = bp->b_addr;
	if (h->owner != tree->gen || h->gen != tree->block_gen[i]) {
		trans_brelse(tp, bp);
		return -EUCLEAN;
	}
	WRITE_ONCE(h->gen, next_gen(tp->t_mount));
	tree->block_gen[i] = h->gen;
	trans_log_buf(tp, bp, LEAF_LOG_BYTES);
	return 0;
}

int tree_modify(struct mount *mp, unsigned int agno, uint64_t pick)
{
	struct buf *agbp;
	struct trans *tp;
	int error, error2;

	error = trans_alloc(mp, &tp);
	if (error)
		return error;
	error = trans_lock_ag(tp, agno, &agbp);
	for (unsigned int i = 0; i < mp->m_trees && !error; i++)
		error = modify_leaf(tp, &mp->m_ag[agno].tree[i], pick);
	error2 = trans_commit(tp);
	return error ? error : error2;
}

static int find_block(const struct tree *tree, uint64_t bno)
{
	for (unsigned int i = 0; i < tree->nr; i++)
		if (tree->bno[i] == bno)
			return i;
	return -1;
}

/* Down from the root; each block must be the newest of this tree. */
static int walk_down(struct mount *mp, struct tree *tree, uint64_t pick)
{
	uint64_t bno = tree->bno[tree->nr - 1];

	for (;;) {
		int i = find_block(tree, bno);
		const struct block_header *h;
		bool leaf, newest;
		struct buf *bp;
		int error;

		if (i < 0)
			return -EUCLEAN;
		error = buf_read(mp, bno, 1, 0, &bp);
		if (error)
			return error;
		buf_set_ref(bp, TREE_LRU_REF);
		h = bp->b_addr;
		newest = h->owner == tree->gen && h->gen == tree->block_gen[i];
		leaf = h->level == 0;
		if (newest && !leaf) {
			const struct bload_entry *e = (const void *)(h + 1);

			bno = e[pick % h->numrecs].bno;
		}
		buf_relse(bp);
		if (!newest)
			return -EUCLEAN;
		if (leaf)
			return 0;
		pick /= 7;
	}
}

int tree_walk(struct mount *mp, unsigned int agno, uint64_t pick)
{
	struct ag *pag = &mp->m_ag[agno];
	struct buf *agbp;
	int error;

	COUNT(stall_begin(&pag->header_stall));
	error = buf_get(mp, pag->first, 1, 0, &agbp);
	COUNT(stall_end(&pag->header_stall));
	if (error)
		return error;
	COUNT(task_holds(&pag->header_stall));
	error = pag->tree[0].gen ? walk_down(mp, &pag->tree[0], pick) : 0;
	COUNT(task_lets_go(&pag->header_stall));
	buf_relse(agbp);
	return error;
}
