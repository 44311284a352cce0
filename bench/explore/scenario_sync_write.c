// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queued block is written synchronously, and freed: it has left its
 * flag, and not its list.  A loader is given it.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_lists(p);
	step_queue(p, p->block, p->list[0]);
}

static void writer(void *arg)
{
	struct play *p = arg;
	struct buf *bp;
	int error = p->fix->buf_get(p->mp, p->block, 1, 0, &bp);

	play_error(p, error);
	if (error)
		return;
	p->fix->buf_fill(bp);
	play_error(p, p->fix->buf_bwrite(bp));
	p->fix->buf_stale(bp);
	p->fix->buf_relse(bp);
	step_load(p, p->block, p->list[1]);
}

static void play_sync_write(struct play *p)
{
	play_start(p, "Repair1", writer);
	play_start(p, "Repair0", task_owner);
}

static const struct play_scenario sync_write = {
	.name = "sync_write",
	.summary = "a queued block is written synchronously, freed, and given "
		   "to a loader",
	.controls = { "none" },
	.setup = setup,
	.play = play_sync_write,
	.end = step_check_lists,
};
PLAY_SCENARIO(sync_write);
