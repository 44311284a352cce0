// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads as tasks that can sleep and be woken.  state is the futex word.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sync/sync.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sync/affinity.h"

#define SPIN_NS		20000	/* awake before it parks */
#define SPINS_PER_LOOK	16	/* at the clock */

__thread struct task *current_task;

static struct task *all_tasks;	/* pushed with compare-and-swap */
bool more_processors;

__attribute__((constructor)) static void count_processors(void)
{
	/* Where it cannot be found out there are several, most likely. */
	more_processors = allowed_processors(NULL, 0) != 1;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + ts.tv_nsec;
}

/* Not plain futex_call(): liburcu's headers have one. */
static long task_futex(int *word, int op, int val,
		       const struct timespec *timeout, uint32_t val3)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, timeout,
		       NULL, val3);
}

struct task *task_list(void)
{
	return smp_load_acquire(&all_tasks);
}

/* Take a slot that a finished thread left, or a new one. */
struct task *task_register(void)
{
	int tid = syscall(SYS_gettid);
	struct task *t;

	for (t = task_list(); t; t = t->next) {
		int unused = 0;

		if (__atomic_compare_exchange_n(&t->tid, &unused, tid, false,
						__ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			break;
	}
	if (!t) {
		t = aligned_alloc(128, (sizeof(*t) + 127) / 128 * 128);
		if (!t) {
			fputs("delwribench: no memory for a thread\n", stderr);
			abort();
		}
		memset(t, 0, sizeof(*t));
		t->tid = tid;
		t->next = task_list();
		while (!__atomic_compare_exchange_n(&all_tasks, &t->next, t,
						    false, __ATOMIC_ACQ_REL,
						    __ATOMIC_ACQUIRE))
			;
	}
	WRITE_ONCE(t->stop, 0);
	memset(t->waits, 0, sizeof(t->waits));
	memset(&t->stall, 0, sizeof(t->stall));
	memset(&t->holdings, 0, sizeof(t->holdings));
	t->private = NULL;
	task_name(t, "thread-%d", tid);
	current_task = t;
	urcu_memb_register_thread();
	return t;
}

/*
 * Most waits here are as short as the kernel's, but parking in a futex takes
 * several times as long as the kernel's sleep and wake-up: stay awake first.
 */
static void spin_awake(struct task *t, uint64_t until)
{
	do {
		for (int i = 0; i < SPINS_PER_LOOK; i++) {
			if (smp_load_acquire(&t->state) == TASK_RUNNING)
				return;
			cpu_relax();
		}
	} while (now_ns() < until);
}

/* Until @limit, if there is one; @idle: as daemons do between their work. */
static void park(struct task *t, bool forever, uint64_t limit, bool idle)
{
	const struct timespec until = {
		.tv_sec = limit / 1000000000u,
		.tv_nsec = limit % 1000000000u,
	};
	int sleeping = TASK_SLEEPING;

	__atomic_compare_exchange_n(&t->state, &sleeping, TASK_PARKED, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
	while (smp_load_acquire(&t->state) != TASK_RUNNING) {
		t->events.futex_calls += !idle;
		/* An absolute time, so that a spurious wake loses nothing. */
		if (task_futex(&t->state, FUTEX_WAIT_BITSET, TASK_PARKED,
			       forever ? NULL : &until,
			       FUTEX_BITSET_MATCH_ANY) &&
		    errno == ETIMEDOUT)
			return;
	}
}

uint64_t schedule_timeout(uint64_t ns, enum wait_kind kind, const void *on)
{
	struct task *t = current;
	uint64_t start = now_ns(), end, limit;

	if (t->before_sleep)
		t->before_sleep(t);
	limit = ns > UINT64_MAX - start ? UINT64_MAX : start + ns;
	WRITE_ONCE(t->wait_kind, kind);
	WRITE_ONCE(t->wait_since, start);
	WRITE_ONCE(t->expires, ns == SLEEP_FOREVER ? 0 : limit);
	smp_store_release(&t->wait_on, on ? on : t);

	if (kind == WAIT_LIST)
		stall_clocks_start(t);
	if (kind != WAIT_IDLE && more_processors && ns > SPIN_NS)
		spin_awake(t, start + SPIN_NS);
	park(t, ns == SLEEP_FOREVER, limit, kind == WAIT_IDLE);
	WRITE_ONCE(t->state, TASK_RUNNING);

	end = now_ns();
	if (kind == WAIT_LIST)
		stall_clocks_stop(t);
	smp_store_release(&t->wait_on, NULL);
	WRITE_ONCE(t->wait_kind, WAIT_NONE);
	wait_stat_add(&t->waits[kind], end - start);
	return end < limit ? limit - end : 0;
}

bool wake_up_process(struct task *t)
{
	/* Orders the caller's change before what the sleeper reads. */
	int state = __atomic_exchange_n(&t->state, TASK_RUNNING,
					__ATOMIC_SEQ_CST);

	if (state == TASK_PARKED) {
		/* Its own, until it wakes. */
		if (READ_ONCE(t->wait_kind) != WAIT_IDLE)
			current->events.futex_calls++;
		task_futex(&t->state, FUTEX_WAKE, 1, NULL, 0);
	}
	return state != TASK_RUNNING;
}

static void *thread_main(void *arg)
{
	struct thread *thread = arg;
	struct task *t = task_register();

	task_name(t, "%s", thread->name);
	if (thread->cpu >= 0)
		thread->bound = run_on_processor(thread->cpu);
	smp_store_release(&thread->task, t);
	thread->fn(thread->arg);

	urcu_memb_unregister_thread();
	current_task = NULL;
	return NULL;
}

int task_start(struct thread *thread, const char *name, int cpu,
	       void (*fn)(void *arg), void *arg)
{
	pthread_t handle;
	int error;

	*thread = (struct thread){
		.fn = fn,
		.arg = arg,
		.name = name,
		.cpu = cpu,
	};
	error = pthread_create(&handle, NULL, thread_main, thread);
	if (error)
		return -error;
	thread->handle = handle;
	/* Until then nobody could wake it. */
	while (!smp_load_acquire(&thread->task))
		task_yield();
	return 0;
}

void task_stop(struct thread *thread)
{
	smp_store_release(&thread->task->stop, 1);
	wake_up_process(thread->task);
}

void task_join(struct thread *thread)
{
	pthread_join(thread->handle, NULL);
	/* Its statistics were the caller's to read until here. */
	smp_store_release(&thread->task->tid, 0);
}
