/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What device.c, its queue, its faults, and the two kinds of media,
 * device_memory.c and device_file.c, share.
 */
#ifndef CACHE_DEVICE_PRIVATE_H
#define CACHE_DEVICE_PRIVATE_H

#include "cache/device.h"

#define DEVICE_STRIPES		64	/* a power of two */
#define DEVICE_FAULT_RULES	16
#define DEVICE_LINE		128

/* Blocks that hash alike: contents and generation change together. */
struct stripe {
	spinlock_t lock;
	uint64_t writes;	/* that ended in device_submit(): lock */
} __attribute__((aligned(64)));

struct fault_rule {
	uint64_t bno;
	uint64_t len;
	int error;		/* negative; 0 lets writes work again */
};

/* A completion thread. */
struct io_thread {
	struct thread thread;
	struct device *dev;
	char name[16];
	struct list_head idle;	/* on dev->idle while it sleeps: dev->lock */
	void *bounce;		/* the thread's own, aligned to a block */
	size_t bounce_size;
	uint64_t spin_ns;	/* awake without work: what has paid lately */
	uint64_t reads;		/* by the thread; read by anyone */
	uint64_t writes;
	uint64_t errors;
	bool in_media;		/* by the thread; device_crash() waits for it */
} __attribute__((aligned(DEVICE_LINE)));

struct media {
	unsigned int threads;	/* completion threads unless told */
	unsigned int batch;	/* I/Os a thread takes at once */
	/* Sets dev->nblocks, and what is the medium's own.  0 or -errno. */
	int (*open)(struct device *dev, const struct device_options *opt,
		    char *why, size_t why_size);
	void (*close)(struct device *dev);
	/*
	 * Write one block where it is submitted: false, not after a crash.
	 * NULL: this medium cannot.
	 */
	bool (*write_now)(struct device *dev, struct bio *bio);
	/* Do it, now; a write is durable on return.  0 or -errno. */
	int (*transfer)(struct io_thread *io, struct bio *bio);
	int (*read_block)(struct device *dev, uint64_t bno, void *block);
};

extern const struct media device_memory;
extern const struct media device_file;

struct device {
	/* Set by device_open(), constant from then on. */
	const struct media *media;
	uint64_t nblocks;
	uint64_t delay_ns;
	uint64_t jitter_ns;
	unsigned int nr_threads;
	struct io_thread *threads;
	uint64_t *generation;	/* a word per block, by its stripe; or NULL */
	char *image;		/* memory: blocks, each by its stripe */
	int fd;			/* file */

	spinlock_t lock __attribute__((aligned(DEVICE_LINE)));
	/* All under lock, but whether queue is empty may be peeked at. */
	struct list_head queue;	/* bio.list, by due_ns */
	struct list_head held;	/* due, but kept by device_hold() */
	struct list_head idle;	/* io_thread.idle: those that sleep */
	struct io_thread *timer; /* the one on idle that minds the time */
	uint64_t timer_due;	/* until then */
	unsigned int lookers;	/* awake, and about to look at the queue */
	uint64_t inflight;	/* submitted, end_io not returned from */
	bool closing;
	bool meddled;		/* hold or a fault is set; read without */
	uint64_t hold;		/* UINT64_MAX: none */
	uint64_t jitter_seed;
	uint64_t fault_seed;
	uint32_t fault_num;	/* writes that fail by chance, of 2^32 */
	int fault_error;
	unsigned int nr_rules;
	struct fault_rule rules[DEVICE_FAULT_RULES]; /* oldest first */
	struct completion drained; /* closing, and nothing in flight */

	/* Written rarely, by atomic operations. */
	bool crashed __attribute__((aligned(DEVICE_LINE)));
	uint64_t stale_writes;
	uint64_t stale_bno;

	struct stripe stripes[DEVICE_STRIPES];
};

static inline struct stripe *device_stripe(struct device *dev, uint64_t bno)
{
	return &dev->stripes[bno & (DEVICE_STRIPES - 1)];
}

/* splitmix64: a well mixed sequence from any seed, 0 too. */
static inline uint64_t device_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline bool device_range_holds(uint64_t bno, uint64_t len, uint64_t at)
{
	return at >= bno && at - bno < len;
}

/* --- device_queue.c: dev->lock held ------------------------------- */

/* By time, after what is due at the same time. */
void device_queue_insert(struct device *dev, struct bio *bio);
/*
 * See that somebody will look at the queue when it is due; returns whom
 * the caller must wake once it has unlocked, or NULL.
 */
struct task *device_queue_kick(struct device *dev);
/* A completion thread, until it is told to stop; nothing held. */
void device_thread_run(void *arg);

/* --- device_fault.c ------------------------------------------------ */

/* -errno if an injected fault hits the write @bio.  dev->lock held. */
int device_injected_error(struct device *dev, const struct bio *bio);
/*
 * Hold I/O to @bno instead, and put back what was held, to be looked at
 * anew.  dev->lock held; whom to wake as device_queue_kick().
 */
struct task *device_hold_move(struct device *dev, uint64_t bno);
/* Note what generation became durable at @bno.  The stripe is locked. */
void device_written(struct device *dev, uint64_t bno, const void *block);

#endif
