// SPDX-License-Identifier: GPL-2.0-only
/*
 * The semaphore hands over first come, first served; nobody overtakes a
 * waiter; any thread may unlock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>

#include "sync/sync.h"

#define WAITERS	12

static struct semaphore sem;
static int order[WAITERS];	/* under sem */
static int nr_served;		/* under sem; the test peeks */

static void waiter(void *arg)
{
	down(&sem);
	order[nr_served] = (intptr_t)arg;
	WRITE_ONCE(nr_served, nr_served + 1);
	up(&sem);
}

static void wait_until_asleep(struct thread *thread, const void *on)
{
	while (smp_load_acquire(&thread->task->wait_on) != on)
		sched_yield();
}

static void start_waiters(struct thread *threads)
{
	for (intptr_t i = 0; i < WAITERS; i++) {
		assert_int_equal(task_start(&threads[i], "waiter", -1, waiter,
					    (void *)i),
				 0);
		wait_until_asleep(&threads[i], &sem);
	}
}

static void test_fifo_without_overtaking(void **state)
{
	struct thread threads[WAITERS];
	unsigned int overtaken = 0, tried = 0;

	(void)state;
	for (int round = 0; round < 50; round++) {
		sema_init(&sem, 0);
		nr_served = 0;
		start_waiters(threads);
		assert_int_equal(READ_ONCE(nr_served), 0);
		assert_true(sema_is_locked(&sem));

		up(&sem);
		while (READ_ONCE(nr_served) < WAITERS) {
			tried++;
			if (!down_trylock(&sem))
				continue;
			if (nr_served < WAITERS)
				overtaken++;
			up(&sem);
		}
		for (int i = 0; i < WAITERS; i++)
			task_join(&threads[i]);
		for (int i = 0; i < WAITERS; i++)
			assert_int_equal(order[i], i);
		assert_false(sema_is_locked(&sem));
	}
	assert_int_equal(overtaken, 0);
	assert_true(tried > 0);
}

/* Between up() and the waiter's waking the semaphore is taken. */
static void test_hand_over_is_at_up(void **state)
{
	struct thread threads[WAITERS];

	(void)state;
	sema_init(&sem, 0);
	nr_served = 0;
	start_waiters(threads);
	spin_lock(&sem.lock);
	assert_int_equal(sem.count, 0);
	up_contended(&sem);
	/* Whoever came first has it, or passed it on to the next. */
	while (READ_ONCE(nr_served) < WAITERS)
		sched_yield();
	for (int i = 0; i < WAITERS; i++)
		task_join(&threads[i]);
	assert_int_equal(sem.count, 1);
	assert_true(list_empty(&sem.wait_list));
}

static void unlocker(void *arg)
{
	(void)arg;
	up(&sem);
}

static void test_another_thread_unlocks(void **state)
{
	struct thread thread;

	(void)state;
	sema_init(&sem, 1);
	down(&sem);
	assert_int_equal(task_start(&thread, "unlocker", -1, unlocker, NULL),
			 0);
	down(&sem);
	task_join(&thread);
	assert_true(sema_is_locked(&sem));
	up(&sem);
	assert_false(sema_is_locked(&sem));
}

static void test_trylock_counts(void **state)
{
	(void)state;
	sema_init(&sem, 2);
	assert_true(down_trylock(&sem));
	assert_false(sema_is_locked(&sem));
	assert_true(down_trylock(&sem));
	assert_true(sema_is_locked(&sem));
	assert_false(down_trylock(&sem));
	up(&sem);
	assert_true(down_trylock(&sem));
}

#define ROUNDS	20000

static uint64_t inside, most_inside, entries;	/* under sem */

static void hammer(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		down(&sem);
		if (++inside > most_inside)
			most_inside = inside;
		entries++;
		inside--;
		up(&sem);
	}
}

static void test_mutual_exclusion(void **state)
{
	struct thread threads[4];

	(void)state;
	sema_init(&sem, 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			task_start(&threads[i], "hammer", -1, hammer, NULL), 0);
	for (int i = 0; i < 4; i++)
		task_join(&threads[i]);
	assert_int_equal(most_inside, 1);
	assert_int_equal(entries, 4 * ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fifo_without_overtaking),
		cmocka_unit_test(test_hand_over_is_at_up),
		cmocka_unit_test(test_another_thread_unlocks),
		cmocka_unit_test(test_trylock_counts),
		cmocka_unit_test(test_mutual_exclusion),
	};

	return cmocka_run_group_tests_name("semaphore", tests, NULL, NULL);
}
