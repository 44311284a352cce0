// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader beside the review: read-ahead of the block at any time, and a
 * walk of the new tree down to it.  Nobody may find old contents there.
 */
#include "play.h"

#include <errno.h>

static void reader(void *arg)
{
	struct play *p = arg;

	p->fix->buf_readahead(p->mp, p->block, 1);
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
	play_start(p, "Reader", reader);
	step_repair(p);
}

static void play_reader(struct play *p)
{
	play_start(p, "Repair0", first);
}

static const struct play_scenario a_reader = {
	.name = "reader",
	.summary = "a reader and read-ahead beside the review",
	.controls = { "none_pre_done" },
	/* The review's. */
	.ignores = HAZARD(ORDERING),
	.setup = step_tree,
	.play = play_reader,
};
PLAY_SCENARIO(a_reader);
