// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random schedules by priorities (Burckhardt and others: a randomized
 * scheduler with probabilistic guarantees of finding bugs, 2010).  Each of n
 * tasks gets a random priority, the highest that can goes on, and at d - 1
 * points drawn from k the one that goes on falls below all others.  A bug that
 * takes d orderings to happen is found by one run with a probability of at
 * least 1 / (n * k^(d-1)), whatever it is.
 *
 * That is said of runs of at most k points in which time passes only when
 * nobody can go on, and nobody goes on for so long that it has to give way: k
 * is a quarter more than the default schedule's, and half of the runs, which do
 * not count for it, wake one or two sleepers earlier.
 */
#include "play.h"

#include "bench/fibers/order.h"

#include <time.h>

#define CHANGES	8u

struct pct {
	uint64_t seed;
	int64_t priority[FIBERS], lowest;
	unsigned int fibers;		/* that have one */
	uint64_t change[CHANGES], early[2], slice;
	unsigned int nr_changes, nr_early, change_at, early_at;
};

static uint64_t draw(struct pct *p)
{
	return order_mix(p->seed += 0x9e3779b97f4a7c15u);
}

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static void draw_points(struct pct *p, uint64_t *at, unsigned int nr,
			uint64_t points)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t point = draw(p) % points;
		unsigned int j = i;

		for (; j && at[j - 1] > point; j--)
			at[j] = at[j - 1];
		at[j] = point;
	}
}

static void pct_begin(struct pct *p, unsigned int depth, uint64_t points)
{
	p->nr_changes = depth - 1;
	draw_points(p, p->change, p->nr_changes, points);
	p->nr_early = draw(p) & 1 ? 1 + (draw(p) & 1) : 0;
	draw_points(p, p->early, p->nr_early, points);
	p->slice = COURSE_SLICE;
}

static void lower(struct pct *p, const struct fiber *f)
{
	p->priority[f->id] = --p->lowest;
}

static struct fiber *highest(struct pct *p)
{
	struct fiber *best = NULL;

	for (unsigned int i = 0; i < world->nr; i++) {
		struct fiber *f = &world->fiber[i];

		if (i >= p->fibers) {
			p->priority[i] = draw(p) >> 2;
			p->fibers = i + 1;
		}
		if (course_ready(f) &&
		    (!best || p->priority[i] > p->priority[best->id]))
			best = f;
	}
	return best;
}

/* Of the others, the sleeper that is due first, if it may wake before. */
static struct fiber *early_one(void)
{
	struct fiber *first = NULL;

	for (unsigned int i = 0; i < world->nr; i++) {
		struct fiber *f = &world->fiber[i];

		if (f == fibers.cur || f->why != FIBER_SLEEPS)
			continue;
		if (course_may(f) &&
		    (!first || f->expires < first->expires))
			first = f;
	}
	return first;
}

static uint64_t next_stop(const struct pct *p)
{
	uint64_t at = p->slice < COURSE_POINTS ? p->slice : COURSE_POINTS;

	if (p->change_at < p->nr_changes && p->change[p->change_at] < at)
		at = p->change[p->change_at];
	if (p->early_at < p->nr_early && p->early[p->early_at] < at)
		at = p->early[p->early_at];
	return at > fibers.points ? at : fibers.points + 1;
}

static struct fiber *pct_next(struct pct *p, enum fiber_stop stop)
{
	struct fiber *cur = fibers.cur, *early = NULL, *f;

	while (p->change_at < p->nr_changes &&
	       fibers.points >= p->change[p->change_at]) {
		lower(p, cur);
		p->change_at++;
	}
	while (p->early_at < p->nr_early &&
	       fibers.points >= p->early[p->early_at]) {
		early = early_one();
		p->early_at++;
	}
	if (stop == STOP_YIELD)
		lower(p, cur);
	f = highest(p);
	/* It goes on at once: a step like others, which can be written down. */
	if (early)
		return early;
	/* Who gives way may wait for time to pass. */
	if (!f || (f == cur && stop == STOP_YIELD))
		f = course_default(stop);
	return f;
}

/* Write down how it differs from the default, so that it can be replayed. */
static void note_step(struct course *c, bool point, const struct fiber *cur,
		      const struct fiber *def, const struct fiber *f,
		      unsigned int stores)
{
	if (f == def || f == cur || c->nr == STEPS)
		return;
	c->step[c->nr++] = (struct step){
		.at = 2 * fibers.points + !point,
		.fiber = f->id,
		.drained = stores,
	};
}

static enum outcome pct_one(struct pct *p, struct course *c)
{
	struct fiber *f = course_begin(), *cur, *def;
	unsigned int stores;
	enum fiber_stop stop;
	bool point;

	c->nr = 0;
	fibers.stop_on_wake = true;
	/* Nobody compares it, and it is near half of the time. */
	fibers.ordered = false;
	for (;;) {
		fibers.stop_at = next_stop(p);
		stop = fibers_run(f);
		if (stop == STOP_ENDED)
			return course_ended();
		if (fibers.points >= COURSE_POINTS)
			return course_cut();
		cur = fibers.cur;
		/* As course_run(): who goes on for so long gives way. */
		point = stop == STOP_POINT;
		if (point && fibers.points >= p->slice)
			stop = STOP_YIELD;
		def = course_default(stop);
		f = pct_next(p, stop);
		if (!f)
			return course_stuck();
		stores = STEP_ALL;
		if (f != cur && point && cur->nr_stores)
			stores = draw(p) % (cur->nr_stores + 1);
		note_step(c, point, cur, def, f, stores);
		if (f != cur)
			course_step(cur, f, stores);
		else
			course_go(f);
		if (f != cur || stop != STOP_POINT)
			p->slice = fibers.points + COURSE_SLICE;
	}
}

void pct_run(const struct search_options *o, uint64_t runs,
	     struct search_result *r)
{
	static const struct course none;
	static struct course c;
	double began = seconds_now();
	uint64_t points, points_had;

	course_run(&none);
	points = fibers.points + fibers.points / 4;
	r->pct_points = points;
	for (uint64_t i = o->worker; i < runs; i += o->workers) {
		struct pct p = { .seed = order_mix(o->seed) + i };
		enum outcome outcome;

		p.seed = order_mix(p.seed);
		pct_begin(&p, o->bound, points);
		outcome = pct_one(&p, &c);
		search_count(r, outcome, &c, i + 1);
		points_had = fibers.points;
		r->pct_counted += !p.nr_early && points_had <= points;
		/* What is found is to be found again by its steps. */
		if (o->all && c.nr < STEPS)
			r->astray += course_run(&c) != outcome ||
				     fibers.points != points_had;
		if ((r->found && !o->all) ||
		    (!(r->schedules & 63) &&
		     seconds_now() - began > o->seconds))
			break;
	}
	r->seconds = seconds_now() - began;
}
