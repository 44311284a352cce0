// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices on files, good and bad, and options that are refused: always one
 * line that says what and why.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/impl/cache/device_test.h"

static char path[] = "device_test.XXXXXX";

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	return ftruncate(fd, 64 * BLOCK_SIZE + 100) || close(fd) ? -1 : 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int open_file(const char *name, uint64_t nblocks, struct device **dev)
{
	struct device_options opt = {
		.path = name,
		.nblocks = nblocks,
		.generations = true,
	};

	why[0] = '\0';
	return device_open(&opt, dev, why, sizeof(why));
}

static struct device *open_file_or_skip(void)
{
	struct device *dev = NULL;
	int error = open_file(path, 0, &dev);

	if (error == -EINVAL && strstr(why, "O_DIRECT")) {
		print_message("skipped: %s\n", why);
		remove_file(NULL);
		skip();
	}
	assert_int_equal(error, 0);
	WRITE_ONCE(nr_done, 0);
	return dev;
}

static void test_file(void **state)
{
	struct device *dev = open_file_or_skip();
	char odd[3 * BLOCK_SIZE + 8], *block = odd + 3;
	_Alignas(4096) char raw[BLOCK_SIZE];
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(device_blocks(dev), 64);
	/* Aligned and not, one block and more. */
	submit_gen(dev, &ios[0], 1, 1);
	assert_int_equal(wait_io(&ios[0]), 0);
	check_durable(dev, 1, 1);
	for (int i = 0; i < 3; i++) {
		make_block(raw, 61 + i, 7);
		memcpy(block + i * BLOCK_SIZE, raw, BLOCK_SIZE);
	}
	assert_int_equal(device_io(dev, 61, 3, block, true), 0);
	check_durable(dev, 63, 7);
	memset(odd, 0, sizeof(odd));
	assert_int_equal(device_io(dev, 62, 2, block + 1, false), 0);
	memcpy(raw, block + 1 + BLOCK_SIZE, BLOCK_SIZE);
	assert_int_equal(block_verify((void *)raw, 63), 0);
	assert_int_equal(odd[3], 0);
	assert_int_equal(odd[4 + 2 * BLOCK_SIZE], 0);

	device_fail_writes(dev, 1, 1, -EIO);
	assert_int_equal(write_gen(dev, 1, 2), -EIO);
	check_durable(dev, 1, 1);
	device_fail_writes(dev, 1, 1, 0);
	assert_int_equal(write_gen(dev, 63, 6), 0);
	assert_int_equal(device_stat(dev).stale_writes, 1);
	assert_int_equal(device_io(dev, 64, 1, block, true), -EIO);
	device_close(dev);

	/* It is in the file, whose size is what it was. */
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, raw, BLOCK_SIZE, 62 * BLOCK_SIZE),
			 BLOCK_SIZE);
	assert_int_equal(block_verify((void *)raw, 62), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 64 * BLOCK_SIZE + 100);
	close(fd);
}

static void test_file_many_at_once(void **state)
{
	(void)state;
	many_at_once(open_file_or_skip());
}

static void test_file_shrinks(void **state)
{
	struct device *dev = open_file_or_skip();
	char block[BLOCK_SIZE];

	(void)state;
	/* Half a block is not a block. */
	assert_int_equal(truncate(path, 8 * BLOCK_SIZE + 512), 0);
	assert_int_equal(device_io(dev, 7, 1, block, false), 0);
	assert_int_equal(device_io(dev, 8, 1, block, false), -EIO);
	assert_int_equal(device_stat(dev).errors, 1);
	device_close(dev);
}

/* Refused with @error, and one line that says @about. */
static void check_refused(int got, int error, const char *about)
{
	assert_int_equal(got, error);
	assert_non_null(strstr(why, about));
	assert_null(strchr(why, '\n'));
	assert_uint_in_range(strlen(why), 20, sizeof(why) - 2);
}

static void test_bad_files(void **state)
{
	struct device *dev;

	(void)state;
	check_refused(open_file("no/such/file", 0, &dev), -ENOENT,
		      "no/such/file");
	check_refused(open_file(".", 0, &dev), -EISDIR, "directory");
	check_refused(open_file("/dev/null", 0, &dev), -ENOTBLK,
		      "/dev/null");
	open_file_or_skip();
	check_refused(open_file(path, 65, &dev), -ENOSPC, "too small");
	assert_non_null(strstr(why, path));
	assert_int_equal(truncate(path, 100), 0);
	check_refused(open_file(path, 0, &dev), -ENOSPC, "too small");
}

#define NOBODY	65534

static void test_file_not_writable(void **state)
{
	uid_t me = geteuid();
	struct device *dev;
	int error;

	(void)state;
	assert_int_equal(chmod(path, 0444), 0);
	/* Root may write to any file. */
	if (me == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	error = open_file(path, 0, &dev);
	if (me == 0)
		assert_int_equal(seteuid(me), 0);
	check_refused(error, -EACCES, path);
}

static void test_bad_options(void **state)
{
	struct device_options opt = { 0 };
	struct device *dev;

	(void)state;
	check_refused(device_open(&opt, &dev, why, sizeof(why)), -EINVAL,
		      "0 blocks");
	opt.nblocks = UINT64_MAX / 2;
	check_refused(device_open(&opt, &dev, why, sizeof(why)), -EINVAL,
		      "too large");
	/* More than any processor can address. */
	opt.nblocks = (uint64_t)1 << 50;
	check_refused(device_open(&opt, &dev, why, sizeof(why)), -ENOMEM,
		      "address space");
	opt.nblocks = 1;
	opt.threads = 1000;
	check_refused(device_open(&opt, &dev, why, sizeof(why)), -EINVAL,
		      "1000");
	opt.threads = 1;
	opt.delay_ns = UINT64_MAX;
	check_refused(device_open(&opt, &dev, why, sizeof(why)), -EINVAL,
		      "delay");
}

#define with_file(test) \
	cmocka_unit_test_setup_teardown(test, make_file, remove_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_file(test_file),
		with_file(test_file_many_at_once),
		with_file(test_file_shrinks),
		with_file(test_bad_files),
		with_file(test_file_not_writable),
		cmocka_unit_test(test_bad_options),
	};

	return cmocka_run_group_tests_name("device_file", tests, NULL, NULL);
}
