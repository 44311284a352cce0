// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fibers, and what they stand for: in place of spin.c, rcu.c and thread.c of
 * impl/sync, by the same declarations.  Sleeping and waking are accesses to
 * the task's state, as there.
 */
#include "bench/fibers/fiber.h"
#include "bench/fibers/arena.h"
#include "bench/fibers/switch.h"

#include <errno.h>
#include <stdio.h>

struct fibers fibers = { .stop_at = UINT64_MAX };
__thread struct task *current_task;
/* Spinning never pays: nobody else goes on meanwhile. */
bool more_processors;

/* --- switching ------------------------------------------------------- */

static enum fiber_stop stopped;

enum fiber_stop fibers_run(struct fiber *f)
{
	fibers.cur = f;
	fibers.plain = 0;
	current_task = &f->task;
	switch_stack(&fibers.host_sp, f->sp);
	return stopped;
}

void fibers_stop(enum fiber_stop why)
{
	stopped = why;
	switch_stack(&fibers.cur->sp, fibers.host_sp);
}

void fibers_end(void)
{
	fibers_stop(STOP_ENDED);
	abort();
}

void fibers_pause(void)
{
	struct fiber *f = fibers.cur;

	fiber_drain(f, f->nr_stores);
	fibers_stop(STOP_POINT);
}

/* Nothing of it is kept back while it sleeps: sleeping is a barrier. */
static void block(enum fiber_why why)
{
	struct fiber *f = fibers.cur;

	fiber_drain(f, f->nr_stores);
	f->why = why;
	fibers_stop(STOP_BLOCKED);
}

static void runnable(struct fiber *f)
{
	f->why = FIBER_RUNS;
	if (fibers.stop_on_wake)
		fibers.stop_at = 0;
}

void fiber_yield(void)
{
	struct fiber *f = fibers.cur;

	fiber_drain(f, f->nr_stores);
	/* It has given way, or has not yet: not the same order. */
	if (fibers.ordered)
		order_access((uintptr_t)&f->why, true);
	fibers_stop(STOP_YIELD);
}

void fiber_loops(void)
{
	block(FIBER_LOOPS);
	abort();
}

static void fiber_main(void)
{
	struct fiber *f = fibers.cur;

	f->fn(f->arg);
	fiber_drain(f, f->nr_stores);
	fiber_point(&f->joins, ACCESS_STORE);
	f->why = FIBER_DONE;
	for (unsigned int i = 0; i < world->nr; i++)
		if (world->fiber[i].why == FIBER_JOINS &&
		    world->fiber[i].joins == f)
			runnable(&world->fiber[i]);
	fibers_stop(STOP_BLOCKED);
	abort();
}

struct fiber *fiber_new(const char *name, void (*fn)(void *arg), void *arg)
{
	unsigned int id = world->nr;
	struct fiber *f = &world->fiber[id];

	if (id == FIBERS) {
		fprintf(stderr, "fibers: more than %u of them\n", FIBERS);
		abort();
	}
	world->nr++;
	*f = (struct fiber){ .id = id, .fn = fn, .arg = arg };
	f->task.tid = id + 1;
	f->task.next = id ? &world->fiber[id - 1].task : NULL;
	task_name(&f->task, "%s", name);
	arena_fiber_init(f);
	f->sp = switch_prepare(arena_stack(id), FIBER_STACK, fiber_main);
	return f;
}

void fiber_until(bool (*cond)(const void *on), const void *on, uint64_t ns)
{
	struct fiber *f = fibers.cur;

	f->until = cond;
	f->until_on = on;
	f->expires = ns ? world->now + ns : 0;
	block(FIBER_UNTIL);
	f->expires = 0;
}

bool fiber_holds(struct fiber *f)
{
	struct fibers saved = fibers;
	bool holds;

	/* It sees what it would see, and that is no access of its. */
	fibers.cur = f;
	fibers.stop_at = UINT64_MAX;
	fibers.ordered = false;
	holds = f->until(f->until_on);
	fibers = saved;
	return holds;
}

/* --- spinlocks ------------------------------------------------------- */

void spin_lock_contended(spinlock_t *lock)
{
	struct fiber *f = fibers.cur;

	fiber_point(&lock->word, ACCESS_RMW);
	fiber_drain(f, f->nr_stores);
	lock->word += SPINLOCK_CONTENDER;
	for (;;) {
		fiber_point(&lock->word, ACCESS_RMW);
		if (!(lock->word & SPINLOCK_LOCKED))
			break;
		f->spins_on = (uintptr_t)&lock->word;
		world->spinners++;
		block(FIBER_SPINS);
	}
	lock->word += SPINLOCK_LOCKED - SPINLOCK_CONTENDER;
}

void fibers_stored(uintptr_t addr, size_t size)
{
	for (unsigned int i = 0; i < world->nr; i++) {
		struct fiber *f = &world->fiber[i];

		if (f->why != FIBER_SPINS || addr >= f->spins_on + 4 ||
		    f->spins_on >= addr + size)
			continue;
		world->spinners--;
		runnable(f);
	}
}

/* --- RCU ------------------------------------------------------------- */

void rcu_defer(struct rcu_callback *cb, void (*fn)(struct rcu_callback *cb))
{
	if (fibers.ordered)
		order_access((uintptr_t)&fibers.cur->deferred, true);
	cb->fn = fn;
	cb->next = fibers.cur->deferred;
	fibers.cur->deferred = cb;
}

void rcu_drain(void)
{
	for (unsigned int i = 0; i < world->nr; i++) {
		struct fiber *f = &world->fiber[i];

		if (fibers.ordered)
			order_access((uintptr_t)&f->deferred, true);
		while (f->deferred) {
			struct rcu_callback *cb = f->deferred;

			f->deferred = cb->next;
			cb->fn(cb);
		}
	}
}

/* --- tasks ----------------------------------------------------------- */

uint64_t now_ns(void)
{
	fiber_point(&world->now, ACCESS_LOAD);
	return world->now;
}

struct task *task_list(void)
{
	return &world->fiber[world->nr - 1].task;
}

struct task *task_register(void)
{
	fputs("fibers: the host is no task\n", stderr);
	abort();
}

static struct fiber *fiber_of(struct task *t)
{
	return container_of(t, struct fiber, task);
}

/* What others may read of it changes: in their order, but no point. */
static void told(struct task *t)
{
	if (fibers.ordered)
		order_access((uintptr_t)&t->wait_kind, true);
}

uint64_t schedule_timeout(uint64_t ns, enum wait_kind kind, const void *on)
{
	struct task *t = current;
	struct fiber *f = fiber_of(t);
	uint64_t start = now_ns(), end, limit;

	if (t->before_sleep)
		t->before_sleep(t);
	fiber_drain(f, f->nr_stores);
	limit = ns > UINT64_MAX - start ? UINT64_MAX : start + ns;
	told(t);
	t->wait_kind = kind;
	t->wait_since = start;
	t->expires = ns == SLEEP_FOREVER ? 0 : limit;
	t->wait_on = on ? on : t;
	t->wait_since = start;
	if (kind == WAIT_LIST)
		stall_clocks_start(t);
	fiber_point(&t->state, ACCESS_RMW);
	if (t->state != TASK_RUNNING) {
		f->expires = ns == SLEEP_FOREVER ? 0 : limit;
		block(FIBER_SLEEPS);
		f->expires = 0;
		fiber_point(&t->state, ACCESS_RMW);
		t->state = TASK_RUNNING;
	}
	if (kind == WAIT_LIST)
		stall_clocks_stop(t);
	told(t);
	t->wait_on = NULL;
	t->wait_kind = WAIT_NONE;
	end = now_ns();
	return end < limit ? limit - end : 0;
}

bool wake_up_process(struct task *t)
{
	struct fiber *f = fiber_of(t), *me = fibers.cur;
	bool slept;

	fiber_point(&t->state, ACCESS_RMW);
	fiber_drain(me, me->nr_stores);
	slept = t->state != TASK_RUNNING;
	t->state = TASK_RUNNING;
	if (f->why == FIBER_SLEEPS)
		runnable(f);
	return slept;
}

void fiber_expire(struct fiber *f)
{
	fibers.cur = f;
	if (world->now < f->expires) {
		if (fibers.ordered)
			order_access((uintptr_t)&world->now, true);
		world->now = f->expires;
	}
	/* Its state is as it was: it wakes for no reason but time. */
	if (fibers.ordered)
		order_access((uintptr_t)&f->task.state, true);
	runnable(f);
}

int task_start(struct thread *thread, const char *name, int cpu,
	       void (*fn)(void *arg), void *arg)
{
	struct fiber *f;

	/* Its number is its place. */
	fiber_point(&world->nr, ACCESS_RMW);
	if (world->nr == FIBERS)
		return -EAGAIN;
	f = fiber_new(name, fn, arg);
	*thread = (struct thread){
		.handle = f->id,
		.task = &f->task,
		.fn = fn,
		.arg = arg,
		.name = name,
		.cpu = cpu,
	};
	runnable(f);
	return 0;
}

void task_stop(struct thread *thread)
{
	fiber_point(&thread->task->stop, ACCESS_STORE);
	thread->task->stop = 1;
	wake_up_process(thread->task);
}

void task_join(struct thread *thread)
{
	struct fiber *f = fiber_of(thread->task), *me = fibers.cur;

	while (f->why != FIBER_DONE) {
		me->joins = f;
		block(FIBER_JOINS);
	}
	me->joins = NULL;
	fiber_point(&f->joins, ACCESS_LOAD);
	f->task.tid = 0;
}
