// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the oracle does to the device and reads from it: failing writes,
 * power loss, the table of generations.
 */
#include <errno.h>

#include "tests/impl/cache/device_test.h"

static void test_crash_freezes(void **state)
{
	struct device *dev = open_memory(0, 0, 1);
	char block[BLOCK_SIZE];

	(void)state;
	assert_int_equal(write_gen(dev, 9, 1), 0);
	device_hold(dev, 9);
	submit_gen(dev, &ios[0], 9, 2);
	device_crash(dev);
	assert_int_equal(wait_io(&ios[0]), -EIO);
	assert_int_equal(write_gen(dev, 10, 2), -EIO);
	assert_int_equal(device_io(dev, 9, 1, block, false), -EIO);
	check_durable(dev, 9, 1);
	check_durable(dev, 10, 0);
	assert_int_equal(device_stat(dev).errors, 3);
	device_close(dev);
}

/*
 * Power goes while writes complete: each is there wholly, or not at all,
 * and all that is there is there when device_crash() returns.
 */
static void test_crash_is_atomic(void **state)
{
	static uint64_t frozen[NBLOCKS];
	unsigned int survived = 0, lost = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct device *dev = open_memory(100000, 300000, 2);

		for (unsigned int i = 0; i < NBIOS; i++) {
			for (unsigned int b = 0; b < MAX_LEN; b++)
				make_block(ios[i].data[b], i * MAX_LEN + b, 3);
			submit(dev, &ios[i], i * MAX_LEN, MAX_LEN, true);
		}
		while (READ_ONCE(nr_done) < NBIOS / 4)
			sched_yield();
		device_crash(dev);
		for (unsigned int i = 0; i < NBLOCKS; i++)
			frozen[i] = device_generation(dev, i);
		for (unsigned int i = 0; i < NBIOS; i++) {
			int error = wait_io(&ios[i]);

			assert_true(error == 0 || error == -EIO);
			survived += !error;
			lost += !!error;
			for (unsigned int b = 0; b < MAX_LEN; b++)
				check_durable(dev, i * MAX_LEN + b,
					      error ? 0 : 3);
		}
		for (unsigned int i = 0; i < NBLOCKS; i++)
			assert_int_equal(device_generation(dev, i), frozen[i]);
		device_close(dev);
	}
	assert_true(survived > 0);
	assert_true(lost > 0);
}

static void test_failing_ranges(void **state)
{
	struct device *dev = open_memory(0, 0, 1);
	char block[BLOCK_SIZE];

	(void)state;
	assert_int_equal(write_gen(dev, 20, 1), 0);
	device_fail_writes(dev, 10, 20, -EIO);
	device_fail_writes(dev, 15, 2, ENOSPC);	/* either sign */
	device_fail_writes(dev, 18, 1, 0);
	assert_int_equal(write_gen(dev, 9, 2), 0);
	assert_int_equal(write_gen(dev, 10, 2), -EIO);
	assert_int_equal(write_gen(dev, 15, 2), -ENOSPC);
	assert_int_equal(write_gen(dev, 16, 2), -ENOSPC);
	assert_int_equal(write_gen(dev, 17, 2), -EIO);
	assert_int_equal(write_gen(dev, 18, 2), 0);
	assert_int_equal(write_gen(dev, 20, 2), -EIO);
	assert_int_equal(write_gen(dev, 29, 2), -EIO);
	assert_int_equal(write_gen(dev, 30, 2), 0);
	check_durable(dev, 20, 1);
	check_durable(dev, 15, 0);
	assert_int_equal(device_stat(dev).errors, 6);

	/* Of one that reaches into the range nothing is written. */
	make_block(ios[0].data[0], 9, 3);
	submit(dev, &ios[0], 9, 2, true);
	assert_int_equal(wait_io(&ios[0]), -EIO);
	check_durable(dev, 9, 2);
	/* Reads work. */
	assert_int_equal(device_io(dev, 20, 1, block, false), 0);

	device_fail_writes(dev, 0, UINT64_MAX, 0);
	assert_int_equal(write_gen(dev, 20, 4), 0);
	check_durable(dev, 20, 4);

	/* The seventeenth that matters displaces the first. */
	for (uint64_t i = 0; i < 17; i++)
		device_fail_writes(dev, 100 + 2 * i, 1, -EIO);
	assert_int_equal(write_gen(dev, 100, 1), 0);
	for (uint64_t i = 1; i < 17; i++)
		assert_int_equal(write_gen(dev, 100 + 2 * i, 1), -EIO);
	device_close(dev);
}

static unsigned int count_failures(uint32_t num)
{
	struct device *dev = open_memory(0, 0, 1);
	unsigned int failed = 0;
	char block[BLOCK_SIZE];

	device_fail_randomly(dev, num, -EIO);
	for (unsigned int i = 0; i < 2000; i++) {
		int error = write_gen(dev, i % NBLOCKS, 1);

		assert_true(error == 0 || error == -EIO);
		failed += !!error;
		assert_int_equal(device_io(dev, 0, 1, block, false), 0);
	}
	assert_int_equal(device_stat(dev).errors, failed);
	device_fail_randomly(dev, 0, 0);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(write_gen(dev, i, 1), 0);
	device_close(dev);
	return failed;
}

static void test_random_failures(void **state)
{
	unsigned int half = count_failures(1u << 31);

	(void)state;
	assert_uint_in_range(half, 800, 1200);
	/* The seed decides. */
	assert_int_equal(count_failures(1u << 31), half);
	assert_uint_in_range(count_failures(UINT32_MAX / 10), 100, 300);
	assert_int_equal(count_failures(0), 0);
}

static void test_older_over_newer(void **state)
{
	struct device *dev = open_memory(0, 0, 1);
	char block[BLOCK_SIZE];

	(void)state;
	assert_int_equal(write_gen(dev, 5, 9), 0);
	assert_int_equal(write_gen(dev, 5, 9), 0);
	assert_int_equal(write_gen(dev, 5, 12), 0);
	assert_int_equal(device_stat(dev).stale_writes, 0);

	assert_int_equal(write_gen(dev, 5, 4), 0);
	assert_int_equal(device_stat(dev).stale_writes, 1);
	assert_int_equal(device_stat(dev).stale_bno, 5);
	check_durable(dev, 5, 4);

	/* What is not one of our blocks says nothing about generations. */
	memset(block, 0, sizeof(block));
	assert_int_equal(device_io(dev, 5, 1, block, true), 0);
	assert_int_equal(device_generation(dev, 5), 4);
	assert_int_equal(device_stat(dev).stale_writes, 1);

	assert_int_equal(write_gen(dev, 6, 9), 0);
	assert_int_equal(write_gen(dev, 6, 8), 0);
	assert_int_equal(device_stat(dev).stale_writes, 2);
	assert_int_equal(device_stat(dev).stale_bno, 5);

	/* Nor does a write that fails. */
	device_fail_writes(dev, 6, 1, -EIO);
	assert_int_equal(write_gen(dev, 6, 7), -EIO);
	assert_int_equal(device_stat(dev).stale_writes, 2);
	assert_int_equal(device_generation(dev, 6), 8);
	device_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crash_freezes),
		cmocka_unit_test(test_crash_is_atomic),
		cmocka_unit_test(test_failing_ranges),
		cmocka_unit_test(test_random_failures),
		cmocka_unit_test(test_older_over_newer),
	};

	return cmocka_run_group_tests_name("device_fault", tests, NULL, NULL);
}
