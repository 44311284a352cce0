// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lost wake-up, as a store-buffering litmus on this very machine: the
 * waiter announces himself and then looks at the link, the owner unlinks
 * and then looks for waiters.  If each can miss the other's store, a
 * sleeper sleeps on.  Both halves are the real code of the fix.  Whether a
 * reordering shows is chance: the verdict is statistical.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "scenarios.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "sync/affinity.h"

#define ROUNDS		1000000u
#define TRIES		2		/* on a busy machine, */
#define SECONDS		10		/* each so long */
#define SPINS_ALONE	4096		/* before a processor is given away */
#define ROUNDS_FEW	20000u		/* too few to say anything */
#define ROUNDS_CHECKED	50000u		/* under a sanitizer, for the code */

struct litmus {
	struct stage *stage;
	struct buf *bp;
	struct delwri_list *list;
	struct wait_queue_head *wq;	/* where the fix's waiters sleep, */
	const void *var;		/* and for what */
	unsigned int rounds;		/* at most; waiter: how many it were */
	uint64_t lost;			/* waiter */
	uint64_t met;			/* waiter: rounds that raced at all */
	int cpu[2];
	int stop;			/* waiter: before its last go */
	/* Rounds begun and ended by each; on lines of their own. */
	uint64_t go __attribute__((aligned(128)));
	uint64_t waker_done __attribute__((aligned(128)));
	uint64_t waiter_ready __attribute__((aligned(128)));
};

/* True if it took so long that the other one seems not to run. */
static bool spin_until(uint64_t *word, uint64_t value)
{
	unsigned int spins = 0;

	while (smp_load_acquire(word) < value) {
		cpu_relax();
		if (++spins % SPINS_ALONE == 0)
			sched_yield();
	}
	return spins >= SPINS_ALONE;
}

/* A few cycles more or less, different in each round. */
static void jitter(uint64_t round, unsigned int salt)
{
	unsigned int n = (round * 2654435761u >> (7 + salt)) % 24;

	while (n--)
		__asm__ volatile("" ::: "memory");
}

static void waker(void *arg)
{
	struct litmus *l = arg;

	for (uint64_t i = 1;; i++) {
		spin_until(&l->go, i);
		if (smp_load_acquire(&l->stop))
			return;
		jitter(i, 0);
		l->stage->fix->litmus_unlink(l->bp, l->list);
		smp_store_release(&l->waker_done, i);
	}
}

/*
 * prepare_to_wait(), look, and instead of sleeping see whether the waker
 * took us off the queue: not woken and still linked is a sleep for ever.
 */
static void waiter(void *arg)
{
	struct litmus *l = arg;
	uint64_t end = now_ns() + SECONDS * 1000000000ull, i;
	bool slow = false;

	for (i = 1; i <= l->rounds; i++) {
		struct wait_queue_entry e = { .task = current,
					      .var = l->var };
		bool linked, woken;

		if ((slow || i % 1024 == 0) && now_ns() > end)
			break;
		list_init(&e.list);
		l->stage->fix->litmus_link(l->bp, l->list);
		smp_store_release(&l->go, i);
		jitter(i, 3);
		prepare_to_wait(l->wq, &e);
		linked = l->stage->fix->litmus_linked(l->bp);
		/* Nobody will sleep: spare the waker the system call. */
		WRITE_ONCE(current->state, TASK_RUNNING);
		slow = spin_until(&l->waker_done, i);
		woken = list_empty(&e.list);
		l->met += linked;
		l->lost += linked && !woken;
		finish_wait(l->wq, &e);
	}
	l->rounds = i - 1;
	smp_store_release(&l->stop, 1);
	smp_store_release(&l->go, i);
}

/* One after the other, nothing to reorder: is that the queue at all? */
static bool wakes(struct litmus *l)
{
	struct wait_queue_entry e = { .task = current, .var = l->var };
	bool woken;

	list_init(&e.list);
	l->stage->fix->litmus_link(l->bp, l->list);
	prepare_to_wait(l->wq, &e);
	WRITE_ONCE(current->state, TASK_RUNNING);
	l->stage->fix->litmus_unlink(l->bp, l->list);
	woken = list_empty(&e.list);
	finish_wait(l->wq, &e);
	return woken;
}

/* Rounds, as many as there was time for.  0 or -errno. */
static int race(struct litmus *l)
{
	struct thread threads[2];
	int error;

	l->stop = 0;
	l->go = l->waker_done = 0;
	error = task_start(&threads[0], "waker", l->cpu[0], waker, l);
	if (error)
		return error;
	error = task_start(&threads[1], "waiter", l->cpu[1], waiter, l);
	if (error) {
		smp_store_release(&l->stop, 1);
		smp_store_release(&l->go, 1);
	} else {
		task_join(&threads[1]);
	}
	task_join(&threads[0]);
	return error;
}

static void too_busy(struct stage *s, const unsigned int rounds[TRIES])
{
	double load;

	if (getloadavg(&load, 1) != 1)
		load = -1;
	stage_verdict(s, VERDICT_UNTESTED,
		      "only %u and %u rounds in twice %d s, %u would be needed: "
		      "the machine is too busy for a litmus (load %.1f on %u "
		      "processors)",
		      rounds[0], rounds[1], SECONDS, ROUNDS_FEW, load,
		      allowed_processors(NULL, 0));
}

void scenario_lost_wakeup(struct stage *s)
{
	unsigned int rounds[TRIES] = { 0 }, most = ROUNDS;
	struct litmus l = { .stage = s };
	int error = 0;

#ifdef DELWRI_CHECKING
	most = ROUNDS_CHECKED;
#endif
	if (!s->fix->waits) {
		stage_verdict(s, VERDICT_HOLDS, "nobody sleeps for a link");
		return;
	}
	if (allowed_processors(l.cpu, 2) < 2) {
		stage_verdict(s, VERDICT_UNTESTED, "needs two processors to "
			      "run on: one never sees its own reordering");
		return;
	}
	l.list = s->fix->delwri_alloc(s->mp);
	if (!l.list || s->fix->buf_get(s->mp, s->block, 1, 0, &l.bp))
		stage_lacks(s, "memory", -ENOMEM);
	l.wq = s->fix->litmus_queue(l.bp, &l.var);
	if (!wakes(&l)) {
		stage_verdict(s, VERDICT_UNTESTED, "unlinking does not wake "
			      "who sleeps where this fix says it does "
			      "(fix_waitqueue)");
		return;
	}
	for (int i = 0; i < TRIES && l.rounds < ROUNDS_FEW && !l.lost; i++) {
		l.rounds = most;
		error = race(&l);
		if (error)
			stage_lacks(s, "a thread", error);
		rounds[i] = l.rounds;
	}
	if (l.rounds < ROUNDS_FEW && !l.lost) {
		too_busy(s, rounds);
		return;
	}
	stage_verdict(s, l.lost ? VERDICT_VIOLATED : VERDICT_HOLDS,
		      "statistical, on this machine: %llu of %u wake-ups lost, "
		      "where the owner's unlink and his look for sleepers were "
		      "reordered; %llu raced with the look at the link",
		      (unsigned long long)l.lost, l.rounds,
		      (unsigned long long)l.met);
}
