// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AIL wants an inode that is held, and the buffer of its cluster; the
 * cluster is freed with the buffer on the AIL's list, and a tree is built in
 * its blocks.
 */
#include "play.h"

static struct inode **inode_of(struct play *p)
{
	return (struct inode **)&p->own;
}

static void setup(struct play *p)
{
	step_tree(p);
	play_error(p, p->fix->inode_create(p->mp, 0, inode_of(p)));
	p->fix->log_force(p->mp);
	p->fix->ail_push_all_sync(p->mp);
}

/* The AIL has the cluster's buffer on its list, and is slow to submit it. */
static void at(struct play *p, enum point point, const struct buf_state *state)
{
	(void)p;
	(void)state;
	if (point == POINT_AIL_SUBMIT)
		sleep_ns(1000000, WAIT_IDLE);
}

/* Changed and pushed, changed again, freed; the blocks are given to a tree. */
static void churn(void *arg)
{
	struct play *p = arg;

	play_error(p, p->fix->inode_touch(*inode_of(p)));
	p->fix->log_force(p->mp);
	p->fix->ail_push_all(p->mp);
	play_error(p, p->fix->inode_touch(*inode_of(p)));
	play_error(p, p->fix->inode_unlink(*inode_of(p)));
	p->fix->log_force(p->mp);
	step_repair(p);
}

static void play_inode_held(struct play *p)
{
	play_start(p, "Repair0", churn);
}

static void end(struct play *p)
{
	struct device_stat st = device_stat(p->dev);

	if (st.stale_writes)
		play_violated(p, HAZARD_STALE_WRITE,
			      "freed contents of block %llu were written over "
			      "newer ones",
			      (unsigned long long)st.stale_bno);
}

static const struct play_scenario inode_held = {
	.name = "inode_held",
	.summary = "an inode is held that the AIL wants; its cluster is freed "
		   "and reused",
	.controls = { "wait_in_stale" },
	/* A chunk of inodes has eight, aligned. */
	.ag_blocks = 16,
	.setup = setup,
	.play = play_inode_held,
	.end = end,
	.at = at,
};
PLAY_SCENARIO(inode_held);
