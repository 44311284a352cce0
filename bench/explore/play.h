/* SPDX-License-Identifier: GPL-2.0-only */
/* What course.c needs of play.c, and the scenarios of each other. */
#ifndef EXPLORE_PLAY_H
#define EXPLORE_PLAY_H

#include "explore.h"

/* The fiber that sets the scenario up, pauses, and plays it. */
struct fiber *play_open(const struct play_scenario *sc, const struct fix *fix);

/* --- witness.c ------------------------------------------------------- */

/* Keep each event from now on, or no more; then play_timeline() has them. */
void play_record(bool on);
/* The current fiber has come to @point. */
void witness_reached(enum point point, const struct buf_state *state);
/* Another goes on instead of @f, whose stores are in its buffer. */
void witness_preempted(const struct fiber *f);
/* At most twelve lines of 72 columns, below two. */
void play_timeline(FILE *out);
/* fibers.points at its last event: a condition for a breakpoint. */
uint64_t witness_access(void);

/* The same of one of the oracle's. */
void oracle_play(struct play *p);
void oracle_timeline(FILE *out);

/* crash.c: look at the image after each block that is written to it. */
void crash_watch(struct play *p);
/*
 * fault.c: a fiber that uses memory that is none is a witness.  Each process
 * that plays calls it.
 */
void fault_watch(void);

/* --- steps.c: what several scenarios do ------------------------------ */

/* Three leaves under a root: four blocks, so that trees alternate. */
#define TREE_RECORDS	567

void step_lists(struct play *p);
/* And block @p->block is on the first one, freed by whoever had it. */
void step_freed_on_list(struct play *p);
/* Fill @bno and queue it on @list as others than the bulk loader do. */
void step_queue(struct play *p, uint64_t bno, struct delwri_list *list);
void step_stale(struct play *p, uint64_t bno);
/* The list's owner, as the daemon: until it is empty, some passes at most. */
void step_passes(struct play *p, struct delwri_list *list);
/* Submit and wait: what has generation @gen is on disk then. */
void step_submit(struct play *p, struct delwri_list *list, uint64_t bno,
		 uint64_t gen);
/* As a bulk loader: get it, fill it, queue it; its generation, 0: none. */
uint64_t step_queue_bload(struct play *p, uint64_t bno,
			  struct delwri_list *list);
/* And submit. */
void step_load(struct play *p, uint64_t bno, struct delwri_list *list);
/* A repair of the first AG, and the log forced. */
void step_repair(struct play *p);
/* A tree is there, and is on disk. */
void step_tree(struct play *p);
/* Its leaf @leaf is logged, asked to be pushed, and logged again. */
void step_leave_on_list(struct play *p, unsigned int leaf);
/* step_freed_on_list(), and the header of the first AG behind it. */
void step_header_on_list(struct play *p);
/* As task_loader(), in a transaction that has that header locked. */
void task_loader_in_ag(void *arg);
/* The review's: a leaf is left on the AIL's list, then come two repairs. */
void task_review(void *arg);
/* Whole tasks: step_passes() of the first list, step_load() by the second. */
void task_owner(void *arg);
void task_loader(void *arg);
/* All lists: every link agrees, none is left; then they go. */
void step_check_lists(struct play *p);

#endif
