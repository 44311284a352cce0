// SPDX-License-Identifier: GPL-2.0-only
/*
 * A block on two lists is freed and given to a file, whose data does not go
 * through the cache: neither owner may write the old contents over it.
 */
#include "play.h"

/* Newer than anything that metadata will be stamped with. */
#define FILE_GEN	(UINT64_MAX / 2)

static void setup(struct play *p)
{
	step_lists(p);
	p->own = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);
	memset(p->own, 0, BLOCK_SIZE);
	*(struct block_header *)p->own = (struct block_header){
		.magic = DATA_MAGIC,
		.bno = p->block,
		.gen = FILE_GEN,
	};
	step_queue(p, p->block, p->list[0]);
	step_queue(p, p->block, p->list[1]);
}

static void file(void *arg)
{
	struct play *p = arg;

	step_stale(p, p->block);
	play_error(p, device_io(p->dev, p->block, 1, p->own, true));
}

/* He sleeps for it. */
static void owner(void *arg)
{
	struct play *p = arg;

	play_error(p, p->fix->delwri_submit(p->list[0]));
}

static void other_owner(void *arg)
{
	struct play *p = arg;

	step_passes(p, p->list[1]);
}

static void play_stale_write(struct play *p)
{
	play_start(p, "File", file);
	play_start(p, "Repair0", owner);
	play_start(p, "Repair1", other_owner);
}

static void end(struct play *p)
{
	if (device_stat(p->dev).stale_writes)
		play_violated(p, HAZARD_STALE_WRITE,
			      "freed contents of block %llu were written over "
			      "a file's data",
			      (unsigned long long)p->block);
	step_check_lists(p);
}

static const struct play_scenario stale_write = {
	.name = "stale_write",
	.summary = "a block on two lists is freed and given to a file",
	.controls = { "multi_writes_invalid", "multi_stales_first",
		      "submit_no_recheck" },
	.setup = setup,
	.play = play_stale_write,
	.end = end,
};
PLAY_SCENARIO(stale_write);
