// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fibers' runtime by itself: who goes on is the test's word, and memory,
 * time, store buffers and orders are what that says.  Compiled as the measured
 * sources are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/fibers/fiber.h"

static struct snapshot *empty;
static struct fiber *a, *b;

/* What the fibers share: in the arena. */
struct shared {
	int x, y, saw_x, saw_y;
	int pad[12];
	char *page, *object;
	uint32_t *at;
	spinlock_t lock;
	uint64_t left, woke;
};

static struct shared *s;

static void start(void (*first)(void *arg), void (*second)(void *arg))
{
	snapshot_restore(empty);
	fibers.stop_at = UINT64_MAX;
	a = fiber_new("a", first, NULL);
	a->why = FIBER_RUNS;
	b = NULL;
	if (second)
		b = fiber_new("b", second, NULL);
	fibers.cur = a;
	s = calloc(1, sizeof(*s));
}

/* @nr accesses of @f, and stop before the next. */
static enum fiber_stop go(struct fiber *f, unsigned int nr)
{
	enum fiber_stop stop;

	fibers.stop_at = fibers.points + nr;
	stop = fibers_run(f);
	/* The test is no fiber: it reads memory, and no buffer. */
	fibers.cur = NULL;
	return stop;
}

static void end(struct fiber *f)
{
	while (f->why != FIBER_DONE)
		assert_int_not_equal(go(f, 1000), STOP_ENDED);
}

/* --- fibers ----------------------------------------------------------- */

static void store_both(void *arg)
{
	(void)arg;
	__atomic_store_n(&s->x, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&s->y, 1, __ATOMIC_RELAXED);
}

/* The last access is one before which both may be kept back. */
static void store_and_go_on(void *arg)
{
	store_both(arg);
	__atomic_load_n(&s->pad[8], __ATOMIC_RELAXED);
}

static void store_twice(void *arg)
{
	(void)arg;
	__atomic_store_n(&s->x, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&s->x, 2, __ATOMIC_RELAXED);
}

static void load_both(void *arg)
{
	(void)arg;
	s->saw_y = __atomic_load_n(&s->y, __ATOMIC_RELAXED);
	s->saw_x = __atomic_load_n(&s->x, __ATOMIC_RELAXED);
}

static void test_points(void **state)
{
	(void)state;
	start(store_both, load_both);
	assert_int_equal(go(a, 1), STOP_POINT);
	assert_int_equal(s->x, 1);
	assert_int_equal(s->y, 0);
	assert_true(fibers.addr == (uintptr_t)&s->y);
	assert_int_equal(fibers.access, ACCESS_STORE);
	end(b);
	assert_int_equal(s->saw_x, 1);
	assert_int_equal(s->saw_y, 0);
	end(a);
	assert_int_equal(s->y, 1);
}

static void lock_it(void *arg)
{
	(void)arg;
	spin_lock(&s->lock);
	s->x++;
	spin_unlock(&s->lock);
}

static void test_spins(void **state)
{
	(void)state;
	start(lock_it, lock_it);
	assert_int_equal(go(a, 1), STOP_POINT);
	assert_int_equal(go(b, 1000), STOP_BLOCKED);
	assert_int_equal(b->why, FIBER_SPINS);
	end(a);
	assert_int_equal(b->why, FIBER_RUNS);
	end(b);
	assert_int_equal(s->x, 2);
}

/* --- memory and snapshots --------------------------------------------- */

static void write_memory(void *arg)
{
	(void)arg;
	s->page = aligned_alloc(4096, 4096);
	s->object = malloc(100);
	memset(s->page, 'p', 4096);
	s->object[99] = 'o';
	fibers_pause();
	s->page[17] = 'q';
	s->object[99] = 'r';
	free(s->object);
	fibers_pause();
}

static void test_snapshot(void **state)
{
	struct snapshot *early = snapshot_new(), *late = snapshot_new();
	char *object;

	(void)state;
	start(write_memory, NULL);
	go(a, 1000);
	object = s->object;
	snapshot_save(early);
	for (int i = 0; i < 3; i++) {
		go(a, 1000);
		assert_int_equal(s->page[17], 'q');
		assert_true(a->bins[2] == object);
		snapshot_save(late);
		s->object[0] = 'z';
		snapshot_restore(late);
		assert_int_equal(s->page[17], 'q');
		/* The fiber goes on from where it was, too. */
		snapshot_restore(early);
		assert_int_equal(s->page[17], 'p');
		assert_int_equal(s->object[99], 'o');
		assert_null(a->bins[2]);
	}
}

static void test_reuse(void **state)
{
	char *first, *other;

	(void)state;
	start(store_both, load_both);
	first = malloc(100);
	free(first);
	fibers.cur = b;
	other = malloc(100);
	assert_true(other != first);
	fibers.cur = a;
	assert_true(malloc(100) == first);
	/* What another frees is his. */
	free(other);
	assert_true(malloc(100) == other);
}

/* --- time ------------------------------------------------------------- */

static void sleep_a_while(void *arg)
{
	(void)arg;
	current_task->state = 1;
	s->left = schedule_timeout(1000, WAIT_IDLE, NULL);
	s->woke = world->now;
}

static void wake_a(void *arg)
{
	(void)arg;
	wake_up_process(&a->task);
}

static void test_time(void **state)
{
	uint64_t began;

	(void)state;
	start(sleep_a_while, wake_a);
	began = world->now;
	assert_int_equal(go(a, 1000), STOP_BLOCKED);
	assert_int_equal(a->why, FIBER_SLEEPS);
	assert_true(a->expires == began + 1000);
	fiber_expire(a);
	end(a);
	assert_true(s->woke == began + 1000);
	assert_true(s->left == 0);
	/* Or woken: then no time has passed. */
	start(sleep_a_while, wake_a);
	began = world->now;
	go(a, 1000);
	end(b);
	assert_int_equal(a->why, FIBER_RUNS);
	end(a);
	assert_true(s->woke == began);
	assert_true(s->left == 1000);
}

/* --- store buffers ---------------------------------------------------- */

static void store_and_look(void *arg)
{
	(void)arg;
	__atomic_store_n(&s->x, 1, __ATOMIC_RELAXED);
	s->saw_x = __atomic_load_n(&s->x, __ATOMIC_RELAXED);
	__atomic_store_n(&s->y, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_load_n(&s->y, __ATOMIC_RELAXED);
}

static void test_buffers(void **state)
{
	(void)state;
	start(store_and_look, load_both);
	fibers.tso = true;
	go(a, 3);
	/* It is past the fence only with the next access. */
	assert_int_equal(s->saw_x, 1);
	assert_int_equal(s->x, 1);
	assert_int_equal(s->y, 1);
	start(store_and_go_on, load_both);
	fibers.tso = true;
	go(a, 1);
	assert_int_equal(a->nr_stores, 1);
	assert_int_equal(s->x, 0);
	go(a, 1);
	assert_int_equal(a->nr_stores, 2);
	/* The oldest first. */
	fiber_drain(a, 1);
	assert_int_equal(s->x, 1);
	assert_int_equal(s->y, 0);
	end(b);
	assert_int_equal(s->saw_x, 1);
	assert_int_equal(s->saw_y, 0);
	end(a);
	assert_int_equal(s->y, 1);
	start(store_twice, NULL);
	fibers.tso = true;
	end(a);
	assert_int_equal(s->x, 2);
}

/* --- orders ----------------------------------------------------------- */

/* @who: 'a' or 'b' for each access; then both go to their ends. */
static uint64_t order_of(const char *who, void (*first)(void *arg),
			 void (*second)(void *arg), unsigned int drained)
{
	start(first, second);
	fibers.ordered = true;
	fibers.tso = drained != 99;
	for (; *who; who++)
		go(*who == 'a' ? a : b, 1);
	if (fibers.tso)
		fiber_drain(a, drained);
	end(b);
	end(a);
	return order_hash();
}

static void load_x(void *arg)
{
	(void)arg;
	s->saw_x = __atomic_load_n(&s->x, __ATOMIC_RELAXED);
}

static void store_y(void *arg)
{
	(void)arg;
	__atomic_store_n(&s->y, 1, __ATOMIC_RELAXED);
}

static void test_orders(void **state)
{
	uint64_t hash = order_of("ab", load_x, load_both, 99);

	(void)state;
	assert_true(hash == order_of("ab", load_x, load_both, 99));
	/* Loads commute; accesses to different words do. */
	assert_true(hash == order_of("bba", load_x, load_both, 99));
	/* x and y are in the same eight bytes. */
	assert_true(order_of("ab", store_y, load_x, 99) !=
		    order_of("ba", store_y, load_x, 99));
	/* One that is kept back is ordered where it gets visible. */
	assert_true(order_of("aa", store_and_go_on, load_both, 0) !=
		    order_of("aa", store_and_go_on, load_both, 1));
	assert_true(order_of("a", store_and_go_on, load_both, 0) ==
		    order_of("aa", store_and_go_on, load_both, 0));
}

static void __attribute__((noinline)) on_stack(void *arg)
{
	uint32_t own = 0;

	(void)arg;
	s->at = &own;
	__atomic_store_n(&own, 1, __ATOMIC_RELAXED);
	s->saw_x = __atomic_load_n(&own, __ATOMIC_RELAXED);
}

static void deeper(void *arg)
{
	volatile char room[480];

	room[0] = 0;
	on_stack(arg);
	room[1] = room[0];
}

static void load_at(void *arg)
{
	(void)arg;
	s->saw_y = __atomic_load_n(s->at, __ATOMIC_RELAXED);
}

/* Where a compiler has put a variable of the stack is not part of it. */
static void test_stacks(void **state)
{
	uint64_t hash = order_of("ab", on_stack, load_at, 99);
	uint32_t *at = s->at;

	(void)state;
	assert_true(hash == order_of("ab", deeper, load_at, 99));
	assert_ptr_not_equal(at, s->at);
}

static void give_way(void *arg)
{
	(void)arg;
	load_x(arg);
	task_yield();
}

static void test_giving_way(void **state)
{
	uint64_t before;

	(void)state;
	start(give_way, NULL);
	fibers.ordered = true;
	order_access((uintptr_t)&s->x, false);
	before = order_hash();
	start(give_way, NULL);
	fibers.ordered = true;
	assert_int_equal(go(a, 1000), STOP_YIELD);
	assert_true(order_hash() != before);
}

static int open_world(void **state)
{
	(void)state;
	if (arena_init())
		return -1;
	empty = snapshot_new();
	snapshot_save(empty);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_spins),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_giving_way),
	};

	return cmocka_run_group_tests(tests, open_world, NULL);
}
