// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left behind: flags on unlinked buffers, holds, entries, and what
 * a fix thinks of a block that is on no list any more.
 */
#include "scenarios.h"

#include <errno.h>

/* --- flag-leak ---------------------------------------------------------- */

static void judge_flags(struct stage *s)
{
	struct teardown left;

	stage_close(s, &left);
	if (left.flag_leaks)
		stage_violated(s, "DELWRI_Q was set on a buffer on no list, "
			       "%llu times\n",
			       (unsigned long long)left.flag_leaks);
	else
		stage_verdict(s, VERDICT_HOLDS, "no lookup, last release or "
			      "teardown met the flag on an unlinked buffer");
}

static bool whole_review(struct stage *s)
{
	struct actor *repair1, *reader;
	struct hold *pass;

	if (!review_freed(s, &pass))
		return false;
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	if (!stage_join_releasing(s, repair1, pass))
		return false;
	stage_release(s, pass);
	/* What gave up has left nothing because it has done nothing. */
	if (stage_failed(s, repair1) || !stage_until_passes(s, 3))
		return false;
	reader = stage_start(s, "Reader", actor_walk, 0);
	return stage_join(s, reader);
}

void scenario_flag_leak(struct stage *s)
{
	if (whole_review(s))
		judge_flags(s);
}

/* Look a block up, fill and queue it; *@gen is what it was filled with. */
static int queue_again(struct stage *s, uint64_t bno, struct delwri_list *list,
		       bool stale, uint64_t *gen)
{
	const struct fix *fix = s->fix;
	struct buf *bp;
	int error = fix->buf_get(s->mp, bno, 1, 0, &bp);

	if (error)
		return error;
	*gen = fix->buf_fill(bp);
	fix->delwri_queue(bp, list);
	if (stale)
		fix->buf_stale(bp);
	fix->buf_relse(bp);
	return 0;
}

static int stale_again(struct stage *s)
{
	struct buf *bp;
	int error = s->fix->buf_get(s->mp, s->block, 1, 0, &bp);

	if (error)
		return error;
	s->fix->buf_stale(bp);
	s->fix->buf_relse(bp);
	return 0;
}

/* Queued, written synchronously, queued again, staled. */
static int queue_and_write(struct stage *s, struct delwri_list *list)
{
	const struct fix *fix = s->fix;
	struct buf *bp;
	int error = fix->buf_get(s->mp, s->block, 1, 0, &bp);

	if (error)
		return error;
	fix->buf_fill(bp);
	fix->delwri_queue(bp, list);
	error = fix->buf_bwrite(bp);
	fix->delwri_queue(bp, list);
	fix->buf_stale(bp);
	fix->buf_relse(bp);
	fix->delwri_submit_nowait(list);
	return error;
}

/* On a list that is gone afterwards, with an entry staled and one not. */
static int queue_and_cancel(struct stage *s)
{
	struct delwri_list *list = s->fix->delwri_alloc(s->mp);
	uint64_t gen;
	int error;

	if (!list)
		return -ENOMEM;
	error = queue_and_write(s, list);
	/* Staled after the owner has issued it. */
	if (!error)
		error = queue_again(s, s->block, list, false, &gen);
	s->fix->delwri_submit_nowait(list);
	if (!error)
		error = stale_again(s);
	/* Staled and had again while it may still be on the list. */
	if (!error)
		error = queue_again(s, s->block, list, true, &gen);
	if (!error)
		error = queue_again(s, s->block, list, false, &gen);
	if (!error)
		error = queue_again(s, s->block + 1, list, true, &gen);
	s->fix->delwri_cancel(list);
	s->fix->delwri_free(list);
	return error;
}

/* Nothing that this has left may keep the block off the next list. */
static void actor_requeue(struct actor *actor)
{
	struct stage *s = actor->stage;
	struct delwri_list *list = s->fix->delwri_alloc(s->mp);
	uint64_t gen;

	actor->error = list ? queue_and_cancel(s) : -ENOMEM;
	if (!actor->error)
		actor->error = queue_again(s, s->block, list, false, &gen);
	if (actor->error)
		return;
	actor->error = s->fix->delwri_submit(list);
	actor->unwritten = device_generation(s->dev, s->block) != gen;
	s->fix->delwri_free(list);
	if (!actor->error && !actor->unwritten)
		actor->error = stale_again(s);
}

/* The same, and staled after the cancel, on no list any more. */
static void actor_requeue_staled(struct actor *actor)
{
	actor->error = queue_and_cancel(actor->stage);
	if (!actor->error)
		actor->error = stale_again(actor->stage);
}

static bool requeued(struct stage *s, void (*fn)(struct actor *actor))
{
	struct actor *owner = stage_start(s, "Repair0", fn, 0);

	if (!stage_join(s, owner) || stage_failed(s, owner))
		return false;
	if (owner->unwritten)
		stage_violated(s, "block %llu was taken for queued: its "
				  "owner's submit did not write it\n",
			       (unsigned long long)s->block);
	return !owner->unwritten;
}

void scenario_flag_leak_bwrite(struct stage *s)
{
	if (requeued(s, actor_requeue))
		judge_flags(s);
}

/* --- leak ---------------------------------------------------------------- */

static void judge_leaks(struct stage *s)
{
	struct teardown left;

	stage_close(s, &left);
	if (left.buffers || left.pins || left.log_items ||
	    left.list_entries || left.busy_extents)
		stage_violated(s, "left at teardown: %llu buffers, %llu pins, "
			       "%llu log items, %llu list entries, %llu busy "
			       "blocks\n",
			       (unsigned long long)left.buffers,
			       (unsigned long long)left.pins,
			       (unsigned long long)left.log_items,
			       (unsigned long long)left.list_entries,
			       (unsigned long long)left.busy_extents);
	else
		stage_verdict(s, VERDICT_HOLDS, "nothing was left at teardown");
}

void scenario_leak(struct stage *s)
{
	if (whole_review(s))
		judge_leaks(s);
}

/* The second repair fails: its blocks, lists and buffers must go too. */
void scenario_leak_error(struct stage *s)
{
	struct actor *repair1;
	struct hold *pass;

	if (!review_freed(s, &pass))
		return;
	device_fail_writes(s->dev, s->block + 1, 2, -EIO);
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	if (!stage_join_releasing(s, repair1, pass))
		return;
	stage_release(s, pass);
	device_fail_writes(s->dev, s->block + 1, 2, 0);
	if (repair1->error != -EIO)
		stage_verdict(s, VERDICT_UNTESTED,
			      "repair returned %d, not "
			      "EIO",
			      repair1->error);
	else
		judge_leaks(s);
}

/* Shutdown with the block on the daemon's list: it cancels what is left. */
void scenario_leak_cancel(struct stage *s)
{
	struct hold *pass;

	if (!review_freed(s, &pass))
		return;
	s->fix->shutdown(s->mp);
	stage_release(s, pass);
	judge_leaks(s);
}

/* Lists are cancelled with entries on them, valid and not. */
void scenario_leak_entries(struct stage *s)
{
	if (requeued(s, actor_requeue_staled))
		judge_leaks(s);
}
