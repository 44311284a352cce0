// SPDX-License-Identifier: GPL-2.0-only
/*
 * As ag_header, but the owner sleeps for locks, as no owner of a list with
 * an AG's header on it does in the kernel today: what would happen if one
 * did.  A loader that waits for the list keeps the header meanwhile.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_freed_on_list(p);
	step_queue(p, 0, p->list[0]);
}

static void loader(void *arg)
{
	struct play *p = arg;
	struct trans *tp;
	int error = p->fix->trans_alloc(p->mp, &tp);

	play_error(p, error);
	if (error)
		return;
	play_error(p, p->fix->trans_lock_ag(tp, 0));
	step_load(p, p->block, p->list[1]);
	play_error(p, p->fix->trans_commit(tp));
}

static void owner(void *arg)
{
	struct play *p = arg;

	play_error(p, p->fix->delwri_submit(p->list[0]));
}

static void play_owner_sleeps(struct play *p)
{
	play_start(p, "Repair1", loader);
	play_start(p, "Owner", owner);
}

static const struct play_scenario owner_sleeps = {
	.name = "owner_sleeps",
	.summary = "as ag_header, with an owner that sleeps for locks: none "
		   "such is in the kernel",
	.controls = { "none", "delwri_queue_here_mb", "wait_in_find_lock" },
	.setup = setup,
	.play = play_owner_sleeps,
};
PLAY_SCENARIO(owner_sleeps);
