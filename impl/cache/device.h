/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block device under a cache: in memory, with a durable image, or a
 * file or block device opened with O_DIRECT.  It alone knows what is
 * durable, and the oracle believes nobody else.  One device serves one
 * mount; its completion threads are its own.
 */
#ifndef CACHE_DEVICE_H
#define CACHE_DEVICE_H

#include "sync/sync.h"

#define BLOCK_SIZE	4096u
#define BLOCK_MAGIC	0x444c5752u	/* "DLWR": a metadata block */
#define DATA_MAGIC	0x44415441u	/* "DATA": a file's block */

/* What every block begins with, so that the device can tell new from old. */
struct block_header {
	uint32_t magic;
	uint32_t crc;		/* CRC32C of the block with this field 0 */
	uint64_t bno;
	uint64_t gen;		/* generation of the contents; only grows */
	uint64_t owner;		/* generation of the tree it belongs to */
	uint16_t level;
	uint16_t numrecs;
	uint32_t pad;
	uint64_t left;
	uint64_t right;		/* 56 bytes, as xfs_btree_block with CRC */
};

uint32_t crc32c(const void *data, size_t len);
void block_seal(struct block_header *h);
/* 0, or -EFSBADCRC for what is not a sound block @bno. */
int block_verify(const struct block_header *h, uint64_t bno);
#define EFSBADCRC	EBADMSG

struct bio {
	struct list_head list;	/* by the device while in flight */
	uint64_t bno;
	unsigned int len;	/* blocks */
	bool write;
	bool sync;		/* may end in device_submit() */
	bool written;		/* by the device: durable before its end */
	void *data;
	int error;		/* valid in end_io */
	uint64_t due_ns;
	/*
	 * Called once with nothing of the device's locked: on a completion
	 * thread, or by device_submit() if ->sync and the device is so fast.
	 */
	void (*end_io)(struct bio *bio);
	void *private;
};

struct device_options {
	const char *path;	/* NULL: memory */
	uint64_t nblocks;	/* 0: as large as the file */
	uint64_t delay_ns;	/* each I/O takes at least this long ... */
	uint64_t jitter_ns;	/* ... plus up to this, seeded */
	uint64_t seed;
	unsigned int threads;	/* completion threads; 0: 1, a file: 4 */
	bool generations;	/* keep the generation table: the oracle's */
};

/* What the device saw; read when it is idle, or as a hint. */
struct device_stat {
	uint64_t reads;		/* I/Os that succeeded */
	uint64_t writes;
	uint64_t errors;	/* I/Os that failed: injected or real */
	uint64_t stale_writes;	/* older contents over newer */
	uint64_t stale_bno;	/* the first of these */
};

struct device;

/* 0 or -errno; @why gets one line for the user. */
int device_open(const struct device_options *opt, struct device **devp,
		char *why, size_t why_size);
/* Waits for what is in flight. */
void device_close(struct device *dev);
uint64_t device_blocks(const struct device *dev);

/*
 * What a task submits between the two is handed over together: when enough
 * has collected, at the end, and before it sleeps (kernel: blk_start_plug).
 */
struct device_plug {
	struct device *dev;
	struct list_head bios;
	unsigned int nr;
};

void device_plug_start(struct device_plug *plug);
void device_plug_finish(struct device_plug *plug);

/* Never blocks itself; @bio belongs to the device until end_io. */
void device_submit(struct device *dev, struct bio *bio);
/* Wait until every end_io has returned; nobody submits meanwhile. */
void device_drain(struct device *dev);
/* Submit and wait; 0 or -errno. */
int device_io(struct device *dev, uint64_t bno, unsigned int len, void *data,
	      bool write);
struct device_stat device_stat(struct device *dev);

/* --- the oracle's view and its levers ------------------------------- */

/* Generation durable at @bno; 0 if never written since device_open(). */
uint64_t device_generation(struct device *dev, uint64_t bno);
/* Read what is durable, past every cache and every injected fault. */
int device_read_durable(struct device *dev, uint64_t bno, void *block);
/*
 * From now on writes that touch [@bno, @bno + @len) fail with @error (0:
 * work), nothing of them written.  The newest call wins where calls overlap;
 * of more than 16 that still matter the oldest is forgotten.
 */
void device_fail_writes(struct device *dev, uint64_t bno, uint64_t len,
			int error);
/* Every write fails with probability @num / 2^32. */
void device_fail_randomly(struct device *dev, uint32_t num, int error);
/*
 * Keep I/O to @bno, and to no other block any more, in flight until the
 * next call (@bno UINT64_MAX: none), a crash or device_close().
 */
#define DEVICE_HOLD_ALL	(UINT64_MAX - 1)	/* whatever the block */
void device_hold(struct device *dev, uint64_t bno);
/*
 * Power loss: nothing that is not durable on return will ever be.  What
 * the completion threads have, and every later I/O, ends with -EIO.
 */
void device_crash(struct device *dev);

#endif
