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
#define STAGE_AGS	2
#define STAGE_AG_BLOCKS	512
#define STAGE_ANY_BLOCK	UINT64_MAX

/*
 * A director's wait longer than this is a hang, if he came round so often
 * meanwhile: on a machine that is too busy, threads that he waits for have
 * not had their turn either, and nothing is proven.  The time is set before
 * scenarios run.  On fibers it is virtual, and a wait is a hang as soon as
 * nobody can go on.
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
	int released;			/* hold_lock, and read without */
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
	int armed[POINTS];		/* hold_lock; fibers read it without */
	spinlock_t hold_lock;
	struct event *events;		/* slot by nr_events */
	unsigned int nr_events;		/* atomic */
	uint64_t seen[POINTS];		/* atomic: times reached on block */
	bool begun;			/* somebody was started */
	bool invalid;			/* see stage_invalid() */
	bool watching;			/* root commits count from now on */
	/* From root_commit(), AG header locked. */
	uint64_t commits;
	uint64_t blocks_checked;
	uint64_t not_durable;
	uint64_t first_not_durable;
};

/* The director himself may be stuck so long; that ends it, with a finding. */
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
/* Until the device has failed so many writes; false: it never will. */
bool stage_until_errors(struct stage *s, uint64_t errors);
/* Until @actor has set @flag; false: he never will, or is done without. */
bool stage_until_set(struct stage *s, const int *flag,
		     const struct actor *actor);
/* By an actor: until the director has set @flag, however long that takes. */
void stage_stand_until_set(struct stage *s, const int *flag);
/*
 * Until @actor is done, with @turn done again and again; false, without a
 * finding, if no end can be expected.
 */
bool stage_until_done(struct stage *s, struct actor *actor,
		      void (*turn)(struct stage *s, void *actor));
/*
 * Until @actor is done or cannot go on.  On threads that is a guess, after a
 * while; on fibers hours have passed for whoever sleeps with a time limit.
 */
void stage_settle(struct stage *s, struct actor *actor);

/* What is waited for.  It looks, takes no lock, and changes nothing. */
typedef bool stage_cond(const struct stage *s, const void *on);
/*
 * All these waits: until @cond, looked at again after each @turn, which may be
 * NULL.  False, without a finding, if no end can be expected.
 */
bool stage_until(struct stage *s, stage_cond *cond, void *on,
		 void (*turn)(struct stage *s, void *on));
/* The finding of a wait for @what that has no end; false. */
bool stage_no_end(struct stage *s, const char *what);

/* --- what differs: stage_threads.c, fibers/stage_fibers.c -------------- */

/* A moment, or until @cond is worth a look; false: nobody can go on. */
bool stage_turn(struct stage *s, stage_cond *cond, const void *on, bool timed);
/* As a hold: until @cond, which is somebody else's to see to. */
void stage_stand(struct stage *s, stage_cond *cond, const void *on);
/* As stage_settle(). */
void stage_pause(struct stage *s, stage_cond *cond, const void *on);
/* now_ns(), of an onlooker. */
uint64_t stage_now(void);
/* From here on others take part. */
void stage_begins(struct stage *s);
/* Room for events, and a watch over the director; 0 or -errno.  Its end. */
int stage_host_open(struct stage *s);
void stage_host_close(struct stage *s);
/* The scenario is over, wherever it stands. */
void __attribute__((noreturn)) stage_end(void);

/* --- verdicts ---------------------------------------------------------- */

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
/* What a point is called there; NULL: it is not shown. */
const char *timeline_step(enum point point);

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
