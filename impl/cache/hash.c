// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing the hash: buckets' locks, inserting, removing, and the worker's
 * moves to a larger or smaller table (kernel: lib/rhashtable.c).
 */
#include "cache/hash.h"

#include <errno.h>
#include <stdlib.h>

#define SPINS_BEFORE_YIELD	1000

/* --- a bucket's lock -------------------------------------------------- */

/* Kernel: rht_lock.  The holder may have been descheduled: give way. */
static void bucket_lock(uintptr_t *bucket)
{
	unsigned int spins = 0;

	while (__atomic_fetch_or(bucket, HASH_LOCKED, __ATOMIC_ACQUIRE) &
	       HASH_LOCKED) {
		do {
			cpu_relax();
			if (++spins % SPINS_BEFORE_YIELD == 0)
				task_yield();
		} while (READ_ONCE(*bucket) & HASH_LOCKED);
	}
}

/* What is stored for a chain that begins with @node. */
static uintptr_t bucket_word(const struct hash_node *node)
{
	return hash_is_end(node) ? 0 : (uintptr_t)node;
}

/* Bucket locked (kernel: rht_assign_locked). */
static void bucket_assign(uintptr_t *bucket, const struct hash_node *first)
{
	smp_store_release(bucket, bucket_word(first) | HASH_LOCKED);
}

/* The same, and unlock it: one store does both (rht_assign_unlock). */
static void bucket_assign_unlock(uintptr_t *bucket,
				 const struct hash_node *first)
{
	smp_store_release(bucket, bucket_word(first));
}

static void bucket_unlock(uintptr_t *bucket)
{
	bucket_assign_unlock(bucket, hash_first(bucket));
}

/* --- tables ----------------------------------------------------------- */

static struct hash_table *table_alloc(uint32_t size)
{
	struct hash_table *t;

	t = malloc(sizeof(*t) + size * sizeof(t->bucket[0]));
	if (!t)
		return NULL;
	t->size = size;
	t->future = NULL;
	/* Not by calloc(): the pages shall come now, as the kernel's do. */
	for (uint32_t i = 0; i < size; i++)
		WRITE_ONCE(t->bucket[i], 0);
	return t;
}

static void table_free(struct rcu_callback *cb)
{
	free(container_of(cb, struct hash_table, rcu));
}

static struct hash_table *last_table(struct hash_table *t)
{
	struct hash_table *next;

	while ((next = hash_future(t)))
		t = next;
	return t;
}

/*
 * From now on who inserts into @t goes on to one of @size; somebody else's is
 * as good (kernel: rhashtable_rehash_attach).  False: no memory.
 */
static bool table_attach(struct hash_table *t, uint32_t size)
{
	struct hash_table *none = NULL, *new = table_alloc(size);

	if (!new)
		return false;
	/* Before any node moves: pairs with hash_future(). */
	if (!__atomic_compare_exchange_n(&t->future, &none, new, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
		free(new);
	return true;
}

static uint32_t nelems(const struct hash *hash)
{
	return atomic_read(&hash->nelems);
}

/* Kernel: rht_grow_above_75. */
static bool is_dense(const struct hash *hash, const struct hash_table *t)
{
	return nelems(hash) > t->size / 4 * 3;
}

/* Kernel: rht_grow_above_100. */
static bool is_full(const struct hash *hash, const struct hash_table *t)
{
	return nelems(hash) > t->size;
}

/* Kernel: rht_shrink_below_30. */
static bool is_sparse(const struct hash *hash, const struct hash_table *t)
{
	return nelems(hash) < t->size * 3ull / 10 && t->size > HASH_MIN_SIZE;
}

/* Kernel: schedule_work. */
static void ask_for_work(struct hash *hash)
{
	if (!__atomic_exchange_n(&hash->work, 1, __ATOMIC_SEQ_CST))
		wake_up_process(hash->worker->task);
}

int hash_init(struct hash *hash, uint32_t hint, struct thread *worker)
{
	uint32_t size = HASH_MIN_SIZE;

	while (size / 4 * 3 < hint)
		size *= 2;
	hash->worker = worker;
	hash->work = 0;
	sema_init(&hash->mutex, 1);
	atomic_set(&hash->nelems, 0);
	hash->table = table_alloc(size);
	return hash->table ? 0 : -ENOMEM;
}

void hash_destroy(struct hash *hash)
{
	struct hash_table *t = hash->table, *next;

	for (; t; t = next) {
		next = t->future;
		free(t);
	}
	hash->table = NULL;
}

/* --- changing a chain ------------------------------------------------- */

/* Bucket locked. */
static struct hash_node *find_alike(const uintptr_t *bucket,
				    const struct hash_node *node)
{
	struct hash_node *at;

	hash_for_each(at, bucket)
		if (hash_nodes_alike(at, node))
			return at;
	return NULL;
}

/* RCU held. */
static struct hash_node *insert_node(struct hash *hash, struct hash_node *node)
{
	struct hash_table *t = smp_load_acquire(&hash->table), *next;
	uint64_t key = hash_node_key(node);
	bool no_memory = false;
	struct hash_node *found;
	uintptr_t *bucket;

	for (;;) {
		bucket = hash_bucket(t, key);
		bucket_lock(bucket);
		found = find_alike(bucket, node);
		/* Locked: else move_chain() might have been here already. */
		next = hash_future(t);
		if (found) {
			bucket_unlock(bucket);
			return found;
		}
		if (!next && (no_memory || !is_full(hash, t)))
			break;
		bucket_unlock(bucket);
		if (next) {
			t = next;
			continue;
		}
		/* The worker is late (kernel: rhashtable_insert_rehash). */
		no_memory = !table_attach(t, t->size * 2);
		ask_for_work(hash);
	}
	WRITE_ONCE(node->next, hash_first(bucket));
	atomic_inc(&hash->nelems);
	bucket_assign_unlock(bucket, node);
	if (is_dense(hash, t))
		ask_for_work(hash);
	return NULL;
}

struct hash_node *hash_insert(struct hash *hash, struct hash_node *node)
{
	struct hash_node *found;

	rcu_enter();
	found = insert_node(hash, node);
	rcu_exit();
	return found;
}

/* False: it is not in this bucket. */
static bool bucket_remove(uintptr_t *bucket, struct hash_node *node)
{
	struct hash_node *at, *before = NULL;

	bucket_lock(bucket);
	hash_for_each(at, bucket) {
		if (at == node)
			break;
		before = at;
	}
	if (at != node) {
		bucket_unlock(bucket);
		return false;
	}
	if (before) {
		smp_store_release(&before->next, node->next);
		bucket_unlock(bucket);
	} else {
		bucket_assign_unlock(bucket, node->next);
	}
	return true;
}

void hash_remove(struct hash *hash, struct hash_node *node)
{
	uint64_t key = hash_node_key(node);
	struct hash_table *t;

	rcu_enter();
	t = smp_load_acquire(&hash->table);
	/* Moved before its bucket here was locked: then future shows it. */
	while (!bucket_remove(hash_bucket(t, key), node)) {
		t = hash_future(t);
		ASSERT(t);
	}
	atomic_dec(&hash->nelems);
	if (is_sparse(hash, t))
		ask_for_work(hash);
	rcu_exit();
}

bool hash_peek(struct hash *hash, uint64_t key,
	       void (*fn)(struct hash_node *node, void *ctx), void *ctx)
{
	struct hash_table *t;
	bool found = false;

	rcu_enter();
	for (t = smp_load_acquire(&hash->table); t && !found;
	     t = hash_future(t)) {
		uintptr_t *bucket = hash_bucket(t, key);
		struct hash_node *at;

		bucket_lock(bucket);
		hash_for_each(at, bucket) {
			found = hash_node_key(at) == key;
			if (found) {
				fn(at, ctx);
				break;
			}
		}
		bucket_unlock(bucket);
	}
	rcu_exit();
	return found;
}

/* --- the worker ------------------------------------------------------- */

static void move_node(struct hash_node *node, struct hash_table *to)
{
	uintptr_t *bucket = hash_bucket(to, hash_node_key(node));

	/* Inside another bucket's lock: always an older table's. */
	bucket_lock(bucket);
	/* The first store may be seen by a reader who stands on @node. */
	smp_store_release(&node->next, hash_first(bucket));
	bucket_assign_unlock(bucket, node);
}

/*
 * Move the last node of a chain first: a reader on it goes on into a chain
 * that ends elsewhere, and no reader before it loses what follows (kernel:
 * rhashtable_rehash_chain).
 */
static void move_chain(struct hash_table *old, uintptr_t *bucket)
{
	struct hash_node *node, *before;

	bucket_lock(bucket);
	while (!hash_is_end(node = hash_first(bucket))) {
		for (before = NULL; !hash_is_end(node->next); node = node->next)
			before = node;
		move_node(node, last_table(old));
		if (before)
			smp_store_release(&before->next, hash_end(bucket));
		else
			bucket_assign(bucket, hash_end(bucket));
	}
	bucket_unlock(bucket);
}

/* Mutex held.  False: there is no table to move to. */
static bool empty_oldest(struct hash *hash)
{
	struct hash_table *old = hash->table, *next = hash_future(old);

	if (!next)
		return false;
	for (uint32_t i = 0; i < old->size; i++)
		move_chain(old, &old->bucket[i]);
	smp_store_release(&hash->table, next);
	rcu_defer(&old->rcu, table_free);	/* readers may still be in it */
	return true;
}

/* Kernel: rhashtable_shrink. */
static uint32_t shrunk_size(const struct hash *hash)
{
	uint32_t size = HASH_MIN_SIZE;

	while (size < nelems(hash) * 3ull / 2)
		size *= 2;
	return size;
}

/* Mutex held.  Without memory chains stay long: slow, not wrong. */
static void attach_fitting(struct hash *hash)
{
	struct hash_table *t = last_table(hash->table);

	if (is_dense(hash, t)) {
		table_attach(t, t->size * 2);
	} else if (t == hash->table && is_sparse(hash, t)) {
		uint32_t size = shrunk_size(hash);

		if (size < t->size)
			table_attach(t, size);
	}
}

unsigned int hash_work(struct hash *hash)
{
	unsigned int emptied = 0;

	/* Whoever asks from now on is heard the next time. */
	if (!__atomic_exchange_n(&hash->work, 0, __ATOMIC_SEQ_CST))
		return 0;
	down(&hash->mutex);
	attach_fitting(hash);
	while (empty_oldest(hash))
		emptied++;
	up(&hash->mutex);
	return emptied;
}

struct hash_table *hash_walk_start(struct hash *hash)
{
	down(&hash->mutex);
	rcu_enter();
	return hash->table;
}

void hash_walk_stop(struct hash *hash)
{
	rcu_exit();
	up(&hash->mutex);
}
