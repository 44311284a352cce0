// SPDX-License-Identifier: GPL-2.0-only
/*
 * Least recently used buffers, a list per memory node, and the shrinker
 * that rotates them by weight (kernel: list_lru, xfs_buftarg_isolate).
 */
#include "cache/mount.h"

void lru_init(struct mount *mp)
{
	for (int i = 0; i < LRU_NODES; i++) {
		spin_lock_init(&mp->m_lru[i].lock);
		list_init(&mp->m_lru[i].list);
		mp->m_lru[i].nr = 0;
	}
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
 * Of each generation: isolate(), which moves what nobody needs from a node's
 * list to the caller's, @all: whatever its weight; dispose() frees such a
 * buffer, which is on no list any more; wait_for_io().
 */
#include "lru_walk.h"

static uint64_t shrink_node(struct lru_node *lru, uint64_t nr, bool all)
{
	struct list_head list = LIST_HEAD_INIT(list);
	uint64_t gone = isolate(lru, nr, all, &list);

	while (!list_empty(&list)) {
		struct buf *bp = list_first_entry(&list, struct buf, b_lru);

		list_del_init(&bp->b_lru);
		dispose(bp);
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
	wait_for_io(mp);
	for (int i = 0; i < LRU_NODES; i++)
		while (shrink_node(&mp->m_lru[i], UINT64_MAX, true))
			;
}
