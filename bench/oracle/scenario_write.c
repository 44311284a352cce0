// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stale writes: freed contents must not reach the disk after newer ones.
 * The freed block is given to a file, whose data does not go through the
 * buffer cache; the daemon still has the old buffer on its list.
 */
#include "scenarios.h"

#include <errno.h>
#include <stdlib.h>

/* Newer than anything that metadata will be stamped with. */
#define FILE_GEN	(UINT64_MAX / 2)

/* The file's data, past the cache. */
static int write_data(struct stage *s, uint64_t bno)
{
	struct block_header *h = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);
	int error;

	if (!h)
		stage_lacks(s, "memory", -ENOMEM);
	for (unsigned int i = 0; i < BLOCK_SIZE / 8; i++)
		((uint64_t *)h)[i] = i;
	*h = (struct block_header){
		.magic = DATA_MAGIC,
		.bno = bno,
		.gen = FILE_GEN,
	};
	block_seal(h);
	error = device_io(s->dev, bno, 1, h, true);
	free(h);
	return error;
}

static bool write_file(struct stage *s)
{
	struct trans *tp;
	uint64_t bno = 0;
	int error;

	error = s->fix->trans_alloc(s->mp, &tp);
	if (!error) {
		error = s->fix->trans_lock_ag(tp, 0);
		if (!error)
			error = s->fix->space_alloc(tp, 0, 1, &bno);
		s->fix->trans_commit(tp);
	}
	if (!error && bno == s->block)
		error = write_data(s, bno);
	if (error || bno != s->block)
		stage_verdict(s, VERDICT_UNTESTED,
			      "the file got block %llu, "
			      "error %d",
			      (unsigned long long)bno, error);
	return !error && bno == s->block;
}

static void judge(struct stage *s)
{
	struct device_stat st = device_stat(s->dev);

	if (st.stale_writes)
		stage_violated(s, "freed contents of block %llu were written "
			       "over newer ones (%llu writes)\n",
			       (unsigned long long)st.stale_bno,
			       (unsigned long long)st.stale_writes);
	else if (device_generation(s->dev, s->block) != FILE_GEN)
		stage_verdict(s, VERDICT_UNTESTED, "the file's data was lost");
	else
		stage_verdict(s, VERDICT_HOLDS, "the list's owner did not "
			      "write the freed block");
}

static void peek(struct stage *s, void *on)
{
	struct buf_state *state = on;

	if (!s->fix->buf_peek(s->mp, s->block, state))
		state->locked = false;
}

static bool is_read(const struct stage *s, const void *on)
{
	const struct buf_state *state = on;

	(void)s;
	return !state->locked;
}

/* The old contents are to be in it before the new ones are on the device. */
static void read_ahead(struct stage *s)
{
	struct buf_state state = { .locked = true };

	s->fix->buf_readahead(s->mp, s->block, 1);
	stage_until(s, is_read, &state, peek);
}

static void reuse_as_data(struct stage *s, bool readahead)
{
	struct hold *pass;

	if (!review_freed(s, &pass))
		return;
	if (readahead)
		read_ahead(s);
	if (!write_file(s))
		return;
	stage_release(s, pass);
	if (stage_until_passes(s, 3))
		judge(s);
}

void scenario_stale_write(struct stage *s)
{
	reuse_as_data(s, false);
}

/* Read-ahead that followed an old pointer has reset the stale state. */
void scenario_stale_write_readahead(struct stage *s)
{
	reuse_as_data(s, true);
}

static void actor_submit(struct actor *actor)
{
	struct delwri_list *list = (void *)(uintptr_t)actor->arg;

	actor->error = actor->stage->fix->delwri_submit(list);
}

/* Stale the block, and write newer data, with the owner asleep for it. */
static void actor_stale_asleep(struct actor *actor)
{
	struct stage *s = actor->stage;
	struct actor *owner;
	struct buf *bp;

	actor->error = s->fix->buf_get(s->mp, s->block, 1, 0, &bp);
	if (actor->error)
		return;
	owner = stage_start(s, "Repair0", actor_submit, actor->arg);
	stage_until_waits(s, owner, WAIT_LOCK);
	s->fix->buf_stale(bp);
	actor->error = write_data(s, s->block);
	s->fix->buf_relse(bp);
	if (stage_join(s, owner) && !actor->error)
		actor->error = owner->error;
}

/*
 * He has seen it queued before he slept; what he wakes up with counts.  And
 * where lists share a block, it is stale on all of them.
 */
void scenario_stale_write_asleep(struct stage *s)
{
	struct delwri_list *list = s->fix->delwri_alloc(s->mp);
	struct delwri_list *other = s->fix->delwri_alloc(s->mp);
	struct actor *staler;
	struct buf *bp;

	if (!list || !other || s->fix->buf_get(s->mp, s->block, 1, 0, &bp)) {
		stage_verdict(s, VERDICT_UNTESTED, "out of memory");
		return;
	}
	s->fix->buf_fill(bp);
	s->fix->delwri_queue(bp, list);
	s->fix->delwri_queue(bp, other);
	s->fix->buf_relse(bp);
	staler = stage_start(s, "Scan", actor_stale_asleep, (uintptr_t)list);
	if (!stage_join(s, staler))
		return;
	if (stage_failed(s, staler))
		return;
	s->fix->delwri_submit(other);
	judge(s);
}
