// SPDX-License-Identifier: GPL-2.0-only
/*
 * An owner cancels his list, with a freed block on it that a loader wants,
 * one that is staled afterwards, and one that he queues again: it must be
 * written, and nothing of any be left.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_freed_on_list(p);
	step_queue(p, p->block + 1, p->list[0]);
	step_queue(p, p->block + 2, p->list[0]);
}

static void owner(void *arg)
{
	struct play *p = arg;
	const struct fix *fix = p->fix;
	uint64_t bno = p->block + 1, gen;
	struct buf *bp;

	fix->delwri_cancel(p->list[0]);
	step_stale(p, p->block + 2);
	play_error(p, fix->buf_get(p->mp, bno, 1, 0, &bp));
	gen = fix->buf_fill(bp);
	fix->delwri_queue(bp, p->list[2]);
	fix->buf_relse(bp);
	step_submit(p, p->list[2], bno, gen);
	step_stale(p, bno);
}

static void play_cancel(struct play *p)
{
	play_start(p, "Repair0", owner);
	play_start(p, "Repair1", task_loader);
}

static const struct play_scenario cancel = {
	.name = "cancel",
	.summary = "a list is cancelled with a block on it that a loader wants",
	.controls = { "none", "cancel_wakes_nobody", "cancel_keeps_flag",
		      "cancel_hides_flag", "multi_cancel_leaks",
		      "multi_cancels_valid" },
	.unmounts = true,
	.setup = setup,
	.play = play_cancel,
	.end = step_check_lists,
};
PLAY_SCENARIO(cancel);
