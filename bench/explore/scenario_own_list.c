// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whoever wants a stale block owns the list that it is on: nobody else will
 * take it off.  A scan looks at it meanwhile.
 */
#include "play.h"

static void owner(void *arg)
{
	struct play *p = arg;

	step_queue(p, p->block, p->list[0]);
	step_stale(p, p->block);
	step_queue(p, p->block, p->list[0]);
	p->fix->delwri_submit_nowait(p->list[0]);
	step_stale(p, p->block);
}

static void scan(void *arg)
{
	struct play *p = arg;
	struct buf *bp;

	if (!p->fix->buf_get(p->mp, p->block, 1,
			     BUF_GET_INCORE | BUF_GET_LIVESCAN, &bp))
		p->fix->buf_relse(bp);
}

static void play_own_list(struct play *p)
{
	play_start(p, "Repair0", owner);
	play_start(p, "Scan", scan);
}

static const struct play_scenario own_list = {
	.name = "own_list",
	.summary = "who wants a stale block owns the list that it is on",
	.controls = { "waits_for_itself", "own_list_leaks" },
	.unmounts = true,
	.setup = step_lists,
	.play = play_own_list,
	.end = step_check_lists,
};
PLAY_SCENARIO(own_list);
