// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lookup, staling, release, LRU and reading of buffers: what every fix
 * leaves as it is, and the life of a stale buffer without any fix.
 */
#include "tests/impl/cache/cache_test.h"

#include "cache/mount.h"

#include <sched.h>

static void for_each_fix(void (*test)(struct fs *fs))
{
	for (int i = 0; fixes[i]; i++) {
		struct fs fs = { 0 };

		if (!is_real(fixes[i]))
			continue;
		fs_open(&fs, fixes[i], 0, 0);
		test(&fs);
		fs_close(&fs);
	}
}

static int get(struct fs *fs, uint64_t bno, unsigned int flags)
{
	struct buf *bp = NULL;
	int error = fs->fix->buf_get(fs->mp, bno, 1, flags, &bp);

	if (!error)
		fs->fix->buf_relse(bp);
	return error;
}

static void return_codes(struct fs *fs)
{
	uint64_t end = AGS * AG_BLOCKS;
	struct buf *bp;

	assert_int_equal(get(fs, end, 0), -EINVAL);
	assert_int_equal(get(fs, UINT64_MAX, 0), -EINVAL);
	assert_int_equal(fs->fix->buf_get(fs->mp, end - 1, 2, 0, &bp),
			 -EINVAL);
	assert_int_equal(get(fs, 7, BUF_GET_INCORE), -ENOENT);
	assert_false(is_cached(fs, 7));
	bp = get_buf(fs, 7);
	assert_int_equal(get(fs, 7, BUF_GET_TRYLOCK), -EAGAIN);
	assert_int_equal(get(fs, 7, BUF_GET_TRYLOCK | BUF_GET_INCORE),
			 -EAGAIN);
	assert_int_equal(peek(fs, 7).hold, 1);
	fs->fix->buf_relse(bp);
	assert_int_equal(peek(fs, 7).hold, 0);
	assert_false(peek(fs, 7).locked);
	assert_int_equal(get(fs, 7, BUF_GET_INCORE), 0);
	assert_int_equal(get(fs, 7, BUF_GET_TRYLOCK), 0);
	assert_int_equal(get(fs, 7, BUF_GET_LIVESCAN), 0);
	/* And not even a trylock of what is not there fails. */
	assert_int_equal(get(fs, 8, BUF_GET_TRYLOCK), 0);
}

static void test_return_codes(void **state)
{
	(void)state;
	for_each_fix(return_codes);
}

static void lru(struct fs *fs)
{
	assert_int_equal(get(fs, 9, 0), 0);
	/* One turn for its weight, gone with the second. */
	assert_int_equal(fs->fix->shrink(fs->mp, 100), 0);
	assert_true(is_cached(fs, 9));
	assert_int_equal(fs->fix->shrink(fs->mp, 100), 1);
	assert_false(is_cached(fs, 9));
	assert_int_equal(fs->fix->shrink(fs->mp, 100), 0);
}

static void test_lru(void **state)
{
	(void)state;
	for_each_fix(lru);
}

static void stale_freed(struct fs *fs)
{
	struct buf *bp = get_buf(fs, 11);

	fs->fix->buf_relse(bp);
	assert_true(is_cached(fs, 11));
	bp = get_buf(fs, 11);
	fs->fix->buf_stale(bp);
	assert_int_equal(peek(fs, 11).hold, 1);
	fs->fix->buf_relse(bp);
	assert_false(is_cached(fs, 11));
	assert_int_equal(fs->fix->shrink(fs->mp, 100), 0);
}

/* A tree's block that was staled stays cached again once it was read. */
static void reused_stays(struct fs *fs)
{
	struct repair_result res;
	uint64_t bno = AG_BLOCKS;

	for (int i = 0; i < 3; i++)
		assert_int_equal(fs->fix->repair(fs->mp, 0, 100, &res), 0);
	fs->fix->log_force(fs->mp);
	fs->fix->ail_push_all_sync(fs->mp);
	/* Which is not cached, for its first life ended stale. */
	assert_int_equal(fs->fix->tree_walk(fs->mp, 0, 0), 0);
	for (uint64_t b = 1; b < AG_BLOCKS && bno == AG_BLOCKS; b++)
		if (is_cached(fs, b))
			bno = b;
	assert_int_not_equal(bno, AG_BLOCKS);
	for (int turn = 0; turn < 3; turn++) {
		fs->fix->shrink(fs->mp, 100);
		assert_true(is_cached(fs, bno));
	}
	fs->fix->shrink(fs->mp, 100);
	assert_false(is_cached(fs, bno));
}

static void test_reused_stays(void **state)
{
	(void)state;
	for_each_fix(reused_stays);
}

static void test_stale_freed(void **state)
{
	(void)state;
	for_each_fix(stale_freed);
}

static void unreadable(struct fs *fs)
{
	struct buf *bp = get_buf(fs, 13);
	char *block = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);

	/* Written and read again: sound. */
	fs->fix->buf_fill(bp);
	assert_int_equal(fs->fix->buf_bwrite(bp), 0);
	fs->fix->buf_stale(bp);
	fs->fix->buf_relse(bp);
	assert_int_equal(fs->fix->buf_read(fs->mp, 13, 1, 0, &bp), 0);
	fs->fix->buf_relse(bp);

	/* Now one bit of it changes behind the cache's back. */
	while (is_cached(fs, 13))
		fs->fix->shrink(fs->mp, 100);
	assert_int_equal(device_io(fs->dev, 13, 1, block, false), 0);
	block[BLOCK_SIZE - 1] ^= 1;
	assert_int_equal(device_io(fs->dev, 13, 1, block, true), 0);
	free(block);
	fs_watch(fs, 13);
	assert_int_equal(fs->fix->buf_read(fs->mp, 13, 1, 0, &bp),
			 -EFSBADCRC);
	assert_int_equal(fs_at(fs, POINT_STALE), 1);
	assert_false(is_cached(fs, 13));
	/* Never written at all. */
	assert_int_equal(fs->fix->buf_read(fs->mp, 14, 1, 0, &bp),
			 -EFSBADCRC);
	assert_false(is_cached(fs, 14));
}

static void test_unreadable(void **state)
{
	(void)state;
	for_each_fix(unreadable);
}

/*
 * Freed and committed, not yet on disk: the buffer is locked by nobody who
 * could unlock it but the checkpoint, which the log worker would write in
 * 30 s; who wants it forces the log.
 */
static void pinned_stale(struct fs *fs)
{
	uint64_t bno = make_block(fs), start;
	struct buf_state s;
	struct buf *bp;

	fs_watch(fs, bno);
	free_block(fs, bno);
	s = peek(fs, bno);
	assert_true(s.stale && s.locked && s.pin > 0);
	assert_int_equal(get(fs, bno, BUF_GET_TRYLOCK), -EAGAIN);
	assert_int_equal(fs_at(fs, POINT_FREED_UNLOCKED), 0);
	start = now_ns();
	bp = get_buf(fs, bno);
	assert_true(now_ns() - start < PATIENCE_NS);
	/* It is handed over before the checkpoint's thread comes to say so. */
	while (!fs_at(fs, POINT_FREED_UNLOCKED) &&
	       now_ns() - start < PATIENCE_NS)
		sched_yield();
	assert_int_equal(fs_at(fs, POINT_FREED_UNLOCKED), 1);
	fs->fix->buf_state(bp, &s);
	assert_false(s.stale);
	assert_int_equal(s.pin, 0);
	fs->fix->buf_relse(bp);
}

static void test_pinned_stale(void **state)
{
	(void)state;
	for_each_fix(pinned_stale);
}

/* Stale, unlocked and still cached, because a list holds it. */
static struct delwri_list *left_stale(struct fs *fs, uint64_t bno,
				      unsigned int len)
{
	struct delwri_list *list = fs->fix->delwri_alloc(fs->mp);
	struct buf *bp;

	assert_int_equal(fs->fix->buf_get(fs->mp, bno, len, 0, &bp), 0);
	fs->fix->buf_fill(bp);
	assert_true(fs->fix->delwri_queue(bp, list));
	fs->fix->buf_stale(bp);
	fs->fix->buf_relse(bp);
	assert_true(peek(fs, bno).stale);
	return list;
}

static void drop_list(struct fs *fs, struct delwri_list *list)
{
	fs->fix->delwri_cancel(list);
	fs->fix->delwri_free(list);
}

static void test_livescan(void **state)
{
	struct fs fs = { 0 };
	struct delwri_list *list;

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	list = left_stale(&fs, 15, 1);
	assert_int_equal(get(&fs, 15, BUF_GET_LIVESCAN), -ENOENT);
	assert_false(peek(&fs, 15).locked);
	assert_true(peek(&fs, 15).stale && peek(&fs, 15).done);
	assert_int_equal(get(&fs, 15, BUF_GET_TRYLOCK), 0);
	assert_false(peek(&fs, 15).stale || peek(&fs, 15).done);
	assert_int_equal(get(&fs, 15, BUF_GET_LIVESCAN), 0);
	drop_list(&fs, list);
	fs_close(&fs);
}

static void test_other_length(void **state)
{
	struct fs fs = { 0 };
	struct delwri_list *list;
	struct buf_state s;
	struct buf *bp;

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	list = left_stale(&fs, 16, 4);
	bp = get_buf(&fs, 16);
	fs.fix->buf_state(bp, &s);
	assert_int_equal(s.len, 1);
	assert_false(s.stale || s.linked);
	fs.fix->buf_relse(bp);
	assert_int_equal(fs.fix->buf_get(fs.mp, 16, 4, BUF_GET_LIVESCAN, &bp),
			 -ENOENT);
	drop_list(&fs, list);
	/* The long one is gone, the short one is found. */
	assert_int_equal(fs.fix->buf_get(fs.mp, 16, 4, BUF_GET_INCORE, &bp),
			 -ENOENT);
	assert_int_equal(get(&fs, 16, BUF_GET_INCORE), 0);
	fs_close(&fs);
}

#define RACE_BLOCKS	2000u

struct racer {
	struct thread thread;
	struct fs *fs;
	struct buf *got[RACE_BLOCKS];
};

static unsigned int turn;	/* atomic: arrivals of both */

static void race(void *arg)
{
	struct racer *r = arg;

	for (unsigned int i = 0; i < RACE_BLOCKS; i++) {
		__atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
		while (READ_ONCE(turn) < 2 * (i + 1))
			sched_yield();
		r->got[i] = get_buf(r->fs, 1 + i);
		r->fs->fix->buf_relse(r->got[i]);
	}
}

/* Both miss at once; who loses frees its own buffer and takes the other. */
static void test_insert_race(void **state)
{
	static struct racer racers[2];
	struct fs fs = { 0 };

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	WRITE_ONCE(turn, 0);
	for (int i = 0; i < 2; i++) {
		racers[i].fs = &fs;
		assert_int_equal(task_start(&racers[i].thread, "racer", -1,
					    race, &racers[i]),
				 0);
	}
	for (int i = 0; i < 2; i++)
		task_join(&racers[i].thread);
	for (unsigned int i = 0; i < RACE_BLOCKS; i++)
		assert_ptr_equal(racers[0].got[i], racers[1].got[i]);
	/* One reference to the AG for each cached buffer. */
	assert_int_equal(atomic_read(&fs.mp->m_ag[0].pag_ref), RACE_BLOCKS);
	fs_close(&fs);
}

/* The multiplication is the division, at both ends of every kind of AG. */
static void test_ag_of(void **state)
{
	static const uint32_t sizes[] = { 8, 9, 1000, 1024, 12345, 65535,
					  65536, 268435455, 268435456 };
	static struct ag first;
	struct mount mp = { .m_ag = &first };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t size = sizes[i], last = UINT64_MAX / size / size;

		mp.m_ag_inverse = ag_inverse(size);
		for (uint64_t ag = 1; ag <= last && ag < 1ull << 32; ag *= 3) {
			assert_ptr_equal(ag_of(&mp, ag * size), &mp.m_ag[ag]);
			assert_ptr_equal(ag_of(&mp, ag * size - 1),
					 &mp.m_ag[ag - 1]);
			assert_ptr_equal(ag_of(&mp, ag * size + size / 2),
					 &mp.m_ag[ag]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_return_codes),
		cmocka_unit_test(test_ag_of),
		cmocka_unit_test(test_lru),
		cmocka_unit_test(test_stale_freed),
		cmocka_unit_test(test_reused_stays),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_pinned_stale),
		cmocka_unit_test(test_livescan),
		cmocka_unit_test(test_other_length),
		cmocka_unit_test(test_insert_race),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
