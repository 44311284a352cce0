// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AIL daemon: how far it pushes, in which order, how it sleeps, and
 * what becomes of writes that fail.
 */
#include "tests/impl/cache/cache_test.h"

#define MAX	128u

static uint64_t queued[MAX];
static unsigned int nr_queued;	/* by the AIL daemon, or when it is idle */

static void note_queued(struct fs *fs, enum point point,
			const struct buf_state *state)
{
	(void)fs;
	if (point == POINT_QUEUE && nr_queued < MAX)
		queued[nr_queued++] = state->bno;
}

static void for_each_fix(uint64_t log_bytes, void (*test)(struct fs *fs))
{
	for (int i = 0; fixes[i]; i++) {
		struct fs fs = { 0 };

		if (!is_real(fixes[i]))
			continue;
		nr_queued = 0;
		fs.hook = note_queued;
		fs_open(&fs, fixes[i], log_bytes, 0);
		test(&fs);
		fs_close(&fs);
	}
}

/* A new block, or @bno again, and its checkpoint. */
static uint64_t log_and_force(struct fs *fs, uint64_t bno)
{
	if (bno)
		log_block(fs, bno);
	else
		bno = make_block(fs);
	fs->fix->log_force(fs->mp);
	return bno;
}

static bool durable(struct fs *fs, uint64_t bno)
{
	return device_generation(fs->dev, bno) == peek(fs, bno).gen;
}

static void wait_passes(struct fs *fs, unsigned int nr)
{
	uint64_t from = fs->fix->ail_passes(fs->mp);

	wait_until(fs->fix->ail_passes(fs->mp) >= from + nr);
}

#define LOG_BYTES	(256u << 10)
#define PER_FORCE	4096u	/* at least: a checkpoint's own block */

/* Of those blocks, logged in this order, the first ones. */
static unsigned int nr_durable(struct fs *fs, const uint64_t *bno,
			       unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && durable(fs, bno[i]); i++)
		;
	return i;
}

/* Nothing is pushed while a quarter of the log is free, then a quarter is. */
static void target(struct fs *fs)
{
	unsigned int nr = LOG_BYTES / 4 * 3 / PER_FORCE, free;
	uint64_t bno[LOG_BYTES / PER_FORCE];
	unsigned int i;

	for (i = 0; i < nr / 2; i++)
		bno[i] = log_and_force(fs, 0);
	wait_passes(fs, 3);
	for (i = 0; i < nr / 2; i++)
		assert_false(durable(fs, bno[i]));
	/* Its blocks and the AG's header. */
	assert_int_equal(fs->fix->ail_items(fs->mp), nr / 2 + 1);
	for (; i < nr; i++)
		bno[i] = log_and_force(fs, 0);
	wait_until(durable(fs, bno[0]));
	wait_passes(fs, 3);
	/* What is written leaves the AIL a little later. */
	wait_until(fs->fix->ail_items(fs->mp) ==
		   nr - nr_durable(fs, bno, nr) + 1);
	/* The rest stays, and is less than what a quarter leaves free. */
	free = nr_durable(fs, bno, nr);
	assert_uint_in_range(free, 1, nr / 2);
	for (i = free; i < nr; i++)
		assert_false(durable(fs, bno[i]));
	fs->fix->ail_push_all(fs->mp);
	wait_until(durable(fs, bno[nr - 1]));
	for (i = 0; i < nr; i++)
		wait_until(durable(fs, bno[i]));
	wait_until(!fs->fix->ail_items(fs->mp));
}

static void test_target(void **state)
{
	(void)state;
	for_each_fix(LOG_BYTES, target);
}

/* Oldest first; what is logged again goes to the end. */
static void order(struct fs *fs)
{
	uint64_t a = log_and_force(fs, 0), b = log_and_force(fs, 0);
	uint64_t c = log_and_force(fs, 0), got[3] = { 0 };
	unsigned int n = 0;

	log_and_force(fs, a);
	assert_int_equal(nr_queued, 0);
	fs->fix->ail_push_all_sync(fs->mp);
	for (unsigned int i = 0; i < nr_queued; i++)
		if (queued[i] == a || queued[i] == b || queued[i] == c)
			got[n++ % 3] = queued[i];
	assert_int_equal(n, 3);
	assert_int_equal(got[0], b);
	assert_int_equal(got[1], c);
	assert_int_equal(got[2], a);
	assert_int_equal(fs->fix->ail_items(fs->mp), 0);
}

static void test_order(void **state)
{
	(void)state;
	for_each_fix(0, order);
}

/* Whoever asks does not wait for the end of the 50 ms. */
static void test_wake_up(void **state)
{
	uint64_t best = UINT64_MAX, start, seen, took;
	struct fs fs = { 0 };

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	for (int i = 0; i < 10; i++) {
		log_and_force(&fs, 0);
		seen = fs_seen(&fs, POINT_AIL_SLEEP);
		wait_until(fs_seen(&fs, POINT_AIL_SLEEP) > seen);
		sleep_ns(2000000, WAIT_NONE);
		seen = fs_seen(&fs, POINT_AIL_PASS);
		start = now_ns();
		fs.fix->ail_push_all(fs.mp);
		wait_until(fs_seen(&fs, POINT_AIL_PASS) > seen);
		took = now_ns() - start;
		if (took < best)
			best = took;
		fs.fix->ail_push_all_sync(fs.mp);
	}
	assert_uint_in_range(best, 0, 25000000);
	fs_close(&fs);
}

/* With nothing to do it does not wake at all. */
static void test_idle(void **state)
{
	struct fs fs = { 0 };
	uint64_t passes;

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	log_and_force(&fs, 0);
	fs.fix->ail_push_all_sync(fs.mp);
	/* The pass that emptied it, and the one that finds it so. */
	sleep_ns(150000000, WAIT_NONE);
	passes = fs.fix->ail_passes(fs.mp);
	sleep_ns(150000000, WAIT_NONE);
	assert_int_equal(fs.fix->ail_passes(fs.mp), passes);
	fs_close(&fs);
}

/* Logged: retried once, then kept, and written when that works again. */
static void error_kept(struct fs *fs)
{
	uint64_t bno = log_and_force(fs, 0);

	fs_watch(fs, bno);
	device_fail_writes(fs->dev, bno, 1, EIO);
	fs->fix->ail_push_all(fs->mp);
	/* Tried again in every pass, but at once only the first time. */
	wait_until(fs_at(fs, POINT_SUBMIT_ISSUED) >= 3 &&
		   fs_at(fs, POINT_IO_ERROR) ==
			   fs_at(fs, POINT_SUBMIT_ISSUED) + 1);
	assert_true(peek(fs, bno).write_fail);
	assert_false(peek(fs, bno).stale);
	assert_int_equal(fs->fix->ail_items(fs->mp), 1);
	assert_int_equal(fs_at(fs, POINT_ERROR_DROPPED), 0);
	assert_int_equal(device_generation(fs->dev, bno), 0);
	device_fail_writes(fs->dev, bno, 1, 0);
	fs->fix->ail_push_all_sync(fs->mp);
	assert_true(durable(fs, bno));
	assert_false(peek(fs, bno).write_fail);
}

static void test_error_kept(void **state)
{
	(void)state;
	for_each_fix(0, error_kept);
}

/* Not logged: retried once, then nobody will ever write it. */
static void error_dropped(struct fs *fs)
{
	struct delwri_list *list = fs->fix->delwri_alloc(fs->mp);
	struct buf *bp = get_buf(fs, 9);

	fs_watch(fs, 9);
	fs->fix->buf_fill(bp);
	assert_true(fs->fix->delwri_queue(bp, list));
	fs->fix->buf_relse(bp);
	device_fail_writes(fs->dev, 9, 1, EIO);
	assert_int_equal(fs->fix->delwri_submit_nowait(list), 0);
	wait_until(fs_at(fs, POINT_ERROR_DROPPED) == 1);
	assert_int_equal(fs_at(fs, POINT_IO_ERROR), 2);
	device_fail_writes(fs->dev, 9, 1, 0);
	fs->fix->log_force(fs->mp);
	fs->fix->ail_push_all_sync(fs->mp);
	assert_int_equal(device_generation(fs->dev, 9), 0);
	assert_int_equal(fs_at(fs, POINT_IO_ERROR), 2);
	assert_int_equal(fs->fix->delwri_check(list), 0);
	fs->fix->delwri_free(list);
}

static void test_error_dropped(void **state)
{
	(void)state;
	for_each_fix(0, error_dropped);
}

/* Until the unmount, which would never end else. */
static void test_error_at_unmount(void **state)
{
	(void)state;
	for (int i = 0; fixes[i]; i++) {
		struct fs fs = { 0 };
		uint64_t bno;

		if (!is_real(fixes[i]))
			continue;
		fs_open(&fs, fixes[i], 0, 0);
		bno = log_and_force(&fs, 0);
		device_fail_writes(fs.dev, bno, 1, EIO);
		fs_close(&fs);
	}
}

/* A failure that the second try gets over is nobody's business. */
static void test_error_once(void **state)
{
	struct fs fs = { 0 };
	uint64_t bno;

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	bno = log_and_force(&fs, 0);
	/* Four of five fail: sooner or later two in a row do not. */
	device_fail_randomly(fs.dev, UINT32_MAX / 5 * 4, EIO);
	fs.fix->ail_push_all_sync(fs.mp);
	assert_true(durable(&fs, bno));
	assert_true(device_stat(fs.dev).errors > 0);
	device_fail_randomly(fs.dev, 0, 0);
	fs_close(&fs);
}

/* Asked for while nothing is in it: the first that comes is pushed. */
static void push_of_empty(struct fs *fs)
{
	uint64_t bno;

	fs->fix->ail_push_all(fs->mp);
	assert_int_equal(fs->fix->ail_items(fs->mp), 0);
	bno = log_and_force(fs, 0);
	wait_until(durable(fs, bno));
	/* And only that: what comes behind it stays. */
	wait_until(!fs->fix->ail_items(fs->mp));
	log_and_force(fs, 0);
	wait_passes(fs, 2);
	assert_int_equal(fs->fix->ail_items(fs->mp), 2);
}

static void test_push_of_empty(void **state)
{
	(void)state;
	for_each_fix(0, push_of_empty);
}

static struct task *daemon_of_mount(void)
{
	for (struct task *t = task_list(); t; t = t->next)
		if (READ_ONCE(t->tid) && !strcmp(t->name, "ail"))
			return t;
	fail_msg("no AIL daemon");
	return NULL;
}

/* How long it means to sleep, if it sleeps for a time; else 0. */
static uint64_t asleep_for(const struct task *t)
{
	uint64_t since = READ_ONCE(t->wait_since), expires;

	if (!smp_load_acquire(&t->wait_on))
		return 0;
	expires = READ_ONCE(t->expires);
	if (!smp_load_acquire(&t->wait_on) || !expires ||
	    READ_ONCE(t->wait_since) != since)
		return 0;
	return expires - since;
}

#define TICK		4000000u	/* ns: CONFIG_HZ=250 */

/* @ms in ticks, rounded up, and one for the one that has begun. */
static void assert_ticks(const struct task *t, unsigned int ticks)
{
	uint64_t ns = 0;

	wait_until((ns = asleep_for(t)) != 0);
	assert_uint_in_range(ns, ticks * TICK, (ticks + 1) * TICK);
}

/* It has done what there was to do: 50 ms, and the next begin elsewhere. */
static void test_sleeps_after_target(void **state)
{
	const struct task *daemon;
	struct fs fs = { 0 };

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	daemon = daemon_of_mount();
	log_and_force(&fs, 0);
	for (int i = 0; i < 5; i++) {
		wait_passes(&fs, 1);
		assert_ticks(daemon, 13);
	}
	fs_close(&fs);
}

/* Over a hundred that it cannot have, before it came to the end: 20 ms. */
static void test_sleeps_when_stuck(void **state)
{
	static struct buf *locked[2 * MAX];
	const struct task *daemon;
	struct fs fs = { 0 };
	uint64_t pushed, last;

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	daemon = daemon_of_mount();
	/* Two checkpoints: the walk is left in the first. */
	for (unsigned int i = 0; i < 2 * MAX; i++)
		assert_int_equal(fs.fix->dirty(fs.mp, 100 + i, 1), 0);
	fs.fix->log_force(fs.mp);
	last = log_and_force(&fs, 0);
	for (unsigned int i = 0; i < 2 * MAX; i++)
		locked[i] = get_buf(&fs, 100 + i);
	pushed = fs_seen(&fs, POINT_AIL_SLEEP);
	fs.fix->ail_push_all(fs.mp);
	wait_until(fs_seen(&fs, POINT_AIL_SLEEP) > pushed + 1);
	assert_ticks(daemon, 5);
	assert_false(durable(&fs, last));
	for (unsigned int i = 0; i < 2 * MAX; i++)
		fs.fix->buf_relse(locked[i]);
	fs_close(&fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_wake_up),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_push_of_empty),
		cmocka_unit_test(test_sleeps_after_target),
		cmocka_unit_test(test_sleeps_when_stuck),
		cmocka_unit_test(test_error_kept),
		cmocka_unit_test(test_error_dropped),
		cmocka_unit_test(test_error_at_unmount),
		cmocka_unit_test(test_error_once),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
