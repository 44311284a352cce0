/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How Linux 7.3's shrinker and unmount walk the LRU, on which used buffers may
 * be, too: the walk kills what it takes off, so that nobody finds it (kernel:
 * xfs_buftarg_isolate, xfs_buftarg_drain_rele, xfs_buftarg_wait).  A part of
 * cache/lru.c.
 */

/*
 * Lock order is b_lockref.lock, then lru lock: here it is the other way round,
 * so the first is only tried.
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
		if (!spin_trylock(&bp->b_lockref.lock)) {
			gone += all;	/* being released: come again */
			continue;
		}
		if (buf_holds(bp) > 0) {
			/* Its last release puts it there again. */
			if (!all) {
				list_del_init(&bp->b_lru);
				WRITE_ONCE(lru->nr, lru->nr - 1);
				gone++;
			}
		} else if (!all && atomic_add_unless(&bp->b_lru_ref, -1, 0)) {
			list_move_tail(&bp->b_lru, &lru->list);
		} else {
			buf_kill(bp);
			list_move_tail(&bp->b_lru, list);
			WRITE_ONCE(lru->nr, lru->nr - 1);
			gone++;
		}
		spin_unlock(&bp->b_lockref.lock);
	}
	spin_unlock(&lru->lock);
	return gone;
}

static inline void dispose(struct buf *bp)
{
	buf_destroy(bp);
}

/* None is counted: device_drain() has seen every completion return. */
static inline void wait_for_io(struct mount *mp)
{
	(void)mp;
}
