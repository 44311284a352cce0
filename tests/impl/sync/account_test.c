// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stall clocks charge those who wait for a lock with the time in which its
 * holder slept for a list, and with no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>

#include "sync/sync.h"

#define HOLD_NS		20000000u

struct scene {
	struct stall_clock clock;
	struct semaphore sema;
	enum wait_kind kind;		/* what the holder sleeps for */
	int held, on_list;		/* atomic */
	struct wait_stat stall;		/* the victim's */
	uint64_t from, to;		/* of the victim's wait, outside */
};

static void holder_main(void *arg)
{
	struct scene *s = arg;

	down(&s->sema);
	task_holds(&s->clock);
	task_holds(&s->clock);
	smp_store_release(&s->held, 1);
	wait_var_event(&s->on_list, !READ_ONCE(s->on_list), s->kind);
	task_lets_go(&s->clock);
	/* Not there any more: nobody is charged. */
	sleep_ns(HOLD_NS, WAIT_LIST);
	up(&s->sema);
}

static void victim_main(void *arg)
{
	struct scene *s = arg;

	s->from = now_ns();
	stall_begin(&s->clock);
	down(&s->sema);
	stall_end(&s->clock);
	s->to = now_ns();
	up(&s->sema);
	s->stall = task_take_stall();
}

static void spin_until(int *flag, int value)
{
	while (smp_load_acquire(flag) != value)
		sched_yield();
}

/* How long, at least, the holder slept while the victim waited. */
static uint64_t run_scene(struct scene *s, enum wait_kind kind)
{
	struct thread holder, victim;
	uint64_t both, end;

	*s = (struct scene){ .kind = kind, .on_list = 1 };
	stall_clock_init(&s->clock, HELD_AG);
	sema_init(&s->sema, 1);
	assert_int_equal(task_start(&holder, "holder", -1, holder_main, s), 0);
	spin_until(&s->held, 1);
	while (smp_load_acquire(&holder.task->wait_on) != &s->on_list)
		sched_yield();
	/* So long nobody waits for it: not charged. */
	sleep_ns(HOLD_NS, WAIT_IDLE);
	assert_int_equal(task_start(&victim, "victim", -1, victim_main, s), 0);
	while (smp_load_acquire(&victim.task->wait_on) != &s->sema)
		sched_yield();
	both = now_ns();
	sleep_ns(HOLD_NS, WAIT_IDLE);
	end = now_ns();
	WRITE_ONCE(s->on_list, 0);
	smp_mb();	/* pairs with prepare_to_wait() in wait_var_event() */
	wake_up_var(&s->on_list);
	task_join(&holder);
	task_join(&victim);
	return end - both;
}

static void test_list_wait_is_charged(void **state)
{
	struct scene s;
	uint64_t least = run_scene(&s, WAIT_LIST);

	(void)state;
	assert_int_equal(s.stall.count, 1);
	assert_true(s.stall.total_ns >= least);
	/* The holder's second sleep is part of the wait, not of the stall. */
	assert_true(s.stall.total_ns <= s.to - s.from - HOLD_NS);
	assert_int_equal(s.stall.max_ns, s.stall.total_ns);
}

static void test_other_waits_are_not(void **state)
{
	struct scene s;

	(void)state;
	run_scene(&s, WAIT_IO);
	assert_int_equal(s.stall.count, 0);
	assert_int_equal(s.stall.total_ns, 0);
	run_scene(&s, WAIT_LOG);
	assert_int_equal(s.stall.count, 0);
}

static void test_holdings(void **state)
{
	struct holdings *h = &current->holdings;
	struct stall_clock ag, inode;

	(void)state;
	stall_clock_init(&ag, HELD_AG);
	stall_clock_init(&inode, HELD_INODE);
	task_holds(&ag);
	task_holds(&inode);
	task_holds(&ag);
	task_holds_buf(1);
	assert_int_equal(h->nr[HELD_AG], 1);
	assert_int_equal(h->nr[HELD_INODE], 1);
	assert_int_equal(h->nr[HELD_BUF], 1);
	task_lets_go(&ag);
	task_lets_go(&ag);
	assert_int_equal(h->nr[HELD_AG], 0);
	task_lets_go(&inode);
	task_holds_buf(-1);
	assert_int_equal(h->nr[HELD_INODE], 0);
	assert_int_equal(h->nr[HELD_BUF], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_wait_is_charged),
		cmocka_unit_test(test_other_waits_are_not),
		cmocka_unit_test(test_holdings),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
