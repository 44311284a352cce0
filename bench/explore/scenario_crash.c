// SPDX-License-Identifier: GPL-2.0-only
/*
 * The review's, and the power may go at each step: whatever is durable is a
 * whole tree, the old one or the new one (crash.c).
 */
#include "play.h"

static void play_crash(struct play *p)
{
	play_start(p, "Repair0", task_review);
}

static const struct play_scenario crash = {
	.name = "crash",
	.summary = "the power goes at each step of the review",
	.controls = { "none" },
	.only_crashes = true,
	.setup = step_tree,
	.play = play_crash,
};
PLAY_SCENARIO(crash);
