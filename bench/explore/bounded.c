// SPDX-License-Identifier: GPL-2.0-only
/*
 * All schedules with at most so many steps off the default, depth first: from
 * a snapshot of where the step is made, not from the beginning.
 *
 * Reduced, it finds the same orders (order.h) with fewer runs.  A schedule is
 * given up where it has come to an order that was there before with the same
 * fiber about to go on, for the same reason (an access, a block, giving way),
 * and with no fewer steps left.  Equal orders have equal memory and fibers, and
 * what the default schedule does next follows from that and from who went on
 * last: so all that can follow was, or is going to be, searched from there.
 * The bound is kept because the steps left are part of the comparison
 * (Musuvathi, Qadeer: partial-order reduction for context-bounded state
 * exploration, 2007).  With no steps left it is compared where a fiber blocks,
 * only.
 *
 * It is not exact about two things that the default schedule also looks at:
 * how long a fiber has gone on (COURSE_SLICE) and how many points there were
 * (COURSE_POINTS).  Runs that came to these are counted and reported, and with
 * any of them nothing is "exhausted".
 *
 * To leave out steps from behind accesses to words that one fiber alone uses
 * looks as sound, and is not: a search with that rule missed one order in
 * twenty (tests/scripts/explore_test.py compares the two).
 */
#include "play.h"

#include "bench/fibers/order.h"

#include <sys/mman.h>
#include <time.h>

#define DEPTH		8u
#define SEEN_BITS	23		/* 64 MiB */
#define SEEN_TRIES	8
#define CHUNK		64u	/* points in a row of one worker */

struct search {
	const struct search_options *opt;
	struct search_result *r;
	unsigned int bound;
	uint64_t *seen;			/* low 3 bits: steps left */
	uint64_t *orders;
	struct snapshot *at[DEPTH];
	struct course path;
	double until;
	bool stop;
};

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

/* True if it was there; when there is no room it is not remembered. */
static bool remember(uint64_t *table, uint64_t key)
{
	uint64_t at = key >> (64 - SEEN_BITS), left = key & 7;

	for (int i = 0; i < SEEN_TRIES; i++) {
		uint64_t *e = &table[(at + i) & ((1u << SEEN_BITS) - 1)];

		if (!*e) {
			*e = key;
			return false;
		}
		if ((*e ^ key) >> 3)
			continue;
		if ((*e & 7) >= left)
			return true;
		*e = key;
		return false;
	}
	return false;
}

static uint64_t key_of(uint64_t hash, unsigned int left)
{
	/* Never 0, which is no entry. */
	return (order_mix(hash) | 8) / 8 * 8 + left;
}

static bool seen(struct search *s, enum fiber_stop stop, unsigned int left)
{
	uint64_t hash = order_hash() + (fibers.cur->id * 4 + stop) *
					       0x9e3779b97f4a7c15u;

	return !s->opt->unreduced && remember(s->seen, key_of(hash, left));
}

static void note_order(struct search *s, enum outcome outcome)
{
	uint64_t hash = order_hash();

	if (!s->opt->orders || remember(s->orders, key_of(hash, 7)))
		return;
	s->r->orders++;
	s->r->orders_sum += order_mix(hash);
	s->r->bad_orders += outcome == OUTCOME_VIOLATED;
}

static void judge(struct search *s, enum outcome outcome)
{
	struct search_result *r = s->r;

	search_count(r, outcome, &s->path, r->schedules + 1 + r->merged);
	note_order(s, outcome);
	if (outcome == OUTCOME_VIOLATED && !s->opt->all)
		s->stop = true;
	if (!(r->schedules & 63) && seconds_now() > s->until)
		s->stop = true;
}

static void search(struct search *s, struct fiber *next, unsigned int left,
		   uint64_t slice);

/* Each of the others instead of @def, from here. */
static void step_off(struct search *s, enum fiber_stop stop,
		     const struct fiber *def, unsigned int left)
{
	struct fiber *cur = fibers.cur;
	unsigned int depth = s->path.nr, stores, drained;
	bool saved = false;

	if (!depth && s->opt->workers > 1 &&
	    fibers.points / CHUNK % s->opt->workers != s->opt->worker)
		return;
	for (unsigned int i = 0; i < world->nr && !s->stop; i++) {
		struct fiber *f = &world->fiber[i];

		if (f == def || f == cur || !course_may(f))
			continue;
		if (!saved)
			snapshot_save(s->at[depth]);
		saved = true;
		stores = stop == STOP_POINT ? cur->nr_stores : 0;
		for (drained = 0; drained <= stores && !s->stop; drained++) {
			s->path.step[depth] = (struct step){
				.at = 2 * fibers.points + (stop != STOP_POINT),
				.fiber = i,
				.drained = drained == stores ? STEP_ALL :
							       drained,
			};
			s->path.nr = depth + 1;
			course_step(cur, f, drained);
			search(s, f, left - 1, fibers.points + COURSE_SLICE);
			s->path.nr = depth;
			snapshot_restore(s->at[depth]);
		}
	}
}

/*
 * Let @next go on, to the end, and step off wherever there are steps left.
 */
static void search(struct search *s, struct fiber *next, unsigned int left,
		   uint64_t slice)
{
	enum fiber_stop stop;
	struct fiber *def;

	while (!s->stop) {
		if (play->over)
			left = 0;
		fibers.stop_at = left ? fibers.points + 1 : slice;
		if (fibers.stop_at > COURSE_POINTS)
			fibers.stop_at = COURSE_POINTS;
		stop = fibers_run(next);
		if (stop == STOP_ENDED) {
			judge(s, course_ended());
			return;
		}
		if (fibers.points >= COURSE_POINTS) {
			judge(s, course_cut());
			return;
		}
		if (stop == STOP_POINT && fibers.points >= slice) {
			s->r->sliced++;
			stop = STOP_YIELD;
		}
		if ((left || stop != STOP_POINT) && seen(s, stop, left)) {
			s->r->merged++;
			return;
		}
		def = course_default(stop);
		if (left)
			step_off(s, stop, def, left);
		if (s->stop)
			return;
		if (!def) {
			judge(s, course_stuck());
			return;
		}
		if (stop != STOP_POINT)
			slice = fibers.points + COURSE_SLICE;
		course_go(def);
		next = def;
	}
}

void bounded_run(const struct search_options *o, struct search_result *r)
{
	size_t size = sizeof(uint64_t) << SEEN_BITS;
	struct search s = {
		.opt = o,
		.r = r,
		.bound = o->bound,
		.until = seconds_now() + o->seconds,
	};
	double began = seconds_now();

	s.seen = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s.orders = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s.seen == MAP_FAILED || s.orders == MAP_FAILED)
		return;
	for (unsigned int i = 0; i < DEPTH; i++) {
		s.at[i] = snapshot_new();
		if (!s.at[i])
			return;
	}
	search(&s, course_begin(), o->bound, COURSE_SLICE);
	r->bound = o->bound;
	r->complete = !s.stop && !r->cut && !r->sliced;
	r->seconds = seconds_now() - began;
	munmap(s.seen, size);
	munmap(s.orders, size);
}
