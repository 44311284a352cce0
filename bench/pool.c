// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: jobs are numbered; a worker spins a little for the next one,
 * then sleeps.  What several threads write has a line of its own.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/pool.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sync/sync.h"

#define LINE	__attribute__((aligned(128)))
/* Longer than a dispatch takes, shorter than the caller can miss. */
#define SPINS	2000

struct worker {
	struct thread thread;
	struct pool *pool;
	unsigned int index;
	int cpu;			/* found at the start */
	int moved;			/* found later and another; -1: not */
	struct event_stat events;	/* like ->perf */
	struct perf_set *perf;		/* by the worker; between jobs others */
	uint64_t wanted LINE;		/* by the caller: job to do next */
	uint64_t start_ns LINE;		/* by the worker */
	uint64_t end_ns;
} LINE;

struct pool {
	unsigned int nr;
	bool oversubscribed;
	struct worker *workers;
	struct task *caller;		/* of pool_run(), while it sleeps */
	const struct pool_job *job;	/* published by ->wanted */
	unsigned int job_nr;
	uint64_t last;			/* number of the last job */
	unsigned int arrived LINE;	/* atomic */
	uint64_t open LINE;		/* job whose gate is open */
	unsigned int left LINE;		/* atomic: workers not done */
};

static void relax(const struct pool *pool)
{
	if (pool->oversubscribed)
		sched_yield();
	else
		cpu_relax();
}

/* The number of the next job, or 0 to end. */
static uint64_t next_job(struct worker *w, uint64_t done)
{
	unsigned int spins = w->pool->oversubscribed ? 0 : SPINS;
	uint64_t wanted;

	while (spins--) {
		wanted = smp_load_acquire(&w->wanted);
		if (wanted != done)
			return wanted;
		cpu_relax();
	}
	for (;;) {
		/* Before the tests: a wake-up after them is not lost. */
		set_current_state(TASK_SLEEPING);
		wanted = smp_load_acquire(&w->wanted);
		if (task_should_stop() || wanted != done)
			break;
		schedule_timeout(SLEEP_FOREVER, WAIT_IDLE, w->pool);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	return wanted != done ? wanted : 0;
}

static void pass_gate(struct pool *pool, uint64_t number)
{
	if (__atomic_add_fetch(&pool->arrived, 1, __ATOMIC_SEQ_CST) ==
	    pool->job_nr) {
		smp_store_release(&pool->open, number);
		return;
	}
	while (smp_load_acquire(&pool->open) != number)
		relax(pool);
}

static void add_events(struct event_stat *sum, const struct event_stat *before,
		       const struct event_stat *after)
{
	const uint64_t *from = (const uint64_t *)before;
	const uint64_t *to = (const uint64_t *)after;
	uint64_t *s = (uint64_t *)sum;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*s); i++)
		s[i] += to[i] - from[i];
}

/* One function of this name, for the test that reads it. */
#ifdef __clang__
#define AS_IT_STANDS	__attribute__((noinline))
#else
#define AS_IT_STANDS	__attribute__((noinline, noclone))
#endif

/*
 * ->run() is the timed region, and between the two readings of the clock
 * there is nothing but it: a test reads this function's code.
 */
static AS_IT_STANDS void run_timed(struct worker *w, const struct pool_job *job)
{
	const struct perf_set *counting = job->counted ? w->perf : NULL;
	struct event_stat before = current->events;

	if (counting)
		perf_enable(counting);
	w->start_ns = now_ns();
	job->run(job->arg, w->index);
	w->end_ns = now_ns();
	if (counting) {
		perf_disable(counting);
		perf_read(w->perf);
	}
	if (job->counted)
		add_events(&w->events, &before, &current->events);
}

static void worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *pool = w->pool;
	uint64_t number = 0;

	smp_store_release(&w->cpu, sched_getcpu());
	while ((number = next_job(w, number))) {
		const struct pool_job *job = pool->job;
		/* The next job may come as soon as we have left this one. */
		struct task *caller = pool->caller;

		if (job->warm)
			job->warm(job->arg, w->index);
		pass_gate(pool, number);
		run_timed(w, job);
		if (sched_getcpu() != w->cpu)
			WRITE_ONCE(w->moved, sched_getcpu());
		if (!__atomic_sub_fetch(&pool->left, 1, __ATOMIC_SEQ_CST))
			wake_up_process(caller);
	}
}

void pool_run(struct pool *pool, unsigned int nr, const struct pool_job *job)
{
	pool_run_from(pool, 0, nr, job);
}

void pool_run_from(struct pool *pool, unsigned int first, unsigned int nr,
		   const struct pool_job *job)
{
	uint64_t number = ++pool->last;

	pool->caller = current;
	pool->job = job;
	pool->job_nr = nr;
	WRITE_ONCE(pool->arrived, 0);
	WRITE_ONCE(pool->left, nr);
	for (unsigned int i = 0; i < nr; i++) {
		struct worker *w = &pool->workers[first + i];

		smp_store_release(&w->wanted, number);
		smp_mb();	/* pairs with set_current_state(), next_job() */
		wake_up_process(w->thread.task);
	}
	for (;;) {
		set_current_state(TASK_SLEEPING);
		if (!smp_load_acquire(&pool->left))
			break;
		schedule_timeout(SLEEP_FOREVER, WAIT_IDLE, pool);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
}

uint64_t pool_elapsed_ns(const struct pool *pool, unsigned int worker)
{
	const struct worker *w = &pool->workers[worker];

	return w->end_ns - w->start_ns;
}

unsigned int pool_workers(const struct pool *pool)
{
	return pool->nr;
}

bool pool_oversubscribed(const struct pool *pool)
{
	return pool->oversubscribed;
}

int pool_cpu(const struct pool *pool, unsigned int worker)
{
	return smp_load_acquire(&pool->workers[worker].cpu);
}

/* --- counters ----------------------------------------------------------- */

/* Each counter of each worker is a descriptor. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int pool_counters_open(struct pool *pool)
{
	int error = 0;

	allow_descriptors();
	/* By one thread: libpfm4 takes no two at a time. */
	for (unsigned int i = 0; i < pool->nr && !error; i++) {
		struct worker *w = &pool->workers[i];

		error = perf_open(READ_ONCE(w->thread.task->tid), &w->perf);
	}
	return error;
}

struct perf_set *pool_counters_new(const struct pool *pool)
{
	const struct perf_set *first = pool->workers[0].perf;
	struct perf_set *sum = first ? malloc(sizeof(*sum)) : NULL;

	if (!sum)
		return NULL;
	*sum = *first;
	sum->record = NULL;
	for (unsigned int i = 0; i < sum->nr; i++)
		sum->counter[i].fd = -1;
	perf_zero(sum);
	return sum;
}

void pool_counters_take(struct pool *pool, struct perf_set *sum)
{
	for (unsigned int i = 0; i < pool->nr; i++) {
		perf_add(sum, pool->workers[i].perf);
		perf_zero(pool->workers[i].perf);
	}
}

struct event_stat pool_events_take(struct pool *pool)
{
	static const struct event_stat none;
	struct event_stat sum = { 0 };

	for (unsigned int i = 0; i < pool->nr; i++) {
		add_events(&sum, &none, &pool->workers[i].events);
		pool->workers[i].events = none;
	}
	return sum;
}

/* --- start and stop ----------------------------------------------------- */

int pool_bound(const struct pool *pool, unsigned int worker)
{
	return pool->workers[worker].thread.bound;
}

int pool_moved(const struct pool *pool, unsigned int worker)
{
	return READ_ONCE(pool->workers[worker].moved);
}

static bool any_twice(const unsigned int *cpus, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		for (unsigned int k = 0; k < i; k++)
			if (cpus[k] == cpus[i])
				return true;
	return false;
}

int pool_start(unsigned int nr, const unsigned int *cpus, unsigned int nr_cpus,
	       struct pool **poolp)
{
	return pool_start_with(nr, cpus, nr_cpus, NULL, NULL, poolp);
}

int pool_start_with(unsigned int nr, const unsigned int *cpus,
		    unsigned int nr_cpus,
		    int (*before)(void *arg, unsigned int worker), void *arg,
		    struct pool **poolp)
{
	struct pool *pool = aligned_alloc(128, sizeof(*pool));
	int error = -ENOMEM;

	if (!pool)
		return -ENOMEM;
	memset(pool, 0, sizeof(*pool));
	pool->oversubscribed = nr > nr_cpus || any_twice(cpus, nr);
	pool->workers = aligned_alloc(128, nr * sizeof(*pool->workers));
	if (!pool->workers)
		goto fail;
	memset(pool->workers, 0, nr * sizeof(*pool->workers));
	for (; pool->nr < nr; pool->nr++) {
		struct worker *w = &pool->workers[pool->nr];

		w->pool = pool;
		w->index = pool->nr;
		w->cpu = w->moved = -1;
		error = before ? before(arg, pool->nr) : 0;
		if (error)
			goto fail;
		error = task_start(&w->thread, "bench", cpus[pool->nr % nr_cpus],
				   worker_main, w);
		if (error)
			goto fail;
	}
	*poolp = pool;
	return 0;
fail:
	pool_stop(pool);
	return error;
}

void pool_stop(struct pool *pool)
{
	if (!pool)
		return;
	for (unsigned int i = 0; i < pool->nr; i++)
		task_stop(&pool->workers[i].thread);
	for (unsigned int i = 0; i < pool->nr; i++)
		task_join(&pool->workers[i].thread);
	for (unsigned int i = 0; i < pool->nr; i++)
		perf_close(pool->workers[i].perf);
	free(pool->workers);
	free(pool);
}
