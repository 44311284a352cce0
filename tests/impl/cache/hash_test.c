// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hash alone: its worker is called by hand, or is a thread that a bucket's
 * lock holds in the middle of a rehash, so that each state can be looked at.
 */
#include "tests/impl/cache/cache_test.h"

#include <stdlib.h>

static bool no_memory;

static void *table_malloc(size_t size)
{
	return no_memory ? NULL : malloc(size);
}

#define malloc(size)	table_malloc(size)
#include "cache/hash.c"
#undef malloc

struct item {
	struct hash_node node;
	uint64_t key;
	struct rcu_callback rcu;
};

uint64_t hash_node_key(const struct hash_node *node)
{
	return container_of(node, struct item, node)->key;
}

bool hash_nodes_alike(const struct hash_node *a, const struct hash_node *b)
{
	return hash_node_key(a) == hash_node_key(b);
}

/* As the cache's readers do. */
static struct hash_node *find(struct hash *hash, uint64_t key)
{
	struct hash_table *t = smp_load_acquire(&hash->table);
	struct hash_node *node;
	uintptr_t *bucket;

	do {
		bucket = hash_bucket(t, key);
		do {
			hash_for_each(node, bucket)
				if (hash_node_key(node) == key)
					return node;
		} while (node != hash_end(bucket));
		t = hash_future(t);
	} while (t);
	return NULL;
}

static struct hash_node *find_rcu(struct hash *hash, uint64_t key)
{
	struct hash_node *node;

	rcu_enter();
	node = find(hash, key);
	rcu_exit();
	return node;
}

/* How often @node is in @hash. */
static unsigned int times(struct hash *hash, const struct hash_node *node)
{
	struct hash_table *t = hash_walk_start(hash);
	unsigned int seen = 0;
	struct hash_node *at;

	for (; t; t = hash_future(t))
		for (uint32_t i = 0; i < t->size; i++)
			hash_for_each(at, &t->bucket[i])
				seen += at == node;
	hash_walk_stop(hash);
	return seen;
}

static struct thread nobody;	/* a worker that is woken and does nothing */

static void start_hash(struct hash *hash)
{
	nobody.task = current;
	assert_int_equal(hash_init(hash, 0, &nobody), 0);
}

static struct item *new_items(uint64_t nr)
{
	struct item *items = calloc(nr, sizeof(*items));

	assert_non_null(items);
	for (uint64_t i = 0; i < nr; i++)
		items[i].key = i;
	return items;
}

static void insert_all(struct hash *hash, struct item *items, uint64_t from,
		       uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		assert_null(hash_insert(hash, &items[i].node));
}

static void remove_all(struct hash *hash, struct item *items, uint64_t from,
		       uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		hash_remove(hash, &items[i].node);
}

/* Of @nr items those from @from on are in there, once, and no other is. */
static void check_items(struct hash *hash, struct item *items, uint64_t from,
			uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		bool there = i >= from;

		assert_ptr_equal(find_rcu(hash, i),
				 there ? &items[i].node : NULL);
		assert_int_equal(times(hash, &items[i].node), there);
	}
	assert_int_equal(atomic_read(&hash->nelems), nr - from);
}

/* 24 of 32 are 75 %: the next one asks, and no table is made. */
static void test_worker_grows(void **state)
{
	struct item *items = new_items(200);
	struct hash hash;

	(void)state;
	start_hash(&hash);
	insert_all(&hash, items, 0, 24);
	assert_int_equal(hash.work, 0);
	assert_int_equal(hash_work(&hash), 0);
	insert_all(&hash, items, 24, 25);
	assert_int_equal(hash.work, 1);
	assert_int_equal(hash.table->size, 32);
	assert_null(hash.table->future);
	assert_int_equal(hash_work(&hash), 1);
	assert_int_equal(hash.work, 0);
	assert_int_equal(hash.table->size, 64);
	assert_null(hash.table->future);
	check_items(&hash, items, 0, 25);
	hash_destroy(&hash);
	free(items);
}

/* While the worker does not come, nodes go to new tables, and none moves. */
static void test_late_worker(void **state)
{
	struct item *items = new_items(200);
	struct hash_table *first, *t;
	struct hash hash;

	(void)state;
	start_hash(&hash);
	first = hash.table;
	insert_all(&hash, items, 0, 33);
	assert_null(first->future);
	insert_all(&hash, items, 33, 200);
	assert_ptr_equal(hash.table, first);
	for (uint64_t i = 0; i < 33; i++) {
		struct hash_node *node;
		bool there = false;

		hash_for_each(node, hash_bucket(first, i))
			there |= node == &items[i].node;
		assert_true(there);
	}
	/* 64, 128, 256: each once the one before is over 100 % full. */
	t = first->future;
	assert_int_equal(t->size, 64);
	t = t->future;
	assert_int_equal(t->size, 128);
	t = t->future;
	assert_int_equal(t->size, 256);
	assert_null(t->future);
	check_items(&hash, items, 0, 200);
	remove_all(&hash, items, 0, 1);
	check_items(&hash, items, 1, 200);
	/* 199 are over 75 % of 256. */
	assert_int_equal(hash_work(&hash), 4);
	assert_int_equal(hash.table->size, 512);
	assert_null(hash.table->future);
	check_items(&hash, items, 1, 200);
	hash_destroy(&hash);
	free(items);
}

static void start_grown(struct hash *hash, struct item *items, uint64_t nr)
{
	start_hash(hash);
	insert_all(hash, items, 0, nr);
	while (hash_work(hash))
		;
	assert_int_equal(hash->work, 0);
}

/* Below 30 %, straight to what is at most 75 % full. */
/* Chains get longer, and nothing is lost; with memory it grows again. */
static void test_no_memory(void **state)
{
	struct item *items = new_items(200);
	struct hash hash;

	(void)state;
	start_hash(&hash);
	no_memory = true;
	assert_int_equal(hash_init(&(struct hash){ 0 }, 0, &nobody), -ENOMEM);
	insert_all(&hash, items, 0, 200);
	assert_int_equal(hash.work, 1);
	assert_int_equal(hash_work(&hash), 0);
	assert_int_equal(hash.table->size, 32);
	assert_null(hash.table->future);
	check_items(&hash, items, 0, 200);
	remove_all(&hash, items, 0, 10);
	no_memory = false;
	insert_all(&hash, items, 0, 10);
	assert_int_equal(hash_work(&hash), 4);
	assert_int_equal(hash.table->size, 512);
	check_items(&hash, items, 0, 200);
	hash_destroy(&hash);
	free(items);
}

static void test_shrink(void **state)
{
	struct item *items = new_items(1000);
	struct hash hash;

	(void)state;
	start_grown(&hash, items, 1000);
	assert_int_equal(hash.table->size, 2048);
	remove_all(&hash, items, 0, 1000 - 614);
	assert_int_equal(hash.work, 0);
	remove_all(&hash, items, 1000 - 614, 1000 - 613);
	assert_int_equal(hash.work, 1);
	assert_int_equal(hash.table->size, 2048);
	assert_null(hash.table->future);
	assert_int_equal(hash_work(&hash), 1);
	assert_int_equal(hash.table->size, 1024);
	check_items(&hash, items, 1000 - 613, 1000);
	/* In one step, however many went: 85 * 3 / 2 is within 128. */
	remove_all(&hash, items, 1000 - 613, 1000 - 85);
	assert_int_equal(hash_work(&hash), 1);
	assert_int_equal(hash.table->size, 128);
	remove_all(&hash, items, 1000 - 85, 1000 - 10);
	assert_int_equal(hash_work(&hash), 1);
	assert_int_equal(hash.table->size, 32);
	remove_all(&hash, items, 1000 - 10, 1000);
	assert_int_equal(hash.work, 0);
	assert_int_equal(hash.table->size, 32);
	check_items(&hash, items, 1000, 1000);
	hash_destroy(&hash);
	free(items);
}

static void test_limits_of_64(void **state)
{
	struct item *items = new_items(48);
	struct hash hash;

	(void)state;
	start_grown(&hash, items, 48);
	assert_int_equal(hash.table->size, 64);
	remove_all(&hash, items, 0, 29);
	assert_int_equal(hash.work, 0);
	/* 18 of 64; but when the worker comes it is 19 again. */
	remove_all(&hash, items, 29, 30);
	assert_int_equal(hash.work, 1);
	insert_all(&hash, items, 29, 30);
	assert_int_equal(hash_work(&hash), 0);
	assert_int_equal(hash.table->size, 64);
	remove_all(&hash, items, 29, 30);
	assert_int_equal(hash_work(&hash), 1);
	assert_int_equal(hash.table->size, 32);
	check_items(&hash, items, 30, 48);
	hash_destroy(&hash);
	free(items);
}

static void work(void *arg)
{
	hash_work(arg);
}

/* Keys whose bucket of 32 is @b, from @from on. */
static uint64_t key_in(uint32_t b, uint64_t from)
{
	while ((hash_key(from) & 31) != b)
		from++;
	return from;
}

/* Held in the middle: half of the old buckets are empty, half are not. */
static void test_held_rehash(void **state)
{
	struct item items[25] = { { .key = 0 } }, new[2], alike;
	struct hash_table *old;
	struct thread worker;
	struct hash hash;

	(void)state;
	start_hash(&hash);
	old = hash.table;
	/* 16 is held; each of 0 to 24 has a node. */
	for (uint32_t b = 0; b < 25; b++) {
		items[b].key = key_in(b, 0);
		assert_null(hash_insert(&hash, &items[b].node));
	}
	bucket_lock(&old->bucket[16]);
	assert_int_equal(task_start(&worker, "worker", -1, work, &hash), 0);
	wait_until(hash_future(old) &&
		   hash_is_end(hash_first(&old->bucket[15])));
	assert_ptr_equal(hash.table, old);
	assert_false(hash_is_end(hash_first(&old->bucket[16])));

	/* New ones go to the new table, whether their old bucket moved. */
	for (int i = 0; i < 2; i++) {
		uint32_t b = i ? 26 : 3;

		new[i].key = key_in(b, 1000000);
		assert_null(hash_insert(&hash, &new[i].node));
		assert_ptr_equal(find_rcu(&hash, new[i].key), &new[i].node);
		assert_true(hash_is_end(hash_first(&old->bucket[b])));
	}
	/* All are found, and what is like one of them is not put in. */
	for (uint32_t b = 0; b < 25; b++) {
		assert_ptr_equal(find_rcu(&hash, items[b].key),
				 &items[b].node);
		if (b == 16)
			continue;
		alike.key = items[b].key;
		assert_ptr_equal(hash_insert(&hash, &alike.node),
				 &items[b].node);
	}
	/* One that has moved, one that has not, one that never was there. */
	hash_remove(&hash, &items[2].node);
	hash_remove(&hash, &items[20].node);
	hash_remove(&hash, &new[0].node);
	assert_null(find_rcu(&hash, items[2].key));
	assert_null(find_rcu(&hash, items[20].key));
	assert_null(find_rcu(&hash, new[0].key));
	bucket_unlock(&old->bucket[16]);
	task_join(&worker);

	assert_int_equal(hash.table->size, 64);
	assert_null(hash.table->future);
	assert_int_equal(atomic_read(&hash.nelems), 24);
	for (uint32_t b = 0; b < 25; b++)
		assert_int_equal(times(&hash, &items[b].node),
				 b != 2 && b != 20);
	assert_int_equal(times(&hash, &new[1].node), 1);
	hash_destroy(&hash);
}

/* Tables that the worker never came to are freed, too. */
static void test_destroy_with_work(void **state)
{
	struct item *items = new_items(100);
	struct hash hash;

	(void)state;
	start_hash(&hash);
	insert_all(&hash, items, 0, 100);
	assert_int_equal(hash.work, 1);
	assert_non_null(hash.table->future);
	hash_destroy(&hash);
	free(items);
	rcu_drain();
}

/* --- all at once ------------------------------------------------------ */

#define CHANGERS	3
#define KEPT		16u	/* these stay from first to last */
#define SHARED		512u	/* who puts one in takes it out again */
#define ROUNDS		60

struct changer {
	struct thread thread;
	struct hash *hash;
	uint64_t seed;
	uint64_t won, lost, wrong;
};

static uint64_t owners[KEPT + SHARED];	/* atomic: of the key, at most 1 */
static int stop;			/* atomic */

static void item_free(struct rcu_callback *cb)
{
	free(container_of(cb, struct item, rcu));
}

/* Put @key in, unless it is there. */
static struct item *try_insert(struct changer *c, uint64_t key)
{
	struct item *item = calloc(1, sizeof(*item));
	struct hash_node *found;

	assert_non_null(item);
	item->key = key;
	rcu_enter();
	found = hash_insert(c->hash, &item->node);
	c->wrong += found && hash_node_key(found) != key;
	rcu_exit();
	if (found) {
		free(item);
		c->lost++;
		return NULL;
	}
	c->won++;
	c->wrong += __atomic_add_fetch(&owners[key], 1, __ATOMIC_SEQ_CST) != 1;
	c->wrong += find_rcu(c->hash, key) != &item->node;
	return item;
}

static void take_out(struct changer *c, struct item *item)
{
	c->wrong += find_rcu(c->hash, item->key) != &item->node;
	__atomic_sub_fetch(&owners[item->key], 1, __ATOMIC_SEQ_CST);
	hash_remove(c->hash, &item->node);
	rcu_defer(&item->rcu, item_free);
}

static void change(void *arg)
{
	static __thread struct item *mine[SHARED];
	struct changer *c = arg;

	for (int round = 0; round < ROUNDS; round++) {
		for (uint64_t i = 0; i < SHARED; i++) {
			uint64_t k = (i * 7 + c->seed * 31) % SHARED;

			mine[k] = try_insert(c, KEPT + k);
			c->wrong += !find_rcu(c->hash, i % KEPT);
		}
		for (uint64_t k = 0; k < SHARED; k++) {
			if (mine[k])
				take_out(c, mine[k]);
			c->wrong += !find_rcu(c->hash, k % KEPT);
		}
	}
}

struct worker {
	struct thread thread;
	struct hash *hash;
	unsigned int rehashes;
};

static void keep_working(void *arg)
{
	struct worker *w = arg;

	while (!smp_load_acquire(&stop)) {
		w->rehashes += hash_work(w->hash);
		sched_yield();
	}
}

static void test_concurrent(void **state)
{
	struct item *items = new_items(KEPT);
	struct changer changers[CHANGERS];
	struct hash hash;
	struct worker worker = { .hash = &hash };
	uint64_t won = 0;

	(void)state;
	start_hash(&hash);
	insert_all(&hash, items, 0, KEPT);
	assert_int_equal(task_start(&worker.thread, "worker", -1, keep_working,
				    &worker),
			 0);
	for (uint64_t i = 0; i < CHANGERS; i++) {
		changers[i] = (struct changer){ .hash = &hash, .seed = i };
		assert_int_equal(task_start(&changers[i].thread, "changer", -1,
					    change, &changers[i]),
				 0);
	}
	for (int i = 0; i < CHANGERS; i++) {
		task_join(&changers[i].thread);
		assert_int_equal(changers[i].wrong, 0);
		won += changers[i].won;
	}
	smp_store_release(&stop, 1);
	task_join(&worker.thread);
	assert_true(won >= SHARED);
	assert_true(worker.rehashes > 0);
	while (hash_work(&hash))
		;
	check_items(&hash, items, 0, KEPT);
	hash_destroy(&hash);
	rcu_drain();
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worker_grows),
		cmocka_unit_test(test_late_worker),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_shrink),
		cmocka_unit_test(test_limits_of_64),
		cmocka_unit_test(test_held_rehash),
		cmocka_unit_test(test_destroy_with_work),
		cmocka_unit_test(test_concurrent),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
