// SPDX-License-Identifier: GPL-2.0-only
/*
 * Those who never wait meet a stale block on a list: read-ahead, a trylock
 * of what is cached, a live scan.  They leave it as they found it.
 */
#include "play.h"

static void scan(void *arg)
{
	static const unsigned int flags[] = {
		BUF_GET_TRYLOCK | BUF_GET_INCORE,
		BUF_GET_INCORE | BUF_GET_LIVESCAN,
	};
	struct play *p = arg;
	struct buf *bp;

	p->fix->buf_readahead(p->mp, p->block, 1);
	for (unsigned int i = 0; i < 2; i++)
		if (!p->fix->buf_get(p->mp, p->block, 1, flags[i], &bp))
			p->fix->buf_relse(bp);
}

static void play_trylock(struct play *p)
{
	play_start(p, "Repair1", task_loader);
	play_start(p, "Scan", scan);
	play_start(p, "Repair0", task_owner);
}

static const struct play_scenario trylock = {
	.name = "trylock",
	.summary = "read-ahead, trylock and a live scan beside a loader",
	.controls = { "none", "trylock_resets", "trylock_keeps_lock",
		      "submit_skips_locked", "submit_drops_pinned" },
	.setup = step_freed_on_list,
	.play = play_trylock,
};
PLAY_SCENARIO(trylock);
