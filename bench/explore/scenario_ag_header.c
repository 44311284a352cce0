// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loader has the AG's header locked, and that is on the list, too: the
 * owner, who only tries locks as the AIL does, has to pass over it.
 */
#include "play.h"

static void play_ag_header(struct play *p)
{
	play_start(p, "Repair1", task_loader_in_ag);
	play_start(p, "Repair0", task_owner);
}

static const struct play_scenario ag_header = {
	.name = "ag_header",
	.summary = "a loader has the AG's header that the list's owner must "
		   "lock, too",
	.controls = { "none", "queue_keeps_lock" },
	.setup = step_header_on_list,
	.play = play_ag_header,
};
PLAY_SCENARIO(ag_header);
