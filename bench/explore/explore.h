/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Explores the schedules of a scenario: small scenarios of the cache's
 * operations, played by fibers (bench/fibers/fiber.h), by schedules that a
 * strategy thinks up.
 *
 * The default schedule lets whoever runs go on until it blocks, and then the
 * next one that can in the order in which they were started; if none can,
 * time passes until the first sleeper is due.  Every other schedule is told
 * as its steps off the default: at which point who goes on instead.  A
 * strategy is bounded by how many steps off it makes.
 */
#ifndef EXPLORE_EXPLORE_H
#define EXPLORE_EXPLORE_H

#include <stdio.h>

#include "bench/fibers/fiber.h"
#include "bench/oracle/oracle.h"

/* --- scenarios ------------------------------------------------------- */

#define PLAY_ACTORS	6

/* A scenario being played; in the arena, so that it is put back, too. */
struct play {
	const struct play_scenario *scenario;
	const struct fix *fix;
	struct device *dev;
	struct mount *mp;
	struct point_ops points;
	struct repair_watch watch;
	uint64_t block;			/* the one that it is about: X */
	struct thread actor[PLAY_ACTORS];
	unsigned int nr_actors;
	uint64_t started_ns;		/* virtual */
	bool violated;
	enum hazard hazard;
	int error;			/* of an operation that gave up */
	char why[200];
	struct delwri_list *list[2];	/* the scenario's own */
};

struct play_scenario {
	const char *name;
	const char *summary;
	const char *control;	/* a fix that is known to fail in it */
	/* What it is if nobody can go on any more. */
	enum hazard stuck;
	/* By the first fiber: once, and for each schedule. */
	void (*setup)(struct play *p);
	void (*play)(struct play *p);	/* NULL: the oracle's, oracle.c */
};

/* Ended by an entry without a name. */
extern const struct play_scenario play_scenarios[];
/* One of the oracle's; NULL: none has that name.  And their names. */
const struct play_scenario *oracle_scenario(const char *name);
void oracle_list(void);

/* By a scenario: start @fn as @name. */
void play_start(struct play *p, const char *name, void (*fn)(void *arg));
/* Until all that were started are done. */
void play_join(struct play *p);
/* It shall hold: else this schedule ends, and is a witness. */
void play_violated(struct play *p, enum hazard hazard, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));
/* An operation returned @error, and should not have. */
void play_error(struct play *p, int error);

/* --- schedules ------------------------------------------------------- */

/* One step off the default schedule. */
struct step {
	uint64_t at;		/* twice the access; and 1 where one blocks */
	unsigned int fiber;	/* who goes on */
	/* Store buffers: how many of the other's oldest stores are visible. */
	unsigned int drained;
};

#define STEPS		512
#define STEP_ALL	FIBER_STORES

struct course {
	unsigned int nr;
	struct step step[STEPS];
};

enum outcome {
	OUTCOME_OK,
	OUTCOME_VIOLATED,
	OUTCOME_ERROR,		/* an operation gave up: says nothing */
	OUTCOME_CUT,		/* more than COURSE_POINTS accesses */
};

/* Every run has a bound, and a fiber one to let others go on. */
extern unsigned int course_points;
#define COURSE_POINTS	course_points
#define COURSE_SLICE	6000u
/* Nobody need wait so long: virtual time. */
#define COURSE_HOPELESS_NS	10000000000ull
/* A sleeper may be early by so much, as a step off the default. */
#define COURSE_EARLY_NS		1000000000ull

extern struct play *play;		/* the one; in the arena */

/* Make the world, and a snapshot of it; once a process.  0 or -errno. */
int course_open(const struct play_scenario *sc, const struct fix *fix,
		bool tso);
/* Where all schedules begin: everything as it was. */
struct fiber *course_begin(void);
/* Who goes on by default after @stop; NULL: nobody ever will. */
struct fiber *course_default(enum fiber_stop stop);
/* Can @f go on, without time? */
bool course_ready(struct fiber *f);
/* May @f go on now, as a step off the default? */
bool course_may(struct fiber *f);
/* Let it, that is not the default: what time it gets, what it may see. */
void course_step(struct fiber *cur, struct fiber *f, unsigned int drained);
/* ... that is. */
void course_go(struct fiber *f);
/* Nobody can go on: a verdict, too. */
enum outcome course_stuck(void);
enum outcome course_ended(void);

/* A schedule as it was thought up; the points it had: fibers.points. */
enum outcome course_run(const struct course *c);
/* The same, with each event kept for course_print(). */
enum outcome course_record(const struct course *c);
void course_print(FILE *out);
/* Leave out what it does not need to be a witness of the same hazard. */
void course_minimise(struct course *c);

/* "7.3/none/review/sc/1200>5.1311>2"; -EINVAL: @why has one line. */
int course_format(const struct course *c, char *buf, size_t size);
int course_parse(const char *text, struct course *c, char *why,
		 size_t why_size);

/* --- strategies ------------------------------------------------------ */

struct search_result {
	uint64_t schedules;	/* run to their end */
	uint64_t merged;	/* cut short: the rest was seen before */
	uint64_t points;
	uint64_t violations;
	uint64_t errors, cut, sliced, deep;
	uint64_t orders;	/* different ones, of those that ended */
	uint64_t orders_sum;	/* of their hashes */
	uint64_t bad_orders;
	uint64_t points_max, fibers_max;	/* of a run */
	/* pct.c: k, and the runs that its probability is stated of. */
	uint64_t pct_points, pct_counted;
	uint64_t astray;	/* not the same when replayed */
	bool complete;		/* everything within the bound */
	bool found;
	uint64_t found_nr;	/* of how many schedules */
	double seconds;
	struct course witness;
	enum hazard hazard;
	char why[200];
};

/* Any number of them. */
#define CHOICES_ANY	7u

struct search_options {
	unsigned int bound;	/* bounded: preemptions; pct: depth */
	unsigned int choices;	/* bounded: others where one blocks */
	double seconds;
	uint64_t seed;
	unsigned int worker, workers;
	bool unreduced;		/* bounded: each schedule, to its end */
	bool all;		/* go on after a witness */
	bool orders;		/* keep the set of orders */
};

/*
 * A schedule @c that was run, the @nr-th, and how it ended: the first that is
 * violated becomes the witness.
 */
void search_count(struct search_result *r, enum outcome outcome,
		  const struct course *c, uint64_t nr);
/* One worker's part; its result is for the others to add up. */
void bounded_run(const struct search_options *o, struct search_result *r);
void pct_run(const struct search_options *o, uint64_t runs,
	     struct search_result *r);

#endif
