// SPDX-License-Identifier: GPL-2.0-only
/*
 * The review's: a repair frees a block that is still on the AIL's list, and
 * is given it again.
 */
#include "play.h"

/* Three leaves under a root: four blocks, so that trees alternate. */
#define TREE_RECORDS	567

static void repair(struct play *p)
{
	struct repair_result res;

	play_error(p, p->fix->repair(p->mp, 0, TREE_RECORDS, &res));
	p->fix->log_force(p->mp);
}

void review_setup(struct play *p)
{
	repair(p);
	p->fix->ail_push_all_sync(p->mp);
}

static void second(void *arg)
{
	repair(arg);
}

/* Its first leaf is logged, pushed, logged again; then comes another tree. */
static void first(void *arg)
{
	struct play *p = arg;

	play_error(p, p->fix->tree_modify(p->mp, 0, 0));
	p->fix->log_force(p->mp);
	p->fix->ail_push_all(p->mp);
	play_error(p, p->fix->tree_modify(p->mp, 0, 0));
	play_start(p, "Repair1", second);
	repair(p);
}

void review_play(struct play *p)
{
	play_start(p, "Repair0", first);
}
