// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log item of a buffer (kernel: xfs_buf_item.c).
 */
#include "cache/inode.h"
#include "cache/mount.h"
#include "cache/trans.h"

#include <stdlib.h>

static struct buf_log_item *buf_item(struct log_item *lip)
{
	return container_of(lip, struct buf_log_item, bli_item);
}

void log_item_init(struct log_item *lip, struct mount *mp,
		   const struct log_item_ops *ops)
{
	*lip = (struct log_item){ .li_ops = ops, .li_mount = mp };
	list_init(&lip->li_ail);
	list_init(&lip->li_cil);
	list_init(&lip->li_trans);
	list_init(&lip->li_bio_list);
	COUNT(atomic_inc(&mp->m_log_items));
}

/* Free the item; the buffer, locked, loses the item's hold. */
static void buf_item_relse(struct buf_log_item *bip)
{
	struct buf *bp = bip->bli_buf;

	bp->b_log_item = NULL;
	COUNT(atomic_dec(&bp->b_mount->m_log_items));
	free(bip);
	buf_rele(bp);
}

/* Written: the log needs it no more. */
void buf_item_done(struct buf *bp)
{
	ail_delete(&bp->b_log_item->bli_item);
	buf_item_relse(bp->b_log_item);
}

static void buf_item_pin(struct log_item *lip)
{
	struct buf_log_item *bip = buf_item(lip);

	/* A hold per pin: unpinning looks at the buffer until its end. */
	buf_hold(bip->bli_buf);
	atomic_inc(&bip->bli_refcount);
	atomic_inc(&bip->bli_buf->b_pin_count);
}

/*
 * Last reference to the item of a freed buffer, which is locked since then:
 * end its life in the log.  The caller unlocks it.
 */
static void finish_stale(struct buf_log_item *bip)
{
	struct buf *bp = bip->bli_buf;

	ASSERT(buf_islocked(bp));
	ASSERT(bp->b_flags & BUF_STALE);
	if (bip->bli_flags & BLI_STALE_INODE) {
		buf_item_done(bp);
		inode_iodone(bp);
		return;
	}
	ail_delete(&bip->bli_item);
	buf_item_relse(bip);
}

static void unlock_stale(struct buf_log_item *bip)
{
	struct buf *bp = bip->bli_buf;

	finish_stale(bip);
	buf_unlock(bp);
	/* The race window opens: reusable, and perhaps still on a list. */
	point(bp, POINT_FREED_UNLOCKED);
	buf_rele(bp);
}

static void buf_item_unpin(struct log_item *lip, bool abort)
{
	struct buf_log_item *bip = buf_item(lip);
	struct buf *bp = bip->bli_buf;
	bool stale = READ_ONCE(bip->bli_flags) & BLI_STALE, freed;

	ASSERT(atomic_read(&bip->bli_refcount) > 0);
	ASSERT(atomic_read(&bp->b_pin_count) > 0);
	freed = atomic_dec_and_test(&bip->bli_refcount);
	/* Fully ordered; pairs with prepare_to_wait() in wait_unpin(). */
	if (atomic_dec_and_test(&bp->b_pin_count)) {
		wake_up_all(&bp->b_waiters);
		point(bp, POINT_UNPIN);
	}
	if (!freed) {
		buf_rele(bp);
	} else if (stale) {
		buf_rele(bp);
		unlock_stale(bip);
	} else if (abort) {
		/* As if its write had failed; the pin's hold pays for it. */
		buf_lock(bp);
		buf_set(bp, BUF_ASYNC | BUF_WRITE);
		buf_submit(bp);
	} else {
		buf_rele(bp);
	}
}

/* The transaction's reference; buffer locked. */
void buf_item_put(struct buf_log_item *bip)
{
	if (!atomic_dec_and_test(&bip->bli_refcount))
		return;
	if (li_test(&bip->bli_item, LI_IN_AIL))
		return;
	buf_item_relse(bip);
}

static void buf_item_release(struct log_item *lip)
{
	struct buf_log_item *bip = buf_item(lip);
	struct buf *bp = bip->bli_buf;
	bool hold = bip->bli_flags & BLI_HOLD;
	bool stale = bip->bli_flags & BLI_STALE;
	bool dirty = bip->bli_flags & BLI_DIRTY;

	ASSERT(buf_islocked(bp));
	bp->b_transp = NULL;
	COUNT(task_holds_buf(-1));
	WRITE_ONCE(bip->bli_flags, bip->bli_flags & ~(BLI_LOGGED | BLI_HOLD));

	if (atomic_dec_and_test(&bip->bli_refcount)) {
		if (stale) {
			unlock_stale(bip);
			return;
		}
		if (li_test(lip, LI_ABORTED) || is_shutdown(lip->li_mount))
			buf_item_done(bp);
		else if (!dirty)
			buf_item_relse(bip);
	}
	/* A stale one belongs to the last reference of its item. */
	if (stale || hold)
		return;
	COUNT(stat_lets_go(bp));
	buf_relse(bp);
}

/* AIL lock held. */
static enum push_result buf_item_push(struct log_item *lip)
{
	struct buf *bp = buf_item(lip)->bli_buf;
	enum push_result result;

	if (buf_ispinned(bp))
		return PUSH_PINNED;
	if (!buf_trylock(bp))
		return buf_ispinned(bp) ? PUSH_PINNED : PUSH_LOCKED;
	result = ail_queue(bp);
	buf_unlock(bp);
	return result;
}

static const struct log_item_ops buf_item_ops = {
	.pin = buf_item_pin,
	.unpin = buf_item_unpin,
	.release = buf_item_release,
	.push = buf_item_push,
};

/* Buffer locked; it gets an item, which holds it, unless it has one. */
int buf_item_init(struct buf *bp)
{
	struct buf_log_item *bip = bp->b_log_item;

	if (bip)
		return 0;
	bip = calloc(1, sizeof(*bip));
	if (!bip)
		return -ENOMEM;
	log_item_init(&bip->bli_item, bp->b_mount, &buf_item_ops);
	bip->bli_buf = bp;
	bip->bli_item.li_buf = bp;
	bp->b_log_item = bip;
	buf_hold(bp);
	return 0;
}
