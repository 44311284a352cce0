// SPDX-License-Identifier: GPL-2.0-only
/*
 * The review's: a repair frees a block that is still on the AIL's list, and
 * is given it again.
 */
#include "play.h"

static void play_review(struct play *p)
{
	play_start(p, "Repair0", task_review);
}

static const struct play_scenario review = {
	.name = "review",
	.summary = "a repair frees a block that is on the AIL's list, another "
		   "is given it",
	.controls = { "none" },
	.setup = step_tree,
	.play = play_review,
};
PLAY_SCENARIO(review);
