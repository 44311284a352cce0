// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mount's hash grows and shrinks: readers find every cached buffer at every
 * moment, an onlooker meets each once, the worker ends with the mount.
 */
#include "tests/impl/cache/cache_test.h"

#define READERS		2
#define NR		100000u
#define KEPT		24u	/* these are cached from first to last */
#define SMALLEST	32u	/* buckets of the smallest table */

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

static void open_mount(const struct fix *fix, uint32_t hint,
		       struct device **dev, struct mount **mp)
{
	struct device_options dopt = { .nblocks = 64 };
	struct mount_options opt = { .ag_count = 1,
				     .ag_blocks = NR,
				     .log_bytes = 1 << 20,
				     .hash_hint = hint,
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

/* --- what an onlooker meets --------------------------------------------- */

struct onlooker {
	const void **bufs;
	size_t nr, table_bytes;
	unsigned int tables;
};

static void tell(void *ctx, const char *what, const void *at, size_t size)
{
	struct onlooker *o = ctx;

	if (!strcmp(what, "hash_table")) {
		o->tables++;
		o->table_bytes = size;
	}
	if (strcmp(what, "buf"))
		return;
	assert_true(o->nr < NR);
	o->bufs[o->nr++] = at;
}

static int by_address(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return (*x > *y) - (*x < *y);
}

/* How many buffers there are; none twice. */
static size_t count_buffers(const struct fix *fix, struct mount *mp)
{
	struct onlooker o = { .bufs = malloc(NR * sizeof(*o.bufs)) };

	assert_non_null(o.bufs);
	fix->objects(mp, tell, &o);
	qsort(o.bufs, o.nr, sizeof(*o.bufs), by_address);
	for (size_t i = 1; i < o.nr; i++)
		assert_ptr_not_equal(o.bufs[i - 1], o.bufs[i]);
	free(o.bufs);
	return o.nr;
}

/* Of its only table, if it is one; else 0. */
static size_t buckets(const struct fix *fix, struct mount *mp)
{
	struct onlooker o = { .bufs = malloc(NR * sizeof(*o.bufs)) };
	size_t size = 1;

	assert_non_null(o.bufs);
	fix->objects(mp, tell, &o);
	free(o.bufs);
	/* There is a little before them. */
	while (size * 2 <= o.table_bytes / sizeof(void *))
		size *= 2;
	return o.tables == 1 ? size : 0;
}

/* --- */

static void test_grow(void **state)
{
	const struct fix *fix = find_fix("none");
	struct reader readers[READERS];
	struct device *dev;
	struct mount *mp;
	size_t least = 0, now;

	(void)state;
	open_mount(fix, 0, &dev, &mp);
	fill(fix, mp, 0, KEPT);
	start(readers, fix, mp);
	for (uint64_t bno = KEPT; bno < NR; bno += NR / 8) {
		uint64_t to = bno + NR / 8 < NR ? bno + NR / 8 : NR;

		fill(fix, mp, bno, to);
		now = count_buffers(fix, mp);
		assert_true(now >= least && now == to);
		least = now;
	}
	/* The worker comes. */
	wait_until(buckets(fix, mp) / 4 * 3 >= NR);
	end(readers);
	close_mount(fix, dev, mp);
}

struct filler {
	struct thread thread;
	const struct fix *fix;
	struct mount *mp;
};

static void fill_all(void *arg)
{
	struct filler *f = arg;

	fill(f->fix, f->mp, KEPT, NR);
}

/* Each is told once, those from before are, while nodes move. */
static void test_onlooker(void **state)
{
	struct filler f = { .fix = find_fix("none") };
	struct device *dev;

	(void)state;
	open_mount(f.fix, 0, &dev, &f.mp);
	fill(f.fix, f.mp, 0, KEPT);
	assert_int_equal(task_start(&f.thread, "filler", -1, fill_all, &f), 0);
	for (size_t before = 0; before < NR;) {
		before = smp_load_acquire(&filled);
		assert_true(count_buffers(f.fix, f.mp) >= before);
	}
	task_join(&f.thread);
	close_mount(f.fix, dev, f.mp);
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
	open_mount(fix, 0, &dev, &mp);
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
		/*
		 * Some rounds wait for the worker; in others it is overtaken,
		 * and who takes the last out of a small, old table does not
		 * ask for another, the kernel neither.
		 */
		if (round % 5 == 0)
			wait_until(buckets(fix, mp) == 1024);
		fix->shrink(mp, UINT64_MAX);
		assert_true(fix->shrink(mp, UINT64_MAX) > 0);
		if (round % 5 == 0)
			wait_until(buckets(fix, mp) <= 2 * SMALLEST);
	}
	end(readers);
	fix->delwri_cancel(list);
	fix->delwri_free(list);
	close_mount(fix, dev, mp);
}

/* The worker may not even have begun when it is told to end. */
static void test_unmount_with_work(void **state)
{
	const struct fix *fix = find_fix("none");
	struct device *dev;
	struct mount *mp;

	(void)state;
	for (uint64_t nr = 25; nr < 20000; nr *= 3) {
		open_mount(fix, 0, &dev, &mp);
		assert_int_equal(fix->bench_fill(mp, 0, nr), 0);
		close_mount(fix, dev, mp);
	}
}

/* A table that has room for all it was said to have is never left. */
static void test_hint(void **state)
{
	const struct fix *fix = find_fix("none")->counting;
	struct cache_stat stat;
	struct device *dev;
	struct mount *mp;

	(void)state;
	open_mount(fix, 1000, &dev, &mp);
	assert_int_equal(fix->bench_fill(mp, 0, 1000), 0);
	/* Whoever waits for the walk knows that the worker is not at it. */
	assert_int_equal(buckets(fix, mp), 2048);
	fix->stat_take(mp, &stat);
	assert_int_equal(stat.rehashes, 0);
	close_mount(fix, dev, mp);

	open_mount(fix, 0, &dev, &mp);
	assert_int_equal(fix->bench_fill(mp, 0, 1000), 0);
	wait_until(buckets(fix, mp) == 2048);
	wait_until((fix->stat_take(mp, &stat), stat.rehashes > 0));
	close_mount(fix, dev, mp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_onlooker),
		cmocka_unit_test(test_grow_and_shrink),
		cmocka_unit_test(test_unmount_with_work),
		cmocka_unit_test(test_hint),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
