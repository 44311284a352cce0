// SPDX-License-Identifier: GPL-2.0-only
/*
 * A crash at each step: whenever a block has reached the image, what is
 * durable must be a whole tree, the old one or the new one.  Nothing is
 * crashed for that; the image is looked at, where it lies.  Only what a
 * write can have changed is: the newest durable root is kept, and its tree
 * is a few blocks.
 */
#include "play.h"

#include "cache/device_private.h"
#include "cache/format.h"

static const char *image_block(const struct play *p, uint64_t bno)
{
	return p->dev->image + bno * BLOCK_SIZE;
}

static uint64_t log_at(const struct play *p)
{
	return p->dev->nblocks - LOG_BLOCKS;
}

/* Roots of the first AG, if that is a record. */
static void note_record(struct play *p, uint64_t bno)
{
	const struct log_record *rec = (const void *)image_block(p, bno);

	if (rec->h.magic != BLOCK_MAGIC || rec->h.bno != bno)
		return;
	for (uint32_t i = 0; i < rec->nr_roots && i < LOG_ROOTS; i++) {
		const struct root_record *root = &rec->roots[i];

		if (root->agno || root->gen <= p->image.gen)
			continue;
		p->image.root = root->bno;
		p->image.gen = root->gen;
	}
}

/* A block below @bno that is not of the tree, or 0. */
static uint64_t damaged(const struct play *p, uint64_t bno)
{
	const struct block_header *h = (const void *)image_block(p, bno);
	const struct bload_entry *e = (const void *)(h + 1);
	uint64_t bad = 0;

	if (h->magic != BLOCK_MAGIC || h->bno != bno ||
	    h->owner != p->image.gen)
		return bno;
	for (unsigned int i = 0; h->level && i < h->numrecs && !bad; i++)
		bad = damaged(p, e[i].bno);
	return bad;
}

/* By whoever has written: the stripe's lock is his. */
static void copied(char *to, size_t size)
{
	struct play *p = play;
	uint64_t bno = (uint64_t)(to - p->dev->image) / BLOCK_SIZE, bad;

	if (to < p->dev->image || bno >= p->dev->nblocks || size != BLOCK_SIZE)
		return;
	/*
	 * Independent writes leave the same image in either order, but not on
	 * the way there: to be looked at in each, they are not independent.
	 */
	if (fibers.ordered)
		order_access((uintptr_t)&p->image, true);
	p->image.events++;
	if (bno >= log_at(p) && bno < log_at(p) + LOG_RECORDS)
		note_record(p, bno);
	bad = p->image.root ? damaged(p, p->image.root) : 0;
	if (bad)
		play_violated(p,
			      bad == p->failing ? HAZARD_LOST_ERROR :
						  HAZARD_ORDERING,
			      "a crash when block %llu has been written, the "
			      "%lluth, leaves a root of generation %llu "
			      "without its block %llu",
			      (unsigned long long)bno,
			      (unsigned long long)p->image.events,
			      (unsigned long long)p->image.gen,
			      (unsigned long long)bad);
}

void crash_watch(struct play *p)
{
	for (uint64_t i = 0; i < LOG_RECORDS; i++)
		note_record(p, log_at(p) + i);
	arena_copied = copied;
}
