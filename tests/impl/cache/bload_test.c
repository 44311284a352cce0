// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bulk loads and repairs: the tree's shape, every block of it durable and
 * reachable on the device, and loads that fail.
 */
#include "tests/impl/cache/cache_test.h"

static const struct {
	uint64_t records, blocks;
	unsigned int height;
} shapes[] = {
	{ 0, 1, 1 }, { 1, 1, 1 }, { 189, 1, 1 }, { 252, 1, 1 },
	{ 253, 3, 2 }, { 567, 4, 2 }, { 100000, 532, 3 },
};

#define BLOCKS_MAX	1024

struct image {
	struct fs *fs;
	uint64_t gen, bno[BLOCKS_MAX];
	unsigned int nr, reached;
	bool was_reached[BLOCKS_MAX];
	uint64_t key;			/* of the next record */
	uint64_t right;			/* what the last leaf points at */
};

/* The blocks that one level needs, three quarters full if possible. */
static uint64_t level_blocks(uint64_t nr, uint64_t max)
{
	uint64_t middle = (max + max / 2) / 2;	/* of most and least */
	uint64_t blocks = nr < middle ? 1 : nr / middle;

	return (nr + blocks - 1) / blocks > max ? blocks + 1 : blocks;
}

static uint64_t tree_blocks(uint64_t nr, unsigned int *height)
{
	uint64_t all = 0, max = 252;

	for (*height = 1;; ++*height) {
		nr = level_blocks(nr, max);
		all += nr;
		if (nr == 1)
			return all;
		max = 505;
	}
}

static void test_geometry(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		unsigned int height;

		assert_int_equal(tree_blocks(shapes[i].records, &height),
				 shapes[i].blocks);
		assert_int_equal(height, shapes[i].height);
	}
}

/* Down to the leaves, on the device alone. */
static void walk(struct image *im, uint64_t bno, unsigned int level)
{
	struct block_header *h = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);
	const struct bload_record *rec = (void *)(h + 1);
	const struct bload_entry *entry = (void *)(h + 1);
	unsigned int i, wrong = 0;

	assert_int_equal(device_read_durable(im->fs->dev, bno, h), 0);
	assert_int_equal(block_verify(h, bno), 0);
	assert_int_equal(h->owner, im->gen);
	assert_int_equal(h->level, level);
	for (i = 0; i < im->nr && im->bno[i] != bno; i++)
		;
	assert_true(i < im->nr && !im->was_reached[i]);
	im->was_reached[i] = true;
	im->reached++;
	if (level) {
		for (i = 0; i < h->numrecs; i++) {
			assert_int_equal(entry[i].key, im->key);
			walk(im, entry[i].bno, level - 1);
		}
	} else {
		if (im->key)
			assert_int_equal(im->right, bno);
		im->right = h->right;
		for (i = 0; i < h->numrecs; i++)
			wrong += rec[i].key != im->key++;
		assert_int_equal(wrong, 0);
	}
	free(h);
}

static void note_tree(void *ctx, const struct tree_blocks *tree)
{
	struct image *im = ctx;

	*im = (struct image){ .fs = im->fs, .gen = tree->gen, .nr = tree->nr };
	assert_uint_in_range(tree->nr, 1, BLOCKS_MAX);
	memcpy(im->bno, tree->bno, tree->nr * sizeof(*im->bno));
}

static struct image image;

static void for_each_fix(void (*test)(struct fs *fs))
{
	for (int i = 0; fixes[i]; i++) {
		struct fs fs = { 0 };

		if (!is_real(fixes[i]))
			continue;
		image.fs = &fs;
		fs.watch = (struct repair_watch){ .root_commit = note_tree,
						  .ctx = &image };
		fs_open(&fs, fixes[i], 0, 0);
		test(&fs);
		fs_close(&fs);
	}
}

/* Repair; the whole tree must be on the device. */
static void repair_and_check(struct fs *fs, uint64_t records)
{
	struct repair_result res;
	unsigned int height;
	uint64_t blocks = tree_blocks(records, &height);

	assert_int_equal(fs->fix->repair(fs->mp, 0, records, &res), 0);
	assert_true(res.committed);
	assert_int_equal(res.blocks, blocks);
	assert_int_equal(res.misqueued, 0);
	assert_int_equal(res.gen, image.gen);
	assert_int_equal(image.nr, blocks);
	walk(&image, image.bno[image.nr - 1], height - 1);
	assert_int_equal(image.reached, blocks);
	assert_int_equal(image.key, records);
	assert_int_equal(image.right, 0);
	for (uint64_t pick = 0; pick < 20; pick++)
		assert_int_equal(fs->fix->tree_walk(fs->mp, 0, pick * 991), 0);
}

static void all_shapes(struct fs *fs)
{
	for (unsigned int i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		repair_and_check(fs, shapes[i].records);
}

static void test_repair(void **state)
{
	(void)state;
	for_each_fix(all_shapes);
}

/* The old tree's blocks come back: many more trees than the AG can hold. */
static void reaped(struct fs *fs)
{
	for (int i = 0; i < 20; i++) {
		repair_and_check(fs, 100000);
		assert_int_equal(fs->fix->tree_modify(fs->mp, 0, i), 0);
		/* Else the daemon's list would still hold some of them. */
		fs->fix->log_force(fs->mp);
		fs->fix->ail_push_all_sync(fs->mp);
	}
}

static void test_reaped(void **state)
{
	(void)state;
	for_each_fix(reaped);
}

/* Nothing is committed, the old tree stays, the blocks are free again. */
static void load_fails(struct fs *fs)
{
	struct repair_result res;
	struct image before;

	repair_and_check(fs, 567);
	before = image;
	for (int i = 0; i < 10; i++) {
		/* The lowest are taken first: at the end, or at once. */
		uint64_t from = i % 2 ? 1 : 5 + 500;

		device_fail_writes(fs->dev, from, AG_BLOCKS - from, EIO);
		assert_int_equal(fs->fix->repair(fs->mp, 0, 100000, &res),
				 -EIO);
		assert_false(res.committed);
		assert_int_equal(fs->fix->bulkload(fs->mp, 0, 100000, &res),
				 -EIO);
		device_fail_writes(fs->dev, from, AG_BLOCKS - from, 0);
		assert_int_equal(image.gen, before.gen);
		assert_int_equal(fs->fix->tree_walk(fs->mp, 0, i * 991), 0);
	}
	image = before;
	image.reached = 0;
	image.key = 0;
	memset(image.was_reached, 0, sizeof(image.was_reached));
	walk(&image, image.bno[image.nr - 1], 1);
	assert_int_equal(image.reached, image.nr);
	repair_and_check(fs, 100000);
}

static void test_load_fails(void **state)
{
	(void)state;
	for_each_fix(load_fails);
}

/* Only the load: all written, none of it a tree, all free again. */
static void only_load(struct fs *fs)
{
	struct repair_result res;
	uint64_t writes;

	for (int i = 0; i < 12; i++) {
		writes = device_stat(fs->dev).writes;
		assert_int_equal(fs->fix->bulkload(fs->mp, 0, 100000, &res),
				 0);
		assert_int_equal(res.blocks, 532);
		assert_false(res.committed);
		assert_true(device_stat(fs->dev).writes >= writes + 532);
	}
	assert_int_equal(fs->fix->tree_walk(fs->mp, 0, 1), 0);
	assert_int_equal(fs_seen(fs, POINT_ROOT_COMMIT), 0);
}

static void test_bulkload(void **state)
{
	(void)state;
	for_each_fix(only_load);
}

static void test_no_space(void **state)
{
	struct repair_result res;
	struct fs fs = { 0 };

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	/* 189 records a block: more blocks than an AG has. */
	assert_int_equal(fs.fix->repair(fs.mp, 0, AG_BLOCKS * 189, &res),
			 -ENOSPC);
	assert_false(res.committed);
	assert_int_equal(fs.fix->repair(fs.mp, 0, 3000 * 189, &res), 0);
	fs_close(&fs);
}

/* --- blocks that are stale and on a list as well --------------------- */

struct neighbours {
	struct fs *fs;
	uint64_t records;
	int error;
	int done, walking;	/* release, acquire */
};

static struct neighbours near;

/* Whoever was woken goes on when the pass is over. */
static void stay_until_pass_ends(struct fs *fs, enum point point,
				 const struct buf_state *state)
{
	(void)fs;
	(void)state;
	while (point == POINT_WAIT_END && smp_load_acquire(&near.walking))
		sleep_ns(100000, WAIT_NONE);
}

static void loader_main(void *arg)
{
	struct neighbours *n = arg;
	struct repair_result res;

	n->error = n->fs->fix->bulkload(n->fs->mp, 0, n->records, &res);
	smp_store_release(&n->done, 1);
}

/* Whatever block a load gets, it was freed and is linked. */
static struct delwri_list *all_stale(struct fs *fs)
{
	struct delwri_list *list = fs->fix->delwri_alloc(fs->mp);

	assert_non_null(list);
	for (uint64_t bno = 1; bno < AG_BLOCKS; bno++) {
		struct buf *bp = get_buf(fs, bno);

		fs->fix->buf_fill(bp);
		assert_true(fs->fix->delwri_queue(bp, list));
		fs->fix->buf_stale(bp);
		fs->fix->buf_relse(bp);
	}
	return list;
}

/* Passes of the list's owner, one whenever the load waits, that it takes. */
static unsigned int passes(const struct fix *fix, uint64_t records)
{
	struct fs fs = { .hook = stay_until_pass_ends };
	struct delwri_list *list;
	struct thread loader;
	unsigned int n = 0;

	fs_open(&fs, fix, 0, 0);
	list = all_stale(&fs);
	near = (struct neighbours){ .fs = &fs, .records = records };
	assert_int_equal(task_start(&loader, "loader", -1, loader_main, &near),
			 0);
	for (;; n++) {
		wait_until(smp_load_acquire(&near.done) ||
			   fs_seen(&fs, POINT_WAIT_BEGIN) > n);
		if (smp_load_acquire(&near.done))
			break;
		smp_store_release(&near.walking, 1);
		assert_int_equal(fix->delwri_submit_nowait(list), 0);
		smp_store_release(&near.walking, 0);
	}
	task_join(&loader);
	assert_int_equal(near.error, 0);
	fix->delwri_cancel(list);
	fix->delwri_free(list);
	fs_close(&fs);
	return n;
}

/*
 * With its second block locked a loader sleeps for its first; the pass that
 * ends this takes off all but the second, for which it sleeps then.
 */
static void test_passes(void **state)
{
	static const struct {
		const char *fix;
		unsigned int one, many;	/* blocks of the load */
	} want[] = {
		{ "delwri_queue_here", 1, 2 },
		{ "delwri_queue_here_mb", 1, 2 },
		{ "delwri_queue_here_drop", 1, 1 },
		{ "wait_in_find_lock", 1, 1 },
		{ "remove_on_stale", 0, 0 },
		{ "multi_list", 0, 0 },
		{ "write_linked", 0, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct fix *fix = find_fix(want[i].fix);

		assert_int_equal(passes(fix, 1), want[i].one);
		for (unsigned int j = 4; j < sizeof(shapes) / sizeof(*shapes);
		     j++)
			assert_int_equal(passes(fix, shapes[j].records),
					 want[i].many);
	}
}

/* The error is the load's, and nobody else's. */
static void test_linked_fails(void **state)
{
	struct fs fs = { 0 };
	struct delwri_list *list;
	struct repair_result res;
	uint64_t writes;

	(void)state;
	fs_open(&fs, find_fix("write_linked"), 0, 0);
	list = all_stale(&fs);
	device_fail_writes(fs.dev, 1, AG_BLOCKS - 1, EIO);
	assert_int_equal(fs.fix->bulkload(fs.mp, 0, 567, &res), -EIO);
	/* The first block alone was tried. */
	assert_int_equal(device_stat(fs.dev).errors, 1);
	device_fail_writes(fs.dev, 1, AG_BLOCKS - 1, 0);
	fs.fix->log_force(fs.mp);
	writes = fs_seen(&fs, POINT_SUBMIT_ISSUED);
	assert_int_equal(fs.fix->bulkload(fs.mp, 0, 567, &res), 0);
	/* Each once, and the list's owner none of them. */
	assert_int_equal(fs_seen(&fs, POINT_SUBMIT_ISSUED) - writes,
			 res.blocks);
	assert_int_equal(fs.fix->delwri_check(list), AG_BLOCKS - 1);
	assert_int_equal(fs.fix->delwri_submit_nowait(list), 0);
	assert_int_equal(fs_seen(&fs, POINT_SUBMIT_ISSUED) - writes,
			 res.blocks);
	assert_int_equal(fs.fix->delwri_check(list), 0);
	fs.fix->delwri_free(list);
	fs_close(&fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_reaped),
		cmocka_unit_test(test_load_fails),
		cmocka_unit_test(test_bulkload),
		cmocka_unit_test(test_no_space),
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_linked_fails),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
