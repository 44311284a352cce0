// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two loaders at once are given blocks that are on the same list: whose
 * block leaves it is woken, and nobody else's is thought to be queued.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_freed_on_list(p);
	step_queue(p, p->block + 1, p->list[0]);
	step_stale(p, p->block + 1);
}

static void other_loader(void *arg)
{
	struct play *p = arg;

	step_load(p, p->block + 1, p->list[2]);
}

static void play_two(struct play *p)
{
	play_start(p, "Repair1", task_loader);
	play_start(p, "Repair2", other_loader);
	play_start(p, "Repair0", task_owner);
}

static const struct play_scenario two_loaders = {
	.name = "two_loaders",
	.summary = "two loaders are given blocks that are on one list",
	.controls = { "none", "shared_queue_unwoken" },
	.setup = setup,
	.play = play_two,
	.end = step_check_lists,
};
PLAY_SCENARIO(two_loaders);
