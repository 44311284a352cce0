/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resizable array of chained buckets, like the kernel's rhashtable:
 * readers walk under RCU and never wait; a chain ends in a marker that
 * names its bucket, so that a reader whose element was moved to another
 * table while he stood on it notices, and starts over.
 */
#ifndef CACHE_HASH_H
#define CACHE_HASH_H

#include "sync/sync.h"

struct hash_node {
	struct hash_node *next;
};

struct hash_table {
	uint32_t size;			/* constant: a power of two */
	struct hash_table *future;	/* set once, while rehashing */
	struct rcu_callback rcu;
	struct hash_node *bucket[];
};

struct hash {
	struct hash_table *table;	/* bc_lock to change; RCU to read */
	uint32_t nelems;		/* bc_lock */
};

#define HASH_MIN_SIZE	32u		/* as the kernel's buffer cache */

int hash_init(struct hash *hash, uint32_t hint);
void hash_destroy(struct hash *hash);
/* Lock held by the caller; @key decides the bucket. */
void hash_insert(struct hash *hash, struct hash_node *node, uint64_t key);
void hash_remove(struct hash *hash, struct hash_node *node, uint64_t key);
/* Keys by node, for moving them: the cache says where the key is. */
uint64_t hash_node_key(const struct hash_node *node);

static inline uint32_t rol32(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

/* Bob Jenkins' lookup3 of two words, as rhashtable hashes an 8-byte key. */
static inline uint32_t hash_key(uint64_t key)
{
	uint32_t a = 0xdeadbeefu + 8, b = a, c = a;

	a += (uint32_t)key;
	b += (uint32_t)(key >> 32);
	c ^= b;
	c -= rol32(b, 14);
	a ^= c;
	a -= rol32(c, 11);
	b ^= a;
	b -= rol32(a, 25);
	c ^= b;
	c -= rol32(b, 16);
	a ^= c;
	a -= rol32(c, 4);
	b ^= a;
	b -= rol32(a, 14);
	c ^= b;
	c -= rol32(b, 24);
	return c;
}

static inline struct hash_node *hash_end(struct hash_node **bucket)
{
	return (struct hash_node *)((uintptr_t)bucket | 1);
}

static inline bool hash_is_end(const struct hash_node *node)
{
	return (uintptr_t)node & 1;
}

static inline struct hash_node **hash_bucket(struct hash_table *table,
					     uint64_t key)
{
	return &table->bucket[hash_key(key) & (table->size - 1)];
}

/*
 * For each node in @key's chain, under RCU or the lock.  Loads pair with
 * the releasing stores of hash_insert() and of a rehash.
 */
#define hash_for_each(node, start, bucket)				      \
	for (node = smp_load_acquire(bucket); !hash_is_end(node);	      \
	     node = smp_load_acquire(&node->next))

#endif
