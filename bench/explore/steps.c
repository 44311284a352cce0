// SPDX-License-Identifier: GPL-2.0-only
/* What several scenarios do. */
#include "play.h"

#include <errno.h>

/* Soon first; then so long that the log's worker has come by (SYNCD_MS). */
#define PASSES		20
#define SOON		12

void step_lists(struct play *p)
{
	for (unsigned int i = 0; i < PLAY_LISTS; i++)
		p->list[i] = p->fix->delwri_alloc(p->mp);
}

void step_queue(struct play *p, uint64_t bno, struct delwri_list *list)
{
	const struct fix *fix = p->fix;
	struct buf *bp;
	int error = fix->buf_get(p->mp, bno, 1, 0, &bp);

	play_error(p, error);
	if (error)
		return;
	fix->buf_fill(bp);
	fix->delwri_queue(bp, list);
	fix->buf_relse(bp);
}

void step_freed_on_list(struct play *p)
{
	step_lists(p);
	step_queue(p, p->block, p->list[0]);
	step_stale(p, p->block);
}

void step_stale(struct play *p, uint64_t bno)
{
	struct buf *bp;
	int error = p->fix->buf_get(p->mp, bno, 1, 0, &bp);

	play_error(p, error);
	if (error)
		return;
	p->fix->buf_stale(bp);
	p->fix->buf_relse(bp);
}

void step_passes(struct play *p, struct delwri_list *list)
{
	for (int i = 0; i < PASSES && p->fix->delwri_check(list); i++) {
		p->fix->delwri_submit_nowait(list);
		sleep_ns(i < SOON ? 1000000 : 1000000000, WAIT_IDLE);
	}
}

void step_submit(struct play *p, struct delwri_list *list, uint64_t bno,
		 uint64_t gen)
{
	int error = p->fix->delwri_submit(list);
	uint64_t durable = device_generation(p->dev, bno);

	play_error(p, error);
	if (!error && durable < gen)
		play_violated(p, HAZARD_ORDERING,
			      "%s has submitted block %llu of generation %llu; "
			      "on disk is %llu",
			      current->name, (unsigned long long)bno,
			      (unsigned long long)gen,
			      (unsigned long long)durable);
}

uint64_t step_queue_bload(struct play *p, uint64_t bno,
			  struct delwri_list *list)
{
	const struct fix *fix = p->fix;
	uint64_t gen = 0;
	struct buf *bp;
	int error;

	error = fix->buf_get(p->mp, bno, 1, 0, &bp);
	if (!error) {
		gen = fix->buf_fill(bp);
		error = fix->delwri_queue_bload(bp, list);
		fix->buf_relse(bp);
	}
	/* On a list that is not his: as the kernel, nobody looks. */
	if (error == -EALREADY)
		error = 0;
	play_error(p, error);
	return error ? 0 : gen;
}

void step_load(struct play *p, uint64_t bno, struct delwri_list *list)
{
	step_submit(p, list, bno, step_queue_bload(p, bno, list));
}

void task_owner(void *arg)
{
	struct play *p = arg;

	step_passes(p, p->list[0]);
}

void task_loader(void *arg)
{
	struct play *p = arg;

	step_load(p, p->block, p->list[1]);
}

void step_repair(struct play *p)
{
	struct repair_result res;
	int error = p->fix->repair(p->mp, 0, TREE_RECORDS, &res);

	if (error == -EUCLEAN || error == -EFSBADCRC)
		play_violated(p, HAZARD_REREAD,
			      "%s met old contents in a block that it had built",
			      current->name);
	play_error(p, error);
	p->fix->log_force(p->mp);
}

void step_tree(struct play *p)
{
	step_repair(p);
	p->fix->ail_push_all_sync(p->mp);
}

void step_leave_on_list(struct play *p, unsigned int leaf)
{
	play_error(p, p->fix->tree_modify(p->mp, 0, leaf));
	p->fix->log_force(p->mp);
	p->fix->ail_push_all(p->mp);
	play_error(p, p->fix->tree_modify(p->mp, 0, leaf));
}

void step_check_lists(struct play *p)
{
	for (unsigned int i = 0; i < PLAY_LISTS; i++) {
		int left = p->fix->delwri_check(p->list[i]);

		if (left < 0)
			play_violated(p, HAZARD_LIST_CORRUPTION,
				      "the links of a list disagree");
		p->fix->delwri_cancel(p->list[i]);
		p->fix->delwri_free(p->list[i]);
	}
}

void step_header_on_list(struct play *p)
{
	step_freed_on_list(p);
	step_queue(p, 0, p->list[0]);
}

void task_loader_in_ag(void *arg)
{
	struct play *p = arg;
	struct trans *tp;
	int error = p->fix->trans_alloc(p->mp, &tp);

	play_error(p, error);
	if (error)
		return;
	play_error(p, p->fix->trans_lock_ag(tp, 0));
	step_load(p, p->block, p->list[1]);
	play_error(p, p->fix->trans_commit(tp));
}

static void task_repair(void *arg)
{
	step_repair(arg);
}

void task_review(void *arg)
{
	struct play *p = arg;

	step_leave_on_list(p, 0);
	play_start(p, "Repair1", task_repair);
	step_repair(p);
}
