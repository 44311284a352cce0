// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shrinker comes by while a freed block leaves its list and a loader is
 * given it: each hold is dropped once, and the block stays who it is.
 */
#include "play.h"

static void shrinker(void *arg)
{
	struct play *p = arg;

	for (unsigned int i = 0; i < 2; i++)
		p->fix->shrink(p->mp, 8);
}

static void play_shrinker(struct play *p)
{
	play_start(p, "Repair1", task_loader);
	play_start(p, "Shrinker", shrinker);
	play_start(p, "Repair0", task_owner);
}

static const struct play_scenario a_shrinker = {
	.name = "shrinker",
	.summary = "the shrinker comes by while a freed block leaves its list",
	.controls = { "none", "stale_keeps_hold" },
	.unmounts = true,
	.setup = step_freed_on_list,
	.play = play_shrinker,
	.end = step_check_lists,
};
PLAY_SCENARIO(a_shrinker);
