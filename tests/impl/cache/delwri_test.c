// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delayed-write lists under every fix: queueing, cancelling, both kinds of
 * submit, and synchronous writes of what is queued.
 */
#include "tests/impl/cache/cache_test.h"

#define NR	64u
#define LONG	1000u	/* longer than what any fix sorts at once */

struct order {
	uint64_t bno[LONG];
	unsigned int nr;	/* by one thread, or after it */
};

static struct order done, issued;

static void note_done(struct fs *fs, enum point point,
		      const struct buf_state *state)
{
	(void)fs;
	if (point == POINT_IO_DONE && done.nr < LONG)
		done.bno[done.nr++] = state->bno;
	if (point == POINT_SUBMIT_ISSUED && issued.nr < LONG)
		issued.bno[issued.nr++] = state->bno;
}

static void for_each_fix(void (*test)(struct fs *fs, struct delwri_list *list))
{
	for (int i = 0; fixes[i]; i++) {
		struct delwri_list *list;
		struct fs fs = { 0 };

		if (!is_real(fixes[i]))
			continue;
		fs.hook = note_done;
		done.nr = issued.nr = 0;
		fs_open(&fs, fixes[i], 0, 0);
		list = fixes[i]->delwri_alloc(fs.mp);
		assert_non_null(list);
		test(&fs, list);
		assert_int_equal(fixes[i]->delwri_check(list), 0);
		fixes[i]->delwri_free(list);
		fs_close(&fs);
	}
}

/* Fill and queue @bno; its generation. */
static uint64_t queue(struct fs *fs, struct delwri_list *list, uint64_t bno)
{
	struct buf *bp = get_buf(fs, bno);
	uint64_t gen = fs->fix->buf_fill(bp);

	assert_true(fs->fix->delwri_queue(bp, list));
	fs->fix->buf_relse(bp);
	return gen;
}

static uint64_t durable(struct fs *fs, uint64_t bno)
{
	return device_generation(fs->dev, bno);
}

static void queue_twice(struct fs *fs, struct delwri_list *list)
{
	struct buf *bp = get_buf(fs, 5);
	struct buf_state s;
	int hold;

	fs->fix->buf_fill(bp);
	fs->fix->buf_state(bp, &s);
	hold = s.hold;
	assert_true(fs->fix->delwri_queue(bp, list));
	assert_false(fs->fix->delwri_queue(bp, list));
	fs->fix->buf_state(bp, &s);
	assert_int_equal(s.hold, hold + 1);
	assert_true(s.linked);
	assert_int_equal(fs->fix->delwri_check(list), 1);
	fs->fix->buf_relse(bp);
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	assert_int_equal(durable(fs, 5), s.gen);
	assert_int_equal(device_stat(fs->dev).writes, 1);
	s = peek(fs, 5);
	assert_int_equal(s.hold, 0);
	assert_false(s.linked || s.delwri_q || s.locked);
}

static void test_queue_twice(void **state)
{
	(void)state;
	for_each_fix(queue_twice);
}

static void cancel(struct fs *fs, struct delwri_list *list)
{
	for (uint64_t bno = 5; bno < 15; bno++)
		queue(fs, list, bno);
	assert_int_equal(fs->fix->delwri_check(list), 10);
	fs->fix->delwri_cancel(list);
	for (uint64_t bno = 5; bno < 15; bno++) {
		struct buf_state s = peek(fs, bno);

		assert_int_equal(s.hold, 0);
		assert_false(s.linked || s.delwri_q || s.locked);
		assert_int_equal(durable(fs, bno), 0);
	}
	/* Nothing is left to be done, and everything can be queued again. */
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	assert_int_equal(device_stat(fs->dev).writes, 0);
	queue(fs, list, 5);
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	assert_int_equal(device_stat(fs->dev).writes, 1);
}

static void test_cancel(void **state)
{
	(void)state;
	for_each_fix(cancel);
}

static void block_order(struct fs *fs, struct delwri_list *list)
{
	uint64_t gen[NR];

	/* 37 is odd: every block once, in no order. */
	for (unsigned int i = 0; i < NR; i++)
		gen[i * 37 % NR] = queue(fs, list, 1 + i * 37 % NR);
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	assert_int_equal(done.nr, NR);
	for (unsigned int i = 0; i < NR; i++) {
		assert_int_equal(done.bno[i], 1 + i);
		assert_int_equal(durable(fs, 1 + i), gen[i]);
	}
}

static void test_block_order(void **state)
{
	(void)state;
	for_each_fix(block_order);
}

/* What cannot be had at once stays on the list, and is written later. */
static void nowait(struct fs *fs, struct delwri_list *list)
{
	uint64_t pinned = make_block(fs), gen;
	struct buf *bp;

	fs->fix->log_force(fs->mp);
	queue(fs, list, 50);
	queue(fs, list, 51);
	queue(fs, list, pinned);
	gen = log_block(fs, pinned);
	bp = get_buf(fs, 50);
	assert_int_equal(fs->fix->delwri_submit_nowait(list), 1);
	wait_until(durable(fs, 51));
	assert_int_equal(fs->fix->delwri_check(list), 2);
	assert_int_equal(durable(fs, 50), 0);
	assert_int_equal(durable(fs, pinned), 0);
	assert_true(peek(fs, pinned).linked && peek(fs, 50).linked);
	fs->fix->buf_relse(bp);
	assert_int_equal(fs->fix->delwri_submit_nowait(list), 1);
	wait_until(durable(fs, 50));
	assert_int_equal(fs->fix->delwri_check(list), 1);
	fs->fix->log_force(fs->mp);
	assert_int_equal(fs->fix->delwri_submit_nowait(list), 0);
	wait_until(durable(fs, pinned) == gen);
}

static void test_nowait(void **state)
{
	(void)state;
	for_each_fix(nowait);
}

/* Nobody writes it a second time, but who cannot tell may. */
static void bwrite(struct fs *fs, struct delwri_list *list)
{
	bool forgets = strcmp(fs->fix->name, "skip_stale");
	struct buf *bp;
	uint64_t gen;

	queue(fs, list, 5);
	bp = get_buf(fs, 5);
	gen = fs->fix->buf_fill(bp);
	assert_int_equal(fs->fix->buf_bwrite(bp), 0);
	assert_int_equal(durable(fs, 5), gen);
	fs->fix->buf_relse(bp);
	assert_false(peek(fs, 5).stale);
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	assert_int_equal(durable(fs, 5), gen);
	assert_int_equal(device_stat(fs->dev).writes, forgets ? 1 : 2);
	assert_int_equal(peek(fs, 5).hold, 0);
	/* And it can be queued and written as before. */
	gen = queue(fs, list, 5);
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	assert_int_equal(durable(fs, 5), gen);
}

static void test_bwrite(void **state)
{
	(void)state;
	for_each_fix(bwrite);
}

static void first_error(struct fs *fs, struct delwri_list *list)
{
	uint64_t gen;

	for (uint64_t bno = 15; bno > 10; bno--)
		queue(fs, list, bno);
	device_fail_writes(fs->dev, 12, 1, ENOSPC);
	device_fail_writes(fs->dev, 13, 1, EIO);
	assert_int_equal(fs->fix->delwri_submit(list), -ENOSPC);
	for (uint64_t bno = 11; bno < 16; bno++) {
		bool failed = bno == 12 || bno == 13;

		assert_int_equal(!durable(fs, bno), failed);
		/* A failed synchronous write makes the buffer stale. */
		assert_int_equal(!is_cached(fs, bno), failed);
	}
	device_fail_writes(fs->dev, 0, AG_BLOCKS, 0);
	gen = queue(fs, list, 12);
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	assert_int_equal(durable(fs, 12), gen);
}

static void test_first_error(void **state)
{
	(void)state;
	for_each_fix(first_error);
}

/* As a bulk loader queues: its own submit writes it, or it is told so. */
static void queue_bload(struct fs *fs, struct delwri_list *list)
{
	struct buf *bp = get_buf(fs, 5);
	uint64_t gen = fs->fix->buf_fill(bp);

	assert_int_equal(fs->fix->delwri_queue_bload(bp, list), 0);
	fs->fix->buf_relse(bp);
	assert_int_equal(fs->fix->delwri_check(list), 1);
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	assert_int_equal(durable(fs, 5), gen);
}

static void test_queue_bload(void **state)
{
	(void)state;
	for_each_fix(queue_bload);
}

/* --- long lists ------------------------------------------------------- */

#define FIRST	100u

static const unsigned int lengths[] = { 1, 2, 63, 64, 65, 128, 129, 513, LONG };
/* Prime to each length: 1 is ascending, -1 descending, else no order. */
static const int strides[] = { 1, -1, 701 };

static void queue_long(struct fs *fs, struct delwri_list *list,
		       unsigned int nr, int stride)
{
	for (unsigned int i = 0; i < nr; i++)
		queue(fs, list,
		      FIRST + ((long)i * stride % (int)nr + nr) % nr);
}

static void all_in_order(struct fs *fs, struct delwri_list *list,
			 unsigned int nr, int stride)
{
	queue_long(fs, list, nr, stride);
	issued.nr = 0;
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	assert_int_equal(issued.nr, nr);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(issued.bno[i], FIRST + i);
}

/* Every 7th is locked by the caller, and every 5th stale by now. */
static void rest_in_order(struct fs *fs, struct delwri_list *list,
			  unsigned int nr, int stride)
{
	struct buf *locked[LONG / 7 + 1];
	unsigned int left = 0, want = 0;

	queue_long(fs, list, nr, stride);
	for (unsigned int i = 0; i < nr; i += 7)
		locked[left++] = get_buf(fs, FIRST + i);
	for (unsigned int i = 0; i < nr; i += 5) {
		struct buf *bp = i % 7 ? get_buf(fs, FIRST + i) : locked[i / 7];

		fs->fix->buf_stale(bp);
		if (i % 7)
			fs->fix->buf_relse(bp);
	}
	issued.nr = 0;
	assert_int_equal(fs->fix->delwri_submit_nowait(list), 0);
	for (unsigned int i = 0; i < nr; i++)
		if (i % 7 && i % 5)
			assert_int_equal(issued.bno[want++], FIRST + i);
	assert_int_equal(issued.nr, want);
	for (unsigned int i = 0; i < left; i++)
		fs->fix->buf_relse(locked[i]);
	device_drain(fs->dev);
	/* What was left is the list's yet: in order, and all of it. */
	assert_int_equal(fs->fix->delwri_submit(list), 0);
	for (unsigned int i = 0; i < nr; i += 7)
		if (i % 5)
			assert_int_equal(issued.bno[want++], FIRST + i);
	assert_int_equal(issued.nr, want);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(!!durable(fs, FIRST + i), !!(i % 5));
}

static void each_length(void (*test)(struct fs *fs, struct delwri_list *list,
				     unsigned int nr, int stride))
{
	for (int i = 0; fixes[i]; i++) {
		for (unsigned int l = 0; l < sizeof(lengths) / sizeof(int); l++)
			for (unsigned int d = 0; d < 3; d++) {
				struct fs fs = { .hook = note_done };
				struct delwri_list *list;

				if (!is_real(fixes[i]))
					continue;
				fs_open(&fs, fixes[i], 0, 0);
				list = fixes[i]->delwri_alloc(fs.mp);
				assert_non_null(list);
				test(&fs, list, lengths[l], strides[d]);
				assert_int_equal(fixes[i]->delwri_check(list),
						 0);
				fixes[i]->delwri_free(list);
				fs_close(&fs);
			}
	}
}

static void test_long_lists(void **state)
{
	(void)state;
	each_length(all_in_order);
}

static void test_what_is_left(void **state)
{
	(void)state;
	each_length(rest_in_order);
}

static int race_over;

/* Whatever the owner does to his list, blocks are staled meanwhile. */
static void staler_main(void *arg)
{
	struct fs *fs = arg;

	for (uint64_t i = 0; !smp_load_acquire(&race_over); i++) {
		struct buf *bp;

		if (fs->fix->buf_get(fs->mp, FIRST + i * 37 % LONG, 1,
				     BUF_GET_TRYLOCK | BUF_GET_INCORE |
					     BUF_GET_LIVESCAN,
				     &bp))
			continue;
		fs->fix->buf_stale(bp);
		fs->fix->buf_relse(bp);
	}
}

static void raced(struct fs *fs, struct delwri_list *list)
{
	struct thread staler;

	smp_store_release(&fs->hook, NULL);
	race_over = 0;
	assert_int_equal(task_start(&staler, "staler", -1, staler_main, fs),
			 0);
	for (int i = 0; i < 6; i++) {
		for (unsigned int j = 0; j < LONG; j++) {
			struct buf *bp = get_buf(fs, FIRST + j * 701 % LONG);

			fs->fix->buf_fill(bp);
			/* One with no flag may still be on the list. */
			fs->fix->delwri_queue(bp, list);
			fs->fix->buf_relse(bp);
		}
		if (i % 2)
			fs->fix->delwri_submit_nowait(list);
		assert_int_equal(fs->fix->delwri_submit(list), 0);
	}
	smp_store_release(&race_over, 1);
	task_join(&staler);
	device_drain(fs->dev);
}

static void test_long_list_raced(void **state)
{
	(void)state;
	for_each_fix(raced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_twice),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_block_order),
		cmocka_unit_test(test_nowait),
		cmocka_unit_test(test_bwrite),
		cmocka_unit_test(test_first_error),
		cmocka_unit_test(test_queue_bload),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_what_is_left),
		cmocka_unit_test(test_long_list_raced),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
