// SPDX-License-Identifier: GPL-2.0-only
/*
 * The review's interleaving, step by step, for the scenarios to end as
 * they like; and what a crash leaves of it.
 */
#include "stage.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/format.h"

/* Three leaves under a root: four blocks, so that trees alternate. */
#define TREE_RECORDS	567

void actor_repair(struct actor *actor)
{
	struct stage *s = actor->stage;

	actor->error = s->fix->repair(s->mp, 0, TREE_RECORDS, &actor->result);
}

/* Any leaf that @pick leads to; the block is the first leaf. */
void actor_walk(struct actor *actor)
{
	struct stage *s = actor->stage;

	actor->error = s->fix->tree_walk(s->mp, 0, actor->arg);
}

static bool modify(struct stage *s)
{
	int error = s->fix->tree_modify(s->mp, 0, 0);

	if (error)
		stage_verdict(s, VERDICT_UNTESTED,
			      "logging the first leaf failed: %d", error);
	return !error;
}

/* Hold the daemon where it has queued the block and submits next. */
static struct hold *hold_submit(struct stage *s)
{
	uint64_t queued = stage_seen(s, POINT_QUEUE);
	struct hold *submit, *again;

	submit = stage_hold(s, "ail", POINT_AIL_SUBMIT, STAGE_ANY_BLOCK);
	for (;;) {
		s->fix->ail_push_all(s->mp);
		if (!stage_until_held(s, submit))
			return NULL;
		if (stage_seen(s, POINT_QUEUE) > queued)
			return submit;
		/* A pass that had begun before: wait for the next. */
		again = stage_hold(s, "ail", POINT_AIL_SUBMIT,
				   STAGE_ANY_BLOCK);
		stage_release(s, submit);
		submit = again;
	}
}

/* A tree is there; the daemon has queued its first leaf, and submits next. */
static struct hold *queued_by_daemon(struct stage *s)
{
	struct repair_result res;
	int error;

	error = s->fix->repair(s->mp, 0, TREE_RECORDS, &res);
	if (error) {
		stage_verdict(s, VERDICT_UNTESTED, "first tree: error %d",
			      error);
		return NULL;
	}
	s->fix->log_force(s->mp);
	s->fix->ail_push_all_sync(s->mp);

	if (!modify(s))
		return NULL;
	s->fix->log_force(s->mp);
	return hold_submit(s);
}

bool review_left_on_list(struct stage *s, struct hold **hold)
{
	struct hold *submit = queued_by_daemon(s);
	uint64_t pinned;

	if (!submit)
		return false;
	/* Logged again while it is on the list: pinned, so submit leaves it. */
	pinned = stage_seen(s, POINT_SUBMIT_PINNED);
	if (!modify(s))
		return false;
	if (hold)
		*hold = stage_hold(s, "ail", POINT_AIL_PASS, STAGE_ANY_BLOCK);
	stage_release(s, submit);
	return stage_until_seen(s, POINT_SUBMIT_PINNED, pinned + 1);
}

void actor_scan(struct actor *actor)
{
	struct stage *s = actor->stage;
	struct buf *bp;

	actor->error = s->fix->buf_get(s->mp, s->block, 1,
				       BUF_GET_INCORE | BUF_GET_LIVESCAN, &bp);
	if (!actor->error)
		s->fix->buf_relse(bp);
}

bool review_left_locked(struct stage *s, struct hold **hold)
{
	struct hold *submit = queued_by_daemon(s), *look;
	struct actor *scan;
	uint64_t locked;

	if (!submit)
		return false;
	locked = stage_seen(s, POINT_SUBMIT_LOCKED);
	look = stage_hold(s, "Scan", POINT_LOOKUP, s->block);
	scan = stage_start(s, "Scan", actor_scan, 0);
	if (!stage_until_held(s, look))
		return false;
	*hold = stage_hold(s, "ail", POINT_AIL_PASS, STAGE_ANY_BLOCK);
	stage_release(s, submit);
	if (!stage_until_seen(s, POINT_SUBMIT_LOCKED, locked + 1))
		return false;
	stage_release(s, look);
	return stage_join(s, scan);
}

bool review_freed(struct stage *s, struct hold **hold)
{
	struct actor *repair0;

	if (!review_left_on_list(s, hold))
		return false;
	repair0 = stage_start(s, "Repair0", actor_repair, 0);
	if (!stage_join_releasing(s, repair0, hold ? *hold : NULL))
		return false;
	if (repair0->error) {
		stage_verdict(s, VERDICT_UNTESTED, "Repair0: error %d",
			      repair0->error);
		return false;
	}
	s->fix->log_force(s->mp);
	return true;
}

void lookups_by_trylock(struct stage *s)
{
	struct buf *bp;

	s->fix->buf_readahead(s->mp, s->block, 1);
	if (!s->fix->buf_get(s->mp, s->block, 1,
			     BUF_GET_TRYLOCK | BUF_GET_INCORE, &bp))
		s->fix->buf_relse(bp);
}

static const struct root_record *newest_root(const struct log_record *rec,
					     const struct root_record *best)
{
	for (uint32_t i = 0; i < rec->nr_roots; i++)
		if (rec->roots[i].agno == 0 &&
		    (!best || rec->roots[i].gen > best->gen))
			best = &rec->roots[i];
	return best;
}

/* Walk the tree below @bno in the image; count blocks that are not its. */
static uint64_t walk_image(struct stage *s, uint64_t bno, uint64_t gen,
			   uint64_t *checked)
{
	struct block_header *h = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);
	const struct bload_entry *e = (const void *)(h + 1);
	uint64_t damaged = 0;

	if (!h)
		stage_lacks(s, "memory", -ENOMEM);
	++*checked;
	if (device_read_durable(s->dev, bno, h) || block_verify(h, bno) ||
	    h->owner != gen)
		damaged = 1;
	else if (h->level)
		for (unsigned int i = 0; i < h->numrecs; i++)
			damaged += walk_image(s, e[i].bno, gen, checked);
	free(h);
	return damaged;
}

uint64_t image_damaged(struct stage *s, uint64_t *checked)
{
	uint64_t log = (uint64_t)s->opt.ag_count * s->opt.ag_blocks;
	struct log_record *recs = aligned_alloc(BLOCK_SIZE,
						LOG_RECORDS * BLOCK_SIZE);
	const struct root_record *root = NULL;
	uint64_t damaged;

	if (!recs)
		stage_lacks(s, "memory", -ENOMEM);
	for (uint64_t i = 0; i < LOG_RECORDS; i++) {
		struct log_record *rec = (void *)((char *)recs +
						  i * BLOCK_SIZE);

		if (!device_read_durable(s->dev, log + i, rec) &&
		    !block_verify(&rec->h, log + i))
			root = newest_root(rec, root);
	}
	*checked = 0;
	damaged = root ? walk_image(s, root->bno, root->gen, checked) : 0;
	free(recs);
	return damaged;
}
