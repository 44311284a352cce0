// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where this cache's objects are: for whoever has an address and wants its
 * name, or wants to know on which memory node they came to lie.
 */
#include "cache/mount.h"

#include "cache/format.h"
#include "cache/ops.h"

#include <stddef.h>

typedef void (*object_fn)(void *ctx, const char *what, const void *at,
			  size_t size);

static void buffer(const struct buf *bp, object_fn tell, void *ctx)
{
	tell(ctx, "buf", bp, sizeof(*bp));
	if (bp->b_addr)
		tell(ctx, "data", bp->b_addr,
		     (size_t)bp->b_length * BLOCK_SIZE);
}

static void hash_objects(struct hash *hash, object_fn tell, void *ctx)
{
	struct hash_table *t = hash_walk_start(hash);
	struct hash_node *node;

	for (; t; t = hash_future(t)) {
		tell(ctx, "hash_table", t,
		     sizeof(*t) + t->size * sizeof(t->bucket[0]));
		for (uint32_t i = 0; i < t->size; i++)
			hash_for_each(node, &t->bucket[i])
				buffer(container_of(node, struct buf, b_hash),
				       tell, ctx);
	}
	hash_walk_stop(hash);
}

void cache_objects(struct mount *mp, object_fn tell, void *ctx)
{
	tell(ctx, "mount", mp, offsetof(struct mount, m_lru));
	for (int i = 0; i < LRU_NODES; i++)
		tell(ctx, "lru_node", &mp->m_lru[i], sizeof(mp->m_lru[i]));
	for (unsigned int i = 0; i < mp->m_ag_count; i++)
		tell(ctx, "ag", &mp->m_ag[i], sizeof(mp->m_ag[i]));
	for (unsigned int i = 0; i < hash_nr(mp); i++)
		hash_objects(hash_nth(mp, i), tell, ctx);
}
