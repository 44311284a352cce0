// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growing and shrinking of the hash.  The kernel moves elements from a
 * worker; here whoever trips the limit does it, under the same lock.
 */
#include "cache/hash.h"

#include <errno.h>
#include <stdlib.h>

static struct hash_table *table_alloc(uint32_t size)
{
	struct hash_table *t;

	t = malloc(sizeof(*t) + size * sizeof(t->bucket[0]));
	if (!t)
		return NULL;
	t->size = size;
	t->future = NULL;
	for (uint32_t i = 0; i < size; i++)
		t->bucket[i] = hash_end(&t->bucket[i]);
	return t;
}

static void table_free(struct rcu_callback *cb)
{
	free(container_of(cb, struct hash_table, rcu));
}

int hash_init(struct hash *hash, uint32_t hint)
{
	uint32_t size = HASH_MIN_SIZE;

	while (size / 4 * 3 < hint)
		size *= 2;
	hash->nelems = 0;
	hash->table = table_alloc(size);
	return hash->table ? 0 : -ENOMEM;
}

void hash_destroy(struct hash *hash)
{
	free(hash->table);
	hash->table = NULL;
}

static void link_head(struct hash_table *t, struct hash_node *node)
{
	struct hash_node **bucket = hash_bucket(t, hash_node_key(node));

	/* The first store may be seen by a reader who stands on @node. */
	smp_store_release(&node->next, *bucket);
	smp_store_release(bucket, node);
}

/*
 * Move the last node of a chain first: a reader on it goes on into a chain
 * that ends elsewhere, and no reader before it loses what follows.
 */
static void move_chain(struct hash_node **bucket, struct hash_table *to)
{
	while (!hash_is_end(*bucket)) {
		struct hash_node **link = bucket;

		while (!hash_is_end((*link)->next))
			link = &(*link)->next;
		link_head(to, *link);
		smp_store_release(link, hash_end(bucket));
	}
}

static void rehash(struct hash *hash, uint32_t size)
{
	struct hash_table *old = hash->table, *new = table_alloc(size);

	if (!new)
		return;		/* long chains are slow, not wrong */
	/* Before any node moves: pairs with the reader's look at future. */
	smp_store_release(&old->future, new);
	for (uint32_t i = 0; i < old->size; i++)
		move_chain(&old->bucket[i], new);
	smp_store_release(&hash->table, new);
	/* Readers may still be in it, or wait for the caller's lock. */
	rcu_defer_locked(&old->rcu, table_free);
}

void hash_insert(struct hash *hash, struct hash_node *node, uint64_t key)
{
	struct hash_node **bucket = hash_bucket(hash->table, key);

	WRITE_ONCE(node->next, *bucket);
	smp_store_release(bucket, node);
	if (++hash->nelems > hash->table->size / 4 * 3)
		rehash(hash, hash->table->size * 2);
}

void hash_remove(struct hash *hash, struct hash_node *node, uint64_t key)
{
	struct hash_node **link = hash_bucket(hash->table, key);

	while (*link != node)
		link = &(*link)->next;
	smp_store_release(link, node->next);
	if (--hash->nelems < hash->table->size / 10 * 3 &&
	    hash->table->size > HASH_MIN_SIZE)
		rehash(hash, hash->table->size / 2);
}
