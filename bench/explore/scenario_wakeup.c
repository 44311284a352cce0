// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loader is to queue a stale block that is still on a list, while the
 * list's owner takes it off: who waits for that must be woken.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_lists(p);
	step_queue(p, p->block, p->list[0]);
	step_stale(p, p->block);
}

static void owner(void *arg)
{
	struct play *p = arg;

	step_passes(p, p->list[0]);
}

static void loader(void *arg)
{
	struct play *p = arg;

	step_load(p, p->block, p->list[1]);
}

static void play_wakeup(struct play *p)
{
	/* First the one that waits: a step off to the owner, and one back. */
	play_start(p, "Repair1", loader);
	play_start(p, "Repair0", owner);
}

static const struct play_scenario wakeup = {
	.name = "wakeup",
	.summary = "a loader is to queue a stale block that its list's owner "
		   "takes off",
	.controls = { "delwri_queue_here" },
	.setup = setup,
	.play = play_wakeup,
};
PLAY_SCENARIO(wakeup);
