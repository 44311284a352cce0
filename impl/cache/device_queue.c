// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's queue and the completion threads that empty it.
 *
 * Whoever submits wakes nobody while a thread is awake and about to look at
 * the queue (a "looker").  A looker that takes work and leaves some behind
 * wakes the next one; of the sleepers one, the timer, minds the time at
 * which the head of the queue is due.
 */
#include "cache/device_private.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Awake without work, or until it is due: longer if work comes soon after it
 * was given up, shorter if not (kernel: the haltpoll governor).  Never as long
 * as a load: who is measured may share a core with a spinner.
 */
#define SPIN_MIN_NS	4000
#define SPIN_MAX_NS	32000
#define SPINS_PER_LOOK	16

/* --- the queue: dev->lock held ------------------------------------- */

void device_queue_insert(struct device *dev, struct bio *bio)
{
	struct list_head *at = dev->queue.prev;

	while (at != &dev->queue &&
	       list_entry(at, struct bio, list)->due_ns > bio->due_ns)
		at = at->prev;
	list_add(&bio->list, at);
}

/* Take @io off the sleepers; who made it so wakes it, once unlocked. */
static struct task *idle_wake(struct device *dev, struct io_thread *io)
{
	list_del_init(&io->idle);
	if (dev->timer == io)
		dev->timer = NULL;
	dev->lookers++;
	return io->thread.task;
}

struct task *device_queue_kick(struct device *dev)
{
	if (dev->lookers || list_empty(&dev->queue))
		return NULL;
	if (dev->timer) {
		struct bio *bio = list_first_entry(&dev->queue, struct bio,
						   list);

		if (bio->due_ns >= dev->timer_due)
			return NULL;
		return idle_wake(dev, dev->timer);
	}
	/* Else all are busy, and look when they are done. */
	if (list_empty(&dev->idle))
		return NULL;
	return idle_wake(dev, list_first_entry(&dev->idle, struct io_thread,
					       idle));
}

/* Move what is due to @batch; when the next is due, UINT64_MAX: never. */
static uint64_t queue_take(struct device *dev, uint64_t now,
			   struct list_head *batch)
{
	bool crashed = READ_ONCE(dev->crashed);
	struct bio *bio, *n;
	unsigned int nr = 0;

	list_for_each_entry_safe(bio, n, &dev->queue, list) {
		if (bio->due_ns > now)
			return bio->due_ns;
		if (nr == dev->media->batch)
			return 0;
		if (!crashed && !bio->error &&
		    (dev->hold == DEVICE_HOLD_ALL ||
		     device_range_holds(bio->bno, bio->len, dev->hold))) {
			list_move_tail(&bio->list, &dev->held);
			continue;
		}
		if (bio->write && !bio->error && !bio->written)
			bio->error = device_injected_error(dev, bio);
		list_move_tail(&bio->list, batch);
		nr++;
	}
	return UINT64_MAX;
}

/* --- completion threads -------------------------------------------- */

static void bio_finish(struct io_thread *io, struct bio *bio)
{
	struct device *dev = io->dev;

	/*
	 * The barrier pairs with the one in device_crash(): either it sees
	 * us in there and waits, or we see that the power is gone.
	 */
	WRITE_ONCE(io->in_media, true);
	smp_mb();
	if (READ_ONCE(dev->crashed))
		bio->error = -EIO;
	else if (!bio->error && !bio->written)
		bio->error = dev->media->transfer(io, bio);
	smp_store_release(&io->in_media, false);

	if (bio->error)
		WRITE_ONCE(io->errors, io->errors + 1);
	else if (bio->write)
		WRITE_ONCE(io->writes, io->writes + 1);
	else
		WRITE_ONCE(io->reads, io->reads + 1);
	bio->end_io(bio);
}

/* Returns how many there were. */
static unsigned int batch_finish(struct io_thread *io, struct list_head *batch)
{
	unsigned int nr = 0;
	struct bio *bio;

	while (!list_empty(batch)) {
		bio = list_first_entry(batch, struct bio, list);
		list_del_init(&bio->list);
		bio_finish(io, bio);
		nr++;
	}
	return nr;
}

/* A look without the lock until there may be work; false: there is none. */
static bool spin_for_work(struct io_thread *io, uint64_t due)
{
	uint64_t now = now_ns(), end = now + io->spin_ns;
	struct device *dev = io->dev;

	if (due != UINT64_MAX && due > end)
		return false;
	while (now < end) {
		if (due != UINT64_MAX ? now >= due : !list_empty(&dev->queue))
			return true;
		for (int i = 0; i < SPINS_PER_LOOK; i++)
			cpu_relax();
		now = now_ns();
	}
	return false;
}

static void sleep_and_learn(struct io_thread *io, uint64_t ns)
{
	uint64_t slept = now_ns();

	schedule_timeout(ns, WAIT_IDLE, io->dev);
	slept = now_ns() - slept;
	if (slept < SPIN_MAX_NS && io->spin_ns < SPIN_MAX_NS)
		io->spin_ns *= 2;
	else if (slept >= SPIN_MAX_NS && io->spin_ns > SPIN_MIN_NS)
		io->spin_ns /= 2;
}

/* dev->lock held on entry and on return; a looker on both. */
static void idle_sleep(struct io_thread *io, uint64_t due)
{
	struct device *dev = io->dev;
	uint64_t ns = SLEEP_FOREVER, now;

	list_add(&io->idle, &dev->idle);
	dev->lookers--;
	if (due != UINT64_MAX && (!dev->timer || due < dev->timer_due)) {
		now = now_ns();
		ns = due > now ? due - now : 0;
		dev->timer = io;
		dev->timer_due = due;
	}
	/* Before anybody can find it on dev->idle, so no wake-up is lost. */
	set_current_state(TASK_SLEEPING);
	spin_unlock(&dev->lock);
	if (!task_should_stop())
		sleep_and_learn(io, ns);
	else
		WRITE_ONCE(current->state, TASK_RUNNING);
	spin_lock(&dev->lock);
	if (!list_empty(&io->idle))
		idle_wake(dev, io);
}

void device_thread_run(void *arg)
{
	struct io_thread *io = arg;
	struct device *dev = io->dev;
	bool timed = dev->delay_ns || dev->jitter_ns, spun = false;
	struct list_head batch;
	struct task *next;
	unsigned int nr;
	uint64_t due;

	/* The default slack of 50 us would be most of a short delay. */
	host_exact_timers();
	list_init(&batch);
	io->spin_ns = SPIN_MIN_NS;
	spin_lock(&dev->lock);
	dev->lookers++;
	while (!task_should_stop()) {
		due = queue_take(dev, timed ? now_ns() : 0, &batch);
		if (!list_empty(&batch)) {
			dev->lookers--;
			next = device_queue_kick(dev);
			spin_unlock(&dev->lock);
			if (next)
				wake_up_process(next);
			nr = batch_finish(io, &batch);
			spin_lock(&dev->lock);
			dev->lookers++;
			dev->inflight -= nr;
			if (dev->closing && !dev->inflight)
				complete(&dev->drained);
			spun = false;
		} else if (more_processors && !spun && dev->lookers == 1) {
			spin_unlock(&dev->lock);
			spun = !spin_for_work(io, due);
			spin_lock(&dev->lock);
		} else {
			idle_sleep(io, due);
			spun = true;
		}
	}
	dev->lookers--;
	spin_unlock(&dev->lock);
	free(io->bounce);
}
