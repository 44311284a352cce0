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

#define PLAY_ACTORS	8
#define PLAY_CONTROLS	8
#define PLAY_LISTS	3

#define PLAY_BLOCKS	16

/* A block's buffer, as its last points told. */
struct play_block {
	const void *lock, *link;
	const struct task *locker;	/* has locked it, */
	const struct task *queuer;	/* queued it last */
};

/* What a crash now would leave: crash.c. */
struct play_image {
	uint64_t root, gen;		/* of the newest durable one; 0: none */
	uint64_t events;		/* blocks that became durable */
};

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
	bool over;			/* all are done: only judged from now */
	bool violated;
	enum hazard hazard;
	int error;			/* of an operation that gave up */
	char why[200];
	struct play_image image;
	struct play_block blocks[PLAY_BLOCKS];
	/* The scenario's own, as it likes. */
	struct delwri_list *list[PLAY_LISTS];
	void *own;
	uint64_t failing;	/* block that cannot be written; 0: none */
};

struct play_scenario {
	const char *name;
	const char *summary;
	/*
	 * Fixes, and mutants of tests/mutants, that fail in it: written down
	 * before the fixes are searched.
	 */
	const char *controls[PLAY_CONTROLS];
	unsigned int ignores;	/* HAZARD() bits that others look for */
	bool only_crashes;	/* not what a root is committed over */
	unsigned int arg;	/* the scenario's own */
	unsigned int ag_blocks;	/* 0: a header, and two trees of four */
	bool unmounts;		/* and judges what is left */
	bool fails;		/* -EIO is what operations may return */
	/* By whoever is at a point, of a buffer or (NULL) none; may sleep. */
	void (*at)(struct play *p, enum point point,
		   const struct buf_state *state);
	/*
	 * By the first fiber: once, and for each schedule; and when all that
	 * were started are done, with nobody to be stepped off to.
	 */
	void (*setup)(struct play *p);
	void (*play)(struct play *p);	/* NULL: the oracle's, oracle.c */
	void (*end)(struct play *p);
};

/* A scenario is there once a file of this folder says so of its description. */
#define PLAY_SCENARIO(sc)						\
	static const struct play_scenario *const sc##_entry		\
		__attribute__((used, section("play_scenarios"))) = &sc

/* The @nr-th, by the names of their files; NULL: there are no more. */
const struct play_scenario *play_scenario(unsigned int nr);
/* One of the oracle's; NULL: none has that name.  And their names. */
const struct play_scenario *oracle_scenario(const char *name);
void oracle_list(void);

/* Of the same cache as fixes[]; the base is the fix that it is made of. */
extern const struct generation mutant_generations[];
extern const char *const mutant_bases[];
const struct fix *const *mutants_of_cache(void);
/* A fix or a mutant, of the cache that was chosen; or NULL. */
const struct fix *explore_fix_by_name(const char *name);

/* By a scenario: start @fn as @name. */
void play_start(struct play *p, const char *name, void (*fn)(void *arg));
/* Until all that were started are done. */
void play_join(struct play *p);
/* It shall hold: else this schedule ends, and is a witness. */
void play_violated(struct play *p, enum hazard hazard, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
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
/* Nobody can go on, or it has no end: a verdict, too; see stuck.c. */
enum outcome course_stuck(void);
enum outcome course_cut(void);
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
	uint64_t restores, restore_ns;	/* snapshots put back, and timed */
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
