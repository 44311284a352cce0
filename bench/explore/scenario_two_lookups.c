// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner of a list takes a stale block for himself, fills it and queues
 * it, while another lookup of it waits for the list: who has waited must
 * not take for stale what somebody has filled meanwhile.
 */
#include "play.h"

static void owner(void *arg)
{
	struct play *p = arg;
	const struct fix *fix = p->fix;
	struct buf *bp;
	uint64_t gen;

	step_queue(p, p->block, p->list[0]);
	step_stale(p, p->block);
	sleep_ns(1000000, WAIT_IDLE);
	play_error(p, fix->buf_get(p->mp, p->block, 1, 0, &bp));
	gen = fix->buf_fill(bp);
	fix->delwri_queue(bp, p->list[1]);
	fix->buf_relse(bp);
	play_error(p, fix->delwri_submit(p->list[1]));
	step_submit(p, p->list[0], p->block, gen);
}

static void lookup(void *arg)
{
	struct play *p = arg;
	struct buf *bp;

	sleep_ns(500000, WAIT_IDLE);
	if (!p->fix->buf_get(p->mp, p->block, 1, 0, &bp))
		p->fix->buf_relse(bp);
}

static void play_two_lookups(struct play *p)
{
	play_start(p, "Repair0", owner);
	play_start(p, "Repair1", lookup);
}

static const struct play_scenario two_lookups = {
	.name = "two_lookups",
	.summary = "a lookup has waited for a list, and its owner has filled "
		   "the block meanwhile",
	.controls = { "find_no_restart" },
	.setup = step_lists,
	.play = play_two_lookups,
	.end = step_check_lists,
};
PLAY_SCENARIO(two_lookups);
