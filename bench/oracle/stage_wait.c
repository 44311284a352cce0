// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a director waits for: all of it is stage_until() and a condition.
 */
#include "stage.h"

#include <string.h>

unsigned int stage_patience_ms = 20000;

/* Nothing left to do for it: it sleeps without a time limit. */
static bool ail_is_idle(void)
{
	for (struct task *t = task_list(); t; t = t->next)
		if (READ_ONCE(t->tid) && !strcmp(t->name, "ail"))
			return READ_ONCE(t->wait_kind) == WAIT_IDLE &&
			       !READ_ONCE(t->expires);
	return false;
}

/* A wait, from its beginning on. */
struct patience {
	uint64_t since_ns;
	uint64_t passes;		/* of the AIL daemon, until then */
	unsigned int turns;		/* in which was looked */
};

/*
 * One more turn.  Out of time; or somebody waits for a list whose owner has
 * come by so often that he will not help.
 */
static bool hopeless(struct stage *s, struct patience *p)
{
	const struct task *waiter = stage_waiter();
	uint64_t now = now_ns();

	if (++p->turns < STAGE_TURNS)
		return false;
	if (now - p->since_ns > stage_patience_ms * 1000000ull)
		return true;
	return waiter &&
	       now - READ_ONCE(waiter->wait_since) >
		       STAGE_HOPELESS_MS * 1000000ull &&
	       (s->fix->ail_passes(s->mp) > p->passes + 2 * STAGE_PASSES ||
		ail_is_idle());
}

bool stage_until(struct stage *s, stage_cond *cond, void *on,
		 void (*turn)(struct stage *s, void *on))
{
	struct patience patience = {
		.since_ns = now_ns(),
		.passes = s->fix->ail_passes(s->mp),
	};

	while (!cond(s, on)) {
		if (turn)
			turn(s, on);
		if (!stage_turn(s, cond, on, turn) || hopeless(s, &patience))
			return cond(s, on);
	}
	return true;
}

/* The same; if it is in vain, that is the finding. */
static bool until(struct stage *s, stage_cond *cond, void *on, const char *what)
{
	return stage_until(s, cond, on, NULL) || stage_no_end(s, what);
}

/* Whoever was woken may not have had a processor yet. */
static bool is_asleep(const struct task *t)
{
	return READ_ONCE(t->state) != TASK_RUNNING;
}

const struct task *stage_waiter(void)
{
	for (struct task *t = task_list(); t; t = t->next)
		if (READ_ONCE(t->tid) &&
		    READ_ONCE(t->wait_kind) == WAIT_LIST && is_asleep(t))
			return t;
	return NULL;
}

bool stage_is_done(const struct actor *actor)
{
	return smp_load_acquire(&actor->done);
}

static bool is_done(const struct stage *s, const void *actor)
{
	(void)s;
	return stage_is_done(actor);
}

static bool is_held(const struct stage *s, const void *on)
{
	const struct hold *hold = on;

	(void)s;
	return READ_ONCE(hold->held);
}

bool stage_until_held(struct stage *s, struct hold *hold)
{
	return until(s, is_held, hold, hold->actor);
}

struct waiting {
	const struct actor *actor;
	enum wait_kind kind;
	const struct hold *hold;	/* or this one is held */
};

static bool waits_for(const struct actor *actor, enum wait_kind kind)
{
	return READ_ONCE(actor->thread.task->wait_kind) == (int)kind;
}

static bool waits(const struct stage *s, const void *on)
{
	const struct waiting *w = on;

	return stage_is_done(w->actor) || waits_for(w->actor, w->kind) ||
	       (w->hold && is_held(s, w->hold));
}

bool stage_until_held_releasing(struct stage *s, struct hold *hold,
				struct actor *actor, struct hold *other)
{
	struct waiting w = { actor, WAIT_LIST, hold };

	if (!until(s, waits, &w, hold->actor))
		return false;
	if (!READ_ONCE(hold->held))
		stage_release(s, other);
	return stage_until_held(s, hold);
}

struct reached {
	enum point point;
	uint64_t times;
};

static bool was_reached(const struct stage *s, const void *on)
{
	const struct reached *r = on;

	return stage_seen(s, r->point) >= r->times;
}

bool stage_until_seen(struct stage *s, enum point point, uint64_t times)
{
	struct reached r = { point, times };

	return until(s, was_reached, &r, point_name(point));
}

uint64_t stage_seen(const struct stage *s, enum point point)
{
	return READ_ONCE(s->seen[point]);
}

static bool has_passed(const struct stage *s, const void *on)
{
	const uint64_t *passes = on;

	return s->fix->ail_passes(s->mp) >= *passes || ail_is_idle();
}

bool stage_until_passes(struct stage *s, uint64_t more)
{
	uint64_t passes = s->fix->ail_passes(s->mp) + more;

	return until(s, has_passed, &passes, "the AIL daemon's next pass");
}

bool stage_until_waits(struct stage *s, struct actor *actor,
		       enum wait_kind kind)
{
	struct waiting w = { .actor = actor, .kind = kind };

	return until(s, waits, &w, actor->thread.name) &&
	       !stage_is_done(actor);
}

static bool has_failed(const struct stage *s, const void *on)
{
	const uint64_t *errors = on;

	return device_stat(s->dev).errors >= *errors;
}

bool stage_until_errors(struct stage *s, uint64_t errors)
{
	return stage_until(s, has_failed, &errors, NULL);
}

struct flagged {
	const int *flag;
	const struct actor *actor;	/* who is to set it; may be NULL */
};

static bool is_flagged(const struct stage *s, const void *on)
{
	const struct flagged *f = on;

	(void)s;
	return smp_load_acquire(f->flag) ||
	       (f->actor && stage_is_done(f->actor));
}

bool stage_until_set(struct stage *s, const int *flag,
		     const struct actor *actor)
{
	struct flagged f = { flag, actor };

	return stage_until(s, is_flagged, &f, NULL) && smp_load_acquire(flag);
}

void stage_stand_until_set(struct stage *s, const int *flag)
{
	struct flagged f = { .flag = flag };

	stage_stand(s, is_flagged, &f);
}

bool stage_until_done(struct stage *s, struct actor *actor,
		      void (*turn)(struct stage *s, void *actor))
{
	return stage_until(s, is_done, actor, turn);
}

void stage_settle(struct stage *s, struct actor *actor)
{
	stage_pause(s, is_done, actor);
}

bool stage_join(struct stage *s, struct actor *actor)
{
	if (!until(s, is_done, actor, actor->thread.name))
		return false;
	task_join(&actor->thread);
	actor->joined = true;
	return true;
}

bool stage_join_releasing(struct stage *s, struct actor *actor,
			  struct hold *hold)
{
	struct waiting w = { .actor = actor, .kind = WAIT_LIST };

	if (!until(s, waits, &w, actor->thread.name))
		return false;
	if (!stage_is_done(actor) && hold)
		stage_release(s, hold);
	return stage_join(s, actor);
}
