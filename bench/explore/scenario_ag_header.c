// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loader has the AG's header locked, and that is on the list, too: the
 * owner, who only tries locks as the AIL does, has to pass over it.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_freed_on_list(p);
	step_queue(p, 0, p->list[0]);
}

/* All that it does is in a transaction that has the header. */
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

static void play_ag_header(struct play *p)
{
	play_start(p, "Repair1", loader);
	play_start(p, "Repair0", task_owner);
}

static const struct play_scenario ag_header = {
	.name = "ag_header",
	.summary = "a loader has the AG's header that the list's owner must "
		   "lock, too",
	.controls = { "none", "queue_keeps_lock" },
	.setup = setup,
	.play = play_ag_header,
};
PLAY_SCENARIO(ag_header);
