// SPDX-License-Identifier: GPL-2.0-only
/*
 * One schedule after the other, from the same beginning: the default one, and
 * steps off it.
 */
#include "play.h"

#include "bench/fibers/order.h"

#include <errno.h>
#include <stdio.h>

unsigned int course_points = 60000;

static struct snapshot *start;

int course_open(const struct play_scenario *sc, const struct fix *fix,
		bool tso)
{
	struct fiber *f;
	int error = arena_init();

	if (error)
		return error;
	fault_watch();
	start = snapshot_new();
	if (!start)
		return -ENOMEM;
	f = play_open(sc, fix);
	/* Time goes on for ever there: the daemons' timers have no end. */
	fibers.stop_at = COURSE_POINTS;
	while (fibers_run(f) != STOP_POINT) {
		f = course_default(STOP_BLOCKED);
		if (!f)
			return -EDEADLK;
		course_go(f);
	}
	if (fibers.points >= COURSE_POINTS)
		return -EDEADLK;
	fibers.points = 0;
	fibers.tso = tso;
	fibers.ordered = true;
	snapshot_save(start);
	return 0;
}

struct fiber *course_begin(void)
{
	snapshot_restore(start);
	return fibers.cur;
}

static bool hopeless(const struct fiber *f)
{
	return play->started_ns &&
	       f->expires > play->started_ns + COURSE_HOPELESS_NS;
}

bool course_ready(struct fiber *f)
{
	return f->why == FIBER_RUNS ||
	       (f->why == FIBER_UNTIL && fiber_holds(f));
}

/* The oracle's director may wait for longer: his verdict is the last. */
static bool sleeps(const struct fiber *f)
{
	return f->expires && ((f->why == FIBER_SLEEPS && !hopeless(f)) ||
			      f->why == FIBER_UNTIL);
}

struct fiber *course_default(enum fiber_stop stop)
{
	struct fiber *first = NULL, *f;

	if (stop == STOP_POINT)
		return fibers.cur;
	for (unsigned int i = 1; i <= world->nr; i++) {
		f = &world->fiber[(fibers.cur->id + i) % world->nr];
		if (course_ready(f) &&
		    (f != fibers.cur || f->why != FIBER_RUNS))
			return f;
		if (sleeps(f) && (!first || f->expires < first->expires))
			first = f;
	}
	/* Time passes for who gives way, too: he may wait for it. */
	if (!first && stop == STOP_YIELD)
		return fibers.cur;
	return first;
}

bool course_may(struct fiber *f)
{
	return course_ready(f) ||
	       (sleeps(f) && f->expires <= world->now + COURSE_EARLY_NS);
}

void course_go(struct fiber *f)
{
	if (f->why == FIBER_UNTIL && fiber_holds(f))
		f->why = FIBER_RUNS;
	else if (f->why == FIBER_SLEEPS || f->why == FIBER_UNTIL)
		fiber_expire(f);
}

void course_step(struct fiber *cur, struct fiber *f, unsigned int drained)
{
	if (cur->why != FIBER_DONE)
		fiber_drain(cur, drained < cur->nr_stores ? drained :
							    cur->nr_stores);
	if (unlikely(cur->nr_stores))
		witness_preempted(cur);
	course_go(f);
}

enum outcome course_ended(void)
{
	if (play->violated)
		return OUTCOME_VIOLATED;
	return play->error ? OUTCOME_ERROR : OUTCOME_OK;
}

static struct fiber *next_of(enum fiber_stop stop, const struct course *c,
			     unsigned int *nr, uint64_t *slice)
{
	uint64_t at = 2 * fibers.points + (stop != STOP_POINT);
	struct fiber *cur = fibers.cur, *f = NULL;

	/* What cannot be done any more is left out. */
	while (*nr < c->nr && c->step[*nr].at < at)
		++*nr;
	if (*nr < c->nr && c->step[*nr].at == at) {
		const struct step *s = &c->step[(*nr)++];

		f = s->fiber < world->nr ? &world->fiber[s->fiber] : NULL;
		if (f && f != cur && course_may(f))
			course_step(cur, f, s->drained);
		else
			f = NULL;
	}
	if (!f) {
		if (stop == STOP_POINT && fibers.points >= *slice)
			stop = STOP_YIELD;
		f = course_default(stop);
		if (f)
			course_go(f);
	}
	if (f != cur || stop != STOP_POINT)
		*slice = fibers.points + COURSE_SLICE;
	return f;
}

enum outcome course_run(const struct course *c)
{
	uint64_t slice = COURSE_SLICE, stop_at;
	struct fiber *f = course_begin();
	enum fiber_stop stop;
	unsigned int nr = 0;

	for (;;) {
		stop_at = slice < COURSE_POINTS ? slice : COURSE_POINTS;
		if (nr < c->nr && c->step[nr].at / 2 < stop_at)
			stop_at = c->step[nr].at / 2;
		fibers.stop_at = stop_at > fibers.points ? stop_at :
							   fibers.points + 1;
		/* Ahead of the very first access, too. */
		if (!fibers.points && !nr)
			fibers.stop_at = stop_at;
		stop = fibers_run(f);
		if (stop == STOP_ENDED)
			return course_ended();
		if (fibers.points >= COURSE_POINTS)
			return course_cut();
		f = next_of(stop, c, &nr, &slice);
		if (!f)
			return course_stuck();
	}
}

enum outcome course_record(const struct course *c)
{
	enum outcome outcome;

	play_record(true);
	outcome = course_run(c);
	play_record(false);
	return outcome;
}

void course_print(FILE *out)
{
	play_timeline(out);
}

void course_minimise(struct course *c)
{
	enum hazard hazard = play->hazard;
	struct course less;
	bool left_out;

	do {
		left_out = false;
		for (unsigned int chunk = c->nr; chunk; chunk /= 2) {
			for (unsigned int i = 0; i + chunk <= c->nr;) {
				less = *c;
				memmove(less.step + i, less.step + i + chunk,
					(c->nr - i - chunk) *
						sizeof(*less.step));
				less.nr -= chunk;
				if (course_run(&less) == OUTCOME_VIOLATED &&
				    play->hazard == hazard) {
					*c = less;
					left_out = true;
				} else {
					i++;
				}
			}
		}
	} while (left_out);
	course_run(c);
}

/* --- replay strings -------------------------------------------------- */

int course_format(const struct course *c, char *buf, size_t size)
{
	size_t n = snprintf(buf, size, "%s/%s/%s/%s/", play->fix->cache,
			    play->fix->name, play->scenario->name,
			    fibers.tso ? "tso" : "sc");

	for (unsigned int i = 0; i < c->nr && n < size; i++) {
		const struct step *s = &c->step[i];

		n += snprintf(buf + n, size - n, "%s%llu>%u", i ? "." : "",
			      (unsigned long long)s->at, s->fiber);
		if (s->drained != STEP_ALL && n < size)
			n += snprintf(buf + n, size - n, "+%u", s->drained);
	}
	return n < size ? 0 : -ENOSPC;
}

static bool number(const char **at, uint64_t max, uint64_t *value)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*value = strtoull(*at, &end, 10);
	*at = end;
	return !errno && *value <= max;
}

int course_parse(const char *text, struct course *c, char *why,
		 size_t why_size)
{
	const char *at = text;
	uint64_t point, fiber, drained, last = 0;

	c->nr = 0;
	while (*at) {
		const char *from = at;

		drained = STEP_ALL;
		if (!number(&at, 2 * COURSE_POINTS + 1, &point) ||
		    *at++ != '>' || !number(&at, FIBERS - 1, &fiber) ||
		    (*at == '+' && (at++, !number(&at, STEP_ALL, &drained))) ||
		    (*at && (*at++ != '.' || !*at)) ||
		    (c->nr && point <= last) || c->nr == STEPS) {
			snprintf(why, why_size,
				 "'%.40s': steps are wanted, POINT>TASK, "
				 "joined by dots, each later than the last",
				 from);
			return -EINVAL;
		}
		last = point;
		c->step[c->nr++] = (struct step){
			.at = point,
			.fiber = fiber,
			.drained = drained,
		};
	}
	return 0;
}

void search_count(struct search_result *r, enum outcome outcome,
		  const struct course *c, uint64_t nr)
{
	r->schedules++;
	r->points += fibers.points;
	if (fibers.points > r->points_max)
		r->points_max = fibers.points;
	if (world->nr > r->fibers_max)
		r->fibers_max = world->nr;
	r->errors += outcome == OUTCOME_ERROR;
	r->cut += outcome == OUTCOME_CUT;
	if (outcome != OUTCOME_VIOLATED)
		return;
	r->violations++;
	if (r->found)
		return;
	r->found = true;
	r->found_nr = nr;
	r->witness = *c;
	r->hazard = play->hazard;
	memcpy(r->why, play->why, sizeof(r->why));
}
