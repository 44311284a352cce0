// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader beside the review: read-ahead of the block, while a loader that
 * waits for its list has it unlocked, and a walk of the new tree down to it.
 * Nobody may find old contents there.
 */
#include "play.h"

#include <errno.h>

static void reader(void *arg)
{
	struct play *p = arg;

	p->fix->buf_readahead(p->mp, p->block, 1);
}

static void at(struct play *p, enum point point, const struct buf_state *state)
{
	(void)state;
	if (point == POINT_WAIT_BEGIN && p->nr_actors == 2)
		play_start(p, "Reader", reader);
}

static void second(void *arg)
{
	struct play *p = arg;
	int error;

	step_repair(p);
	/* Entry 0 of the root, a leaf: the block. */
	error = p->fix->tree_walk(p->mp, 0, 0);
	if (error == -EUCLEAN || error == -EFSBADCRC)
		play_violated(p, HAZARD_REREAD,
			      "a reader of the new tree met old contents: %d",
			      error);
	play_error(p, error);
}

static void first(void *arg)
{
	struct play *p = arg;

	step_leave_on_list(p, 0);
	play_start(p, "Repair1", second);
	step_repair(p);
}

static void play_reader(struct play *p)
{
	play_start(p, "Repair0", first);
}

static const struct play_scenario a_reader = {
	.name = "reader",
	.summary = "a reader and read-ahead beside the review",
	.controls = { "none_pre_done", "queue_not_done" },
	/* The review's. */
	.ignores = HAZARD(ORDERING),
	.setup = step_tree,
	.play = play_reader,
	.at = at,
};
PLAY_SCENARIO(a_reader);
