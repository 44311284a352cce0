/* SPDX-License-Identifier: GPL-2.0-only */
/* What course.c needs of play.c, and the scenarios of each other. */
#ifndef EXPLORE_PLAY_H
#define EXPLORE_PLAY_H

#include "explore.h"

/* The fiber that sets the scenario up, pauses, and plays it. */
struct fiber *play_open(const struct play_scenario *sc, const struct fix *fix);

/* Keep each event from now on, or no more; then play_timeline() has them. */
void play_record(bool on);
void play_timeline(FILE *out);

/* The same of one of the oracle's. */
void oracle_play(struct play *p);
void oracle_timeline(FILE *out);

/* --- scenario_*.c ---------------------------------------------------- */

void review_setup(struct play *p);
void review_play(struct play *p);
void wakeup_setup(struct play *p);
void wakeup_play(struct play *p);

#endif
