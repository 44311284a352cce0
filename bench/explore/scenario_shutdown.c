// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file system is shut down in the middle: a freed block is on a list, a
 * loader wants it, and the list's owner goes on submitting.  Everybody comes
 * to an end, if with an error.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_freed_on_list(p);
	step_queue(p, p->block + 1, p->list[0]);
	step_queue(p, p->block + 2, p->list[2]);
}

static void owner(void *arg)
{
	struct play *p = arg;

	p->fix->shutdown(p->mp);
	step_passes(p, p->list[0]);
	/* It fails before the device has it, and is staled in his hands. */
	if (!p->fix->delwri_submit(p->list[2]))
		play_violated(p, HAZARD_LOST_ERROR,
			      "after a shutdown a submit returned success");
	step_stale(p, p->block + 2);
}

static void play_shutdown(struct play *p)
{
	play_start(p, "Repair1", task_loader);
	play_start(p, "Repair0", owner);
}

static const struct play_scenario shutdown = {
	.name = "shutdown",
	.summary = "the file system is shut down with a block on a list that "
		   "a loader wants",
	.controls = { "shutdown_submits_nothing", "stale_in_flight" },
	/* What is not written after a shutdown is no loss. */
	.ignores = HAZARD(ORDERING),
	.fails = true,
	.unmounts = true,
	.setup = setup,
	.play = play_shutdown,
	.end = step_check_lists,
};
PLAY_SCENARIO(shutdown);
