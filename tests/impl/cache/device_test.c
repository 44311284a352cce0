// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: what is durable, and when; order, holds, limits, many I/Os
 * at once; what a block begins with.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/impl/cache/device_test.h"

#ifdef __SANITIZE_THREAD__
/* The race detector leaves no room for more. */
#define HUGE_BLOCKS	((uint64_t)1 << 22)
#else
#define HUGE_BLOCKS	((uint64_t)1 << 28)
#endif

static void test_block(void **state)
{
	char block[BLOCK_SIZE];
	struct block_header *h = (void *)block;

	(void)state;
	/* The check value that RFC 3720's polynomial is published with. */
	assert_int_equal(crc32c("123456789", 9), 0xe3069283);
	make_block(block, 42, 1);
	assert_int_equal(block_verify(h, 42), 0);
	assert_int_equal(block_verify(h, 43), -EFSBADCRC);
	for (size_t i = 0; i < BLOCK_SIZE; i += i < 64 ? 1 : 997) {
		block[i] ^= 0x10;
		assert_int_equal(block_verify(h, 42), -EFSBADCRC);
		block[i] ^= 0x10;
	}
	h->magic = DATA_MAGIC;
	block_seal(h);
	assert_int_equal(block_verify(h, 42), 0);
	h->magic = 1;
	block_seal(h);
	assert_int_equal(block_verify(h, 42), -EFSBADCRC);
}

static void test_durable_at_completion(void **state)
{
	struct device *dev = open_memory(0, 0, 1);

	(void)state;
	device_hold(dev, 7);
	submit_gen(dev, &ios[0], 7, 5);
	/* One thread: when these are done it has had block 7, and kept it. */
	assert_int_equal(write_gen(dev, 8, 6), 0);
	assert_int_equal(write_gen(dev, 6, 6), 0);
	assert_int_equal(READ_ONCE(nr_done), 0);
	check_durable(dev, 7, 0);
	check_durable(dev, 8, 6);

	device_hold(dev, UINT64_MAX);
	assert_int_equal(wait_io(&ios[0]), 0);
	check_durable(dev, 7, 5);
	assert_int_equal(device_stat(dev).writes, 3);

	submit(dev, &ios[1], 6, 3, false);
	assert_int_equal(wait_io(&ios[1]), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(block_verify((void *)ios[1].data[i], 6 + i),
				 0);
	assert_int_equal(device_stat(dev).reads, 1);
	assert_int_equal(device_stat(dev).errors, 0);
	device_close(dev);
}

/* In the submitter's hands, unless it is meddled with. */
static void test_written_where_submitted(void **state)
{
	struct device *dev = open_memory(0, 0, 1);

	(void)state;
	submit_gen(dev, &ios[0], 1, 5);
	check_durable(dev, 1, 5);
	assert_int_equal(wait_io(&ios[0]), 0);

	device_fail_writes(dev, 2, 1, -ENOSPC);
	assert_int_equal(write_gen(dev, 2, 5), -ENOSPC);
	check_durable(dev, 2, 0);
	device_fail_writes(dev, 2, 1, 0);
	submit_gen(dev, &ios[0], 2, 6);
	check_durable(dev, 2, 6);
	assert_int_equal(wait_io(&ios[0]), 0);

	device_fail_randomly(dev, UINT32_MAX, -EIO);
	submit_gen(dev, &ios[0], 3, 5);
	wait_io(&ios[0]);
	device_fail_randomly(dev, 0, 0);
	device_crash(dev);
	submit_gen(dev, &ios[0], 1, 6);
	assert_int_equal(wait_io(&ios[0]), -EIO);
	check_durable(dev, 1, 5);
	device_close(dev);
}

/* Who waits for it ends it himself, unless it is meddled with. */
static void test_ended_where_submitted(void **state)
{
	struct device *dev = open_memory(0, 0, 1);
	struct device_plug plug;

	(void)state;
	device_plug_start(&plug);
	submit_sync(dev, &ios[0], 1, 5);
	assert_int_equal(nr_done, 1);
	assert_ptr_equal(ios[0].by, current);
	device_plug_finish(&plug);
	check_durable(dev, 1, 5);
	assert_int_equal(device_stat(dev).writes, 1);

	device_fail_writes(dev, 2, 1, -ENOSPC);
	submit_sync(dev, &ios[0], 2, 5);
	assert_int_equal(wait_io(&ios[0]), -ENOSPC);
	assert_ptr_not_equal(ios[0].by, current);
	device_fail_writes(dev, 2, 1, 0);
	device_crash(dev);
	submit_sync(dev, &ios[0], 1, 6);
	assert_int_equal(wait_io(&ios[0]), -EIO);
	check_durable(dev, 1, 5);
	assert_int_equal(device_stat(dev).writes, 1);
	assert_int_equal(device_stat(dev).errors, 2);
	device_close(dev);
}

/* Nothing stays behind: neither at the end nor where its task sleeps. */
static void test_plug(void **state)
{
	struct device *dev = open_memory(0, 0, 1);
	struct io *before_wait = &ios[NBIOS - 2], *at_end = &ios[NBIOS - 1];
	struct device_plug plug;

	(void)state;
	device_plug_start(&plug);
	for (unsigned int i = 0; i < NBIOS - 2; i++)
		submit_gen(dev, &ios[i], i, 1);
	assert_true(plug.nr < NBIOS - 2);
	submit_gen(dev, before_wait, NBIOS, 1);
	assert_true(plug.nr > 0);
	/* Who waits here would wait for ever, if it did. */
	assert_int_equal(wait_io(before_wait), 0);
	assert_int_equal(plug.nr, 0);
	submit_gen(dev, at_end, NBIOS + 1, 1);
	device_plug_finish(&plug);
	assert_int_equal(wait_io(at_end), 0);
	device_close(dev);
	assert_int_equal(nr_done, NBIOS);
}

static void test_hold_moves(void **state)
{
	struct device *dev = open_memory(0, 0, 1);

	(void)state;
	device_hold(dev, 3);
	submit_gen(dev, &ios[0], 3, 1);
	submit(dev, &ios[1], 1, 4, false);	/* touches it, too */
	submit_gen(dev, &ios[2], 5, 1);
	assert_int_equal(wait_io(&ios[2]), 0);
	assert_int_equal(READ_ONCE(nr_done), 1);
	device_hold(dev, 5);
	assert_int_equal(wait_io(&ios[0]), 0);
	assert_int_equal(wait_io(&ios[1]), 0);
	assert_true(ios[0].serial < ios[1].serial);
	submit_gen(dev, &ios[2], 5, 2);
	assert_int_equal(write_gen(dev, 3, 2), 0);
	check_durable(dev, 5, 1);
	device_hold(dev, DEVICE_HOLD_ALL);
	submit_gen(dev, &ios[3], 9, 3);
	device_hold(dev, 9);
	assert_int_equal(wait_io(&ios[2]), 0);
	check_durable(dev, 5, 2);
	check_durable(dev, 9, 0);
	/* Closing lets go of it, and waits for it. */
	device_close(dev);
	assert_int_equal(READ_ONCE(nr_done), 5);
	assert_int_equal(wait_io(&ios[3]), 0);
}

static void order_test(uint64_t jitter_ns, bool *same)
{
	struct device *dev = open_memory(200000, jitter_ns, 1);
	uint64_t queued_ns[NBIOS];

	*same = true;
	for (unsigned int i = 0; i < NBIOS; i++) {
		submit_gen(dev, &ios[i], i, 1);
		queued_ns[i] = now_ns();
	}
	device_close(dev);
	assert_int_equal(nr_done, NBIOS);
	for (unsigned int i = 0; i < NBIOS; i++) {
		assert_int_equal(wait_io(&ios[i]), 0);
		assert_false(ios[i].early);
		if (ios[i].serial != i)
			*same = false;
		/* Who came when the other was due already is behind it. */
		for (unsigned int j = 0; j < i; j++)
			if (ios[j].bio.due_ns != ios[i].bio.due_ns &&
			    queued_ns[i] < ios[j].bio.due_ns)
				assert_int_equal(ios[j].serial < ios[i].serial,
						 ios[j].bio.due_ns <
							 ios[i].bio.due_ns);
	}
}

static void test_order_by_due_time(void **state)
{
	bool same;

	(void)state;
	order_test(0, &same);
	assert_true(same);
	order_test(2000000, &same);
	assert_false(same);
}

static void test_outside(void **state)
{
	struct device *dev = open_memory(0, 0, 1);
	char block[2 * BLOCK_SIZE] = { 0 };

	(void)state;
	assert_int_equal(device_io(dev, NBLOCKS, 1, block, true), -EIO);
	assert_int_equal(device_io(dev, NBLOCKS - 1, 2, block, true), -EIO);
	assert_int_equal(device_io(dev, UINT64_MAX, 1, block, false), -EIO);
	assert_int_equal(device_io(dev, 0, 0, block, false), -EIO);
	assert_int_equal(device_io(dev, NBLOCKS - 2, 2, block, true), 0);
	assert_int_equal(device_read_durable(dev, NBLOCKS, block), -EIO);
	assert_int_equal(device_generation(dev, NBLOCKS), 0);
	device_close(dev);
}

static void test_many_at_once(void **state)
{
	(void)state;
	many_at_once(open_memory(0, 0, 1));
	many_at_once(open_memory(0, 0, 4));
	many_at_once(open_memory(3000, 0, 4));
	many_at_once(open_memory(0, 10000, 4));
	many_at_once(open_memory(0, 100000, 2));
}

/* The device is mapped, and little of it there. */
static void check_memory(uint64_t nblocks)
{
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages, resident;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &pages, &resident), 2);
	fclose(f);
	assert_true(pages > nblocks);
	/* A huge page for each block touched would be 128 MiB. */
	assert_true(resident < (64 << 20) / BLOCK_SIZE);
#else
	/* The sanitizers' own memory would count. */
	(void)nblocks;
#endif
}

static void test_huge_costs_what_is_touched(void **state)
{
	struct device_options opt = {
		.nblocks = HUGE_BLOCKS,
		.generations = true,
	};
	struct device *dev;

	(void)state;
	assert_int_equal(device_open(&opt, &dev, why, sizeof(why)), 0);
	for (uint64_t i = 1; i <= 64; i++)
		assert_int_equal(write_gen(dev, i * (opt.nblocks / 64) - 1, i),
				 0);
	check_durable(dev, opt.nblocks - 1, 64);
	check_memory(opt.nblocks);
	device_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_durable_at_completion),
		cmocka_unit_test(test_written_where_submitted),
		cmocka_unit_test(test_ended_where_submitted),
		cmocka_unit_test(test_plug),
		cmocka_unit_test(test_hold_moves),
		cmocka_unit_test(test_order_by_due_time),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_huge_costs_what_is_touched),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
