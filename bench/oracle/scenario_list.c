// SPDX-License-Identifier: GPL-2.0-only
/* The lists themselves: links that two threads change. */
#include "scenarios.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- list-corruption --------------------------------------------------- */

#define WALK_BLOCKS	6

/* Fill and queue @nr blocks from the first on. */
static int queue_blocks(struct stage *s, struct delwri_list *list,
			unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct buf *bp;
		int error;

		error = s->fix->buf_get(s->mp, s->block + i, 1, 0, &bp);
		if (error)
			return error;
		s->fix->buf_fill(bp);
		s->fix->delwri_queue(bp, list);
		s->fix->buf_relse(bp);
	}
	return 0;
}

/* A list of the WALK_BLOCKS; NULL: it could not be made, and that is said. */
static struct delwri_list *full_list(struct stage *s)
{
	struct delwri_list *list = s->fix->delwri_alloc(s->mp);

	if (list && !queue_blocks(s, list, WALK_BLOCKS))
		return list;
	stage_verdict(s, VERDICT_UNTESTED, "out of memory");
	return NULL;
}

static void actor_submit(struct actor *actor)
{
	struct stage *s = actor->stage;
	struct delwri_list *list = (void *)(uintptr_t)actor->arg;

	actor->error = s->fix->delwri_submit(list);
}

static void actor_stale_next(struct actor *actor)
{
	struct stage *s = actor->stage;

	for (unsigned int i = 1; i < WALK_BLOCKS - 1; i++) {
		struct buf *bp;

		actor->error = s->fix->buf_get(s->mp, s->block + i, 1, 0, &bp);
		if (actor->error)
			return;
		s->fix->buf_stale(bp);
		s->fix->buf_relse(bp);
	}
}

/*
 * The owner stands in the middle of his walk, on the first buffer; the
 * neighbours that he goes to next are staled meanwhile.
 */
void scenario_list_walk(struct stage *s)
{
	struct delwri_list *list = full_list(s);
	struct actor *owner, *staler;
	struct hold *walk;
	int left;

	if (!list)
		return;
	walk = stage_hold(s, "Repair0", POINT_SUBMIT_ISSUED, s->block);
	owner = stage_start(s, "Repair0", actor_submit, (uintptr_t)list);
	if (!stage_until_held(s, walk))
		return;
	staler = stage_start(s, "Repair1", actor_stale_next, 0);
	/* Until it is through, or blocked by what the owner has locked. */
	stage_settle(s, staler);
	stage_release(s, walk);
	if (!stage_join(s, owner)) {
		/* Who waits for a staler that waits for him is not walking. */
		if (!stage_waiter())
			stage_violated(s, "the owner's walk does not end: the "
					  "links run in a circle\n");
		return;
	}
	if (!stage_join(s, staler))
		return;
	left = s->fix->delwri_check(list);
	if (left || owner->error || staler->error) {
		stage_violated(s,
			       "after the walk the list has %d entries, "
			       "submit returned %d\n",
			       left, owner->error);
		return;
	}
	s->fix->delwri_free(list);
	stage_verdict(s, VERDICT_HOLDS, "neighbours were staled during the "
		      "walk; every link agrees");
}

/* A failed synchronous write stales buffers that are in flight. */
void scenario_list_in_flight(struct stage *s)
{
	struct delwri_list *list = full_list(s);
	struct actor *owner;
	int left;

	if (!list)
		return;
	/* The first stays in flight while the others fail behind it. */
	device_hold(s->dev, s->block);
	device_fail_writes(s->dev, s->block + 1, WALK_BLOCKS - 2, -EIO);
	owner = stage_start(s, "Repair0", actor_submit, (uintptr_t)list);
	stage_until_errors(s, WALK_BLOCKS - 2);
	device_hold(s->dev, UINT64_MAX);
	if (!stage_join(s, owner))
		return;
	left = s->fix->delwri_check(list);
	if (left || owner->error != -EIO) {
		stage_violated(s,
			       "buffers that failed in flight: the list "
			       "has %d entries, submit returned %d\n",
			       left, owner->error);
		return;
	}
	s->fix->delwri_free(list);
	stage_verdict(s, VERDICT_HOLDS, "buffers staled in flight were waited "
		      "for, EIO was returned, every link agrees");
}

/* The first of the list that is still locked, or WALK_BLOCKS. */
static unsigned int first_locked(struct stage *s)
{
	for (unsigned int i = 0; i < WALK_BLOCKS; i++) {
		struct buf *bp;
		int error = s->fix->buf_get(s->mp, s->block + i, 1,
					    BUF_GET_TRYLOCK | BUF_GET_INCORE,
					    &bp);

		if (error == -EAGAIN)
			return i;
		if (!error)
			s->fix->buf_relse(bp);
	}
	return WALK_BLOCKS;
}

/*
 * After a shutdown each write fails before the device has it: the submitter
 * stales the buffer that it has just put among those to wait for.
 */
void scenario_list_shutdown(struct stage *s)
{
	struct delwri_list *list = full_list(s);
	struct actor *owner;
	unsigned int locked;
	int left;

	if (!list)
		return;
	s->fix->shutdown(s->mp);
	owner = stage_start(s, "Repair0", actor_submit, (uintptr_t)list);
	if (!stage_join(s, owner)) {
		/* Nobody else is there, and the device has nothing. */
		if (!stage_waiter())
			stage_violated(s, "the owner's submit does not end\n");
		return;
	}
	left = s->fix->delwri_check(list);
	locked = first_locked(s);
	if (left || owner->error != -EIO || locked < WALK_BLOCKS) {
		stage_violated(s,
			       "the list has %d entries, submit returned %d, "
			       "%u of %u blocks were waited for\n",
			       left, owner->error, locked, WALK_BLOCKS);
		return;
	}
	s->fix->delwri_free(list);
	stage_verdict(s, VERDICT_HOLDS, "all that failed at once were waited "
		      "for, EIO was returned, every link agrees");
}

static void actor_queue_bload(struct actor *actor)
{
	struct stage *s = actor->stage;
	struct delwri_list *list = (void *)(uintptr_t)actor->arg;
	struct buf *bp;

	actor->error = s->fix->buf_get(s->mp, s->block, 1, 0, &bp);
	if (actor->error)
		return;
	actor->error = s->fix->delwri_queue_bload(bp, list);
	s->fix->buf_relse(bp);
}

static void actor_check(struct actor *actor)
{
	struct stage *s = actor->stage;
	struct delwri_list *list = (void *)(uintptr_t)actor->arg;

	actor->error = s->fix->delwri_check(list);
}

/* -EUCLEAN too if the links never lead back to the list. */
static int check_in_time(struct stage *s, struct delwri_list *list)
{
	struct actor *check = stage_start(s, "Check", actor_check,
					  (uintptr_t)list);

	return stage_join(s, check) ? check->error : -EUCLEAN;
}

/*
 * A bulk loader that waits for a foreign list has unlocked the block; when
 * it locks it again, somebody else has queued it on yet another list.
 */
void scenario_list_requeued(struct stage *s)
{
	struct delwri_list *foreign = s->fix->delwri_alloc(s->mp);
	struct delwri_list *other = s->fix->delwri_alloc(s->mp);
	struct delwri_list *own = s->fix->delwri_alloc(s->mp);
	struct actor *loader;
	struct buf *bp;

	if (!foreign || !other || !own || queue_blocks(s, foreign, 1)) {
		stage_verdict(s, VERDICT_UNTESTED, "out of memory");
		return;
	}
	loader = stage_start(s, "Repair1", actor_queue_bload, (uintptr_t)own);
	if (!stage_until_waits(s, loader, WAIT_LIST)) {
		if (stage_join(s, loader))
			stage_verdict(s, VERDICT_HOLDS,
				      "queueing does not "
				      "unlock the block");
		return;
	}
	if (s->fix->buf_get(s->mp, s->block, 1, 0, &bp)) {
		stage_verdict(s, VERDICT_UNTESTED, "out of memory");
		return;
	}
	s->fix->litmus_unlink(bp, foreign);
	if (!stage_until_waits(s, loader, WAIT_LOCK))
		return;
	s->fix->litmus_link(bp, other);
	s->fix->buf_relse(bp);
	/* Done, or back to waiting: for the other list this time. */
	if (stage_until_waits(s, loader, WAIT_LIST)) {
		s->fix->delwri_submit(other);
		if (!stage_join(s, loader))
			return;
	}
	if (check_in_time(s, other) || check_in_time(s, own) != 1)
		stage_violated(s,
			       "block %llu was queued on two lists with "
			       "one link\n",
			       (unsigned long long)s->block);
	else
		stage_verdict(s, VERDICT_HOLDS,
			      "the loader looked again and "
			      "waited again");
}

#define RACE_ROUNDS	300

static void actor_race_owner(struct actor *actor)
{
	struct delwri_list *list = (void *)(uintptr_t)actor->arg;
	struct stage *s = actor->stage;

	for (int i = 0; i < RACE_ROUNDS && !actor->error; i++) {
		actor->error = queue_blocks(s, list, WALK_BLOCKS);
		if (i % 3)
			s->fix->delwri_submit_nowait(list);
		else if (i % 2)
			s->fix->delwri_cancel(list);
		else
			s->fix->delwri_submit(list);
	}
}

static void actor_race_staler(struct actor *actor)
{
	struct stage *s = actor->stage;

	for (uint64_t i = 0; !stage_is_done(&s->actors[0]); i++) {
		struct buf *bp;

		if (s->fix->buf_get(s->mp, s->block + i % WALK_BLOCKS, 1,
				    BUF_GET_TRYLOCK, &bp))
			continue;
		s->fix->buf_stale(bp);
		s->fix->buf_relse(bp);
	}
}

/* Owner and staler as fast as they can; the race detector sees it too. */
void scenario_list_race(struct stage *s)
{
	struct delwri_list *list = s->fix->delwri_alloc(s->mp);
	struct actor *owner, *staler;

	if (!list) {
		stage_verdict(s, VERDICT_UNTESTED, "out of memory");
		return;
	}
	owner = stage_start(s, "Repair0", actor_race_owner, (uintptr_t)list);
	staler = stage_start(s, "Repair1", actor_race_staler, 0);
	if (!stage_join(s, owner) || !stage_join(s, staler))
		return;
	/* Only now: the walk of the check takes no fix's lock. */
	if (owner->error) {
		stage_verdict(s, VERDICT_UNTESTED, "error %d", owner->error);
		return;
	}
	if (check_in_time(s, list) < 0) {
		stage_violated(s, "a list's links disagree after an owner and "
				  "a staler raced\n");
		return;
	}
	s->fix->delwri_submit(list);
	s->fix->delwri_cancel(list);
	s->fix->delwri_free(list);
	stage_verdict(s, VERDICT_HOLDS,
		      "%d rounds of owner against staler; every link agrees",
		      RACE_ROUNDS);
}
