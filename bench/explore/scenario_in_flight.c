// SPDX-License-Identifier: GPL-2.0-only
/*
 * A submit waits for three blocks, and two of them fail: those are staled
 * in flight, by their own I/O.  It waits for all, and returns the error.
 */
#include "play.h"

#include <errno.h>

static void setup(struct play *p)
{
	step_lists(p);
	for (unsigned int i = 0; i < 3; i++)
		step_queue(p, p->block + i, p->list[0]);
	device_fail_writes(p->dev, p->block + 1, 2, -EIO);
}

static void owner(void *arg)
{
	struct play *p = arg;
	int error = p->fix->delwri_submit(p->list[0]);

	if (!error)
		play_violated(p, HAZARD_LOST_ERROR,
			      "two of three writes failed, and submit returned "
			      "success");
	play_error(p, error);
}

static void play_in_flight(struct play *p)
{
	play_start(p, "Repair0", owner);
}

static const struct play_scenario in_flight = {
	.name = "in_flight",
	.summary = "blocks fail, and are staled, while their owner waits for "
		   "them",
	.controls = { "stale_clears_error" },
	.fails = true,
	.setup = setup,
	.play = play_in_flight,
	.end = step_check_lists,
};
PLAY_SCENARIO(in_flight);
