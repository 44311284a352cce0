// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long remove_on_stale holds the lock of a list, in instructions: that is
 * what a staler waits at most, beside the owner's other work.  The timed copy
 * is stepped through.
 */
#include "tests/impl/cache/cache_test.h"

#include <stdio.h>

#if defined(__x86_64__) && !defined(DELWRI_CHECKING)

/* The fix's own, for where its lock is. */
#define FIX_LIST_FIELDS		spinlock_t lock;
#include "cache/delwri.h"

#include "tests/impl/cache/single_step.h"

#define HOLD_MAX		20000u
/* Merges of every length up to twice what lets others in, and a rest. */
#define NR			1100u
/* Of buffers issued one after the other, so many are enough. */
#define ISSUED_MAX		64u

static const spinlock_t *watched;
static volatile unsigned int held, longest, times;

static void step(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	if (!READ_ONCE(watched->word)) {
		held = 0;
		return;
	}
	if (!held)
		times++;
	if (++held > longest)
		longest = held;
}

struct scene {
	struct fs fs;
	struct delwri_list *list;
	struct buf *bp[NR];
};

static void open_scene(struct scene *s, unsigned int (*nth)(unsigned int i))
{
	const struct fix *fix = find_fix("remove_on_stale");

	assert_ptr_not_equal(fix->counting, fix);
	fs_open(&s->fs, fix, 0, 0);
	s->list = fix->delwri_alloc(s->fs.mp);
	watched = &s->list->lock;
	held = longest = times = 0;
	for (unsigned int i = 0; i < NR; i++) {
		struct buf *bp = get_buf(&s->fs, 100 + nth(i));

		fix->buf_fill(bp);
		assert_true(fix->delwri_queue(bp, s->list));
		fix->buf_hold(bp);
		s->bp[i] = bp;
	}
}

static void unlock_all(struct scene *s)
{
	for (unsigned int i = 0; i < NR; i++)
		s->fs.fix->buf_relse(s->bp[i]);
}

static void close_scene(struct scene *s, const char *name)
{
	for (unsigned int i = 0; i < NR; i++)
		s->fs.fix->buf_rele(s->bp[i]);
	assert_int_equal(s->fs.fix->delwri_submit(s->list), 0);
	s->fs.fix->delwri_free(s->list);
	fs_close(&s->fs);
	printf("%-28s %u buffers: held %u times, %u instructions at most\n",
	       name, NR, times, longest);
	assert_uint_in_range(longest, 1, HOLD_MAX);
}

static unsigned int ascending(unsigned int i)
{
	return i;
}

static unsigned int descending(unsigned int i)
{
	return NR - 1 - i;
}

/* 421 is a prime, and no factor of NR: each once. */
static unsigned int scattered(unsigned int i)
{
	return i * 421 % NR;
}

static void enough_issued(struct fs *fs, enum point point,
			  const struct buf_state *state)
{
	(void)state;
	if (point == POINT_SUBMIT_ISSUED && fs_seen(fs, point) == ISSUED_MAX)
		single_step(NULL);
}

static void submit(const char *name, unsigned int (*nth)(unsigned int i),
		   bool wait)
{
	struct scene s = { .fs.hook = enough_issued };

	open_scene(&s, nth);
	unlock_all(&s);
	single_step(step);
	if (wait)
		s.fs.fix->delwri_submit(s.list);
	else
		s.fs.fix->delwri_submit_nowait(s.list);
	single_step(NULL);
	/* While it sorts, and for each buffer. */
	assert_true(times > NR / 64 + ISSUED_MAX);
	close_scene(&s, name);
}

static void test_submit(void **state)
{
	(void)state;
	submit("submit, in order", ascending, true);
	submit("submit, the other way round", descending, true);
	submit("submit, scattered", scattered, true);
	submit("push, scattered", scattered, false);
}

/* A push that finds each buffer locked. */
static void test_all_locked(void **state)
{
	struct scene s = { .list = NULL };

	(void)state;
	open_scene(&s, scattered);
	single_step(step);
	s.fs.fix->delwri_submit_nowait(s.list);
	single_step(NULL);
	assert_true(times > 1);
	unlock_all(&s);
	close_scene(&s, "push, all locked");
}

#else

/* Nothing is timed in such a build, or nothing can step. */
static void test_submit(void **state)
{
	(void)state;
#ifdef DELWRI_CHECKING
	assert_ptr_equal(find_fix("remove_on_stale")->counting,
			 find_fix("remove_on_stale"));
#else
	printf("skipped: single steps are written for x86-64\n");
	skip();
#endif
}

static void test_all_locked(void **state)
{
	test_submit(state);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_submit),
		cmocka_unit_test(test_all_locked),
	};

	return cmocka_run_group_tests_name("remove_on_stale", tests, NULL,
					   NULL);
}
