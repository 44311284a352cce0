// SPDX-License-Identifier: GPL-2.0-only
/*
 * Least recently used buffers, a list per memory node, and the shrinker
 * that rotates them by weight (kernel: list_lru, xfs_buftarg_isolate).
 */
#include "cache/mount.h"

#include <sched.h>

void lru_init(struct mount *mp)
{
	for (int i = 0; i < LRU_NODES; i++) {
		spin_lock_init(&mp->m_lru[i].lock);
		list_init(&mp->m_lru[i].list);
		mp->m_lru[i].nr = 0;
	}
}

bool lru_add(struct buf *bp)
{
	struct lru_node *lru = &bp->b_mount->m_lru[bp->b_nid];
	bool added;

	spin_lock(&lru->lock);
	added = list_empty(&bp->b_lru);
	if (added) {
		list_add_tail(&bp->b_lru, &lru->list);
		WRITE_ONCE(lru->nr, lru->nr + 1);
	}
	spin_unlock(&lru->lock);
	return added;
}

bool lru_del(struct buf *bp)
{
	struct lru_node *lru = &bp->b_mount->m_lru[bp->b_nid];
	bool removed;

	spin_lock(&lru->lock);
	removed = !list_empty(&bp->b_lru);
	if (removed) {
		list_del_init(&bp->b_lru);
		WRITE_ONCE(lru->nr, lru->nr - 1);
	}
	spin_unlock(&lru->lock);
	return removed;
}

/*
 * Lock order is b_lock, then lru lock: here it is the other way round, so
 * the first is only tried.  Buffers put on @dispose keep the LRU's hold.
 */
static uint64_t isolate(struct lru_node *lru, uint64_t nr, bool all,
			struct list_head *dispose)
{
	uint64_t seen = 0, gone = 0, limit;
	struct buf *bp, *n;

	spin_lock(&lru->lock);
	limit = nr < lru->nr ? nr : lru->nr;
	list_for_each_entry_safe(bp, n, &lru->list, b_lru) {
		if (seen++ == limit)
			break;
		if (all && atomic_read(&bp->b_hold) > 1)
			continue;
		if (!spin_trylock(&bp->b_lock)) {
			gone += all;	/* being released: come again */
			continue;
		}
		if (all)
			atomic_set(&bp->b_lru_ref, 0);
		if (!all && atomic_add_unless(&bp->b_lru_ref, -1, 0)) {
			list_move_tail(&bp->b_lru, &lru->list);
		} else {
			bp->b_state |= BSTATE_DISPOSE;
			list_move_tail(&bp->b_lru, dispose);
			WRITE_ONCE(lru->nr, lru->nr - 1);
			gone++;
		}
		spin_unlock(&bp->b_lock);
	}
	spin_unlock(&lru->lock);
	return gone;
}

static uint64_t shrink_node(struct lru_node *lru, uint64_t nr, bool all)
{
	struct list_head dispose = LIST_HEAD_INIT(dispose);
	uint64_t gone = isolate(lru, nr, all, &dispose);

	while (!list_empty(&dispose)) {
		struct buf *bp = list_first_entry(&dispose, struct buf, b_lru);

		list_del_init(&bp->b_lru);
		buf_rele(bp);
	}
	return gone;
}

uint64_t lru_shrink(struct mount *mp, uint64_t nr)
{
	uint64_t gone = 0;

	for (int i = 0; i < LRU_NODES; i++)
		if (READ_ONCE(mp->m_lru[i].nr))
			gone += shrink_node(&mp->m_lru[i], nr, false);
	return gone;
}

/* Nobody uses the mount any more, but completions may still be on theirs. */
void lru_drain(struct mount *mp)
{
	while (atomic_read(&mp->m_io_count))
		sched_yield();
	for (int i = 0; i < LRU_NODES; i++)
		while (shrink_node(&mp->m_lru[i], UINT64_MAX, true))
			;
}
