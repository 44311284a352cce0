// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner of a list: every way in which he lets go of what is on it, and
 * what others do to a block of his meanwhile.
 */
#include "scenarios.h"

#include <errno.h>

/* Ways off a list. */
static void submit_nowait(struct stage *s, struct delwri_list *list)
{
	s->fix->delwri_submit_nowait(list);
}

static void submit(struct stage *s, struct delwri_list *list)
{
	s->fix->delwri_submit(list);
}

static void cancel(struct stage *s, struct delwri_list *list)
{
	s->fix->delwri_cancel(list);
}

/* As the daemon, which goes on submitting and cancels only at its end. */
static void submit_shutdown(struct stage *s, struct delwri_list *list)
{
	s->fix->shutdown(s->mp);
	s->fix->delwri_submit_nowait(list);
}

struct way {
	const char *name;
	void (*let_go)(struct stage *s, struct delwri_list *list);
	bool stale;			/* the block is, on the list */
};

/* The last two end the file system. */
static const struct way ways[] = {
	{ "submit without waiting", submit_nowait, false },
	{ "submit without waiting, block stale", submit_nowait, true },
	{ "submit", submit, false },
	{ "submit, block stale", submit, true },
	{ "cancel", cancel, false },
	{ "cancel, block stale", cancel, true },
	{ "submit after shutdown", submit_shutdown, false },
	{ "submit after shutdown, block stale", submit_shutdown, true },
};

#define NR_WAYS		(sizeof(ways) / sizeof(ways[0]))

struct owned {
	const struct way *way;
	uint64_t bno;
	struct delwri_list *list;	/* the owner's */
	struct delwri_list *other;	/* another one of his */
	struct actor *loader;
	int queued;			/* set by the owner */
	int go;				/* for him */
	uint64_t gen;			/* owner: what he filled in last */
};

/* Until the owner has queued it; false if that never comes. */
static bool until_queued(struct stage *s, const struct owned *o,
			 const struct actor *owner)
{
	if (stage_until_set(s, &o->queued, owner))
		return true;
	stage_verdict(s, VERDICT_UNTESTED,
		      "the block could not be queued: error %d", owner->error);
	return false;
}

/* Fill the block and queue it on @list. */
static int queue_block(struct stage *s, struct owned *o,
		       struct delwri_list *list, bool stale)
{
	struct buf *bp;
	int error;

	error = s->fix->buf_get(s->mp, o->bno, 1, 0, &bp);
	if (error)
		return error;
	o->gen = s->fix->buf_fill(bp);
	s->fix->delwri_queue(bp, list);
	if (stale)
		s->fix->buf_stale(bp);
	s->fix->buf_relse(bp);
	return 0;
}

/* Alive as long as his list is: a fix may know him by that. */
static void actor_owner(struct actor *actor)
{
	struct owned *o = (void *)(uintptr_t)actor->arg;
	struct stage *s = actor->stage;

	actor->error = queue_block(s, o, o->list, o->way->stale);
	if (actor->error)
		return;
	smp_store_release(&o->queued, 1);
	stage_stand_until_set(s, &o->go);
	o->way->let_go(s, o->list);
}

/* A bulk loader is given the block. */
static void actor_loader(struct actor *actor)
{
	struct owned *o = (void *)(uintptr_t)actor->arg;
	struct stage *s = actor->stage;
	struct delwri_list *own = s->fix->delwri_alloc(s->mp);
	struct buf *bp;

	actor->error = own ? s->fix->buf_get(s->mp, o->bno, 1, 0, &bp) :
			     -ENOMEM;
	if (actor->error)
		return;
	s->fix->buf_fill(bp);
	s->fix->delwri_queue_bload(bp, own);
	s->fix->buf_relse(bp);
	s->fix->delwri_cancel(own);
	s->fix->delwri_free(own);
}

static bool lets_go(struct stage *s, struct owned *o)
{
	struct actor *owner;

	owner = stage_start(s, "Repair0", actor_owner, (uintptr_t)o);
	if (!until_queued(s, o, owner))
		return false;
	o->loader = stage_start(s, "Repair1", actor_loader, (uintptr_t)o);
	stage_until_waits(s, o->loader, WAIT_LIST);
	smp_store_release(&o->go, 1);
	return progresses(s, o->loader) && stage_join(s, owner);
}

/* Whoever waits for the block to leave is woken, however it does. */
void scenario_deadlock_let_go(struct stage *s)
{
	for (unsigned int i = 0; i < NR_WAYS; i++) {
		/* Blocks of their own: nothing is left from the last one. */
		struct owned o = {
			.way = &ways[i],
			.bno = s->block + i,
			.list = s->fix->delwri_alloc(s->mp),
		};

		if (!o.list) {
			stage_verdict(s, VERDICT_UNTESTED, "out of memory");
			return;
		}
		s->block = o.bno;
		if (!lets_go(s, &o))
			return;
		s->block -= i;
		s->fix->delwri_cancel(o.list);
		s->fix->delwri_free(o.list);
	}
	stage_verdict(s, VERDICT_HOLDS,
		      "whoever wanted a block went on after "
		      "each of %u ways off its list",
		      (unsigned int)NR_WAYS);
}

/* Look up the block of one's own list, stale, and queue it on another. */
static void actor_owner_again(struct actor *actor)
{
	struct owned *o = (void *)(uintptr_t)actor->arg;
	struct stage *s = actor->stage;
	struct buf *bp;

	actor->error = queue_block(s, o, o->list, true);
	if (actor->error)
		return;
	smp_store_release(&o->queued, 1);
	stage_stand_until_set(s, &o->go);
	actor->error = s->fix->buf_get(s->mp, o->bno, 1, 0, &bp);
	if (actor->error)
		return;
	/* What the other has seen until now will not be so any more. */
	stage_until_waits(s, o->loader, WAIT_LOCK);
	o->gen = s->fix->buf_fill(bp);
	s->fix->delwri_queue(bp, o->other);
	s->fix->buf_relse(bp);
	/* The other, who waits for longer, has the lock before this. */
	actor->error = s->fix->delwri_submit(o->other);
	if (!actor->error)
		actor->error = s->fix->delwri_submit(o->list);
}

static void actor_lookup_owned(struct actor *actor)
{
	struct owned *o = (void *)(uintptr_t)actor->arg;
	struct stage *s = actor->stage;
	struct buf *bp;

	actor->error = s->fix->buf_get(s->mp, o->bno, 1, 0, &bp);
	if (!actor->error)
		s->fix->buf_relse(bp);
}

/*
 * A lookup that has waited for the link meets a block that somebody else
 * has filled and queued meanwhile: it must not take it for stale.
 */
void scenario_ordering_two_lookups(struct stage *s)
{
	struct owned o = {
		.bno = s->block,
		.list = s->fix->delwri_alloc(s->mp),
		.other = s->fix->delwri_alloc(s->mp),
	};
	struct actor *owner;

	if (!o.list || !o.other) {
		stage_verdict(s, VERDICT_UNTESTED, "out of memory");
		return;
	}
	owner = stage_start(s, "Repair0", actor_owner_again, (uintptr_t)&o);
	if (!until_queued(s, &o, owner))
		return;
	o.loader = stage_start(s, "Repair1", actor_lookup_owned,
			       (uintptr_t)&o);
	stage_until_waits(s, o.loader, WAIT_LIST);
	smp_store_release(&o.go, 1);
	if (!stage_join(s, owner) || !stage_join(s, o.loader))
		return;
	if (owner->error) {
		stage_verdict(s, VERDICT_UNTESTED, "error %d", owner->error);
		return;
	}
	if (device_generation(s->dev, o.bno) != o.gen)
		stage_violated(s, "its owner has queued block %llu and has "
				  "submitted; it is not durable\n",
			       (unsigned long long)o.bno);
	else
		stage_verdict(s, VERDICT_HOLDS,
			      "what the owner queued was durable after his "
			      "submit, whoever looked it up meanwhile");
}
