// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions (kernel: xfs_trans.c, xfs_trans_buf.c).
 */
#include "cache/trans.h"
#include "cache/mount.h"

#include <stdlib.h>

int trans_alloc(struct mount *mp, struct trans **tpp)
{
	struct trans *tp = calloc(1, sizeof(*tp));

	if (!tp)
		return -ENOMEM;
	log_reserve(mp);
	if (is_shutdown(mp)) {
		free(tp);
		return -EIO;
	}
	tp->t_mount = mp;
	list_init(&tp->t_items);
	list_init(&tp->t_busy);
	*tpp = tp;
	return 0;
}

void trans_join(struct trans *tp, struct log_item *lip)
{
	list_add_tail(&lip->li_trans, &tp->t_items);
}

/* Buffer locked, with an item. */
void trans_bjoin(struct trans *tp, struct buf *bp)
{
	atomic_inc(&bp->b_log_item->bli_refcount);
	trans_join(tp, &bp->b_log_item->bli_item);
	bp->b_transp = tp;
	COUNT(task_holds_buf(1));
}

/* A buffer that the transaction has already, or NULL. */
static struct buf *trans_match(struct trans *tp, uint64_t bno,
			       unsigned int len)
{
	struct log_item *lip;

	list_for_each_entry(lip, &tp->t_items, li_trans) {
		struct buf *bp = lip->li_buf;

		if (bp && bp->b_transp == tp && bp->b_bno == bno &&
		    bp->b_length == len)
			return bp;
	}
	return NULL;
}

int trans_add(struct trans *tp, struct buf *bp)
{
	int error = buf_item_init(bp);

	if (error)
		buf_relse(bp);
	else
		trans_bjoin(tp, bp);
	return error;
}

static int trans_add_buf(struct trans *tp, uint64_t bno, unsigned int len,
			 bool read, struct buf **bpp)
{
	struct buf *bp = trans_match(tp, bno, len);
	int error;

	if (bp) {
		*bpp = bp;
		return 0;
	}
	COUNT(tp->t_lookups++);
	error = read ? buf_read(tp->t_mount, bno, len, 0, &bp) :
		       buf_get(tp->t_mount, bno, len, 0, &bp);
	if (error)
		return error;
	*bpp = bp;
	return trans_add(tp, bp);
}

int trans_get_buf(struct trans *tp, uint64_t bno, unsigned int len,
		  struct buf **bpp)
{
	return trans_add_buf(tp, bno, len, false, bpp);
}

int trans_read_buf(struct trans *tp, uint64_t bno, unsigned int len,
		   struct buf **bpp)
{
	return trans_add_buf(tp, bno, len, true, bpp);
}

void trans_brelse(struct trans *tp, struct buf *bp)
{
	struct buf_log_item *bip = bp->b_log_item;

	(void)tp;
	if (li_test(&bip->bli_item, LI_DIRTY) || (bip->bli_flags & BLI_STALE))
		return;
	list_del_init(&bip->bli_item.li_trans);
	WRITE_ONCE(bip->bli_flags, bip->bli_flags & ~BLI_HOLD);
	buf_item_put(bip);
	bp->b_transp = NULL;
	COUNT(task_holds_buf(-1));
	buf_relse(bp);
}

void trans_bhold(struct trans *tp, struct buf *bp)
{
	struct buf_log_item *bip = bp->b_log_item;

	(void)tp;
	WRITE_ONCE(bip->bli_flags, bip->bli_flags | BLI_HOLD);
}

static void trans_dirty(struct trans *tp, struct log_item *lip,
			uint32_t bytes)
{
	li_set(lip, LI_DIRTY);
	lip->li_bytes += bytes;
	tp->t_dirty = true;
}

void trans_log_buf(struct trans *tp, struct buf *bp, uint32_t bytes)
{
	struct buf_log_item *bip = bp->b_log_item;
	uint32_t flags = bip->bli_flags | BLI_DIRTY | BLI_LOGGED;

	ASSERT(bp->b_transp == tp && buf_islocked(bp));
	buf_set(bp, BUF_DONE);
	/* Freed and used again in one transaction: the freeing is off. */
	if (flags & BLI_STALE) {
		flags &= ~BLI_STALE;
		buf_clear(bp, BUF_STALE);
	}
	WRITE_ONCE(bip->bli_flags, flags);
	trans_dirty(tp, &bip->bli_item, bytes);
}

void trans_binval(struct trans *tp, struct buf *bp)
{
	struct buf_log_item *bip = bp->b_log_item;

	ASSERT(bp->b_transp == tp && buf_islocked(bp));
	if (bip->bli_flags & BLI_STALE)
		return;
	buf_stale(bp);
	WRITE_ONCE(bip->bli_flags,
		   (bip->bli_flags | BLI_STALE) & ~(BLI_LOGGED | BLI_DIRTY));
	trans_dirty(tp, &bip->bli_item, 0);
	point(bp, POINT_BINVAL);
}

/* Let go of every item; the transaction is over. */
static void trans_release(struct trans *tp, bool abort)
{
	struct log_item *lip, *n;

	COUNT(stat_lookups(tp->t_mount, tp->t_lookups));
	list_for_each_entry_safe(lip, n, &tp->t_items, li_trans) {
		list_del_init(&lip->li_trans);
		li_clear(lip, LI_DIRTY);
		if (abort)
			li_set(lip, LI_ABORTED);
		lip->li_ops->release(lip);
	}
	free(tp);
}

int trans_commit(struct trans *tp)
{
	struct mount *mp = tp->t_mount;
	bool abort = is_shutdown(mp);
	struct cil_ctx *ctx = NULL;

	if (abort)
		space_busy_clear(mp, &tp->t_busy);
	else if (tp->t_dirty)
		ctx = log_commit(mp, tp);
	if (unlikely(mp->m_points))
		point_block(mp, POINT_COMMIT, UINT64_MAX);
	trans_release(tp, abort);
	if (ctx)
		log_committed(mp, ctx);
	return abort ? -EIO : 0;
}

int trans_roll(struct trans **tpp, struct buf *bp)
{
	struct mount *mp = (*tpp)->t_mount;
	struct trans *tp;
	int error, error2;

	/* Reserved before the old one ends: nobody may slip in between. */
	tp = calloc(1, sizeof(*tp));
	if (!tp) {
		trans_commit(*tpp);
		*tpp = NULL;
		return -ENOMEM;
	}
	tp->t_mount = mp;
	list_init(&tp->t_items);
	list_init(&tp->t_busy);
	trans_bhold(*tpp, bp);
	error = trans_commit(*tpp);
	*tpp = tp;
	error2 = buf_item_init(bp);
	if (error2) {
		COUNT(task_lets_go(&bp->b_pag->header_stall));
		buf_relse(bp);
		free(tp);
		*tpp = NULL;
		return error2;
	}
	trans_bjoin(tp, bp);
	return error;
}
