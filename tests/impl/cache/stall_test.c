// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that has an AG's header meets a buffer that is stale and still on
 * a list: fixes that wait then delay whoever needs that header, and are
 * charged with it; the others are not.  And what the cache counts of it.
 */
#include "tests/impl/cache/cache_test.h"

#define HOLD_NS		20000000u

struct scene {
	struct fs *fs;
	uint64_t bno;			/* of the buffer */
	int held;			/* atomic: the header is */
	int done;			/* atomic: the buffer is queued */
	struct delwri_list *list;	/* the waiter's own */
	struct wait_stat stall;
	uint64_t from, to;		/* of the victim, outside */
};

static struct trans *lock_header(struct fs *fs)
{
	struct trans *tp = begin(fs);

	assert_int_equal(fs->fix->trans_lock_ag(tp, 0), 0);
	return tp;
}

static void waiter_main(void *arg)
{
	struct scene *s = arg;
	const struct fix *fix = s->fs->fix;
	struct trans *tp = lock_header(s->fs);
	struct buf *bp;

	smp_store_release(&s->held, 1);
	bp = get_buf(s->fs, s->bno);
	fix->delwri_queue_bload(bp, s->list);
	fix->buf_relse(bp);
	smp_store_release(&s->done, 1);
	if (!fix->waits)
		sleep_ns(2 * HOLD_NS, WAIT_IDLE);
	fix->trans_commit(tp);
}

static void victim_main(void *arg)
{
	struct scene *s = arg;
	struct trans *tp;

	s->from = now_ns();
	tp = lock_header(s->fs);
	WRITE_ONCE(s->to, now_ns());
	s->stall = task_take_stall();
	s->fs->fix->trans_commit(tp);
}

static bool sleeps_for(const struct task *t, enum wait_kind kind)
{
	return smp_load_acquire(&t->wait_on) &&
	       READ_ONCE(t->wait_kind) == (int)kind;
}

/* Stale and, where the fix leaves it there, on @list. */
static void make_stale(struct scene *s, struct delwri_list *list)
{
	const struct fix *fix = s->fs->fix;
	struct buf *bp = get_buf(s->fs, s->bno);

	fix->buf_fill(bp);
	assert_true(fix->delwri_queue(bp, list));
	fix->buf_stale(bp);
	fix->buf_relse(bp);
}

static void check_counts(struct fs *fs)
{
	bool meets = strcmp(fs->fix->name, "remove_on_stale");
	struct cache_stat stat;

	fs->fix->stat_take(fs->mp, &stat);
	/* The two headers. */
	assert_int_equal(stat.lookups, 2);
	assert_int_equal(stat.meetings, meets);
	assert_int_equal(stat.held_ag, meets);
	assert_int_equal(stat.held_inode, 0);
	assert_int_equal(stat.held_bufs, 0);
	assert_int_equal(stat.meetings_trylock, 0);
	fs->fix->stat_take(fs->mp, &stat);
	assert_int_equal(stat.lookups, 0);
}

static void check_fix(const struct fix *fix)
{
	struct fs fs = { 0 };
	struct scene s = { .fs = &fs, .bno = 100 };
	struct thread waiter, victim;
	struct delwri_list *foreign;
	struct cache_stat stat;
	uint64_t both, end;

	fs_open(&fs, fix, 0, 0);
	foreign = fix->delwri_alloc(fs.mp);
	s.list = fix->delwri_alloc(fs.mp);
	make_stale(&s, foreign);
	fix->stat_take(fs.mp, &stat);

	assert_int_equal(task_start(&waiter, "waiter", -1, waiter_main, &s), 0);
	wait_until(smp_load_acquire(&s.held));
	wait_until(fix->waits ? sleeps_for(waiter.task, WAIT_LIST) :
				smp_load_acquire(&s.done));
	assert_int_equal(task_start(&victim, "victim", -1, victim_main, &s), 0);
	wait_until(sleeps_for(victim.task, WAIT_LOCK) ||
		   (!fix->waits && READ_ONCE(s.to)));
	both = now_ns();
	sleep_ns(HOLD_NS, WAIT_IDLE);
	end = now_ns();
	/* Its owner takes it off. */
	fix->delwri_cancel(foreign);
	task_join(&waiter);
	task_join(&victim);
	if (fix->waits) {
		assert_int_equal(s.stall.count, 1);
		assert_true(s.stall.total_ns >= end - both);
		assert_true(s.stall.total_ns <= s.to - s.from);
	} else {
		assert_int_equal(s.stall.count, 0);
	}
	check_counts(&fs);

	fix->delwri_cancel(s.list);
	fix->delwri_free(s.list);
	fix->delwri_free(foreign);
	fs_close(&fs);
}

static void test_every_fix(void **state)
{
	(void)state;
	for (int i = 0; fixes[i]; i++)
		if (is_real(fixes[i]))
			check_fix(fixes[i]->counting);
}

/* The AIL daemon's list has been as long as what it was given. */
static void test_ail_list(void **state)
{
	(void)state;
	for (int i = 0; fixes[i]; i++) {
		const struct fix *fix = fixes[i]->counting;
		struct cache_stat stat;
		struct fs fs = { 0 };
		struct trans *tp;
		uint64_t bno;

		if (!is_real(fix))
			continue;
		fs_open(&fs, fix, 0, 0);
		tp = lock_header(&fs);
		assert_int_equal(fix->space_alloc(tp, 0, 300, &bno), 0);
		assert_int_equal(fix->trans_commit(tp), 0);
		assert_int_equal(fix->dirty(fs.mp, bno, 300), 0);
		fix->log_force(fs.mp);
		fix->ail_push_all_sync(fs.mp);
		/* It counts when its submit has returned. */
		wait_until((fix->stat_take(fs.mp, &stat),
			    stat.ail_list_max >= 300));
		/* The AG's header is there, too. */
		assert_true(stat.ail_list_max <= 301);
		assert_true(stat.ail_pushes > 0);
		fs_close(&fs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_fix),
		cmocka_unit_test(test_ail_list),
	};

	return cmocka_run_group_tests_name("stall", tests, NULL, NULL);
}
