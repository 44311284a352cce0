// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which inode an AG gives to a new file, and where its chunks of inodes lie
 * (kernel: libxfs/xfs_ialloc.c).
 */
#include "cache/ialloc.h"
#include "cache/mount.h"
#include "cache/trans.h"

#include <stdlib.h>
#include <string.h>

/* A new cluster is not logged, but that there is one: xfs_icreate_log. */
#define ICREATE_LOG_BYTES	28u

/*
 * Behind the last one, or near the root of the inodes' tree, aligned (kernel:
 * xfs_ialloc_ag_alloc).
 */
static int chunk_space(struct trans *tp, unsigned int agno, uint64_t *bno)
{
	struct ag *pag = &tp->t_mount->m_ag[agno];
	const struct tree *tree = &pag->tree[0];
	struct space_want want = {
		.near = pag->last_chunk,
		.minlen = CHUNK_BLOCKS,
		.maxlen = CHUNK_BLOCKS,
		.align = 1,
	};
	int got = -ENOSPC;

	if (want.near)
		got = space_alloc_exact(tp, agno, &want, bno);
	if (got == -ENOSPC) {
		want.align = CHUNK_BLOCKS;
		want.near = tree->gen ? tree->bno[tree->nr - 1] - pag->first :
					AG_FIRST_BLOCK;
		got = space_alloc_near(tp, agno, &want, bno);
	}
	if (got > 0)
		pag->last_chunk = *bno + CHUNK_BLOCKS - pag->first;
	return got;
}

/* A cluster of a new chunk (kernel: xfs_ialloc_inode_init). */
static int cluster_init(struct trans *tp, uint64_t bno)
{
	struct block_header *h;
	struct buf *bp;
	int error = trans_get_buf(tp, bno, CLUSTER_BLOCKS, &bp);

	if (error)
		return error;
	memset(bp->b_addr, 0, CLUSTER_BLOCKS * BLOCK_SIZE);
	h = bp->b_addr;
	h->magic = BLOCK_MAGIC;
	h->bno = bno;
	WRITE_ONCE(h->gen, next_gen(tp->t_mount));
	trans_log_buf(tp, bp, ICREATE_LOG_BYTES);
	return 0;
}

/* The AG has a chunk more, all of it free. */
static int chunk_alloc(struct trans *tp, unsigned int agno)
{
	struct ichunk *chunk = calloc(1, sizeof(*chunk));
	struct ag *pag = &tp->t_mount->m_ag[agno];
	int error;

	if (!chunk)
		return -ENOMEM;
	chunk->agno = agno;
	chunk->free = ~0ull;
	error = chunk_space(tp, agno, &chunk->bno);
	if (error < 0)
		goto out_free;
	for (unsigned int i = 0; i < CHUNK_BLOCKS; i += CLUSTER_BLOCKS) {
		error = cluster_init(tp, chunk->bno + i);
		if (error)
			goto out_space;
	}
	list_add(&chunk->all, &pag->chunks);
	list_add(&chunk->with_free, &pag->with_free);
	return 0;

out_space:
	space_free(tp, chunk->bno, CHUNK_BLOCKS);
out_free:
	free(chunk);
	return error;
}

int chunk_find(struct trans *tp, unsigned int agno, struct ichunk **chunkp)
{
	struct ag *pag = &tp->t_mount->m_ag[agno];

	if (list_empty(&pag->with_free)) {
		int error = chunk_alloc(tp, agno);

		if (error)
			return error;
	}
	*chunkp = list_first_entry(&pag->with_free, struct ichunk, with_free);
	return 0;
}

void chunk_take(struct ichunk *chunk, unsigned int nr)
{
	chunk->free &= ~(1ull << nr);
	if (!chunk->free)
		list_del_init(&chunk->with_free);
}

bool chunk_give(struct ag *pag, struct ichunk *chunk, unsigned int nr)
{
	struct ichunk *behind;

	if (!chunk->free) {
		list_for_each_entry(behind, &pag->with_free, with_free)
			if (behind->bno > chunk->bno)
				break;
		list_add_tail(&chunk->with_free, &behind->with_free);
	}
	chunk->free |= 1ull << nr;
	if (~chunk->free)
		return false;
	list_del_init(&chunk->with_free);
	list_del_init(&chunk->all);
	return true;
}
