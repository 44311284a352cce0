// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device in memory.  The image is what is durable.  As with the kernel's
 * RAM disk, a write of one block reaches it in the submitter's hands, and
 * ends there if somebody waits for it, else later; unless it is to be late,
 * held or failed: then it reaches the image when it completes and not before.
 */
#include "cache/device_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int memory_open(struct device *dev, const struct device_options *opt,
		       char *why, size_t why_size)
{
	if (!opt->nblocks) {
		snprintf(why, why_size,
			 "cannot make a memory device of 0 blocks; give its size");
		return -EINVAL;
	}
	dev->image = host_map(opt->nblocks * BLOCK_SIZE);
	if (!dev->image) {
		snprintf(why, why_size,
			 "no address space for a memory device of %llu MiB; make it smaller or allow it (vm.overcommit_memory, ulimit -v)",
			 (unsigned long long)(opt->nblocks / 256));
		return -ENOMEM;
	}
	dev->nblocks = opt->nblocks;
	return 0;
}

static void memory_close(struct device *dev)
{
	if (dev->image)
		host_unmap(dev->image, dev->nblocks * BLOCK_SIZE);
}

/* The stripe held. */
static void write_block(struct device *dev, uint64_t bno, const void *data)
{
	memcpy(dev->image + bno * BLOCK_SIZE, data, BLOCK_SIZE);
	device_written(dev, bno, data);
}

static bool memory_write_now(struct device *dev, struct bio *bio)
{
	struct stripe *stripe = device_stripe(dev, bio->bno);
	bool crashed;

	spin_lock(&stripe->lock);
	/* device_crash() passes through the lock after setting it. */
	crashed = READ_ONCE(dev->crashed);
	if (!crashed) {
		write_block(dev, bio->bno, bio->data);
		if (bio->sync)
			WRITE_ONCE(stripe->writes, stripe->writes + 1);
	}
	spin_unlock(&stripe->lock);
	return !crashed;
}

static int memory_transfer(struct io_thread *io, struct bio *bio)
{
	struct device *dev = io->dev;
	char *data = bio->data;
	unsigned int i;

	for (i = 0; i < bio->len; i++, data += BLOCK_SIZE) {
		uint64_t bno = bio->bno + i;
		struct stripe *stripe = device_stripe(dev, bno);

		spin_lock(&stripe->lock);
		if (bio->write) {
			write_block(dev, bno, data);
		} else {
			memcpy(data, dev->image + bno * BLOCK_SIZE, BLOCK_SIZE);
		}
		spin_unlock(&stripe->lock);
	}
	return 0;
}

static int memory_read_block(struct device *dev, uint64_t bno, void *block)
{
	struct stripe *stripe = device_stripe(dev, bno);

	spin_lock(&stripe->lock);
	memcpy(block, dev->image + bno * BLOCK_SIZE, BLOCK_SIZE);
	spin_unlock(&stripe->lock);
	return 0;
}

const struct media device_memory = {
	.threads = 1,
	.batch = 16,
	.open = memory_open,
	.close = memory_close,
	.write_now = memory_write_now,
	.transfer = memory_transfer,
	.read_block = memory_read_block,
};
