// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directory blocks that come and go, some through the AG's free list
 * (kernel: xfs_dir2.c, xfs_alloc.c).
 */
#include "cache/dir.h"
#include "cache/mount.h"
#include "cache/trans.h"

static int dir_log(struct trans *tp, uint64_t bno)
{
	struct block_header *h;
	struct buf *bp;
	int error;

	error = trans_get_buf(tp, bno, 1, &bp);
	if (error)
		return error;
	h = bp->b_addr;
	h->magic = BLOCK_MAGIC;
	h->bno = bno;
	WRITE_ONCE(h->gen, next_gen(tp->t_mount));
	trans_log_buf(tp, bp, 512);
	return 0;
}

/* Behind the last one, if possible (kernel: xfs_bmap_btalloc, _adjacent). */
static int dir_alloc(struct trans *tp, struct ag *pag, uint64_t *bno)
{
	struct space_want want = {
		.near = AG_FIRST_BLOCK,
		.minlen = 1,
		.maxlen = 1,
		.align = 1,
	};

	if (pag->nr_dir)
		want.near = pag->dir[pag->nr_dir - 1] + 1 - pag->first;
	return space_alloc_near(tp, pag->agno, &want, bno);
}

static int dir_add(struct trans *tp, struct ag *pag, bool agfl)
{
	uint64_t bno = agfl ? agfl_get(pag) : 0;

	if (!bno) {
		int got = dir_alloc(tp, pag, &bno);

		if (got < 0)
			return got;
	}
	pag->dir[pag->nr_dir++] = bno;
	return dir_log(tp, bno);
}

static int dir_del(struct trans *tp, struct ag *pag, unsigned int i, bool agfl)
{
	uint64_t bno = pag->dir[i];
	struct buf *bp;
	int error;

	error = trans_get_buf(tp, bno, 1, &bp);
	if (error)
		return error;
	pag->dir[i] = pag->dir[--pag->nr_dir];
	trans_binval(tp, bp);
	if (agfl && agfl_put(pag, bno))
		return 0;
	return space_free(tp, bno, 1);
}

int dir_churn(struct mount *mp, unsigned int agno, uint64_t pick)
{
	struct ag *pag = &mp->m_ag[agno];
	unsigned int what = pick % 8, at = pick / 8 % DIR_BLOCKS;
	bool agfl = pick / 8 / DIR_BLOCKS % 4 == 0;
	struct buf *agbp;
	struct trans *tp;
	int error, error2;

	if (what == 7) {
		/* Wherever it points: also at freed and reused blocks. */
		buf_readahead(
			mp, pag->first + 1 + pick / 64 % (pag->blocks - 1), 1);
		return 0;
	}
	error = trans_alloc(mp, &tp);
	if (error)
		return error;
	error = trans_lock_ag(tp, agno, &agbp);
	if (error)
		goto out;
	if (what < 3 && pag->nr_dir < DIR_BLOCKS)
		error = dir_add(tp, pag, agfl);
	else if (what < 6 && at < pag->nr_dir)
		error = dir_del(tp, pag, at, agfl);
	else if (at < pag->nr_dir)
		error = dir_log(tp, pag->dir[at]);
out:
	error2 = trans_commit(tp);
	return error ? error : error2;
}
