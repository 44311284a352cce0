/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the device's tests share: blocks of a generation, I/O that can be
 * waited for, and many I/Os at once.
 */
#ifndef TESTS_DEVICE_TEST_H
#define TESTS_DEVICE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <string.h>

#include "cache/fix.h"

#define NBLOCKS		1024
#define NBIOS		256
#define MAX_LEN		4

struct io {
	struct bio bio;
	struct completion done;
	unsigned int serial;	/* of its completion */
	bool early;		/* completed before it was due */
	struct task *by;	/* who completed it */
	_Alignas(4096) char data[MAX_LEN][BLOCK_SIZE];
};

static struct io ios[NBIOS];
static unsigned int nr_done;	/* atomic: completions so far */
static char why[512];

static inline struct device *open_memory(uint64_t delay_ns, uint64_t jitter_ns,
					 unsigned int threads)
{
	struct device_options opt = {
		.nblocks = NBLOCKS,
		.delay_ns = delay_ns,
		.jitter_ns = jitter_ns,
		.seed = 7,
		.threads = threads,
		.generations = true,
	};
	struct device *dev = NULL;

	assert_int_equal(device_open(&opt, &dev, why, sizeof(why)), 0);
	assert_int_equal(device_blocks(dev), NBLOCKS);
	WRITE_ONCE(nr_done, 0);
	return dev;
}

static inline void make_block(void *block, uint64_t bno, uint64_t gen)
{
	struct block_header *h = block;

	memset(block, (int)gen, BLOCK_SIZE);
	*h = (struct block_header){
		.magic = BLOCK_MAGIC,
		.bno = bno,
		.gen = gen,
	};
	block_seal(h);
}

static inline void end_io(struct bio *bio)
{
	struct io *io = container_of(bio, struct io, bio);

	io->early = now_ns() < bio->due_ns;
	io->by = current;
	io->serial = __atomic_fetch_add(&nr_done, 1, __ATOMIC_SEQ_CST);
	complete(&io->done);
}

static inline void prepare(struct io *io, uint64_t bno, unsigned int len,
			   bool write)
{
	completion_init(&io->done);
	io->bio = (struct bio){
		.bno = bno,
		.len = len,
		.write = write,
		.data = io->data,
		.end_io = end_io,
	};
}

static inline void submit(struct device *dev, struct io *io, uint64_t bno,
			  unsigned int len, bool write)
{
	prepare(io, bno, len, write);
	device_submit(dev, &io->bio);
}

static inline void submit_gen(struct device *dev, struct io *io, uint64_t bno,
			      uint64_t gen)
{
	make_block(io->data[0], bno, gen);
	submit(dev, io, bno, 1, true);
}

static inline void submit_sync(struct device *dev, struct io *io, uint64_t bno,
			       uint64_t gen)
{
	make_block(io->data[0], bno, gen);
	prepare(io, bno, 1, true);
	io->bio.sync = true;
	device_submit(dev, &io->bio);
}

static inline int wait_io(struct io *io)
{
	wait_for_completion(&io->done, WAIT_IO, io);
	return io->bio.error;
}

static inline int write_gen(struct device *dev, uint64_t bno, uint64_t gen)
{
	char block[BLOCK_SIZE];

	make_block(block, bno, gen);
	return device_io(dev, bno, 1, block, true);
}

/* @bno durably holds a sound block of @gen; 0: was never written. */
static inline void check_durable(struct device *dev, uint64_t bno, uint64_t gen)
{
	char block[BLOCK_SIZE], want[BLOCK_SIZE];

	memset(want, 0, sizeof(want));
	if (gen)
		make_block(want, bno, gen);
	assert_int_equal(device_generation(dev, bno), gen);
	assert_int_equal(device_read_durable(dev, bno, block), 0);
	assert_memory_equal(block, want, BLOCK_SIZE);
}

#define LINES	16
#define PER_LINE 500

/* A line of I/Os, each submitted by the completion of the one before. */
struct line {
	struct bio bio;
	struct device *dev;
	unsigned int left;
	_Alignas(8) char block[BLOCK_SIZE];
};

static inline void next_in_line(struct bio *bio)
{
	struct line *line = container_of(bio, struct line, bio);

	__atomic_fetch_add(&nr_done, 1, __ATOMIC_SEQ_CST);
	if (--line->left == 0)
		return;
	bio->write = !bio->write;
	if (bio->write)
		make_block(line->block, bio->bno, PER_LINE - line->left);
	device_submit(line->dev, bio);
}

static inline void many_at_once(struct device *dev)
{
	static struct line lines[LINES];

	for (unsigned int i = 0; i < LINES; i++) {
		struct line *line = &lines[i];

		line->dev = dev;
		line->left = PER_LINE;
		make_block(line->block, i, 1);
		line->bio = (struct bio){
			.bno = i,
			.len = 1,
			.write = true,
			.data = line->block,
			.end_io = next_in_line,
		};
		device_submit(dev, &line->bio);
	}
	/* An onlooker meanwhile; never sees half a block. */
	while (READ_ONCE(nr_done) < LINES * PER_LINE / 2) {
		uint64_t bno = READ_ONCE(nr_done) % LINES;
		char block[BLOCK_SIZE];

		if (!device_generation(dev, bno))
			continue;
		assert_int_equal(device_read_durable(dev, bno, block), 0);
		assert_int_equal(block_verify((void *)block, bno), 0);
	}
	device_close(dev);
	assert_int_equal(READ_ONCE(nr_done), LINES * PER_LINE);
	for (unsigned int i = 0; i < LINES; i++)
		assert_int_equal(lines[i].bio.error, 0);
}

#endif
