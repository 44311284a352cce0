// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it is when somebody waits on for ever, told by what he waits for:
 *
 * a lost wake-up, if that has come true, and nobody told him;
 * an unbounded wait, if it has not, while other actors run on and on;
 * a deadlock, if all that still run are daemons: they have come by so often
 * that they will not help.
 *
 * Before all these: somebody who follows links that run in a circle.
 *
 * Nobody can go on (course_stuck()), or there was no end within
 * COURSE_POINTS (course_cut()).
 */
#include "play.h"

#include <stdarg.h>
#include <stdio.h>

/* Virtual; the daemons have come by some twenty times. */
#define LONG_NS		1000000000ull

static bool waits(const struct fiber *f)
{
	return f->why == FIBER_SPINS || (f->why == FIBER_SLEEPS && !f->expires);
}

/* What it sleeps for is there: nobody else has to do anything. */
static bool came_true(const struct fiber *f)
{
	const struct list_head *link = f->task.wait_on;
	const struct semaphore *lock = f->task.wait_on;

	if (f->why != FIBER_SLEEPS || f->expires)
		return false;
	if (f->task.wait_kind == WAIT_LIST)
		return link->next == link;
	return f->task.wait_kind == WAIT_LOCK && lock->count;
}

static void __attribute__((format(printf, 2, 3)))
say(struct play *p, const char *fmt, ...)
{
	size_t n = strlen(p->why);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why + n, sizeof(p->why) - n, fmt, ap);
	va_end(ap);
}

static void name_waiter(struct play *p, const struct fiber *f)
{
	const void *on = f->task.wait_on;

	say(p, "%s %s (%s)", p->why[0] ? "," : "waits without end:",
	    f->task.name,
	    f->why == FIBER_SPINS ? "spinlock" :
	    f->why == FIBER_JOINS ? "others" :
				    wait_kind_name(f->task.wait_kind));
	for (unsigned int i = 0; on && i < PLAY_BLOCKS; i++) {
		const struct play_block *b = &p->blocks[i];

		if (f->task.wait_kind == WAIT_LOCK && b->lock == on &&
		    b->locker)
			say(p, " for block %u, locked by %s", i,
			    b->locker->name);
		else if (f->task.wait_kind == WAIT_LIST && b->link == on &&
			 b->queuer)
			say(p, " for block %u, queued by %s", i,
			    b->queuer->name);
	}
}

static enum outcome judge(struct play *p, uint64_t long_ns)
{
	bool lost = false, others = false, waiter = false;

	p->why[0] = '\0';
	for (unsigned int i = 0; i < world->nr; i++) {
		if (world->fiber[i].why != FIBER_LOOPS)
			continue;
		say(p, "%s goes on for ever: links run in a circle",
		    world->fiber[i].task.name);
		p->violated = true;
		p->hazard = HAZARD_LIST_CORRUPTION;
		return OUTCOME_VIOLATED;
	}
	/* The oracle's have a director: he is the first fiber. */
	if (!p->nr_actors && !long_ns) {
		waiter = true;
		name_waiter(p, &world->fiber[0]);
	}
	for (unsigned int i = 0; i < p->nr_actors; i++) {
		const struct fiber *f = &world->fiber[p->actor[i].handle];

		if (f->why == FIBER_DONE)
			continue;
		if (!waits(f) || world->now - f->task.wait_since < long_ns) {
			others = true;
			continue;
		}
		waiter = true;
		lost |= came_true(f);
		name_waiter(p, f);
	}
	if (!waiter)
		return OUTCOME_CUT;
	p->violated = true;
	p->hazard = lost ? HAZARD_LOST_WAKEUP :
		    others ? HAZARD_UNBOUNDED_WAIT :
			     HAZARD_DEADLOCK;
	return OUTCOME_VIOLATED;
}

enum outcome course_stuck(void)
{
	return judge(play, 0);
}

enum outcome course_cut(void)
{
	return judge(play, LONG_NS);
}
