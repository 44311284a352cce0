// SPDX-License-Identifier: GPL-2.0-only
/*
 * Online repair of an AG's tree: reserve, load, commit the root, free the
 * old blocks; and what others do to that tree meanwhile.  Everything here
 * happens with the AG's header locked, as in the kernel.
 */
#include "cache/bload.h"
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

/* In as few extents as there are (kernel: xrep_newbt_alloc_blocks). */
static int reserve_blocks(struct trans *tp, unsigned int agno,
			  struct bload *bl)
{
	uint64_t have = 0;

	bl->bno = calloc(bl->nr_blocks, sizeof(*bl->bno));
	if (!bl->bno)
		return -ENOMEM;
	while (have < bl->nr_blocks) {
		uint64_t bno;
		int len = space_alloc_some(tp, agno, bl->nr_blocks - have,
					   &bno);

		if (len < 0) {
			free_reservation(tp, bl, have);
			return len;
		}
		while (len--)
			bl->bno[have++] = bno++;
	}
	return 0;
}

static void watch_root_commit(struct mount *mp, struct ag *pag)
{
	struct tree_blocks t = {
		.agno = pag->agno,
		.gen = pag->tree.gen,
		.nr = pag->tree.nr,
		.bno = pag->tree.bno,
	};

	point_block(mp, POINT_ROOT_COMMIT, t.bno[t.nr - 1]);
	if (mp->m_watch)
		mp->m_watch->root_commit(mp->m_watch->ctx, &t);
}

/* Make @bl the AG's tree; *@old is what it replaces. */
static int switch_root(struct trans *tp, struct ag *pag, struct bload *bl,
		       struct tree *old)
{
	struct tree *tree = &pag->tree;
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
	tp->t_has_root = true;
	tp->t_root = (struct root_record){
		.agno = pag->agno,
		.level = tree->height - 1,
		.bno = tree->bno[tree->nr - 1],
		.gen = tree->gen,
	};
	watch_root_commit(tp->t_mount, pag);
	return 0;
}

/*
 * Only what is cached and not stale needs staling (kernel:
 * xreap_agextent_binval, whose live scan gives no stale buffer).
 */
static int reap_block(struct trans *tp, uint64_t bno)
{
	struct buf *bp;
	int error;

	COUNT(tp->t_lookups++);
	error = buf_get(tp->t_mount, bno, 1,
			BUF_GET_INCORE | BUF_GET_LIVESCAN, &bp);
	if (!error)
		error = trans_add(tp, bp);
	if (!error)
		trans_binval(tp, bp);
	else if (error != -ENOENT)
		return error;
	return space_free(tp, bno, 1);
}

/* Kernel: xrep_reap_agblocks, a transaction per so many blocks. */
#define REAP_PER_TRANS	128

static int reap(struct trans **tpp, struct buf *agbp, struct tree *old)
{
	int error = 0;

	for (unsigned int i = 0; i < old->nr && !error; i++) {
		if (i && i % REAP_PER_TRANS == 0) {
			error = trans_roll(tpp, agbp);
			if (error)
				break;
			trans_log_buf(*tpp, agbp, 128);
		}
		error = reap_block(*tpp, old->bno[i]);
	}
	return error;
}

static int load_blocks(struct trans *tp, unsigned int agno, struct bload *bl,
		       struct repair_result *res)
{
	int error;

	error = bload_geometry(bl);
	if (error)
		return error;
	error = reserve_blocks(tp, agno, bl);
	if (error)
		return error;
	bl->gen = next_gen(bl->mount);
	error = bload_run(bl);
	res->gen = bl->gen;
	res->blocks = bl->nr_blocks;
	COUNT(res->misqueued = bl->misqueued);
	if (error)
		free_reservation(tp, bl, bl->nr_blocks);
	return error;
}

/*
 * Load the blocks of a tree in a transaction that has the AG's header.
 * On error there may be one to end all the same: *@tpp.
 */
static int load(struct bload *bl, unsigned int agno, struct trans **tpp,
		struct buf **agbpp, struct repair_result *res)
{
	int error;

	*res = (struct repair_result){ 0 };
	*tpp = NULL;
	error = trans_alloc(bl->mount, tpp);
	if (!error)
		error = trans_lock_ag(*tpp, agno, agbpp);
	if (!error)
		error = load_blocks(*tpp, agno, bl, res);
	return error;
}

int repair(struct mount *mp, unsigned int agno, uint64_t nr_records,
	   struct repair_result *res)
{
	struct bload bl = { .mount = mp, .nr_records = nr_records };
	struct ag *pag = &mp->m_ag[agno];
	struct tree old = { 0 };
	struct buf *agbp;
	struct trans *tp;
	int error, error2;

	error = load(&bl, agno, &tp, &agbp, res);
	if (!error)
		error = switch_root(tp, pag, &bl, &old);
	if (!error) {
		error = trans_roll(&tp, agbp);
		res->committed = !error;
	}
	if (!error) {
		trans_log_buf(tp, agbp, 128);
		error = reap(&tp, agbp, &old);
	}
	if (tp) {
		error2 = trans_commit(tp);
		if (!error)
			error = error2;
	}
	tree_destroy(&old);
	free(bl.bno);
	return error;
}

int bulkload(struct mount *mp, unsigned int agno, uint64_t nr_records,
	     struct repair_result *res)
{
	struct bload bl = { .mount = mp, .nr_records = nr_records };
	struct buf *agbp;
	struct trans *tp;
	int error, error2 = 0;

	error = load(&bl, agno, &tp, &agbp, res);
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

int tree_modify(struct mount *mp, unsigned int agno, uint64_t pick)
{
	struct tree *tree = &mp->m_ag[agno].tree;
	struct buf *agbp, *bp;
	struct block_header *h;
	struct trans *tp;
	unsigned int i;
	int error, error2;

	error = trans_alloc(mp, &tp);
	if (error)
		return error;
	error = trans_lock_ag(tp, agno, &agbp);
	if (error || !tree->gen)
		goto out;
	i = pick % nr_leaves(tree);
	error = trans_read_buf(tp, tree->bno[i], 1, &bp);
	if (error)
		goto out;
	h = bp->b_addr;
	if (h->owner != tree->gen || h->gen != tree->block_gen[i]) {
		trans_brelse(tp, bp);
		error = -EUCLEAN;
		goto out;
	}
	WRITE_ONCE(h->gen, next_gen(mp));
	tree->block_gen[i] = h->gen;
	trans_log_buf(tp, bp, LEAF_LOG_BYTES);
out:
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
	error = pag->tree.gen ? walk_down(mp, &pag->tree, pick) : 0;
	COUNT(task_lets_go(&pag->header_stall));
	buf_relse(agbp);
	return error;
}
