// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checksums of blocks: right, and no vector register's upper half is in use
 * afterwards, for which everybody would wait who moves 16 bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <isa-l/crc.h>
#include <stdio.h>
#include <string.h>

#include "cache/device.h"

static union {
	struct block_header h;
	unsigned char bytes[BLOCK_SIZE];
} block;

/* RFC 3720, B.4: of 32 bytes of zeroes, of ones, of 0 to 31. */
static void test_known_values(void **state)
{
	unsigned char data[32];

	(void)state;
	memset(data, 0, sizeof(data));
	assert_int_equal(crc32c(data, sizeof(data)), 0x8a9136aau);
	memset(data, 0xff, sizeof(data));
	assert_int_equal(crc32c(data, sizeof(data)), 0x62a8ab43u);
	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = i;
	assert_int_equal(crc32c(data, sizeof(data)), 0x46dd794eu);
}

#ifdef __x86_64__

#include <cpuid.h>

#define AVX_UPPER	(1u << 2)	/* bits 128 to 255 */
#define AVX512_UPPER	(1u << 6)	/* bits 256 to 511 of the first 16 */

/* Can the processor say which states are in use (xgetbv with 1)? */
static bool knows_use(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) ||
	    !(c & bit_AVX))
		return false;
	return __get_cpuid_count(13, 1, &a, &b, &c, &d) && (a & (1u << 2));
}

static unsigned int uppers_in_use(void)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
	return low & (AVX_UPPER | AVX512_UPPER);
}

static void put_in_use(void)
{
	__asm__ volatile("vpcmpeqb %%xmm7, %%xmm7, %%xmm7\n\t"
			 "vinsertf128 $1, %%xmm7, %%ymm7, %%ymm7"
			 :
			 :
			 : "xmm7");
}

static void test_vectors_are_left(void **state)
{
	(void)state;
	if (!knows_use()) {
		puts("skipped: this processor does not tell which vector "
		     "registers are in use");
		skip();
	}
	put_in_use();
	assert_int_not_equal(uppers_in_use(), 0);
	/* Whatever this library's version does, nothing is left of it. */
	block_seal(&block.h);
	assert_int_equal(uppers_in_use(), 0);
	block.h.magic = BLOCK_MAGIC;
	block_seal(&block.h);
	put_in_use();
	assert_int_equal(block_verify(&block.h, 0), 0);
	assert_int_equal(uppers_in_use(), 0);
}

#else

static void test_vectors_are_left(void **state)
{
	(void)state;
	puts("skipped: it asks an x86-64 processor");
	skip();
}

#endif

static void test_seal_and_verify(void **state)
{
	(void)state;
	memset(block.bytes, 0x5a, sizeof(block.bytes));
	block.h.magic = BLOCK_MAGIC;
	block.h.bno = 7;
	block_seal(&block.h);
	assert_int_equal(block_verify(&block.h, 7), 0);
	assert_int_equal(block_verify(&block.h, 8), -EFSBADCRC);
	/* As the floor does: the field itself counts as 0. */
	uint32_t crc = block.h.crc;
	block.h.crc = 0;
	assert_int_equal(crc, ~crc32_iscsi(block.bytes, BLOCK_SIZE, ~0u));
	block.h.crc = crc;
	block.bytes[BLOCK_SIZE - 1] ^= 1;
	assert_int_equal(block_verify(&block.h, 7), -EFSBADCRC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_vectors_are_left),
		cmocka_unit_test(test_seal_and_verify),
	};

	return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
