/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resizable array of chained buckets (kernel: rhashtable).  Readers walk under
 * RCU and never wait; who changes a chain has the lock of its bucket, a bit of
 * the bucket's word; a worker moves the nodes to a larger or smaller table.
 * A chain ends in a marker that names its bucket, so that a reader whose node
 * was moved to another table while he stood on it notices, and starts over.
 *
 * Not as the kernel's: no random seed, and so no rehash for one long chain; no
 * nested tables, and a table that cannot be had is no error.
 */
#ifndef CACHE_HASH_H
#define CACHE_HASH_H

#include "sync/sync.h"

struct hash_node {
	struct hash_node *next;		/* the bucket's lock; RCU to read */
};

struct hash_table {
	uint32_t size;			/* constant: a power of two */
	struct hash_table *future;	/* set once: where its nodes move to */
	struct rcu_callback rcu;
	uintptr_t bucket[];		/* first node, or 0; HASH_LOCKED */
};

struct hash {
	struct hash_table *table;	/* mutex to change; RCU to read */
	struct thread *worker;		/* constant */
	uint64_t pad[6];		/* kernel: its parameters */
	/* In another line than what readers need. */
	int work;			/* atomic: the worker is asked for */
	struct semaphore mutex;		/* for who moves, and who walks all */
	atomic_t nelems;
};

#define HASH_MIN_SIZE	32u		/* as the kernel's buffer cache */
#define HASH_LOCKED	((uintptr_t)1)	/* kernel: the same bit */

/*
 * Room for @hint nodes.  Whoever is @worker's task is woken for work; it may
 * start later, but before anything is inserted or removed.  0 or -ENOMEM.
 */
int hash_init(struct hash *hash, uint32_t hint, struct thread *worker);
/* The worker has ended, perhaps with work undone, and nobody reads. */
void hash_destroy(struct hash *hash);
/*
 * Put in @node unless its like is there: that is returned, else NULL.  RCU or
 * a lock keeps what is returned (kernel: rhashtable_lookup_get_insert_fast).
 */
struct hash_node *hash_insert(struct hash *hash, struct hash_node *node);
/* @node is in there; RCU keeps it for readers (rhashtable_remove_fast). */
void hash_remove(struct hash *hash, struct hash_node *node);
/*
 * Call @fn for the first node with @key, which cannot be removed meanwhile: its
 * bucket is locked.  False: there is none.
 */
bool hash_peek(struct hash *hash, uint64_t key,
	       void (*fn)(struct hash_node *node, void *ctx), void *ctx);
/*
 * What hash_insert() and hash_remove() have asked for: grow by two above 75 %,
 * shrink below 30 %, to what is 75 % full at most.  By the worker; sleeps.  How
 * many tables it has emptied (kernel: rht_deferred_worker).
 */
unsigned int hash_work(struct hash *hash);
/*
 * Walk all tables, by ->future; no node moves, so that each is met once.  RCU
 * held between the two; sleeps before (kernel: rhashtable_walk_start).
 */
struct hash_table *hash_walk_start(struct hash *hash);
void hash_walk_stop(struct hash *hash);

/* By the cache: the key decides the bucket; alike: not both in one hash. */
uint64_t hash_node_key(const struct hash_node *node);
bool hash_nodes_alike(const struct hash_node *a, const struct hash_node *b);

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

static inline struct hash_node *hash_end(const uintptr_t *bucket)
{
	return (struct hash_node *)((uintptr_t)bucket | 1);
}

static inline bool hash_is_end(const struct hash_node *node)
{
	return (uintptr_t)node & 1;
}

static inline uintptr_t *hash_bucket(struct hash_table *table, uint64_t key)
{
	return &table->bucket[hash_key(key) & (table->size - 1)];
}

/* Whether it is locked or not (kernel: rht_ptr_rcu). */
static inline struct hash_node *hash_first(const uintptr_t *bucket)
{
	uintptr_t word = smp_load_acquire(bucket) & ~HASH_LOCKED;

	return word ? (struct hash_node *)word : hash_end(bucket);
}

/* The table that @table's nodes move to, or NULL: not yet, or no more. */
static inline struct hash_table *hash_future(struct hash_table *table)
{
	/* Pairs with table_attach(): a node that moved is in there. */
	return smp_load_acquire(&table->future);
}

/*
 * For each node in @bucket's chain, under RCU or its lock.  Loads pair with
 * the releasing stores of who changes it.
 */
#define hash_for_each(node, bucket)					      \
	for (node = hash_first(bucket); !hash_is_end(node);		      \
	     node = smp_load_acquire(&node->next))

#endif
