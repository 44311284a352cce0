// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner walks his list while others stale what is on it, the next buffer
 * of the walk among them: every link agrees afterwards.
 */
#include "play.h"

#define BLOCKS	3

static void setup(struct play *p)
{
	step_lists(p);
	for (unsigned int i = 0; i < BLOCKS; i++)
		step_queue(p, p->block + i, p->list[0]);
}

static void staler(void *arg)
{
	struct play *p = arg;

	step_stale(p, p->block + 1);
}

static void other_staler(void *arg)
{
	struct play *p = arg;

	step_stale(p, p->block + 2);
}

static void play_owner_and_staler(struct play *p)
{
	play_start(p, "Repair0", task_owner);
	play_start(p, "Repair1", staler);
	play_start(p, "Repair2", other_staler);
}

static const struct play_scenario owner_and_staler = {
	.name = "owner_and_staler",
	.summary = "buffers are staled under an owner who walks his list",
	.controls = { "stale_in_walk", "stale_no_lock" },
	.unmounts = true,
	.setup = setup,
	.play = play_owner_and_staler,
	.end = step_check_lists,
};
PLAY_SCENARIO(owner_and_staler);
