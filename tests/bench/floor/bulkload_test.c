// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor under bulkload and repair_storm: it is the frozen one, and its
 * trees have as many blocks as the cache's.
 */
#include "tests/bench/bench_test.h"

#include "bench/workload.h"
#include "cache/format.h"

/*
 * SHA-256 of bench/floor/bulkload.c.  Whoever changes the floor changes what
 * all results were compared with, and this line: see bench/floor/README.md.
 */
#define FROZEN	"db336bdbedaa59a54275ab5f94bdd9d269c51de5338186c8ff216af5eff988f1"

#define AG_BLOCKS	4096u

static void test_frozen(void **state)
{
	unsigned int nr = 0;

	(void)state;
	for (struct floor *f = floor_first(); f; f = floor_next(f)) {
		if (strcmp(f->group, "bulkload/") &&
		    strcmp(f->group, "repair_storm/"))
			continue;
		nr++;
		assert_string_equal(f->sha256, FROZEN);
	}
	assert_int_equal(nr, 2);
}

static uint64_t tree_blocks(const struct fix *fix, uint64_t records)
{
	struct device_options dopt = { .nblocks = AG_BLOCKS + LOG_BLOCKS };
	struct mount_options opt = {
		.ag_count = 1,
		.ag_blocks = AG_BLOCKS,
		.log_bytes = 1 << 20,
	};
	struct repair_result load, repair;
	struct teardown left;
	struct mount *mp;
	char why[256];

	assert_int_equal(device_open(&dopt, &opt.device, why, sizeof(why)), 0);
	assert_int_equal(fix->mount(&opt, &mp), 0);
	assert_int_equal(fix->bulkload(mp, 0, records, &load), 0);
	assert_int_equal(fix->repair(mp, 0, records, &repair), 0);
	assert_int_equal(load.blocks, repair.blocks);
	assert_true(repair.committed);
	assert_true(repair.gen > load.gen);
	fix->unmount(mp, &left);
	device_close(opt.device);
	return load.blocks;
}

static void test_same_trees(void **state)
{
	static const uint64_t records[] = { 567, 11907 };

	(void)state;
	for (struct floor *f = floor_first(); f; f = floor_next(f))
		for (int i = 0; i < 2 && !strcmp(f->group, "bulkload/"); i++)
			assert_int_equal(tree_blocks(f->fix, records[i]),
					 tree_blocks(fixes[0], records[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_same_trees),
	};

	return cmocka_run_group_tests_name("floor/bulkload", tests, NULL, NULL);
}
