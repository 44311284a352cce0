// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which blocks of an AG are free, used, or freed but busy until their
 * checkpoint is complete (kernel: xfs_alloc.c, xfs_extent_busy.c).
 */
#include "cache/mount.h"
#include "cache/trans.h"

#include <stdlib.h>
#include <string.h>

enum space_state { SPACE_FREE, SPACE_USED, SPACE_BUSY };

#define HEADER_LOG_BYTES	128u	/* one chunk of it changes */

int space_init(struct ag *pag)
{
	pag->space = calloc(pag->blocks, 1);
	if (!pag->space)
		return -ENOMEM;
	spin_lock_init(&pag->space_lock);
	pag->space[0] = SPACE_USED;	/* the header */
	pag->lowest_free = 1;
	COUNT(stall_clock_init(&pag->header_stall, HELD_AG));
	return 0;
}

void space_destroy(struct ag *pag)
{
	free(pag->space);
}

int trans_lock_ag(struct trans *tp, unsigned int agno, struct buf **agbpp)
{
	struct mount *mp = tp->t_mount;
	struct ag *pag = &mp->m_ag[agno];
	struct block_header *h;
	struct buf *bp;
	int error;

	COUNT(stall_begin(&pag->header_stall));
	error = trans_get_buf(tp, pag->first, 1, &bp);
	COUNT(stall_end(&pag->header_stall));
	if (error)
		return error;
	COUNT(task_holds(&pag->header_stall));
	h = bp->b_addr;
	h->magic = BLOCK_MAGIC;
	WRITE_ONCE(h->gen, next_gen(mp));
	trans_log_buf(tp, bp, HEADER_LOG_BYTES);
	*agbpp = bp;
	return 0;
}

/* space_lock held: first of @len free blocks in a row, or 0. */
static uint64_t find_free(struct ag *pag, unsigned int len)
{
	uint64_t run = 0;
	bool low = true;

	for (uint64_t i = pag->lowest_free; i < pag->blocks; i++) {
		if (pag->space[i] == SPACE_FREE) {
			low = false;
			if (++run == len)
				return i + 1 - len;
			continue;
		}
		run = 0;
		if (low)
			pag->lowest_free = i + 1;
	}
	return 0;
}

/* *@len is what it must be at least, then what it is. */
static uint64_t take_free(struct ag *pag, unsigned int *len, unsigned int max,
			  bool *busy)
{
	uint64_t at;

	spin_lock(&pag->space_lock);
	at = find_free(pag, *len);
	if (at) {
		while (*len < max && at + *len < pag->blocks &&
		       pag->space[at + *len] == SPACE_FREE)
			(*len)++;
		memset(pag->space + at, SPACE_USED, *len);
	}
	*busy = pag->nbusy;
	spin_unlock(&pag->space_lock);
	return at;
}

static int alloc_range(struct trans *tp, unsigned int agno, unsigned int *len,
		       unsigned int max, uint64_t *bno)
{
	struct mount *mp = tp->t_mount;
	struct ag *pag = &mp->m_ag[agno];
	uint64_t at;
	bool busy;

	at = take_free(pag, len, max, &busy);
	if (!at && busy) {
		/* Kernel: xfs_extent_busy_flush. */
		log_force(mp);
		at = take_free(pag, len, max, &busy);
	}
	if (!at)
		return -ENOSPC;
	*bno = pag->first + at;
	for (unsigned int i = 0; mp->m_points && i < *len; i++)
		point_block(mp, POINT_ALLOC, *bno + i);
	return 0;
}

int space_alloc(struct trans *tp, unsigned int agno, unsigned int len,
		uint64_t *bno)
{
	return alloc_range(tp, agno, &len, len, bno);
}

int space_alloc_some(struct trans *tp, unsigned int agno, unsigned int max,
		     uint64_t *bno)
{
	unsigned int len = 1;
	int error = alloc_range(tp, agno, &len, max, bno);

	return error ? error : (int)len;
}

int space_free(struct trans *tp, uint64_t bno, unsigned int len)
{
	struct mount *mp = tp->t_mount;
	struct ag *pag = ag_of(mp, bno);
	struct busy_extent *busy = malloc(sizeof(*busy));

	if (!busy)
		return -ENOMEM;
	busy->bno = bno;
	busy->len = len;
	spin_lock(&pag->space_lock);
	memset(pag->space + (bno - pag->first), SPACE_BUSY, len);
	pag->nbusy += len;
	spin_unlock(&pag->space_lock);
	list_add_tail(&busy->list, &tp->t_busy);
	return 0;
}

void space_busy_clear(struct mount *mp, struct list_head *list)
{
	while (!list_empty(list)) {
		struct busy_extent *busy = list_first_entry(
			list, struct busy_extent, list);
		struct ag *pag = ag_of(mp, busy->bno);
		uint64_t at = busy->bno - pag->first;

		list_del_init(&busy->list);
		spin_lock(&pag->space_lock);
		memset(pag->space + at, SPACE_FREE, busy->len);
		pag->nbusy -= busy->len;
		if (at < pag->lowest_free)
			pag->lowest_free = at;
		spin_unlock(&pag->space_lock);
		for (unsigned int i = 0; mp->m_points && i < busy->len; i++)
			point_block(mp, POINT_BUSY_CLEARED, busy->bno + i);
		free(busy);
	}
}

uint64_t agfl_get(struct ag *pag)
{
	uint64_t bno;

	if (!pag->nr_agfl)
		return 0;
	bno = pag->agfl[0];
	memmove(pag->agfl, pag->agfl + 1, --pag->nr_agfl * sizeof(bno));
	return bno;
}

bool agfl_put(struct ag *pag, uint64_t bno)
{
	if (pag->nr_agfl == AGFL_SIZE)
		return false;
	pag->agfl[pag->nr_agfl++] = bno;
	return true;
}
