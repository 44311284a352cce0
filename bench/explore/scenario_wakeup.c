// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loader is to queue a stale block that is still on a list, while the
 * list's owner takes it off: who waits for that must be woken.
 */
#include "play.h"

static void play_wakeup(struct play *p)
{
	/* First the one that waits: a step off to the owner, and one back. */
	play_start(p, "Repair1", task_loader);
	play_start(p, "Repair0", task_owner);
}

static const struct play_scenario wakeup = {
	.name = "wakeup",
	.summary = "a loader is to queue a stale block that its list's owner "
		   "takes off",
	.controls = { "delwri_queue_here" },
	.setup = step_freed_on_list,
	.play = play_wakeup,
};
PLAY_SCENARIO(wakeup);
