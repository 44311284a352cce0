/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How Linux 6.12's shrinker and unmount walk the LRU, which has a hold of what
 * is on it (kernel: xfs_buftarg_isolate, xfs_buftarg_drain_rele,
 * xfs_buftarg_wait).  A part of cache/lru.c.
 */

/*
 * Lock order is b_lock, then lru lock: here it is the other way round, so
 * the first is only tried.  Buffers put on @list keep the LRU's hold.
 */
static uint64_t isolate(struct lru_node *lru, uint64_t nr, bool all,
			struct list_head *list)
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
			list_move_tail(&bp->b_lru, list);
			WRITE_ONCE(lru->nr, lru->nr - 1);
			gone++;
		}
		spin_unlock(&bp->b_lock);
	}
	spin_unlock(&lru->lock);
	return gone;
}

static inline void dispose(struct buf *bp)
{
	buf_rele(bp);
}

/* A completion drops its hold after it has unlocked the buffer. */
static inline void wait_for_io(struct mount *mp)
{
	while (atomic_read(&mp->m_io_count))
		task_yield();
}
