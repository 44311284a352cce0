// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening, closing and submitting: what every device does, whatever its
 * medium.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cache/device_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS	64
#define PLUG_MAX	32	/* kernel: BLK_MAX_REQUEST_COUNT */
#define MAX_BLOCKS	(INT64_MAX / BLOCK_SIZE)
#define MAX_DELAY_NS	3600000000000u

/* --- submission ---------------------------------------------------- */

void device_drain(struct device *dev)
{
	bool idle;

	for (;;) {
		spin_lock(&dev->lock);
		idle = !dev->inflight;
		spin_unlock(&dev->lock);
		if (idle)
			return;
		sleep_ns(100000, WAIT_IO);
	}
}

uint64_t device_blocks(const struct device *dev)
{
	return dev->nblocks;
}

static void hand_over(struct device *dev, struct list_head *bios)
{
	struct task *wake;

	spin_lock(&dev->lock);
	while (!list_empty(bios)) {
		struct bio *bio = list_first_entry(bios, struct bio, list);

		list_del_init(&bio->list);
		if (dev->jitter_ns)
			bio->due_ns += device_random(&dev->jitter_seed) %
				       (dev->jitter_ns + 1);
		device_queue_insert(dev, bio);
		dev->inflight++;
	}
	wake = device_queue_kick(dev);
	spin_unlock(&dev->lock);
	/* The device may be closed by now; tasks are never freed. */
	if (wake)
		wake_up_process(wake);
}

static void plug_flush(struct device_plug *plug)
{
	if (!plug->nr)
		return;
	plug->nr = 0;
	hand_over(plug->dev, &plug->bios);
}

static void flush_before_sleep(struct task *t)
{
	plug_flush(t->plug);
}

void device_plug_start(struct device_plug *plug)
{
	plug->nr = 0;
	list_init(&plug->bios);
	current->plug = plug;
	current->before_sleep = flush_before_sleep;
}

void device_plug_finish(struct device_plug *plug)
{
	current->before_sleep = NULL;
	current->plug = NULL;
	plug_flush(plug);
}

void device_submit(struct device *dev, struct bio *bio)
{
	bool timed = dev->delay_ns || dev->jitter_ns;
	struct device_plug now, *plug = current->plug;

	bio->error = 0;
	if (!bio->len || bio->bno >= dev->nblocks ||
	    bio->len > dev->nblocks - bio->bno)
		bio->error = -EIO;
	bio->due_ns = timed ? now_ns() + dev->delay_ns : 0;
	bio->written = bio->write && bio->len == 1 && !bio->error && !timed &&
		       dev->media->write_now && !READ_ONCE(dev->meddled) &&
		       dev->media->write_now(dev, bio);
	/* As bio_endio() of a RAM disk's bio, within submit_bio(). */
	if (bio->written && bio->sync) {
		bio->end_io(bio);
		return;
	}
	if (!plug || (plug->nr && plug->dev != dev)) {
		now.dev = dev;
		list_init(&now.bios);
		plug = &now;
		now.nr = PLUG_MAX - 1;
	}
	plug->dev = dev;
	list_add_tail(&bio->list, &plug->bios);
	if (++plug->nr == PLUG_MAX)
		plug_flush(plug);
}

static void io_done(struct bio *bio)
{
	complete(bio->private);
}

int device_io(struct device *dev, uint64_t bno, unsigned int len, void *data,
	      bool write)
{
	struct completion done;
	struct bio bio = {
		.bno = bno,
		.len = len,
		.write = write,
		.data = data,
		.end_io = io_done,
		.private = &done,
	};

	completion_init(&done);
	device_submit(dev, &bio);
	wait_for_completion(&done, WAIT_IO, dev);
	return bio.error;
}

struct device_stat device_stat(struct device *dev)
{
	struct device_stat stat = {
		.stale_writes = READ_ONCE(dev->stale_writes),
		.stale_bno = READ_ONCE(dev->stale_bno),
	};

	for (unsigned int i = 0; i < DEVICE_STRIPES; i++)
		stat.writes += READ_ONCE(dev->stripes[i].writes);
	for (unsigned int i = 0; i < dev->nr_threads; i++) {
		stat.reads += READ_ONCE(dev->threads[i].reads);
		stat.writes += READ_ONCE(dev->threads[i].writes);
		stat.errors += READ_ONCE(dev->threads[i].errors);
	}
	return stat;
}

/* --- opening and closing ------------------------------------------- */

static int options_check(const struct device_options *opt, char *why,
			 size_t why_size)
{
	if (opt->nblocks > MAX_BLOCKS) {
		snprintf(why, why_size,
			 "a device of %llu blocks is too large; give at most %llu",
			 (unsigned long long)opt->nblocks,
			 (unsigned long long)MAX_BLOCKS);
		return -EINVAL;
	}
	if (opt->threads > MAX_THREADS) {
		snprintf(why, why_size,
			 "%u completion threads are too many for one device; give at most %u",
			 opt->threads, MAX_THREADS);
		return -EINVAL;
	}
	if (opt->delay_ns > MAX_DELAY_NS || opt->jitter_ns > MAX_DELAY_NS) {
		snprintf(why, why_size,
			 "a device's delay of %llu ns and jitter of %llu ns are too long; give at most an hour each",
			 (unsigned long long)opt->delay_ns,
			 (unsigned long long)opt->jitter_ns);
		return -EINVAL;
	}
	return 0;
}

static int threads_start(struct device *dev, unsigned int nr)
{
	int error;

	dev->threads = aligned_alloc(DEVICE_LINE, nr * sizeof(*dev->threads));
	if (!dev->threads)
		return -ENOMEM;
	memset(dev->threads, 0, nr * sizeof(*dev->threads));
	for (unsigned int i = 0; i < nr; i++) {
		struct io_thread *io = &dev->threads[i];

		io->dev = dev;
		list_init(&io->idle);
		snprintf(io->name, sizeof(io->name), "io-%u", i);
		error = task_start(&io->thread, io->name, -1,
				   device_thread_run, io);
		if (error)
			return error;
		dev->nr_threads = i + 1;
	}
	return 0;
}

static void device_free(struct device *dev)
{
	for (unsigned int i = 0; i < dev->nr_threads; i++)
		task_stop(&dev->threads[i].thread);
	for (unsigned int i = 0; i < dev->nr_threads; i++)
		task_join(&dev->threads[i].thread);
	if (dev->generation)
		host_unmap(dev->generation, dev->nblocks * sizeof(uint64_t));
	dev->media->close(dev);
	free(dev->threads);
	free(dev);
}

int device_open(const struct device_options *opt, struct device **devp,
		char *why, size_t why_size)
{
	struct device *dev;
	int error;

	error = options_check(opt, why, why_size);
	if (error)
		return error;
	dev = aligned_alloc(DEVICE_LINE, sizeof(*dev));
	if (!dev) {
		snprintf(why, why_size,
			 "no memory for a device; free some and try again");
		return -ENOMEM;
	}
	memset(dev, 0, sizeof(*dev));
	dev->media = opt->path ? &device_file : &device_memory;
	dev->fd = -1;
	dev->delay_ns = opt->delay_ns;
	dev->jitter_ns = opt->jitter_ns;
	dev->jitter_seed = opt->seed;
	dev->fault_seed = ~opt->seed;
	dev->hold = UINT64_MAX;
	list_init(&dev->queue);
	list_init(&dev->held);
	list_init(&dev->idle);
	completion_init(&dev->drained);

	error = dev->media->open(dev, opt, why, why_size);
	if (error)
		goto fail;
	if (opt->generations) {
		dev->generation = host_map(dev->nblocks * sizeof(uint64_t));
		if (!dev->generation) {
			error = -ENOMEM;
			snprintf(why, why_size,
				 "no address space for the generations of %llu blocks; use a smaller device",
				 (unsigned long long)dev->nblocks);
			goto fail;
		}
	}
	error = threads_start(dev, opt->threads ? opt->threads :
						  dev->media->threads);
	if (error) {
		snprintf(why, why_size,
			 "cannot start a device's completion threads: %s; ask for fewer (ulimit -u says how many there may be)",
			 strerror(-error));
		goto fail;
	}
	*devp = dev;
	return 0;
fail:
	device_free(dev);
	return error;
}

void device_close(struct device *dev)
{
	struct task *wake;
	bool wait;

	spin_lock(&dev->lock);
	dev->closing = true;
	wait = dev->inflight > 0;
	wake = device_hold_move(dev, UINT64_MAX);
	spin_unlock(&dev->lock);
	if (wake)
		wake_up_process(wake);
	if (wait)
		wait_for_completion(&dev->drained, WAIT_IO, dev);
	device_free(dev);
}
