/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the cache's tests share: a mount of one fix on a memory device, an
 * onlooker that counts points, and teardown that must leave nothing.
 */
#ifndef TESTS_CACHE_TEST_H
#define TESTS_CACHE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cache/bload.h"
#include "cache/fix.h"
#include "cache/format.h"

#define AG_BLOCKS	4096u
#define AGS		2u
#define PATIENCE_NS	20000000000ull

struct fs {
	const struct fix *fix;
	struct device *dev;
	struct mount *mp;
	struct point_ops points;
	struct repair_watch watch;
	uint64_t seen[POINTS];		/* atomic */
	uint64_t block;			/* atomic: what at[] is about */
	uint64_t at[POINTS];		/* atomic: the same for this block */
	uint64_t order[POINTS];		/* when it was reached last */
	uint64_t clock;			/* atomic */
	void (*hook)(struct fs *fs, enum point point,
		     const struct buf_state *state);
};

static inline void fs_reached(void *ctx, enum point point,
			      const struct buf_state *state)
{
	struct fs *fs = ctx;
	typeof(fs->hook) hook;

	__atomic_fetch_add(&fs->seen[point], 1, __ATOMIC_SEQ_CST);
	if (state && state->bno == READ_ONCE(fs->block)) {
		__atomic_fetch_add(&fs->at[point], 1, __ATOMIC_SEQ_CST);
		WRITE_ONCE(fs->order[point],
			   __atomic_add_fetch(&fs->clock, 1,
					      __ATOMIC_SEQ_CST));
	}
	hook = smp_load_acquire(&fs->hook);
	if (hook)
		hook(fs, point, state);
}

/* From now on at[] and order[] are about @bno. */
static inline void fs_watch(struct fs *fs, uint64_t bno)
{
	WRITE_ONCE(fs->block, bno);
}

static inline uint64_t fs_seen(const struct fs *fs, enum point point)
{
	return READ_ONCE(fs->seen[point]);
}

static inline uint64_t fs_at(const struct fs *fs, enum point point)
{
	return READ_ONCE(fs->at[point]);
}

/* Not a fix that is known to hang, or does nothing. */
static inline bool is_real(const struct fix *fix)
{
	return !fix->does_nothing && strcmp(fix->name, "wait_in_stale");
}

static inline const struct fix *find_fix(const char *name)
{
	for (int i = 0; fixes[i]; i++)
		if (!strcmp(fixes[i]->name, name))
			return fixes[i];
	fail_msg("no fix named %s", name);
	return NULL;
}

/* @log_bytes 0: so large that the AIL is pushed only when asked to. */
static inline void fs_open(struct fs *fs, const struct fix *fix,
			   uint64_t log_bytes, uint64_t delay_ns)
{
	struct device_options dopt = {
		.nblocks = AGS * AG_BLOCKS + LOG_BLOCKS,
		.delay_ns = delay_ns,
		.generations = true,
	};
	struct mount_options opt = {
		.ag_count = AGS,
		.ag_blocks = AG_BLOCKS,
		.log_bytes = log_bytes ? log_bytes : 64 << 20,
		.points = &fs->points,
	};
	char why[256];

	fs->fix = fix;
	fs->points = (struct point_ops){ .reached = fs_reached, .ctx = fs };
	assert_int_equal(device_open(&dopt, &fs->dev, why, sizeof(why)), 0);
	opt.device = fs->dev;
	if (fs->watch.root_commit)
		opt.watch = &fs->watch;
	assert_int_equal(fix->mount(&opt, &fs->mp), 0);
}

/* Unmount; nothing may be left. */
static inline void fs_close(struct fs *fs)
{
	struct teardown left;

	fs->fix->unmount(fs->mp, &left);
	device_close(fs->dev);
	assert_int_equal(left.buffers, 0);
	assert_int_equal(left.pins, 0);
	assert_int_equal(left.log_items, 0);
	assert_int_equal(left.list_entries, 0);
	assert_int_equal(left.flag_leaks, 0);
	assert_int_equal(left.busy_extents, 0);
}

#define wait_until(cond)						\
do {									\
	uint64_t __start = now_ns();					\
									\
	while (!(cond)) {						\
		assert_true(now_ns() - __start < PATIENCE_NS);		\
		sleep_ns(100000, WAIT_NONE);				\
	}								\
} while (0)

/* A locked one-block buffer. */
static inline struct buf *get_buf(struct fs *fs, uint64_t bno)
{
	struct buf *bp = NULL;

	assert_int_equal(fs->fix->buf_get(fs->mp, bno, 1, 0, &bp), 0);
	assert_non_null(bp);
	return bp;
}

static inline struct buf_state peek(struct fs *fs, uint64_t bno)
{
	struct buf_state state = { 0 };

	fs->fix->buf_peek(fs->mp, bno, &state);
	return state;
}

static inline bool is_cached(struct fs *fs, uint64_t bno)
{
	struct buf_state state;

	return fs->fix->buf_peek(fs->mp, bno, &state);
}

static inline struct trans *begin(struct fs *fs)
{
	struct trans *tp = NULL;

	assert_int_equal(fs->fix->trans_alloc(fs->mp, &tp), 0);
	return tp;
}

/* A transaction that allocates a block in AG 0, fills and logs it. */
static inline uint64_t make_block(struct fs *fs)
{
	const struct fix *fix = fs->fix;
	struct trans *tp = begin(fs);
	struct buf *bp;
	uint64_t bno;

	assert_int_equal(fix->trans_lock_ag(tp, 0), 0);
	assert_int_equal(fix->space_alloc(tp, 0, 1, &bno), 0);
	assert_int_equal(fix->trans_get_buf(tp, bno, 1, &bp), 0);
	fix->buf_fill(bp);
	fix->trans_log_buf(tp, bp);
	assert_int_equal(fix->trans_commit(tp), 0);
	return bno;
}

/* Log block @bno once more; its new generation. */
static inline uint64_t log_block(struct fs *fs, uint64_t bno)
{
	struct trans *tp = begin(fs);
	struct buf *bp;
	uint64_t gen;

	assert_int_equal(fs->fix->trans_get_buf(tp, bno, 1, &bp), 0);
	gen = fs->fix->buf_fill(bp);
	fs->fix->trans_log_buf(tp, bp);
	assert_int_equal(fs->fix->trans_commit(tp), 0);
	return gen;
}

/* Free it in a transaction, which is not yet on disk. */
static inline void free_block(struct fs *fs, uint64_t bno)
{
	struct trans *tp = begin(fs);
	struct buf *bp;

	assert_int_equal(fs->fix->trans_lock_ag(tp, 0), 0);
	assert_int_equal(fs->fix->trans_get_buf(tp, bno, 1, &bp), 0);
	fs->fix->trans_binval(tp, bp);
	fs->fix->space_free(tp, bno, 1);
	assert_int_equal(fs->fix->trans_commit(tp), 0);
}

#endif
