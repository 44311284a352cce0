// SPDX-License-Identifier: GPL-2.0-only
/*
 * All schedules within a bound, depth first: from a snapshot of where a choice
 * is made, not from the beginning.
 *
 * What is counted.  A preemption: another goes on at an access of a task that
 * could go on itself, or a sleeper whose time has not come wakes (Musuvathi,
 * Qadeer: iterative context bounding, 2007).  A choice: where a task blocks,
 * gives way or ends, another goes on than the next in order of start.  There
 * that is free, here it has a bound of its own, which may be "any": then the
 * schedules are all of at most so many preemptions, and with 0 choices they
 * are some of them.  Those of at most N delays (Emmi, Qadeer, Rakamaric: delay-
 * bounded scheduling, 2011) are all within N preemptions without choices, or
 * N - 1 with any.  Measured in the review's scenario, a correct fix: 129
 * schedules of no preemption and any choices, 0.5 million of one; 1.8 million
 * of two without choices, and with one choice 5.6 million in 100 processor
 * seconds, when that was stopped unfinished.  Of two with any choices that was
 * not tried to the end: one preemption has 109 times as many orders with any
 * as without, which for two would be some ten million, each run once at
 * least: more than five minutes.  So the default, a compromise, is
 * any choices with one preemption, and none with two.
 *
 * Reduced, it finds the same orders (order.h) with fewer runs: a schedule is
 * given up at a state that was there before, with no smaller a budget.  That is
 * sound for these reasons.
 * - A state is the order so far, who was going on, and why it stopped.  Equal
 *   orders have equal memory, and equal fibers: what one does depends on what
 *   it has read, which is its order; what it is given by the arena on what it
 *   did; when it is due on the time that it read.  Giving way is no access,
 *   but one in the order, since a fiber that has done so does not again.  A
 *   fiber that was woken and one that went on from there to its next access
 *   are the same: between there is only what is its own.
 * - From equal states the same steps are possible, for the same price, and the
 *   default is the same: it depends on who can go on, who is due, and who went
 *   on last.  If any choice is free where a task blocks, who that was is not
 *   part of the state: no price depends on it, those due at the same time
 *   included.
 *   The oracle's director waits for a condition (fiber_until()).  The host
 *   evaluates it: a function of memory, so equal in equal states.  Once it goes
 *   on it looks again by itself, with accesses that are part of the order.
 * - What is left of the bound is part of the comparison (Musuvathi, Qadeer:
 *   partial-order reduction for context-bounded state exploration, 2007):
 *   whatever can follow within the smaller budget can within the larger.
 * - Each step makes an order longer, so no state follows from itself: that
 *   what can follow "is going to be" searched is no circle.
 * - Workers share the schedules by where the first preemption is, which is
 *   a property of the state, and each goes through all without one.  So what
 *   one gives up at a state without one, all of them together search.
 * - What there is no room to remember is searched again.  With no preemption
 *   left states are compared where a fiber blocks only.
 *
 * It is not exact about what the default schedule also looks at: how long
 * a fiber has gone on (COURSE_SLICE), and how many points there were
 * (COURSE_POINTS).  Runs that came to these are counted and reported, and with
 * any of them nothing is "exhausted".  It trusts that there are no data races
 * between plain accesses, and that no two orders have one hash (order.h; here
 * 57 bits of it: one in 2,900 for ten million states).
 *
 * To leave out steps from behind accesses to words that one fiber alone uses
 * looks as sound, and is not: a search with that rule missed one order in
 * twenty (tests/scripts/explore_test.py compares the two).
 */
#include "play.h"

#include "bench/fibers/order.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SEEN_BITS	23		/* 64 MiB */
#define SEEN_TRIES	8
#define CHUNK		64u	/* points in a row of one worker */

/* What is left of the bound. */
struct budget {
	unsigned int preemptions;	/* 0 to 7 */
	unsigned int choices;		/* 0 to CHOICES_ANY, which stays */
};

struct search {
	const struct search_options *opt;
	struct search_result *r;
	uint64_t *seen;			/* low 6 bits: the budget */
	uint64_t *orders;
	struct snapshot *at[STEPS];
	struct course path;
	uint64_t restores;
	double until;
	bool stop;
};

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static bool no_less(uint64_t key, uint64_t than)
{
	return (key & 007) >= (than & 007) && (key & 070) >= (than & 070);
}

/*
 * True if it was there with no smaller budget.  When there is no room it is
 * not remembered.
 */
static bool remember(uint64_t *table, uint64_t key)
{
	uint64_t at = key >> (64 - SEEN_BITS);

	for (int i = 0; i < SEEN_TRIES; i++) {
		uint64_t *e = &table[(at + i) & ((1u << SEEN_BITS) - 1)];

		if (*e && (*e ^ key) >> 6)
			continue;
		if (*e && no_less(*e, key))
			return true;
		if (!*e || no_less(key, *e)) {
			*e = key;
			return false;
		}
	}
	return false;
}

static uint64_t key_of(uint64_t hash, struct budget left)
{
	/* Never 0, which is no entry. */
	return (order_mix(hash) | 0100) / 0100 * 0100 + left.preemptions +
	       010 * left.choices;
}

static bool seen(struct search *s, enum fiber_stop stop, struct budget left)
{
	/* If whoever is chosen next costs nothing, no matter who blocked. */
	bool any = stop == STOP_BLOCKED && left.choices == CHOICES_ANY;
	unsigned int id = any ? FIBERS : fibers.cur->id;
	uint64_t hash = order_hash() +
			(id * 4 + stop) * 0x9e3779b97f4a7c15u;

	return !s->opt->unreduced && remember(s->seen, key_of(hash, left));
}

static void note_order(struct search *s, enum outcome outcome)
{
	const struct budget none = { 0 };
	uint64_t hash = order_hash();

	if (!s->opt->orders || remember(s->orders, key_of(hash, none)))
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

/* One for each step of a path. */
static struct snapshot *snapshot_at(struct search *s, unsigned int depth)
{
	if (!s->at[depth])
		s->at[depth] = snapshot_new();
	if (!s->at[depth]) {
		fputs("explore: no memory for a snapshot\n", stderr);
		_exit(1);
	}
	return s->at[depth];
}

static void search(struct search *s, struct fiber *next, struct budget left,
		   uint64_t slice);

/*
 * May @f go on here within the bound, instead of @def?  Then *@left is what is
 * left of it.  Who is due is as good as who can go on.
 */
static bool pay(const struct fiber *f, const struct fiber *def,
		enum fiber_stop stop, struct budget *left)
{
	uint64_t due = world->now;

	if (def && def->why == FIBER_SLEEPS && def->expires > due)
		due = def->expires;
	if (stop != STOP_POINT &&
	    (f->why == FIBER_RUNS || f->expires <= due)) {
		if (!left->choices)
			return false;
		if (left->choices != CHOICES_ANY)
			left->choices--;
		return true;
	}
	return left->preemptions-- > 0;
}

/* One worker's part of the schedules, by where the first preemption is. */
static bool others_part(const struct search *s, struct budget before,
			struct budget after)
{
	return before.preemptions == s->opt->bound &&
	       after.preemptions < before.preemptions &&
	       fibers.points / CHUNK % s->opt->workers != s->opt->worker;
}

/* Each time in a hundred is timed: the clock is not free. */
static void put_back(struct search *s, struct snapshot *snapshot)
{
	double began;

	if (s->restores++ % 100) {
		snapshot_restore(snapshot);
		return;
	}
	began = seconds_now();
	snapshot_restore(snapshot);
	s->r->restore_ns += (seconds_now() - began) * 1e9;
	s->r->restores++;
}

/* Each of the others instead of @def, from here. */
static void step_off(struct search *s, enum fiber_stop stop,
		     const struct fiber *def, struct budget left)
{
	struct fiber *cur = fibers.cur;
	unsigned int depth = s->path.nr, stores, drained;
	bool saved = false;

	for (unsigned int i = 0; i < world->nr && !s->stop; i++) {
		struct fiber *f = &world->fiber[i];
		struct budget then = left;

		if (f == def || f == cur || !course_may(f) ||
		    !pay(f, def, stop, &then) || others_part(s, left, then))
			continue;
		if (depth == STEPS) {
			s->r->deep++;
			return;
		}
		if (!saved)
			snapshot_save(snapshot_at(s, depth));
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
			search(s, f, then, fibers.points + COURSE_SLICE);
			s->path.nr = depth;
			put_back(s, s->at[depth]);
		}
	}
}

/*
 * Let @next go on, to the end, and step off wherever the bound allows it.
 */
static void search(struct search *s, struct fiber *next, struct budget left,
		   uint64_t slice)
{
	enum fiber_stop stop;
	struct fiber *def;

	while (!s->stop) {
		if (play->over)
			left = (struct budget){ 0 };
		fibers.stop_at = left.preemptions ? fibers.points + 1 : slice;
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
		if ((left.preemptions || stop != STOP_POINT) &&
		    seen(s, stop, left)) {
			s->r->merged++;
			return;
		}
		def = course_default(stop);
		if (left.preemptions || (left.choices && stop != STOP_POINT))
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
	static struct search s;
	double began = seconds_now();

	s = (struct search){ .opt = o, .r = r, .until = began + o->seconds };
	s.seen = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s.orders = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s.seen == MAP_FAILED || s.orders == MAP_FAILED)
		return;
	search(&s, course_begin(),
	       (struct budget){ o->bound, o->choices },
	       COURSE_SLICE);
	r->complete = !s.stop && !r->cut && !r->sliced && !r->deep;
	r->seconds = seconds_now() - began;
	munmap(s.seen, size);
	munmap(s.orders, size);
}
