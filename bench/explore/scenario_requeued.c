// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loader that waits for a list has unlocked the block; when it has left
 * the list, somebody else queues it on a third one.  It is never on two.
 */
#include "play.h"

static void other(void *arg)
{
	struct play *p = arg;

	step_queue(p, p->block, p->list[2]);
	sleep_ns(2000000, WAIT_IDLE);
	step_passes(p, p->list[2]);
}

static void play_requeued(struct play *p)
{
	play_start(p, "Repair1", task_loader);
	play_start(p, "Repair0", task_owner);
	play_start(p, "Repair2", other);
}

static const struct play_scenario requeued = {
	.name = "requeued",
	.summary = "a block that a loader waits for is queued again elsewhere",
	.controls = { "queue_no_recheck" },
	/* Nobody is given a block that another one is filling. */
	.ignores = HAZARD(ORDERING),
	.setup = step_freed_on_list,
	.play = play_requeued,
	.end = step_check_lists,
};
PLAY_SCENARIO(requeued);
