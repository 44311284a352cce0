/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stage of a scenario: one small file system on a memory device, named
 * actors, and a director who holds them at named points.  Runs in a child
 * process; a wait that does not end is reported with who waits for whom.
 */
#ifndef ORACLE_STAGE_H
#define ORACLE_STAGE_H

#include <stdio.h>

#include "oracle.h"

#define STAGE_ACTORS	8		/* at the same time */
#define STAGE_HOLDS	8
#define STAGE_EVENTS	4096
#define STAGE_ANY_BLOCK	UINT64_MAX

/*
 * A director's wait longer than this is a hang, if he came round so often
 * meanwhile: on a machine that is too busy, threads that he waits for have
 * not had their turn either, and nothing is proven.  The time is set before
 * scenarios run.
 */
extern unsigned int stage_patience_ms;
#define STAGE_TURNS		2000
/* A wait for a list that nobody comes by for any more. */
#define STAGE_HOPELESS_MS	3000
/* With everybody running, so many AIL passes without progress are one. */
#define STAGE_PASSES		40

struct event {
	uint64_t at_ns;
	enum point point;
	char actor[28];			/* as the thread was named then */
	struct buf_state state;
	bool has_state;
};

struct actor {
	struct thread thread;
	struct stage *stage;
	void (*fn)(struct actor *actor);
	uint64_t arg;
	int error;			/* what the operation returned */
	bool unwritten;			/* submit has not written what it had */
	struct repair_result result;
	uint64_t started_ns, ended_ns;
	int done;			/* set last, by the actor */
	bool joined;			/* by the director */
};

struct hold {
	const char *actor;		/* NULL: free slot */
	enum point point;
	uint64_t bno;
	int held;			/* somebody stands there */
	int released;
};

struct stage {
	const struct fix *fix;
	struct device *dev;
	struct mount *mp;
	struct finding *finding;
	uint64_t block;			/* the block the scenario is about */
	uint64_t epoch_ns;
	struct mount_options opt;
	struct point_ops points;
	struct repair_watch watch;
	struct thread watchdog;
	struct actor actors[STAGE_ACTORS];
	struct hold holds[STAGE_HOLDS];	/* hold_lock */
	spinlock_t hold_lock;
	struct event *events;		/* slot by nr_events */
	unsigned int nr_events;		/* atomic */
	uint64_t seen[POINTS];		/* atomic: times reached on block */
	bool invalid;			/* see stage_invalid() */
	bool watching;			/* root commits count from now on */
	/* From root_commit(), AG header locked. */
	uint64_t commits;
	uint64_t blocks_checked;
	uint64_t not_durable;
	uint64_t first_not_durable;
};

/*
 * Ends the process with a finding that says who waits for whom, if the
 * director himself gets stuck; started by stage_open().
 */
#define STAGE_WATCHDOG_S	60

/*
 * A small mount; -errno is a failed setup, reported as untested.  What ends
 * the process before is no fault of the fix, and what does afterwards is.
 */
int stage_open(struct stage *s, const struct fix *fix, struct finding *f);
/* Unmount and judge what is left.  Not after a hang or a crash. */
void stage_close(struct stage *s, struct teardown *left);

/*
 * The machine has not enough of something: ends the process with a finding
 * that names it.
 */
void __attribute__((noreturn)) stage_lacks(struct stage *s, const char *what,
					   int error);

/*
 * Start @fn as @name; its events go to that column.  Without another thread
 * there is no scenario: see stage_lacks().
 */
struct actor *stage_start(struct stage *s, const char *name,
			  void (*fn)(struct actor *actor), uint64_t arg);
/* False if patience ran out; the finding then says who waits for whom. */
bool stage_join(struct stage *s, struct actor *actor);
/* The same, but release @hold as soon as @actor waits for a list. */
bool stage_join_releasing(struct stage *s, struct actor *actor,
			  struct hold *hold);
/*
 * What gave up says nothing about the fix: untested.  To be asked before the
 * next stage_start(), which may get the slot of an actor that was joined.
 */
bool stage_failed(struct stage *s, const struct actor *actor);
/* True once @actor sleeps for @kind, false if it ended before. */
bool stage_until_waits(struct stage *s, struct actor *actor,
		       enum wait_kind kind);
bool stage_is_done(const struct actor *actor);

/* Whoever of @actor's name reaches @point (on @bno) stays there. */
struct hold *stage_hold(struct stage *s, const char *actor, enum point point,
			uint64_t bno);
bool stage_until_held(struct stage *s, struct hold *hold);
/* The same, but release @other as soon as @actor waits for a list. */
bool stage_until_held_releasing(struct stage *s, struct hold *hold,
				struct actor *actor, struct hold *other);
void stage_release(struct stage *s, struct hold *hold);
/* Until @point was reached on the block @times times since the start. */
bool stage_until_seen(struct stage *s, enum point point, uint64_t times);
uint64_t stage_seen(const struct stage *s, enum point point);
/* @more passes of the AIL daemon, or as many as it had work for. */
bool stage_until_passes(struct stage *s, uint64_t more);
/* Somebody who sleeps for a buffer to leave a list, or NULL. */
const struct task *stage_waiter(void);
/* A wait of the director's, from stage_patience() on. */
struct patience {
	uint64_t since_ns;
	uint64_t passes;		/* of the AIL daemon, until then */
	unsigned int turns;		/* in which he has looked */
};

struct patience stage_patience(const struct stage *s);
/* One more turn: can no end of the wait be expected? */
bool stage_hopeless(struct stage *s, struct patience *p);

void stage_verdict(struct stage *s, enum verdict verdict,
		   const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * The trial did not come to the interleaving, by no fault of the fix: it
 * is made again, with a new mount, STAGE_TRIALS times at most.
 */
#define STAGE_TRIALS	10
void stage_invalid(struct stage *s, const char *why);
/* A violation, followed by the timeline of the recorded run. */
void stage_violated(struct stage *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Who waits for whom, a line each; @s may be NULL: nothing was recorded. */
void stage_who(const struct stage *s, FILE *out);
/* The three columns of the review. */
void timeline_print(const struct stage *s, FILE *out);

/* --- what several scenarios do --------------------------------------- */

/* Actors' whole jobs: rebuild the tree; walk it to the block. */
void actor_repair(struct actor *actor);
void actor_walk(struct actor *actor);
/* A live scan looks at the block, as often as it likes. */
void actor_scan(struct actor *actor);

/*
 * The review's first step: a tree is there, the daemon has queued its block
 * s->block and left it on its list because it was logged again.  The
 * daemon, unless *@hold is NULL, is held before its next pass.
 */
bool review_left_on_list(struct stage *s, struct hold **hold);
/* The same, left because a scan had it locked when the daemon came by. */
bool review_left_locked(struct stage *s, struct hold **hold);
/*
 * And its second: Repair0 has built another tree, freed the block, and
 * that is on disk: the block can be had.  False if it never came to that.
 */
bool review_freed(struct stage *s, struct hold **hold);
/*
 * Look s->block up as those do who never wait: read-ahead, which in 7.3 does
 * not touch what is stale, and a trylock of what is cached (kernel:
 * xfs_buf_readahead_map, xfs_attr_rmtval_stale).
 */
void lookups_by_trylock(struct stage *s);

/* Blocks of the newest durable root that a crash now would damage. */
uint64_t image_damaged(struct stage *s, uint64_t *checked);

#endif
