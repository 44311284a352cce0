// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which blocks an allocation gets, and when freed ones come back.  What is
 * expected follows from the kernel's source: xfs_alloc_ag_vextent_near,
 * xfs_extent_busy_trim, xrep_newbt_alloc_ag_blocks, xrep_reap_agblocks.
 */
#include "tests/impl/cache/cache_test.h"

/* Not shown outside a fix's copy of the cache. */
#include "cache/space_near.c"

#define NR(array)	(sizeof(array) / sizeof(*(array)))

struct map {
	struct extent free[8], by_length[8], busy[8];
	struct space space;
};

static int length_cmp(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static unsigned int nr_of(const struct extent *e)
{
	unsigned int nr = 0;

	while (nr < 8 && e[nr].len)
		nr++;
	return nr;
}

static void map_init(struct map *m)
{
	unsigned int nr = nr_of(m->free);

	memcpy(m->by_length, m->free, sizeof(m->free));
	qsort(m->by_length, nr, sizeof(*m->free), length_cmp);
	m->space = (struct space){
		.by_block = { m->free, nr, 8 },
		.by_length = { m->by_length, nr, 8 },
		.busy = { m->busy, nr_of(m->busy), 8 },
	};
}

static const struct {
	const char *why;
	struct map map;
	struct space_want want;
	struct extent found;
	bool busy;
} near_cases[] = {
	{ "the nearest, not the lowest",
	  { .free = { { 2, 1 }, { 20, 1 }, { 40, 9 } } },
	  { 22, 1, 1, 1 },
	  { 20, 1 },
	  false },
	{ "as long as wanted, though another is nearer",
	  { .free = { { 9, 1 }, { 20, 4 }, { 40, 9 } } },
	  { 9, 1, 4, 1 },
	  { 20, 4 },
	  false },
	{ "the longest, if none is so long",
	  { .free = { { 9, 1 }, { 20, 3 }, { 40, 2 } } },
	  { 9, 1, 4, 1 },
	  { 9, 1 },
	  false },
	{ "the end of an extent before the hint",
	  { .free = { { 10, 10 } } },
	  { 50, 1, 4, 1 },
	  { 16, 4 },
	  false },
	{ "at the hint, in the middle of an extent",
	  { .free = { { 10, 90 } } },
	  { 50, 1, 4, 1 },
	  { 50, 4 },
	  false },
	{ "past the busy start of an extent",
	  { .free = { { 10, 9 } }, .busy = { { 10, 2 } } },
	  { 3, 1, 1, 1 },
	  { 12, 1 },
	  true },
	{ "before the busy middle",
	  { .free = { { 10, 9 } }, .busy = { { 12, 2 } } },
	  { 3, 1, 1, 1 },
	  { 10, 1 },
	  true },
	{ "behind it, where there is four times as much",
	  { .free = { { 10, 20 } }, .busy = { { 12, 2 } } },
	  { 3, 1, 4, 1 },
	  { 14, 4 },
	  true },
	{ "what is busy is left for what is further away",
	  { .free = { { 3, 2 }, { 30, 9 } }, .busy = { { 3, 2 } } },
	  { 3, 1, 1, 1 },
	  { 30, 1 },
	  true },
	{ "what lies before a busy one, be it busy itself: given up",
	  { .free = { { 3, 3 } }, .busy = { { 3, 1 }, { 4, 1 } } },
	  { 3, 1, 1, 1 },
	  { 0, 0 },
	  true },
	{ "all of it is busy",
	  { .free = { { 3, 2 } }, .busy = { { 3, 1 }, { 4, 1 } } },
	  { 3, 1, 1, 1 },
	  { 0, 0 },
	  true },
	{ "aligned",
	  { .free = { { 3, 4 }, { 9, 12 } } },
	  { 3, 4, 4, 4 },
	  { 12, 4 },
	  false },
	{ "nothing is long enough",
	  { .free = { { 3, 2 }, { 9, 2 } } },
	  { 3, 4, 4, 1 },
	  { 0, 0 },
	  false },
};

static void test_near(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NR(near_cases); i++) {
		struct map m = near_cases[i].map;
		struct extent e;
		bool busy;

		map_init(&m);
		e = space_find_near(&m.space, &near_cases[i].want, &busy);
		if (e.at != near_cases[i].found.at ||
		    e.len != near_cases[i].found.len ||
		    busy != near_cases[i].busy)
			fail_msg("%s: %u blocks at %u, busy %d",
				 near_cases[i].why, e.len, e.at, busy);
	}
}

static void test_exact(void **state)
{
	struct map m = { .free = { { 10, 9 } }, .busy = { { 16, 1 } } };
	struct space_want want = { 12, 4, 4, 1 };

	(void)state;
	map_init(&m);
	assert_int_equal(space_find_exact(&m.space, &want).at, 12);
	assert_int_equal(space_find_exact(&m.space, &want).len, 4);
	want.near = 13;	/* into the busy block */
	assert_int_equal(space_find_exact(&m.space, &want).len, 0);
	want.near = 9;
	assert_int_equal(space_find_exact(&m.space, &want).len, 0);
}

/* --- through an AG ---------------------------------------------------- */

static struct trans *lock_ag(struct fs *fs)
{
	struct trans *tp = begin(fs);

	assert_int_equal(fs->fix->trans_lock_ag(tp, 0), 0);
	return tp;
}

/* All before @end is in use but the @nr blocks of @holes. */
static void use_before(struct fs *fs, uint64_t end, const uint64_t *holes,
		       unsigned int nr)
{
	struct trans *tp = lock_ag(fs);
	uint64_t bno;

	assert_int_equal(fs->fix->space_alloc(tp, 0, end - 1, &bno), 0);
	assert_int_equal(bno, 1);
	for (unsigned int i = 0; i < nr; i++)
		fs->fix->space_free(tp, holes[i], 1);
	assert_int_equal(fs->fix->trans_commit(tp), 0);
	fs->fix->log_force(fs->mp);
}

static uint64_t bnos[64];
static unsigned int nr_bnos;

static void note_blocks(void *ctx, const struct tree_blocks *tree)
{
	(void)ctx;
	assert_true(nr_bnos + tree->nr <= NR(bnos));
	memcpy(bnos + nr_bnos, tree->bno, tree->nr * sizeof(*bnos));
	nr_bnos += tree->nr;
}

static void open_watched(struct fs *fs)
{
	nr_bnos = 0;
	fs->watch = (struct repair_watch){ .root_commit = note_blocks };
	fs_open(fs, find_fix("none"), 0, 0);
}

/* A hole of one block is nearer, but a tree of four wants four in a row. */
static void test_tree_in_a_row(void **state)
{
	static const uint64_t hole[] = { 2 };
	struct fs fs = { 0 };
	struct repair_result res;

	(void)state;
	open_watched(&fs);
	use_before(&fs, 20, hole, NR(hole));
	assert_int_equal(fs.fix->repair(fs.mp, 0, 567, &res), 0);
	assert_int_equal(res.blocks, 4);
	assert_int_equal(nr_bnos, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(bnos[i], 20 + i);
	fs_close(&fs);
}

/* Blocks behind each other come back only when no longer busy. */
static void test_busy_moves_on(void **state)
{
	struct fs fs = { 0 };
	struct repair_result res;

	(void)state;
	open_watched(&fs);
	/* From 1 on, behind it, behind that; then the first are free again. */
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(fs.fix->repair(fs.mp, 0, 1, &res), 0);
	assert_int_equal(bnos[0], 1);
	assert_int_equal(bnos[1], 2);
	assert_int_equal(bnos[2], 3);
	fs.fix->log_force(fs.mp);
	assert_int_equal(fs.fix->repair(fs.mp, 0, 1, &res), 0);
	assert_int_equal(bnos[3], 1);
	fs_close(&fs);
}

/* Transactions of a repair that reaps so many blocks apart. */
static uint64_t commits_to_reap(bool apart)
{
	static const uint64_t holes[] = { 2, 4, 6, 8 };
	struct fs fs = { 0 };
	struct repair_result res;
	uint64_t before;

	open_watched(&fs);
	if (apart)
		use_before(&fs, AG_BLOCKS, holes, NR(holes));
	assert_int_equal(fs.fix->repair(fs.mp, 0, 567, &res), 0);
	fs.fix->log_force(fs.mp);
	if (apart) {
		/* Room for the next tree, all in one piece. */
		struct trans *tp = lock_ag(&fs);

		fs.fix->space_free(tp, 20, 4);
		assert_int_equal(fs.fix->trans_commit(tp), 0);
		fs.fix->log_force(fs.mp);
	}
	before = fs_seen(&fs, POINT_COMMIT);
	assert_int_equal(fs.fix->repair(fs.mp, 0, 567, &res), 0);
	before = fs_seen(&fs, POINT_COMMIT) - before;
	fs_close(&fs);
	return before;
}

/*
 * The root; the invalidated; then a transaction for each two extents that are
 * freed.
 */
static void test_reap(void **state)
{
	(void)state;
	assert_int_equal(commits_to_reap(false), 3);
	assert_int_equal(commits_to_reap(true), 4);
}

/* A repair of inodes builds two trees, and a change changes both. */
static void two_trees(struct fs *fs, struct mount_options *opt)
{
	struct repair_result res;
	struct buf_state before[2], after[2];

	assert_int_equal(fs->fix->mount(opt, &fs->mp), 0);
	nr_bnos = 0;
	assert_int_equal(fs->fix->repair(fs->mp, 0, 1, &res), 0);
	assert_int_equal(res.loads, 2);
	assert_int_equal(res.blocks, 2);
	assert_int_equal(nr_bnos, 2);
	assert_int_equal(bnos[0], 1);
	assert_int_equal(bnos[1], 2);
	for (unsigned int i = 0; i < 2; i++)
		before[i] = peek(fs, bnos[i]);
	assert_int_equal(fs->fix->tree_modify(fs->mp, 0, 7), 0);
	for (unsigned int i = 0; i < 2; i++) {
		after[i] = peek(fs, bnos[i]);
		assert_true(after[i].gen > before[i].gen);
		assert_int_equal(after[i].pin, 1);
	}
	/* Both go together, and others come. */
	assert_int_equal(fs->fix->repair(fs->mp, 0, 1, &res), 0);
	assert_true(peek(fs, bnos[0]).stale && peek(fs, bnos[1]).stale);
	assert_int_equal(bnos[2], 3);
	assert_int_equal(bnos[3], 4);
}

static void test_two_trees(void **state)
{
	struct fs fs = { .fix = find_fix("none") };
	struct device_options dopt = {
		.nblocks = AGS * AG_BLOCKS + LOG_BLOCKS,
		.generations = true,
	};
	struct mount_options opt = {
		.ag_count = AGS,
		.ag_blocks = AG_BLOCKS,
		.log_bytes = 64 << 20,
		.trees = 2,
	};
	char why[256];

	(void)state;
	assert_int_equal(device_open(&dopt, &fs.dev, why, sizeof(why)), 0);
	opt.device = fs.dev;
	fs.watch = (struct repair_watch){ .root_commit = note_blocks };
	opt.watch = &fs.watch;
	opt.trees = 3;
	assert_int_equal(fs.fix->mount(&opt, &fs.mp), -EINVAL);
	opt.trees = 2;
	two_trees(&fs, &opt);
	fs_close(&fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_tree_in_a_row),
		cmocka_unit_test(test_busy_moves_on),
		cmocka_unit_test(test_reap),
		cmocka_unit_test(test_two_trees),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
