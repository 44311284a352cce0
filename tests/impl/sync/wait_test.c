// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping and waking: no wake-up is lost when the waker has its barrier,
 * a wake-up ends a timed sleep, completions work in either order, and
 * waits are charged to what they were for.  A hang is the failure here, so
 * an alarm ends the program with a line that says so.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <unistd.h>

#include "sync/sync.h"

#ifdef __SANITIZE_THREAD__
#define ROUNDS	20000
#else
#define ROUNDS	50000
#endif
#define HANG_SECONDS	600
#define LONG_NS		1000000000000u
#define SHORT_NS	2000000u

static int turn;	/* whose turn it is; passed on with wake_up_var() */

/* Both come to the hand-over at about the same time: that is the race. */
static void dither(unsigned int *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	for (unsigned int i = *seed >> 24; i > 0; i--)
		cpu_relax();
}

static void take_turns(int me)
{
	unsigned int seed = me + 1;

	for (int i = 0; i < ROUNDS; i++) {
		wait_var_event(&turn, READ_ONCE(turn) == me, WAIT_LIST);
		dither(&seed);
		WRITE_ONCE(turn, !me);
		/* Pairs with set_current_state() in prepare_to_wait(). */
		smp_mb();
		wake_up_var(&turn);
		dither(&seed);
	}
}

static void other_turn(void *arg)
{
	(void)arg;
	take_turns(1);
}

static void test_var_loses_no_wake_up(void **state)
{
	struct wait_stat waits[WAIT_KINDS];
	struct thread thread;

	(void)state;
	task_take_waits(waits);
	assert_int_equal(task_start(&thread, "other", -1, other_turn, NULL), 0);
	take_turns(0);
	task_join(&thread);
	assert_int_equal(turn, 0);
	task_take_waits(waits);
	assert_true(waits[WAIT_LIST].count > 0);
}

/* Only those who wait for that address are woken for it. */
static void test_var_queue_is_shared(void **state)
{
	struct wait_queue_entry mine = { .task = current };
	struct wait_queue_head wq;
	int a = 0, b = 0;

	(void)state;
	wait_queue_init(&wq);
	list_init(&mine.list);
	mine.var = &a;
	prepare_to_wait(&wq, &mine);
	assert_true(wait_queue_active(&wq));
	wake_up_queue(&wq, &b);
	assert_int_equal(READ_ONCE(current->state), TASK_SLEEPING);
	assert_false(list_empty(&mine.list));
	wake_up_queue(&wq, &a);
	assert_int_equal(READ_ONCE(current->state), TASK_RUNNING);
	assert_true(list_empty(&mine.list));
	finish_wait(&wq, &mine);
	assert_false(wait_queue_active(&wq));
}

static uint64_t left;

static void long_sleeper(void *arg)
{
	set_current_state(TASK_SLEEPING);
	left = schedule_timeout(LONG_NS, WAIT_IDLE, arg);
}

static void test_wake_up_ends_timed_sleep(void **state)
{
	struct thread thread;

	(void)state;
	assert_int_equal(
		task_start(&thread, "sleeper", -1, long_sleeper, &left), 0);
	while (smp_load_acquire(&thread.task->wait_on) != &left)
		sched_yield();
	assert_int_equal(READ_ONCE(thread.task->wait_kind), WAIT_IDLE);
	assert_true(READ_ONCE(thread.task->expires) > now_ns());
	assert_true(wake_up_process(thread.task));
	task_join(&thread);
	assert_true(left > 0 && left < LONG_NS);

	/* Nobody wakes this one: the time runs out. */
	set_current_state(TASK_SLEEPING);
	assert_int_equal(schedule_timeout(SHORT_NS, WAIT_IDLE, NULL), 0);
	assert_int_equal(READ_ONCE(current->state), TASK_RUNNING);
	/* A wake-up before the sleep prevents it. */
	set_current_state(TASK_SLEEPING);
	assert_true(wake_up_process(current));
	assert_false(wake_up_process(current));
	assert_true(schedule_timeout(LONG_NS, WAIT_IDLE, NULL) > 0);
}

static struct completion done, seen;

static void completer(void *arg)
{
	(void)arg;
	complete(&done);
	complete(&done);
	wait_for_completion(&seen, WAIT_IO, &seen);
}

static void test_completion_in_either_order(void **state)
{
	struct wait_stat waits[WAIT_KINDS];
	struct thread thread;

	(void)state;
	completion_init(&done);
	completion_init(&seen);

	/* Completed first: nobody sleeps. */
	task_take_waits(waits);
	complete(&seen);
	wait_for_completion(&seen, WAIT_IO, &seen);
	task_take_waits(waits);
	assert_int_equal(waits[WAIT_IO].count, 0);

	/* Waited first, by one side or the other; two pass for two. */
	assert_int_equal(task_start(&thread, "completer", -1, completer, NULL),
			 0);
	wait_for_completion(&done, WAIT_IO, &done);
	wait_for_completion(&done, WAIT_IO, &done);
	assert_int_equal(done.done, 0);
	while (smp_load_acquire(&thread.task->wait_on) != &seen)
		sched_yield();
	complete(&seen);
	task_join(&thread);
	assert_int_equal(seen.done, 0);
}

/* Wait awake, but let the other one run where there is one processor. */
static void relax(unsigned int *spins)
{
	if (++*spins % 500)
		cpu_relax();
	else
		sched_yield();
}

/* The completion lives on the waiter's stack, as device_io()'s does. */
static struct completion *on_stack;
static int nr_completed;	/* by the completer */

static void complete_on_stack(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS / 10; i++) {
		struct completion *c;
		unsigned int spins = 0;

		while (!(c = __atomic_exchange_n(&on_stack, NULL,
						 __ATOMIC_ACQ_REL)))
			relax(&spins);
		complete(c);
		smp_store_release(&nr_completed, i + 1);
	}
}

static __attribute__((noinline)) void wait_on_stack(int round,
						    unsigned int *seed)
{
	struct completion c;
	unsigned int spins = 0;

	completion_init(&c);
	smp_store_release(&on_stack, &c);
	dither(seed);
	wait_for_completion(&c, WAIT_IO, &c);
	/* What complete() must not touch any more. */
	WRITE_ONCE(c.wait.lock.word, 77);
	list_set(&c.wait.head.next, NULL);
	while (smp_load_acquire(&nr_completed) != round)
		relax(&spins);
	assert_int_equal(READ_ONCE(c.wait.lock.word), 77);
}

static void test_completion_may_go_at_once(void **state)
{
	unsigned int seed = 1;
	struct thread thread;

	(void)state;
	assert_int_equal(task_start(&thread, "completer", -1, complete_on_stack,
				    NULL),
			 0);
	for (int i = 1; i <= ROUNDS / 10; i++)
		wait_on_stack(i, &seed);
	task_join(&thread);
}

static struct semaphore sem;

static void up_when_slept_for(void *arg)
{
	struct task *waiter = arg;

	while (smp_load_acquire(&waiter->wait_on) != &sem)
		sched_yield();
	sleep_ns(SHORT_NS, WAIT_IDLE);
	up(&sem);
}

static void test_waits_are_charged(void **state)
{
	struct wait_stat waits[WAIT_KINDS];
	struct thread thread;

	(void)state;
	task_take_waits(waits);
	sleep_ns(SHORT_NS, WAIT_LOG);
	sema_init(&sem, 0);
	assert_int_equal(
		task_start(&thread, "up", -1, up_when_slept_for, current), 0);
	down(&sem);
	task_join(&thread);

	task_take_waits(waits);
	for (int kind = 0; kind < WAIT_KINDS; kind++) {
		bool want = kind == WAIT_LOG || kind == WAIT_LOCK;

		assert_int_equal(waits[kind].count > 0, want);
		assert_int_equal(waits[kind].total_ns >= SHORT_NS, want);
		assert_true(waits[kind].max_ns <= waits[kind].total_ns);
	}
	task_take_waits(waits);
	for (int kind = 0; kind < WAIT_KINDS; kind++)
		assert_int_equal(waits[kind].count, 0);
}

static void hang(int sig)
{
	static const char text[] = "wait: a test hangs: a wake-up was lost\n";

	(void)sig;
	_exit(write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ? 2 : 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_var_loses_no_wake_up),
		cmocka_unit_test(test_var_queue_is_shared),
		cmocka_unit_test(test_wake_up_ends_timed_sleep),
		cmocka_unit_test(test_completion_in_either_order),
		cmocka_unit_test(test_completion_may_go_at_once),
		cmocka_unit_test(test_waits_are_charged),
	};

	signal(SIGALRM, hang);
	alarm(HANG_SECONDS);
	return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
