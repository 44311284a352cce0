// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log recovery: one thread reads ahead, reads, changes and queues a block for
 * each item of a checkpoint, on one list, and submits it (kernel:
 * xlog_recover_buf_commit_pass2, xlog_recovery_process_trans_ophdr).  A block
 * of inodes in a buffer of another size than today's is written at once, and
 * staled first, to keep it out of the cache; it may be on the list then.  When
 * all is submitted a repair is given one of the blocks.
 */
#include "play.h"

static struct buf *read_item(struct play *p, uint64_t bno)
{
	struct buf *bp;
	int error;

	p->fix->buf_readahead(p->mp, bno, 1);
	error = p->fix->buf_read(p->mp, bno, 1, 0, &bp);
	play_error(p, error);
	return error ? NULL : bp;
}

/* Its generation; 0: an operation gave up. */
static uint64_t replay(struct play *p, uint64_t bno)
{
	struct buf *bp = read_item(p, bno);
	uint64_t gen;

	if (!bp)
		return 0;
	gen = p->fix->buf_fill(bp);
	p->fix->delwri_queue(bp, p->list[0]);
	p->fix->buf_relse(bp);
	return gen;
}

static void replay_other_size(struct play *p, uint64_t bno)
{
	struct buf *bp = read_item(p, bno);

	if (!bp)
		return;
	p->fix->buf_fill(bp);
	p->fix->buf_stale(bp);
	play_error(p, p->fix->buf_bwrite(bp));
	p->fix->buf_relse(bp);
}

static void on_disk(struct play *p, uint64_t bno, uint64_t gen)
{
	uint64_t durable = device_generation(p->dev, bno);

	if (durable != gen)
		play_violated(p, HAZARD_ORDERING,
			      "recovery is over; block %llu of generation %llu "
			      "has %llu on disk",
			      (unsigned long long)bno, (unsigned long long)gen,
			      (unsigned long long)durable);
}

static void recover(void *arg)
{
	struct play *p = arg;
	uint64_t other, gen;

	replay(p, p->block);
	other = replay(p, p->block + 1);
	replay_other_size(p, p->block);
	gen = replay(p, p->block);
	play_error(p, p->fix->delwri_submit(p->list[0]));
	if (p->error)
		return;
	on_disk(p, p->block, gen);
	on_disk(p, p->block + 1, other);
	step_stale(p, p->block);
	step_load(p, p->block, p->list[1]);
}

static void setup(struct play *p)
{
	step_lists(p);
	/* What was on disk before the crash. */
	for (unsigned int i = 0; i < 2; i++)
		step_load(p, p->block + i, p->list[0]);
	p->fix->shrink(p->mp, 8);
}

static void play_recovery(struct play *p)
{
	play_start(p, "Recovery", recover);
}

static const struct play_scenario recovery = {
	.name = "recovery",
	.summary = "log recovery writes a block at once that is on its list",
	.controls = { "wait_in_stale" },
	.unmounts = true,
	.setup = setup,
	.play = play_recovery,
	.end = step_check_lists,
};
PLAY_SCENARIO(recovery);
