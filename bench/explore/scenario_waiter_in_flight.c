// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner submits, and waits for, the block that a loader wants: it
 * leaves his list for that of what is in flight, and then that one.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_lists(p);
	step_queue(p, p->block, p->list[0]);
}

static void owner(void *arg)
{
	struct play *p = arg;

	play_error(p, p->fix->delwri_submit(p->list[0]));
}

static void play_waiter_in_flight(struct play *p)
{
	play_start(p, "Repair1", task_loader);
	play_start(p, "Owner", owner);
}

static const struct play_scenario waiter_in_flight = {
	.name = "waiter_in_flight",
	.summary = "the block that a loader waits for is written by its owner",
	.controls = { "pop_wakes_nobody", "never_wakes" },
	/* Nobody is given a block that is to be written. */
	.ignores = HAZARD(ORDERING),
	.setup = setup,
	.play = play_waiter_in_flight,
	.end = step_check_lists,
};
PLAY_SCENARIO(waiter_in_flight);
