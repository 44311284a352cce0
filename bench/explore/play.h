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

/* --- scenario_*.c ---------------------------------------------------- */

void review_setup(struct play *p);
void review_play(struct play *p);
void wakeup_setup(struct play *p);
void wakeup_play(struct play *p);

#endif
