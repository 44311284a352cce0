// SPDX-License-Identifier: GPL-2.0-only
/*
 * RCU: who reads inside a read section never sees memory that was freed,
 * and rcu_drain() waits for everything deferred before it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sync/sync.h"

#ifdef __SANITIZE_THREAD__
#define REPLACEMENTS	2000
#else
#define REPLACEMENTS	100000
#endif
#define DEFERRED	10000
#define ALIVE		0x616c697665u
#define DEAD		0x64656164u
#define LOOKS		50
#define READERS		2

struct node {
	uint64_t life;
	uint64_t serial;
	struct rcu_callback rcu;
};

static struct node *shared;	/* replaced by the writer, read under RCU */
static int stop;
static atomic_t nr_freed;

/* Dead stays readable until the end, so that a look at it is seen. */
static struct node *grave[REPLACEMENTS];

static void bury(struct rcu_callback *cb)
{
	struct node *node = container_of(cb, struct node, rcu);

	WRITE_ONCE(node->life, DEAD);
	grave[node->serial] = node;
	atomic_inc(&nr_freed);
}

/* What the sanitizers see. */
static void bury_deep(struct rcu_callback *cb)
{
	free(container_of(cb, struct node, rcu));
	atomic_inc(&nr_freed);
}

struct reader {
	struct thread thread;
	uint64_t looks;
	uint64_t dead;
	uint64_t backwards;
};

static void read_loop(void *arg)
{
	struct reader *r = arg;
	uint64_t last = 0;

	/* Made a task, and so an RCU reader, by task_start(). */
	while (!READ_ONCE(stop)) {
		struct node *node;

		rcu_enter();
		node = smp_load_acquire(&shared);
		for (int i = 0; i < LOOKS; i++) {
			if (READ_ONCE(node->life) != ALIVE)
				r->dead++;
			cpu_relax();
		}
		if (node->serial < last)
			r->backwards++;
		last = node->serial;
		rcu_exit();
		r->looks++;
	}
}

static void start_readers(struct reader *readers)
{
	for (int i = 0; i < READERS; i++) {
		struct reader *r = &readers[i];

		assert_int_equal(
			task_start(&r->thread, "reader", -1, read_loop, r), 0);
	}
}

static void replace_while_read(void (*fn)(struct rcu_callback *cb))
{
	struct reader readers[READERS] = { 0 };
	struct node *old;

	stop = 0;
	atomic_set(&nr_freed, 0);
	for (uint64_t i = 0; i < REPLACEMENTS; i++) {
		struct node *node = malloc(sizeof(*node));

		assert_non_null(node);
		node->life = ALIVE;
		node->serial = i;
		old = shared;
		smp_store_release(&shared, node);
		if (old)
			rcu_defer(&old->rcu, fn);
		else
			start_readers(readers);
	}
	WRITE_ONCE(stop, 1);
	for (int r = 0; r < READERS; r++) {
		task_join(&readers[r].thread);
		assert_true(readers[r].looks > 0);
		assert_int_equal(readers[r].dead, 0);
		assert_int_equal(readers[r].backwards, 0);
	}
	rcu_drain();
	assert_int_equal(atomic_read(&nr_freed), REPLACEMENTS - 1);
	free(shared);
	shared = NULL;
}

static void test_reader_sees_the_living(void **state)
{
	(void)state;
	replace_while_read(bury);
	for (int i = 0; i < REPLACEMENTS - 1; i++)
		free(grave[i]);
}

static void test_reader_sees_nothing_freed(void **state)
{
	(void)state;
	replace_while_read(bury_deep);
}

static void count(struct rcu_callback *cb)
{
	(void)cb;
	atomic_inc(&nr_freed);
}

static void test_drain_waits_for_all(void **state)
{
	static struct rcu_callback callbacks[DEFERRED];

	(void)state;
	atomic_set(&nr_freed, 0);
	for (int i = 0; i < DEFERRED; i++) {
		rcu_defer(&callbacks[i], count);
		if (i % 1000 == 999) {
			rcu_drain();
			assert_int_equal(atomic_read(&nr_freed), i + 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_sees_the_living),
		cmocka_unit_test(test_reader_sees_nothing_freed),
		cmocka_unit_test(test_drain_waits_for_all),
	};

	/* The main thread becomes a task: urcu must know who drains. */
	task_register();
	return cmocka_run_group_tests_name("rcu", tests, NULL, NULL);
}
