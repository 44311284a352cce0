// SPDX-License-Identifier: GPL-2.0-only
/*
 * Actors, holds, the record of what happened, and verdicts.
 */
#include "stage.h"

#include "cache/format.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Threads pass through the lock at every point: that publishes their events.
 * On fibers these are no accesses, and where nobody is ever held nothing is
 * to be in order.
 */
#ifdef SYNC_FIBERS
#define NO_RACE		__attribute__((noinline, no_sanitize("thread")))
#define may_hold(s, point)	smp_load_acquire(&(s)->armed[point])
#else
#define NO_RACE
#define may_hold(s, point)	true
#endif

static const char *my_name(void)
{
	return current->name;
}

static void lacks(struct finding *f, const char *what, int error)
{
	f->verdict = VERDICT_UNTESTED;
	snprintf(f->evidence, EVIDENCE_MAX,
		 "cannot have %s: %s (see ulimit -u, ulimit -v, the memory and pids limits of the container)",
		 what, strerror(-error));
}

/* --- points --------------------------------------------------------- */

static NO_RACE void keep_event(struct stage *s, enum point point,
			       const struct buf_state *state)
{
	unsigned int slot;

	slot = __atomic_fetch_add(&s->nr_events, 1, __ATOMIC_RELAXED);
	if (slot >= STAGE_EVENTS)
		return;
	s->events[slot] = (struct event){
		.at_ns = stage_now() - s->epoch_ns,
		.point = point,
		.has_state = state,
	};
	/* Copied: another thread may get the name's place. */
	memcpy(s->events[slot].actor, my_name(),
	       sizeof(s->events[slot].actor));
	if (state)
		s->events[slot].state = *state;
}

static void record(struct stage *s, enum point point,
		   const struct buf_state *state)
{
	if (state && state->bno != s->block && point != POINT_ROOT_COMMIT)
		return;
	__atomic_fetch_add(&s->seen[point], 1, __ATOMIC_RELAXED);
	keep_event(s, point, state);
}

static bool hold_matches(const struct hold *h, enum point point,
			 const struct buf_state *state)
{
	return h->actor && h->point == point && !h->released &&
	       (h->bno == STAGE_ANY_BLOCK || (state && h->bno == state->bno)) &&
	       !strcmp(h->actor, my_name());
}

static void reached(void *ctx, enum point point,
		    const struct buf_state *state)
{
	struct stage *s = ctx;
	struct hold *hold = NULL;

	record(s, point, state);
	if (!may_hold(s, point))
		return;
	spin_lock(&s->hold_lock);
	for (int i = 0; i < STAGE_HOLDS && !hold; i++)
		if (hold_matches(&s->holds[i], point, state))
			hold = &s->holds[i];
	if (hold)
		WRITE_ONCE(hold->held, 1);
	spin_unlock(&s->hold_lock);
	if (!hold)
		return;
	stage_stand_until_set(s, &hold->released);
	spin_lock(&s->hold_lock);
	hold->actor = NULL;
	spin_unlock(&s->hold_lock);
}

struct hold *stage_hold(struct stage *s, const char *actor, enum point point,
			uint64_t bno)
{
	struct hold *h = NULL;

	spin_lock(&s->hold_lock);
	for (int i = 0; i < STAGE_HOLDS && !h; i++)
		if (!s->holds[i].actor)
			h = &s->holds[i];
	if (h)
		*h = (struct hold){
			.actor = actor,
			.point = point,
			.bno = bno,
		};
	smp_store_release(&s->armed[point], 1);
	spin_unlock(&s->hold_lock);
	return h;
}

void stage_release(struct stage *s, struct hold *hold)
{
	spin_lock(&s->hold_lock);
	smp_store_release(&hold->released, 1);
	if (!hold->held)
		hold->actor = NULL;
	spin_unlock(&s->hold_lock);
}

bool stage_failed(struct stage *s, const struct actor *actor)
{
	if (actor->error)
		stage_verdict(s, VERDICT_UNTESTED, "%s: error %d",
			      actor->thread.name, actor->error);
	return actor->error;
}

/* --- actors --------------------------------------------------------- */

static void actor_main(void *arg)
{
	struct actor *actor = arg;

	actor->started_ns = now_ns();
	actor->fn(actor);
	actor->ended_ns = now_ns();
	smp_store_release(&actor->done, 1);
}

struct actor *stage_start(struct stage *s, const char *name,
			  void (*fn)(struct actor *actor), uint64_t arg)
{
	struct actor *actor = s->actors;
	int error;

	if (!s->begun)
		stage_begins(s);
	s->begun = true;
	/* A slot is free before its first actor and after each was joined. */
	while (actor->fn && !actor->joined)
		actor++;
	*actor = (struct actor){ .stage = s, .fn = fn, .arg = arg };
	error = task_start(&actor->thread, name, -1, actor_main, actor);
	if (error)
		stage_lacks(s, "a thread", error);
	return actor;
}

/* --- who waits for whom ---------------------------------------------- */

/* Who took the lock of @e's buffer last, as far as was recorded. */
static const char *last_locker(const struct stage *s, const void *lock)
{
	unsigned int n = READ_ONCE(s->nr_events);
	const char *name = "?";

	for (unsigned int i = 0; i < n && i < STAGE_EVENTS; i++) {
		const struct event *e = &s->events[i];

		if (e->has_state && e->state.lock == lock &&
		    (e->point == POINT_LOOKUP || e->point == POINT_LOCKED))
			name = e->actor;
	}
	return name;
}

static const struct event *event_of(const struct stage *s, const void *on)
{
	unsigned int n = READ_ONCE(s->nr_events);

	for (unsigned int i = 0; i < n && i < STAGE_EVENTS; i++) {
		const struct event *e = &s->events[i];

		if (e->has_state &&
		    (e->state.lock == on || e->state.link == on))
			return e;
	}
	return NULL;
}

static void describe(const struct stage *s, const struct task *t, FILE *out)
{
	const void *on = smp_load_acquire(&t->wait_on);
	enum wait_kind kind = READ_ONCE(t->wait_kind);
	double ms = (now_ns() - READ_ONCE(t->wait_since)) / 1e6;
	const struct event *e = s ? event_of(s, on) : NULL;

	fprintf(out, "  %s waits %.0f ms for ", t->name, ms);
	if (!e)
		fprintf(out, "%s\n", wait_kind_name(kind));
	else if (kind == WAIT_LIST)
		fprintf(out, "block %llu to leave its list; its lock: %s\n",
			(unsigned long long)e->state.bno,
			last_locker(s, e->state.lock));
	else
		fprintf(out, "the lock of block %llu, last taken by %s\n",
			(unsigned long long)e->state.bno,
			last_locker(s, e->state.lock));
}

void stage_who(const struct stage *s, FILE *out)
{
	for (struct task *t = task_list(); t; t = t->next)
		if (t != current && READ_ONCE(t->tid) && READ_ONCE(t->wait_on))
			describe(s, t, out);
}

/* --- the mount ------------------------------------------------------ */

static void root_commit(void *ctx, const struct tree_blocks *tree)
{
	struct stage *s = ctx;
	struct block_header *h;

	if (!s->watching)
		return;
	h = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);
	if (!h)
		stage_lacks(s, "memory", -ENOMEM);
	s->commits++;
	for (unsigned int i = 0; i < tree->nr; i++) {
		uint64_t bno = tree->bno[i];

		s->blocks_checked++;
		if (device_generation(s->dev, bno) == tree->gen &&
		    !device_read_durable(s->dev, bno, h) &&
		    !block_verify(h, bno) && h->owner == tree->gen)
			continue;
		if (!s->not_durable++)
			s->first_not_durable = bno;
	}
	free(h);
}

int stage_open(struct stage *s, const struct fix *fix, struct finding *f)
{
	struct device_options dopt = {
		.nblocks = STAGE_AGS * STAGE_AG_BLOCKS + LOG_BLOCKS,
		.generations = true,
	};
	char why[256];
	int error;

	/* The copy that counts: what went wrong is told in numbers, too. */
	fix = fix->counting;
	*s = (struct stage){ .fix = fix, .finding = f };
	task_name(current, "test");
	spin_lock_init(&s->hold_lock);
	s->block = 1;			/* the first that is handed out */
	s->epoch_ns = now_ns();
	error = stage_host_open(s);
	if (error) {
		lacks(f, "a thread or memory", error);
		return error;
	}
	error = device_open(&dopt, &s->dev, why, sizeof(why));
	if (error) {
		stage_verdict(s, VERDICT_UNTESTED, "%s", why);
		return error;
	}
	s->points = (struct point_ops){ .reached = reached, .ctx = s };
	s->watch = (struct repair_watch){ .root_commit = root_commit,
					  .ctx = s };
	s->opt = (struct mount_options){
		.device = s->dev,
		.ag_count = STAGE_AGS,
		.ag_blocks = STAGE_AG_BLOCKS,
		.log_bytes = 16 << 20,
		.points = &s->points,
		.watch = &s->watch,
	};
	error = fix->mount(&s->opt, &s->mp);
	if (error)
		lacks(f, "a thread or memory to mount", error);
	f->begun = !error;
	return error;
}

void stage_close(struct stage *s, struct teardown *left)
{
	s->fix->unmount(s->mp, left);
	device_close(s->dev);
	stage_host_close(s);
}

/* --- verdicts ------------------------------------------------------- */

/* Open the finding's text from @at on for appending. */
static FILE *evidence_open(struct stage *s, size_t at)
{
	FILE *out = fmemopen(s->finding->evidence + at, EVIDENCE_MAX - at,
			     "w");

	if (!out)
		stage_lacks(s, "memory for its evidence", -ENOMEM);
	return out;
}

bool stage_no_end(struct stage *s, const char *what)
{
	FILE *out;

	stage_verdict(s, VERDICT_UNTESTED,
		      "no end of waiting for %s; who waits for whom:\n",
		      what);
	out = evidence_open(s, strlen(s->finding->evidence));
	stage_who(s, out);
	fclose(out);
	return false;
}

void stage_lacks(struct stage *s, const char *what, int error)
{
	lacks(s->finding, what, error);
	stage_end();
}

void stage_verdict(struct stage *s, enum verdict verdict,
		   const char *fmt, ...)
{
	va_list ap;

	s->finding->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(s->finding->evidence, sizeof(s->finding->evidence), fmt,
		  ap);
	va_end(ap);
}

void stage_invalid(struct stage *s, const char *why)
{
	stage_verdict(s, VERDICT_UNTESTED, "%s, %d times", why, STAGE_TRIALS);
	s->invalid = true;
}

void stage_violated(struct stage *s, const char *fmt, ...)
{
	va_list ap;
	FILE *out;

	s->finding->verdict = VERDICT_VIOLATED;
	out = evidence_open(s, 0);
	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	timeline_print(s, out);
	fclose(out);
}
