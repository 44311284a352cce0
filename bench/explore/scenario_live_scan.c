// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live scan has one block locked and asks for another that is freed and on
 * a list, whose owner sleeps for the first: it is to be told at once that
 * there is nothing.
 */
#include "play.h"

static void setup(struct play *p)
{
	step_lists(p);
	step_queue(p, p->block, p->list[0]);
	step_queue(p, p->block + 1, p->list[0]);
	step_stale(p, p->block + 1);
}

static void scan(void *arg)
{
	struct play *p = arg;
	struct buf *first, *second;

	play_error(p, p->fix->buf_get(p->mp, p->block, 1, 0, &first));
	if (!p->fix->buf_get(p->mp, p->block + 1, 1,
			     BUF_GET_INCORE | BUF_GET_LIVESCAN, &second))
		p->fix->buf_relse(second);
	p->fix->buf_relse(first);
}

static void owner(void *arg)
{
	struct play *p = arg;

	play_error(p, p->fix->delwri_submit(p->list[0]));
}

static void play_live_scan(struct play *p)
{
	play_start(p, "Scan", scan);
	play_start(p, "Owner", owner);
}

static const struct play_scenario live_scan = {
	.name = "live_scan",
	.summary = "a live scan has a block locked that the list's owner "
		   "sleeps for",
	.controls = { "livescan_waits" },
	.setup = setup,
	.play = play_live_scan,
	.end = step_check_lists,
};
PLAY_SCENARIO(live_scan);
