// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every scenario of the explorer, a line each.
 */
#include "play.h"

const struct play_scenario play_scenarios[] = {
	{ "review",
	  "a repair frees a block that is on the AIL's list, another is given it",
	  "none", HAZARD_DEADLOCK, review_setup, review_play },
	{ "wakeup",
	  "a loader is to queue a stale block that its list's owner takes off",
	  "delwri_queue_here", HAZARD_LOST_WAKEUP, wakeup_setup, wakeup_play },
	{ 0 }
};
