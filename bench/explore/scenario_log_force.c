// SPDX-License-Identifier: GPL-2.0-only
/*
 * A transaction has freed a block that is on a list: it stays locked and
 * pinned until that is on disk, and nobody but those who want it forces the
 * log for that.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_lists(p);
	step_queue(p, p->block, p->list[0]);
}

static void freer(void *arg)
{
	struct play *p = arg;
	struct trans *tp;
	struct buf *bp;
	int error = p->fix->trans_alloc(p->mp, &tp);

	play_error(p, error);
	if (error)
		return;
	error = p->fix->trans_get_buf(tp, p->block, 1, &bp);
	play_error(p, error);
	if (!error)
		p->fix->trans_binval(tp, bp);
	play_start(p, "Repair1", task_loader);
	play_error(p, p->fix->trans_commit(tp));
}

static void play_log_force(struct play *p)
{
	play_start(p, "Repair0", freer);
	play_start(p, "Owner", task_owner);
}

static const struct play_scenario log_force = {
	.name = "log_force",
	.summary = "a freed block is locked until somebody forces the log",
	.controls = { "none", "wait_in_stale" },
	.setup = setup,
	.play = play_log_force,
};
PLAY_SCENARIO(log_force);
