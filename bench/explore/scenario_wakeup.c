// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loader is to queue a stale block that is still on a list, while the
 * list's owner takes it off: who waits for that must be woken.
 */
#include "play.h"

#define PASSES	20

void wakeup_setup(struct play *p)
{
	const struct fix *fix = p->fix;
	struct buf *bp;
	int error;

	for (unsigned int i = 0; i < 2; i++)
		p->list[i] = fix->delwri_alloc(p->mp);
	error = fix->buf_get(p->mp, p->block, 1, 0, &bp);
	play_error(p, error);
	if (error)
		return;
	fix->buf_fill(bp);
	fix->delwri_queue(bp, p->list[0]);
	fix->buf_stale(bp);
	fix->buf_relse(bp);
}

static void owner(void *arg)
{
	struct play *p = arg;

	for (int i = 0; i < PASSES && p->fix->delwri_check(p->list[0]); i++) {
		p->fix->delwri_submit_nowait(p->list[0]);
		sleep_ns(1000000, WAIT_IDLE);
	}
}

static void loader(void *arg)
{
	struct play *p = arg;
	struct buf *bp;
	int error;

	error = p->fix->buf_get(p->mp, p->block, 1, 0, &bp);
	if (!error) {
		p->fix->buf_fill(bp);
		error = p->fix->delwri_queue_bload(bp, p->list[1]);
		p->fix->buf_relse(bp);
	}
	if (!error)
		error = p->fix->delwri_submit(p->list[1]);
	play_error(p, error);
}

void wakeup_play(struct play *p)
{
	/* First the one that waits: a step off to the owner, and one back. */
	play_start(p, "Repair1", loader);
	play_start(p, "Repair0", owner);
}
