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

static void cache_objects_of(struct buf_cache *cache, object_fn tell, void *ctx)
{
	struct hash_table *t;

	spin_lock(&cache->bc_lock);
	t = cache->bc_hash.table;
	tell(ctx, "hash_table", t, sizeof(*t) + t->size * sizeof(t->bucket[0]));
	for (uint32_t b = 0; b < t->size; b++) {
		struct hash_node *node = t->bucket[b];

		for (; !hash_is_end(node); node = node->next)
			buffer(container_of(node, struct buf, b_hash), tell,
			       ctx);
	}
	spin_unlock(&cache->bc_lock);
}

void cache_objects(struct mount *mp, object_fn tell, void *ctx)
{
	tell(ctx, "mount", mp, offsetof(struct mount, m_lru));
	for (int i = 0; i < LRU_NODES; i++)
		tell(ctx, "lru_node", &mp->m_lru[i], sizeof(mp->m_lru[i]));
	for (unsigned int i = 0; i < mp->m_ag_count; i++)
		tell(ctx, "ag", &mp->m_ag[i], sizeof(mp->m_ag[i]));
	for (unsigned int i = 0; i < cache_nr(mp); i++)
		cache_objects_of(cache_nth(mp, i), tell, ctx);
}
