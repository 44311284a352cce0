// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the cache counts for whoever wants to know how often a fix is needed
 * and under which load: a part of instrumented copies only.
 */
#include "cache/hooks.h"

static void count(uint64_t *counter, uint64_t nr)
{
	__atomic_fetch_add(counter, nr, __ATOMIC_RELAXED);
}

void stat_lookups(struct mount *mp, uint64_t nr)
{
	count(&mp->m_stat.lookups, nr);
}

static void meeting(struct buf *bp, unsigned int flags)
{
	struct cache_stat *s = &bp->b_mount->m_stat;
	const struct holdings *h = &current->holdings;

	count(&s->meetings, 1);
	if (flags & BUF_GET_TRYLOCK)
		count(&s->meetings_trylock, 1);
	if (h->nr[HELD_AG])
		count(&s->held_ag, 1);
	if (h->nr[HELD_INODE])
		count(&s->held_inode, 1);
	/* An AG's header is one of them. */
	if (h->nr[HELD_BUF] > h->nr[HELD_AG])
		count(&s->held_bufs, 1);
}

void stat_found_stale(struct buf *bp, unsigned int flags)
{
	current->events.found_stale++;
	if (fix_linked(bp))
		meeting(bp, flags);
}

void stat_lets_go(struct buf *bp)
{
	if (bp->b_bno == bp->b_pag->first)
		task_lets_go(&bp->b_pag->header_stall);
}

void stat_ail_push(struct mount *mp, uint64_t list)
{
	struct cache_stat *s = &mp->m_stat;

	/* By the daemon alone. */
	count(&s->ail_pushes, 1);
	if (list > READ_ONCE(s->ail_list_max))
		WRITE_ONCE(s->ail_list_max, list);
}

void stat_rehashes(struct mount *mp, uint64_t nr)
{
	count(&mp->m_stat.rehashes, nr);
}

void stat_take(struct mount *mp, struct cache_stat *stat)
{
	uint64_t *from = (uint64_t *)&mp->m_stat, *to = (uint64_t *)stat;

	for (size_t i = 0; i < sizeof(*stat) / sizeof(*from); i++)
		to[i] = __atomic_exchange_n(&from[i], 0, __ATOMIC_RELAXED);
}
