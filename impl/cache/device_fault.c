// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the oracle sees and pulls: injected failures, held I/O, power loss,
 * and the generation that is durable in each block.
 */
#include "cache/device_private.h"

#include <errno.h>
#include <string.h>

void device_written(struct device *dev, uint64_t bno, const void *block)
{
	const struct block_header *h = block;
	uint64_t *gen;

	if (!dev->generation ||
	    (h->magic != BLOCK_MAGIC && h->magic != DATA_MAGIC))
		return;
	gen = &dev->generation[bno];
	if (h->gen < *gen &&
	    __atomic_fetch_add(&dev->stale_writes, 1, __ATOMIC_RELAXED) == 0)
		WRITE_ONCE(dev->stale_bno, bno);
	/* An onlooker who sees it may read the block. */
	smp_store_release(gen, h->gen);
}

uint64_t device_generation(struct device *dev, uint64_t bno)
{
	if (!dev->generation || bno >= dev->nblocks)
		return 0;
	return smp_load_acquire(&dev->generation[bno]);
}

int device_read_durable(struct device *dev, uint64_t bno, void *block)
{
	if (bno >= dev->nblocks)
		return -EIO;
	return dev->media->read_block(dev, bno, block);
}

int device_injected_error(struct device *dev, const struct bio *bio)
{
	for (unsigned int i = 0; dev->nr_rules && i < bio->len; i++) {
		unsigned int r = dev->nr_rules;

		while (r-- > 0) {
			const struct fault_rule *rule = &dev->rules[r];

			if (!device_range_holds(rule->bno, rule->len,
						bio->bno + i))
				continue;
			if (rule->error)
				return rule->error;
			break;
		}
	}
	if (dev->fault_num &&
	    (uint32_t)device_random(&dev->fault_seed) < dev->fault_num)
		return dev->fault_error;
	return 0;
}

static bool rule_covers(const struct fault_rule *rule,
			const struct fault_rule *old)
{
	return rule->bno <= old->bno && rule->len > old->bno - rule->bno &&
	       old->len <= rule->len - (old->bno - rule->bno);
}

/* dev->lock held: may writes still go the short way? */
static void note_meddling(struct device *dev)
{
	WRITE_ONCE(dev->meddled, dev->hold != UINT64_MAX || dev->nr_rules ||
					 dev->fault_num);
}

void device_fail_writes(struct device *dev, uint64_t bno, uint64_t len,
			int error)
{
	struct fault_rule rule = {
		.bno = bno,
		.len = len,
		.error = error > 0 ? -error : error,
	};
	unsigned int i, kept = 0;

	if (!len)
		return;
	spin_lock(&dev->lock);
	/* Older rules that the new one hides are gone ... */
	for (i = 0; i < dev->nr_rules; i++)
		if (!rule_covers(&rule, &dev->rules[i]))
			dev->rules[kept++] = dev->rules[i];
	/* ... and so is the oldest when there is no room. */
	if (kept == DEVICE_FAULT_RULES) {
		memmove(&dev->rules[0], &dev->rules[1],
			(kept - 1) * sizeof(dev->rules[0]));
		kept--;
	}
	/* That writes work needs no rule with none before it. */
	if (rule.error || kept)
		dev->rules[kept++] = rule;
	dev->nr_rules = kept;
	note_meddling(dev);
	spin_unlock(&dev->lock);
}

void device_fail_randomly(struct device *dev, uint32_t num, int error)
{
	spin_lock(&dev->lock);
	dev->fault_num = error ? num : 0;
	dev->fault_error = error > 0 ? -error : error;
	note_meddling(dev);
	spin_unlock(&dev->lock);
}

struct task *device_hold_move(struct device *dev, uint64_t bno)
{
	struct bio *bio, *n;

	dev->hold = bno;
	note_meddling(dev);
	list_for_each_entry_safe(bio, n, &dev->held, list) {
		list_del_init(&bio->list);
		device_queue_insert(dev, bio);
	}
	return device_queue_kick(dev);
}

void device_hold(struct device *dev, uint64_t bno)
{
	struct task *wake;

	spin_lock(&dev->lock);
	wake = device_hold_move(dev, bno);
	spin_unlock(&dev->lock);
	if (wake)
		wake_up_process(wake);
}

void device_crash(struct device *dev)
{
	WRITE_ONCE(dev->crashed, true);
	/* Who still writes where he submits has his block's stripe. */
	for (unsigned int i = 0; i < DEVICE_STRIPES; i++) {
		spin_lock(&dev->stripes[i].lock);
		spin_unlock(&dev->stripes[i].lock);
	}
	/* Pairs with bio_finish(). */
	smp_mb();
	for (unsigned int i = 0; i < dev->nr_threads; i++)
		while (smp_load_acquire(&dev->threads[i].in_media))
			task_yield();
	device_hold(dev, UINT64_MAX);
}
