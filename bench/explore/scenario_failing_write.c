// SPDX-License-Identifier: GPL-2.0-only
/*
 * The review's, and a block of the second tree cannot be written: each in
 * turn, the root last.  The repair must fail then, and the next one works.
 */
#include "play.h"

#include <errno.h>

static void second(void *arg)
{
	struct play *p = arg;
	uint64_t bno = p->block + p->scenario->arg;
	struct repair_result res;
	int error;

	device_fail_writes(p->dev, bno, 1, -EIO);
	p->failing = bno;
	error = p->fix->repair(p->mp, 0, TREE_RECORDS, &res);
	p->failing = 0;
	device_fail_writes(p->dev, bno, 1, 0);
	if (error != -EIO)
		play_error(p, error);
	error = p->fix->repair(p->mp, 0, TREE_RECORDS, &res);
	if (error == -EIO)
		play_violated(p, HAZARD_LOST_ERROR,
			      "with a device that works, the next repair fails");
	play_error(p, error);
}

static void first(void *arg)
{
	struct play *p = arg;

	step_leave_on_list(p, p->scenario->arg);
	play_start(p, "Repair1", second);
	step_repair(p);
}

static void play_failing_write(struct play *p)
{
	play_start(p, "Repair0", first);
}

#define FAILING_WRITE(nr, which, ...)					\
	static const struct play_scenario failing_write_##nr = {	\
		.name = "failing_write_" #nr,				\
		.summary = "the review's, and " which			\
			   " of the new tree cannot be written",	\
		.controls = { __VA_ARGS__ },				\
		.fails = true,						\
		.arg = nr,						\
		.setup = step_tree,					\
		.play = play_failing_write,				\
	};								\
	PLAY_SCENARIO(failing_write_##nr)

FAILING_WRITE(0, "the first leaf", "none", "bload_bwrites",
	      "stale_clears_error");
FAILING_WRITE(1, "the second leaf", "none", "bload_bwrites",
	      "stale_clears_error");
FAILING_WRITE(2, "the third leaf", "none", "bload_bwrites",
	      "stale_clears_error");
/* Nobody else has that on a list. */
FAILING_WRITE(3, "the root", "stale_clears_error");
