// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two look for a block at once that is not cached, and both have to make
 * its buffer.  One gives up what he has built, as a repair that fails does;
 * the other is given the block and builds on.
 */
#include "play.h"

static void loader(void *arg)
{
	struct play *p = arg;

	step_load(p, p->block, p->list[2]);
}

static void gives_up(void *arg)
{
	struct play *p = arg;

	if (step_queue_bload(p, p->block, p->list[1]))
		step_stale(p, p->block);
	play_start(p, "Repair1", loader);
	p->fix->delwri_cancel(p->list[1]);
}

static void misses(void *arg)
{
	struct play *p = arg;
	struct buf *bp;

	if (!p->fix->buf_get(p->mp, p->block, 1, 0, &bp))
		p->fix->buf_relse(bp);
}

static void play_two_misses(struct play *p)
{
	play_start(p, "Repair0", gives_up);
	play_start(p, "Scan", misses);
}

static const struct play_scenario two_misses = {
	.name = "two_misses",
	.summary = "two miss the same block at once; one gives it up, one "
		   "builds on",
	.controls = { "none" },
	.unmounts = true,
	.setup = step_lists,
	.play = play_two_misses,
	.end = step_check_lists,
};
PLAY_SCENARIO(two_misses);
