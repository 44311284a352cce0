// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scan has the block locked each time when the list's owner comes by, and
 * goes on and on: how long does who wants the block wait?
 */
#include "play.h"

#define ROUNDS		12
#define WAITED_NS	8000000ull	/* as many passes */

/* It is slow while it has the lock. */
static void at(struct play *p, enum point point, const struct buf_state *state)
{
	if (point == POINT_LOOKUP && state->bno == p->block &&
	    !strcmp(current->name, "Scan"))
		sleep_ns(1500000, WAIT_IDLE);
}

static void scan(void *arg)
{
	struct play *p = arg;
	const struct task *loader = p->actor[0].task;
	struct buf *bp;

	for (int i = 0; i < ROUNDS; i++) {
		if (!p->fix->buf_get(p->mp, p->block, 1,
				     BUF_GET_INCORE | BUF_GET_LIVESCAN, &bp))
			p->fix->buf_relse(bp);
		/* Who sleeps, and until when, is told by his state. */
		fiber_point(&loader->state, ACCESS_LOAD);
		if (loader->wait_kind == WAIT_LIST &&
		    now_ns() - loader->wait_since > WAITED_NS)
			play_violated(p, HAZARD_UNBOUNDED_WAIT,
				      "a scan that has the block locked when the "
				      "list's owner comes by keeps Repair1 "
				      "waiting for %d passes, and could go on",
				      (int)(WAITED_NS / 1000000));
	}
}

static void play_traffic(struct play *p)
{
	play_start(p, "Repair1", task_loader);
	play_start(p, "Scan", scan);
	play_start(p, "Repair0", task_owner);
}

static const struct play_scenario traffic = {
	.name = "traffic",
	.summary = "a scan has the block locked whenever the list's owner "
		   "comes by",
	.controls = { "delwri_queue_here_mb", "wait_in_find_lock" },
	/* What others look for. */
	.ignores = HAZARD(ORDERING),
	.setup = step_freed_on_list,
	.play = play_traffic,
	.at = at,
};
PLAY_SCENARIO(traffic);
