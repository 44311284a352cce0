// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inodes and their clusters (kernel: xfs_inode.c, xfs_inode_item.c).
 */
#include "cache/inode.h"
#include "cache/mount.h"

#include <stdlib.h>
#include <string.h>

#define INODE_LOG_BYTES	512u

static bool inode_test(struct inode *ip, uint32_t flag)
{
	return READ_ONCE(ip->i_flags) & flag;
}

static void inode_set(struct inode *ip, uint32_t flag)
{
	__atomic_fetch_or(&ip->i_flags, flag, __ATOMIC_SEQ_CST);
}

static void inode_clear(struct inode *ip, uint32_t flag)
{
	__atomic_fetch_and(&ip->i_flags, ~flag, __ATOMIC_SEQ_CST);
}

static struct inode *item_inode(struct log_item *lip)
{
	return container_of(lip, struct inode_log_item, ili_item)->ili_inode;
}

static void inode_lock(struct inode *ip)
{
	COUNT(stall_begin(&ip->i_stall));
	down(&ip->i_lock);
	COUNT(stall_end(&ip->i_stall));
	COUNT(task_holds(&ip->i_stall));
}

static void inode_unlock(struct inode *ip)
{
	COUNT(task_lets_go(&ip->i_stall));
	up(&ip->i_lock);
}

static void inode_put(struct inode *ip)
{
	if (!atomic_dec_and_test(&ip->i_count))
		return;
	COUNT(atomic_dec(&ip->i_mount->m_log_items));
	free(ip);
}

/* --- the cluster buffer and the items that hang on it ---------------- */

/* Buffer locked, ili_lock held; the caller drops what attach() took. */
static void detach(struct log_item *lip)
{
	list_del_init(&lip->li_bio_list);
	WRITE_ONCE(lip->li_buf, NULL);
}

static void detached(struct log_item *lip, struct buf *bp)
{
	buf_rele(bp);
	inode_put(item_inode(lip));
}

/* Kernel: xfs_inode_item_precommit; buffer and inode locked. */
static void attach(struct inode_log_item *iip, struct buf *bp)
{
	struct log_item *lip = &iip->ili_item;

	spin_lock(&iip->ili_lock);
	iip->ili_dirty = true;
	if (!lip->li_buf) {
		buf_hold(bp);
		atomic_inc(&iip->ili_inode->i_count);
		buf_set(bp, BUF_INODES);
		list_add_tail(&lip->li_bio_list, &bp->b_li_list);
		WRITE_ONCE(lip->li_buf, bp);
	}
	spin_unlock(&iip->ili_lock);
}

/* Buffer locked (kernel: xfs_iflush_abort). */
static void flush_abort(struct log_item *lip)
{
	struct inode *ip = item_inode(lip);
	struct buf *bp = lip->li_buf;

	ail_delete(lip);
	spin_lock(&ip->i_item.ili_lock);
	ip->i_item.ili_last_dirty = false;
	ip->i_item.ili_dirty = false;
	li_clear(lip, LI_FAILED | LI_FLUSHING);
	detach(lip);
	spin_unlock(&ip->i_item.ili_lock);
	inode_clear(ip, INODE_FLUSHING);
	detached(lip, bp);
}

/* Written: those that are clean now leave the buffer (xfs_iflush_finish). */
static void flush_finish(struct buf *bp, struct list_head *items)
{
	struct log_item *lip, *n;

	list_for_each_entry_safe(lip, n, items, li_bio_list) {
		struct inode *ip = item_inode(lip);
		struct inode_log_item *iip = &ip->i_item;
		bool clean;

		spin_lock(&iip->ili_lock);
		clean = !iip->ili_dirty;
		if (clean)
			detach(lip);
		iip->ili_last_dirty = false;
		li_clear(lip, LI_FLUSHING);
		spin_unlock(&iip->ili_lock);
		inode_clear(ip, INODE_FLUSHING);
		if (clean)
			detached(lip, bp);
	}
}

void inode_iodone(struct buf *bp)
{
	struct list_head ail_updates = LIST_HEAD_INIT(ail_updates);
	struct list_head flushed = LIST_HEAD_INIT(flushed);
	struct log_item *lip, *n;

	list_for_each_entry_safe(lip, n, &bp->b_li_list, li_bio_list) {
		if (inode_test(item_inode(lip), INODE_STALE)) {
			flush_abort(lip);
			continue;
		}
		if (!item_inode(lip)->i_item.ili_last_dirty)
			continue;
		/* A look without the AIL's lock: is it needed? */
		if (lip->li_flush_lsn == READ_ONCE(lip->li_lsn) ||
		    li_test(lip, LI_FAILED))
			list_move_tail(&lip->li_bio_list, &ail_updates);
		else
			list_move_tail(&lip->li_bio_list, &flushed);
	}
	if (!list_empty(&ail_updates)) {
		ail_delete_flushed(bp->b_mount, &ail_updates);
		list_splice_tail_init(&ail_updates, &flushed);
	}
	flush_finish(bp, &flushed);
	list_splice_tail_init(&flushed, &bp->b_li_list);
	if (list_empty(&bp->b_li_list))
		buf_clear(bp, BUF_INODES);
}

void inode_io_fail(struct buf *bp)
{
	struct log_item *lip;

	list_for_each_entry(lip, &bp->b_li_list, li_bio_list) {
		li_set(lip, LI_FAILED);
		li_clear(lip, LI_FLUSHING);
	}
}

/* Inode locked, not pinned, INODE_FLUSHING set (kernel: xfs_iflush). */
static void flush(struct inode_log_item *iip, struct buf *bp)
{
	struct log_item *lip = &iip->ili_item;
	struct block_header *h = bp->b_addr;

	spin_lock(&iip->ili_lock);
	iip->ili_last_dirty = true;
	iip->ili_dirty = false;
	li_set(lip, LI_FLUSHING);
	spin_unlock(&iip->ili_lock);
	lip->li_flush_lsn = READ_ONCE(lip->li_lsn);
	WRITE_ONCE(h->gen, next_gen(bp->b_mount));
}

/* Copy one inode to its buffer, if that needs no waiting. */
static bool flush_one(struct log_item *lip, struct buf *bp)
{
	struct inode *ip = item_inode(lip);
	bool pinned;

	if (inode_test(ip, INODE_FLUSHING) || atomic_read(&ip->i_pincount) ||
	    !down_trylock(&ip->i_lock))
		return false;
	pinned = atomic_read(&ip->i_pincount);
	if (!pinned && ip->i_item.ili_dirty) {
		inode_set(ip, INODE_FLUSHING);
		flush(&ip->i_item, bp);
	}
	up(&ip->i_lock);
	return !pinned;
}

/* Buffer locked.  -EAGAIN if nothing could be flushed, -EIO: aborted. */
static int flush_cluster(struct buf *bp)
{
	bool dead = is_shutdown(bp->b_mount);
	struct log_item *lip, *n;
	int flushed = 0;

	list_for_each_entry_safe(lip, n, &bp->b_li_list, li_bio_list) {
		if (!dead)
			flushed += flush_one(lip, bp);
		else if (!atomic_read(&item_inode(lip)->i_pincount))
			flush_abort(lip);
	}
	return dead ? -EIO : flushed ? 0 : -EAGAIN;
}

/* --- the log item --------------------------------------------------- */

static void inode_item_pin(struct log_item *lip)
{
	struct inode *ip = item_inode(lip);

	atomic_inc(&ip->i_count);
	atomic_inc(&ip->i_pincount);
}

static void inode_item_unpin(struct log_item *lip, bool abort)
{
	struct inode *ip = item_inode(lip);
	struct buf *bp;

	atomic_dec(&ip->i_pincount);
	if (abort) {
		/* Not in the AIL, so that no push will ever clean it up. */
		bp = READ_ONCE(lip->li_buf);
		if (bp && !li_test(lip, LI_IN_AIL) && buf_try_hold(bp)) {
			buf_lock(bp);
			if (lip->li_buf == bp)
				flush_abort(lip);
			buf_relse(bp);
		}
	}
	inode_put(ip);
}

/*
 * Of a freed cluster: its buffer's item ends, or has ended, its stay in the
 * AIL (kernel: xfs_inode_item_committed).
 */
static bool inode_item_committed(struct log_item *lip)
{
	if (!inode_test(item_inode(lip), INODE_STALE))
		return true;
	inode_item_unpin(lip, false);
	return false;
}

static void inode_item_release(struct log_item *lip)
{
	inode_unlock(item_inode(lip));
}

/* AIL lock held, dropped in between (xfs_inode_item_push). */
static enum push_result inode_item_push(struct log_item *lip)
{
	struct mount *mp = lip->li_mount;
	struct buf *bp = READ_ONCE(lip->li_buf);
	struct inode *ip = item_inode(lip);
	enum push_result result;

	if (!bp || inode_test(ip, INODE_STALE))
		return PUSH_PINNED;
	if (atomic_read(&ip->i_pincount) || buf_ispinned(bp))
		return PUSH_PINNED;
	if (inode_test(ip, INODE_FLUSHING))
		return PUSH_FLUSHING;
	if (!buf_trylock(bp))
		return PUSH_LOCKED;
	buf_hold(bp);
	spin_unlock(&mp->m_ail.ail_lock);

	result = flush_cluster(bp) ? PUSH_LOCKED : ail_queue(bp);
	buf_relse(bp);
	spin_lock(&mp->m_ail.ail_lock);
	return result;
}

static const struct log_item_ops inode_item_ops = {
	.pin = inode_item_pin,
	.committed = inode_item_committed,
	.unpin = inode_item_unpin,
	.release = inode_item_release,
	.push = inode_item_push,
};

/* --- what users do -------------------------------------------------- */

static struct inode *inode_alloc(struct mount *mp, struct ichunk *chunk)
{
	struct inode *ip = calloc(1, sizeof(*ip));

	if (!ip)
		return NULL;
	ip->i_mount = mp;
	ip->i_chunk = chunk;
	ip->i_nr = chunk_first(chunk);
	sema_init(&ip->i_lock, 1);
	COUNT(stall_clock_init(&ip->i_stall, HELD_INODE));
	atomic_set(&ip->i_count, 1);
	spin_lock_init(&ip->i_item.ili_lock);
	log_item_init(&ip->i_item.ili_item, mp, &inode_item_ops);
	ip->i_item.ili_inode = ip;
	return ip;
}

/* Inode locked: make it dirty, if it hangs on its cluster's buffer already. */
static bool mark_attached(struct inode *ip)
{
	struct inode_log_item *iip = &ip->i_item;
	bool attached;

	spin_lock(&iip->ili_lock);
	attached = iip->ili_item.li_buf;
	if (attached)
		iip->ili_dirty = true;
	spin_unlock(&iip->ili_lock);
	return attached;
}

/* Change @ip in @tp; @bp, in @tp too, is its buffer, NULL: it is attached. */
static void inode_log(struct trans *tp, struct inode *ip, struct buf *bp)
{
	struct log_item *lip = &ip->i_item.ili_item;

	trans_join(tp, lip);
	li_set(lip, LI_DIRTY);
	lip->li_bytes += INODE_LOG_BYTES;
	tp->t_dirty = true;
	if (bp)
		attach(&ip->i_item, bp);
}

static uint64_t cluster_block(const struct inode *ip)
{
	return ip->i_chunk->bno +
	       ip->i_nr / CLUSTER_INODES * CLUSTER_BLOCKS;
}

int inode_create(struct mount *mp, unsigned int agno, struct inode **ipp)
{
	struct inode *ip = NULL;
	struct ichunk *chunk;
	struct buf *agbp, *bp;
	struct trans *tp;
	int error, error2;

	error = trans_alloc(mp, &tp);
	if (error)
		return error;
	error = trans_lock_ag(tp, agno, &agbp);
	if (!error)
		error = chunk_find(tp, agno, &chunk);
	if (error)
		goto out;
	ip = inode_alloc(mp, chunk);
	if (!ip) {
		error = -ENOMEM;
		goto out;
	}
	error = trans_read_buf(tp, cluster_block(ip), CLUSTER_BLOCKS, &bp);
	if (error)
		goto out;
	inode_lock(ip);
	inode_log(tp, ip, bp);
	trans_brelse(tp, bp);
	chunk_take(chunk, ip->i_nr);
out:
	error2 = trans_commit(tp);
	if (!error)
		error = error2;
	if (error && ip)
		inode_put(ip);
	else
		*ipp = ip;
	return error;
}

int inode_touch(struct inode *ip)
{
	struct buf *bp = NULL;
	struct trans *tp;
	int error;

	error = trans_alloc(ip->i_mount, &tp);
	if (error)
		return error;
	inode_lock(ip);
	/* Else the buffer, which its I/O may have locked, is not needed. */
	if (!mark_attached(ip))
		error = trans_read_buf(tp, cluster_block(ip), CLUSTER_BLOCKS,
				       &bp);
	if (error) {
		inode_unlock(ip);
		trans_commit(tp);
		return error;
	}
	inode_log(tp, ip, bp);
	if (bp)
		trans_brelse(tp, bp);
	return trans_commit(tp);
}

uint64_t inode_block(const struct inode *ip)
{
	return ip->i_chunk->bno + ip->i_nr / BLOCK_INODES;
}

/* One of its clusters (kernel: xfs_ifree_cluster). */
static int cluster_free(struct trans *tp, uint64_t bno)
{
	struct log_item *lip;
	struct buf *bp;
	int error = trans_get_buf(tp, bno, CLUSTER_BLOCKS, &bp);

	if (error)
		return error;
	buf_set(bp, BUF_DONE);
	list_for_each_entry(lip, &bp->b_li_list, li_bio_list)
		inode_set(item_inode(lip), INODE_STALE);
	WRITE_ONCE(bp->b_log_item->bli_flags,
		   bp->b_log_item->bli_flags | BLI_STALE_INODE);
	trans_binval(tp, bp);
	return 0;
}

/* The last inode is gone (kernel: xfs_difree_inobt); AG header locked. */
static int chunk_free(struct trans *tp, struct ichunk *chunk)
{
	int error;

	for (unsigned int i = 0; i < CHUNK_BLOCKS; i += CLUSTER_BLOCKS) {
		error = cluster_free(tp, chunk->bno + i);
		if (error)
			return error;
	}
	return space_free(tp, chunk->bno, CHUNK_BLOCKS);
}

int inode_unlink(struct inode *ip)
{
	struct ichunk *chunk = ip->i_chunk, *gone = NULL;
	struct mount *mp = ip->i_mount;
	struct buf *agbp, *bp;
	struct trans *tp;
	int error, error2;

	error = trans_alloc(mp, &tp);
	if (error)
		goto out_put;
	error = trans_lock_ag(tp, chunk->agno, &agbp);
	if (error)
		goto out_commit;
	inode_lock(ip);
	error = trans_read_buf(tp, cluster_block(ip), CLUSTER_BLOCKS, &bp);
	if (error) {
		inode_unlock(ip);
		goto out_commit;
	}
	inode_log(tp, ip, bp);
	trans_brelse(tp, bp);
	if (chunk_give(&mp->m_ag[chunk->agno], chunk, ip->i_nr)) {
		error = chunk_free(tp, chunk);
		gone = chunk;
	}
out_commit:
	error2 = trans_commit(tp);
	if (!error)
		error = error2;
out_put:
	inode_put(ip);
	free(gone);
	return error;
}
