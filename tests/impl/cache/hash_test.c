// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hash grows and shrinks under two readers, who must find every cached
 * buffer at every moment.
 */
#include "tests/impl/cache/cache_test.h"

#define READERS		2
#define NR		100000u
#define KEPT		24u	/* these are cached from first to last */

struct reader {
	struct thread thread;
	const struct fix *fix;
	struct mount *mp;
	uint64_t lookups, misses, first_missed;
};

static uint64_t filled;	/* atomic: blocks below are cached */
static int stop;	/* atomic */

static void look(struct reader *r, uint64_t bno)
{
	struct buf *bp;
	int error;

	error = r->fix->buf_get(r->mp, bno, 1,
				BUF_GET_INCORE | BUF_GET_TRYLOCK, &bp);
	r->lookups++;
	if (!error)
		r->fix->buf_relse(bp);
	else if (error != -EAGAIN && !r->misses++)
		r->first_missed = bno;
}

static void read_all(void *arg)
{
	struct reader *r = arg;
	uint64_t at = 1;

	while (!smp_load_acquire(&stop)) {
		uint64_t nr = smp_load_acquire(&filled);

		look(r, at % KEPT);
		look(r, nr - 1);
		look(r, at * 0x9e3779b97f4a7c15u % nr);
		at++;
	}
}

static void start(struct reader *readers, const struct fix *fix,
		  struct mount *mp)
{
	WRITE_ONCE(stop, 0);
	for (int i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ .fix = fix, .mp = mp };
		assert_int_equal(task_start(&readers[i].thread, "reader", -1,
					    read_all, &readers[i]),
				 0);
	}
}

static void end(struct reader *readers)
{
	smp_store_release(&stop, 1);
	for (int i = 0; i < READERS; i++) {
		task_join(&readers[i].thread);
		assert_true(readers[i].lookups > 0);
		if (readers[i].misses)
			fail_msg("%lu of %lu lookups missed, first block %lu",
				 (unsigned long)readers[i].misses,
				 (unsigned long)readers[i].lookups,
				 (unsigned long)readers[i].first_missed);
	}
}

static void open_mount(const struct fix *fix, struct device **dev,
		       struct mount **mp)
{
	struct device_options dopt = { .nblocks = 64 };
	struct mount_options opt = { .ag_count = 1,
				     .ag_blocks = NR,
				     .log_bytes = 1 << 20,
				     .headers_only = true };
	char why[256];

	assert_int_equal(device_open(&dopt, dev, why, sizeof(why)), 0);
	opt.device = *dev;
	assert_int_equal(fix->mount(&opt, mp), 0);
}

static void close_mount(const struct fix *fix, struct device *dev,
			struct mount *mp)
{
	struct teardown left;

	fix->unmount(mp, &left);
	device_close(dev);
	assert_int_equal(left.buffers, 0);
}

static void fill(const struct fix *fix, struct mount *mp, uint64_t from,
		 uint64_t to)
{
	for (uint64_t bno = from; bno < to; bno++) {
		assert_int_equal(fix->bench_fill(mp, bno, 1), 0);
		smp_store_release(&filled, bno + 1);
	}
}

static void test_grow(void **state)
{
	const struct fix *fix = find_fix("none");
	struct reader readers[READERS];
	struct device *dev;
	struct mount *mp;

	(void)state;
	open_mount(fix, &dev, &mp);
	fill(fix, mp, 0, KEPT);
	start(readers, fix, mp);
	fill(fix, mp, KEPT, NR);
	end(readers);
	close_mount(fix, dev, mp);
}

/* What is on a list is held: it stays when the shrinker empties the rest. */
static void test_grow_and_shrink(void **state)
{
	const struct fix *fix = find_fix("none");
	struct delwri_list *list;
	struct reader readers[READERS];
	struct device *dev;
	struct mount *mp;
	struct buf *bp;

	(void)state;
	open_mount(fix, &dev, &mp);
	list = fix->delwri_alloc(mp);
	for (uint64_t bno = 0; bno < KEPT; bno++) {
		assert_int_equal(fix->buf_get(mp, bno, 1, 0, &bp), 0);
		assert_true(fix->delwri_queue(bp, list));
		fix->buf_relse(bp);
	}
	WRITE_ONCE(filled, KEPT);
	start(readers, fix, mp);
	for (int round = 0; round < 20; round++) {
		assert_int_equal(fix->bench_fill(mp, KEPT, 400), 0);
		fix->shrink(mp, UINT64_MAX);
		assert_true(fix->shrink(mp, UINT64_MAX) > 0);
	}
	end(readers);
	fix->delwri_cancel(list);
	fix->delwri_free(list);
	close_mount(fix, dev, mp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_grow_and_shrink),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
