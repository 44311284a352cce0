// SPDX-License-Identifier: GPL-2.0-only
/*
 * As ag_header, but the owner sleeps for locks, as no owner of a list with
 * an AG's header on it does in the kernel today: what would happen if one
 * did.  A loader that waits for the list keeps the header meanwhile.
 */
#include "play.h"

static void owner(void *arg)
{
	struct play *p = arg;

	play_error(p, p->fix->delwri_submit(p->list[0]));
}

static void play_owner_sleeps(struct play *p)
{
	play_start(p, "Repair1", task_loader_in_ag);
	play_start(p, "Owner", owner);
}

static const struct play_scenario owner_sleeps = {
	.name = "owner_sleeps",
	.summary = "as ag_header, with an owner that sleeps for locks: none "
		   "such is in the kernel",
	.controls = { "none", "delwri_queue_here_mb", "wait_in_find_lock" },
	.setup = step_header_on_list,
	.play = play_owner_sleeps,
};
PLAY_SCENARIO(owner_sleeps);
