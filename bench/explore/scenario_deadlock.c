// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two buffers are on the owner's list, who passes it at least twice; a
 * loader takes both for its own list, one locked while it wants the other; a
 * scan stales the second.  Can the three wait for each other?
 */
#include "play.h"

#include <errno.h>

static void setup(struct play *p)
{
	step_freed_on_list(p);
	step_queue(p, p->block + 1, p->list[0]);
	step_stale(p, p->block + 1);
}

static void queue(struct play *p, struct buf *bp)
{
	int error = p->fix->delwri_queue_bload(bp, p->list[1]);

	p->fix->buf_relse(bp);
	if (error && error != -EALREADY)
		play_error(p, error);
}

static void loader(void *arg)
{
	struct play *p = arg;
	struct buf *bp[2];

	for (unsigned int i = 0; i < 2; i++) {
		play_error(p, p->fix->buf_get(p->mp, p->block + i, 1, 0,
					      &bp[i]));
		p->fix->buf_fill(bp[i]);
	}
	queue(p, bp[0]);
	queue(p, bp[1]);
	/* Its I/O would be many points that have nothing to do with it. */
	p->fix->delwri_cancel(p->list[1]);
}

static void scan(void *arg)
{
	struct play *p = arg;

	step_stale(p, p->block + 1);
}

static void play_deadlock(struct play *p)
{
	play_start(p, "Repair1", loader);
	play_start(p, "Scan", scan);
	play_start(p, "Repair0", task_owner);
}

static const struct play_scenario deadlock = {
	.name = "deadlock",
	.summary = "an owner, a loader and a scan want two buffers of two lists",
	.controls = { "queue_keeps_lock" },
	.setup = setup,
	.play = play_deadlock,
	.end = step_check_lists,
};
PLAY_SCENARIO(deadlock);
