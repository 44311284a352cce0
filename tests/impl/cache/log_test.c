// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checkpoints: pins, when freed blocks can be had again, log space, and
 * the log's own write failing.
 */
#include "tests/impl/cache/cache_test.h"

#define LOG_START	((uint64_t)AGS * AG_BLOCKS)

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

static void pinned_until_forced(struct fs *fs)
{
	uint64_t bno = make_block(fs);

	fs_watch(fs, bno);
	assert_int_equal(peek(fs, bno).pin, 1);
	assert_false(peek(fs, bno).locked);
	/* In one checkpoint it is pinned once. */
	log_block(fs, bno);
	assert_int_equal(peek(fs, bno).pin, 1);
	assert_int_equal(fs->fix->ail_items(fs->mp), 0);
	fs->fix->log_force(fs->mp);
	assert_int_equal(peek(fs, bno).pin, 0);
	assert_int_equal(fs_at(fs, POINT_UNPIN), 1);
	assert_int_equal(fs->fix->ail_items(fs->mp), 2);
	/* On disk is the record, not the block. */
	assert_int_equal(device_generation(fs->dev, LOG_START + 1), 1);
	assert_int_equal(device_generation(fs->dev, bno), 0);
	/* Nothing to write: no record. */
	fs->fix->log_force(fs->mp);
	assert_int_equal(device_generation(fs->dev, LOG_START + 2), 0);
}

static void test_pinned(void **state)
{
	(void)state;
	for_each_fix(pinned_until_forced);
}

static void force(void *arg)
{
	struct fs *fs = arg;

	fs->fix->log_force(fs->mp);
}

/* Logged again while its checkpoint is being written: two pins. */
static void pinned_twice(struct fs *fs)
{
	struct thread forcer;
	uint64_t bno;

	device_hold(fs->dev, LOG_START + 1);
	bno = make_block(fs);
	assert_int_equal(task_start(&forcer, "forcer", -1, force, fs), 0);
	/* The first checkpoint is taken when a commit pins once more. */
	wait_until((log_block(fs, bno), peek(fs, bno).pin == 2));
	assert_int_equal(fs->fix->ail_items(fs->mp), 0);
	device_hold(fs->dev, UINT64_MAX);
	task_join(&forcer);
	assert_int_equal(peek(fs, bno).pin, 1);
	assert_int_equal(fs->fix->ail_items(fs->mp), 2);
	fs->fix->log_force(fs->mp);
	assert_int_equal(peek(fs, bno).pin, 0);
}

static void test_pinned_twice(void **state)
{
	(void)state;
	for_each_fix(pinned_twice);
}

static int was_locked;	/* atomic: by the log's thread */

static void note_unlocked(struct fs *fs, enum point point,
			  const struct buf_state *state)
{
	if (point == POINT_FREED_UNLOCKED && state->bno == fs->block)
		WRITE_ONCE(was_locked, state->locked);
}

static uint64_t alloc(struct fs *fs)
{
	struct trans *tp = begin(fs);
	uint64_t bno;

	assert_int_equal(fs->fix->trans_lock_ag(tp, 0), 0);
	assert_int_equal(fs->fix->space_alloc(tp, 0, 1, &bno), 0);
	assert_int_equal(fs->fix->trans_commit(tp), 0);
	return bno;
}

/* The lowest free block is taken, but not one that is still busy. */
static void freed_is_busy(struct fs *fs)
{
	uint64_t bno = make_block(fs), other;

	smp_store_release(&fs->hook, note_unlocked);
	fs_watch(fs, bno);
	WRITE_ONCE(was_locked, 1);
	fs->fix->log_force(fs->mp);
	free_block(fs, bno);
	assert_true(peek(fs, bno).locked && peek(fs, bno).stale);
	other = alloc(fs);
	assert_true(other > bno);
	assert_int_equal(fs_at(fs, POINT_BUSY_CLEARED), 0);
	fs->fix->log_force(fs->mp);
	/* First unlocked, and only then free. */
	assert_int_equal(fs_at(fs, POINT_FREED_UNLOCKED), 1);
	assert_int_equal(fs_at(fs, POINT_BUSY_CLEARED), 1);
	assert_true(READ_ONCE(fs->order[POINT_FREED_UNLOCKED]) <
		    READ_ONCE(fs->order[POINT_BUSY_CLEARED]));
	assert_false(READ_ONCE(was_locked));
	assert_int_equal(alloc(fs), bno);
}

static void test_freed_is_busy(void **state)
{
	(void)state;
	for_each_fix(freed_is_busy);
}

/* With only busy blocks left an allocation forces the log. */
static void test_busy_only(void **state)
{
	struct fs fs = { 0 };
	struct trans *tp;
	uint64_t bno, last;

	(void)state;
	fs_open(&fs, find_fix("none"), 0, 0);
	tp = begin(&fs);
	assert_int_equal(fs.fix->trans_lock_ag(tp, 0), 0);
	assert_int_equal(fs.fix->space_alloc(tp, 0, AG_BLOCKS - 1, &bno), 0);
	assert_int_equal(fs.fix->space_alloc(tp, 0, 1, &last), -ENOSPC);
	assert_int_equal(fs.fix->trans_commit(tp), 0);
	free_block(&fs, bno + 7);
	assert_int_equal(alloc(&fs), bno + 7);
	tp = begin(&fs);
	assert_int_equal(fs.fix->trans_lock_ag(tp, 0), 0);
	assert_int_equal(fs.fix->space_alloc(tp, 0, 1, &last), -ENOSPC);
	assert_int_equal(fs.fix->trans_commit(tp), 0);
	fs_close(&fs);
}

/* A log much smaller than what is logged: commits wait and go on. */
static void test_space(void **state)
{
	struct fs fs = { 0 };
	uint64_t bno[32];

	(void)state;
	fs_open(&fs, find_fix("none"), 64 << 10, 0);
	for (unsigned int i = 0; i < 32; i++)
		bno[i] = make_block(&fs);
	for (unsigned int i = 0; i < 2000; i++)
		log_block(&fs, bno[i % 32]);
	/* Its own checkpoints, begun in the background. */
	assert_true(device_generation(fs.dev, LOG_START + 2) > 0);
	assert_true(fs_seen(&fs, POINT_SUBMIT_ISSUED) > 0);
	fs_close(&fs);
	assert_true(fs_seen(&fs, POINT_IO_ERROR) == 0);
}

static uint64_t committed_at;	/* by the committer, read after the join */

static void commit(void *arg)
{
	struct fs *fs = arg;

	for (unsigned int i = 0; i < 600; i++)
		log_block(fs, 1);
	committed_at = now_ns();
}

/*
 * All that one slow checkpoint lets collect must not fill the log: the AIL
 * would see one sequence number, and nothing to push, until the log worker
 * comes by after 30 s.
 */
static void test_slow_record(void **state)
{
	struct thread committer;
	struct fs fs = { 0 };
	uint64_t start;

	(void)state;
	fs_open(&fs, find_fix("none"), 64 << 10, 0);
	assert_int_equal(make_block(&fs), 1);
	device_hold(fs.dev, LOG_START + 1);
	assert_int_equal(task_start(&committer, "committer", -1, commit, &fs),
			 0);
	wait_until(READ_ONCE(committer.task->wait_kind) == WAIT_LOG);
	start = now_ns();
	device_hold(fs.dev, UINT64_MAX);
	task_join(&committer);
	assert_true(committed_at - start < PATIENCE_NS);
	fs_close(&fs);
}

/* One record, and before it what does not fit beside it. */
static void log_size(struct fs *fs)
{
	uint64_t writes, bno[40];
	struct trans *tp;
	struct buf *bp;

	for (int i = 0; i < 40; i++)
		bno[i] = make_block(fs);
	fs->fix->log_force(fs->mp);
	fs->fix->ail_push_all_sync(fs->mp);
	for (int nr = 1; nr <= 40; nr += 39) {
		writes = device_stat(fs->dev).writes;
		assert_int_equal(fs->fix->trans_alloc(fs->mp, &tp), 0);
		for (int i = 0; i < nr; i++) {
			assert_int_equal(fs->fix->trans_get_buf(tp, bno[i], 1,
								&bp),
					 0);
			fs->fix->trans_log_buf(tp, bp);
		}
		assert_int_equal(fs->fix->trans_commit(tp), 0);
		fs->fix->log_force(fs->mp);
		assert_int_equal(device_stat(fs->dev).writes - writes,
				 nr == 1 ? 1 : 2);
	}
}

static void test_log_size(void **state)
{
	(void)state;
	for_each_fix(log_size);
}

struct locker {
	struct fs *fs;
	uint64_t bno;
	uint64_t busy_cleared;		/* when it had the lock */
	int done;			/* atomic */
};

/* Lock a freed block's buffer, and say what had been by then. */
static void lock_freed(void *arg)
{
	struct locker *l = arg;
	struct buf *bp = get_buf(l->fs, l->bno);

	l->busy_cleared = fs_at(l->fs, POINT_BUSY_CLEARED);
	l->fs->fix->buf_relse(bp);
	smp_store_release(&l->done, 1);
}

static bool sleeps_for(const struct thread *thread, enum wait_kind kind)
{
	return READ_ONCE(thread->task->wait_kind) == (int)kind;
}

static struct locker *handed_over;	/* the locker that is waited for */

/* The checkpoint's completion stays where it has unlocked the buffer. */
static void wait_for_locker(struct fs *fs, enum point point,
			    const struct buf_state *state)
{
	uint64_t start = now_ns();

	if (point != POINT_FREED_UNLOCKED || state->bno != fs->block)
		return;
	while (!smp_load_acquire(&handed_over->done) &&
	       now_ns() - start < PATIENCE_NS)
		sleep_ns(100000, WAIT_NONE);
}

/*
 * Whoever meets a freed buffer forces the log only into the iclogs, and
 * queues for the lock: unlocking hands it over, before the extent clears.
 */
static void locker_queues(struct fs *fs)
{
	static struct locker locker;	/* outlives a failure */
	struct thread thread;
	uint64_t bno = make_block(fs);

	fs->fix->log_force(fs->mp);
	device_hold(fs->dev, LOG_START + 2);
	free_block(fs, bno);
	fs_watch(fs, bno);
	locker = (struct locker){ .fs = fs, .bno = bno };
	handed_over = &locker;
	smp_store_release(&fs->hook, wait_for_locker);
	assert_int_equal(task_start(&thread, "locker", -1, lock_freed,
				    &locker),
			 0);
	/* Not for the log, whose record is not yet on disk. */
	wait_until(sleeps_for(&thread, WAIT_LOCK));
	device_hold(fs->dev, UINT64_MAX);
	wait_until(smp_load_acquire(&locker.done));
	task_join(&thread);
	assert_int_equal(locker.busy_cleared, 0);
	smp_store_release(&fs->hook, NULL);
}

static void test_locker_queues(void **state)
{
	(void)state;
	for_each_fix(locker_queues);
}

/* Another is written while one is; they are completed in order. */
static void in_parallel(struct fs *fs)
{
	struct thread first, second;
	uint64_t a, b;

	fs->fix->log_force(fs->mp);
	device_hold(fs->dev, LOG_START + 1);
	a = make_block(fs);
	assert_int_equal(task_start(&first, "first", -1, force, fs), 0);
	wait_until((log_block(fs, a), peek(fs, a).pin == 2));
	b = make_block(fs);
	assert_int_equal(task_start(&second, "second", -1, force, fs), 0);
	/* The second record is on disk, the first is not. */
	wait_until(device_generation(fs->dev, LOG_START + 2) == 2);
	assert_int_equal(device_generation(fs->dev, LOG_START + 1), 0);
	assert_int_equal(peek(fs, b).pin, 1);
	assert_int_equal(fs->fix->ail_items(fs->mp), 0);
	device_hold(fs->dev, UINT64_MAX);
	task_join(&first);
	task_join(&second);
	assert_int_equal(peek(fs, a).pin, 0);
	assert_int_equal(peek(fs, b).pin, 0);
}

static void test_in_parallel(void **state)
{
	(void)state;
	for_each_fix(in_parallel);
}

/*
 * What was pushed because it was full has the end of it in an iclog with
 * room, which is written only when that is used or somebody forces it.
 */
static void test_left_in_iclog(void **state)
{
	struct fs fs = { 0 };
	uint64_t bno;

	(void)state;
	fs_open(&fs, find_fix("none"), 256 << 10, 0);
	bno = make_block(&fs);
	/* Until the first checkpoint is taken: pinned by the second, too. */
	wait_until((log_block(&fs, bno), peek(&fs, bno).pin == 2));
	sleep_ns(20000000, WAIT_NONE);
	assert_int_equal(device_generation(fs.dev, LOG_START + 1), 0);
	assert_int_equal(peek(&fs, bno).pin, 2);
	fs.fix->log_force(fs.mp);
	assert_int_equal(device_generation(fs.dev, LOG_START + 1), 1);
	assert_int_equal(peek(&fs, bno).pin, 0);
	fs_close(&fs);
}

/* A record that cannot be written ends the file system's life. */
static void log_fails(struct fs *fs)
{
	uint64_t bno = make_block(fs), freed = make_block(fs);
	struct trans *tp;

	fs->fix->log_force(fs->mp);
	fs->fix->ail_push_all_sync(fs->mp);
	log_block(fs, bno);
	free_block(fs, freed);
	device_fail_writes(fs->dev, LOG_START, LOG_BLOCKS, EIO);
	fs->fix->log_force(fs->mp);
	assert_int_equal(fs->fix->trans_alloc(fs->mp, &tp), -EIO);
	/* for_each_fix() finds nothing left behind. */
}

static void test_log_fails(void **state)
{
	(void)state;
	for_each_fix(log_fails);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_pinned_twice),
		cmocka_unit_test(test_freed_is_busy),
		cmocka_unit_test(test_busy_only),
		cmocka_unit_test(test_space),
		cmocka_unit_test(test_slow_record),
		cmocka_unit_test(test_log_size),
		cmocka_unit_test(test_locker_queues),
		cmocka_unit_test(test_in_parallel),
		cmocka_unit_test(test_left_in_iclog),
		cmocka_unit_test(test_log_fails),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
