// SPDX-License-Identifier: GPL-2.0-only
/*
 * lookup: every case runs, samples and leaves nothing; `miss` only misses,
 * `stale` meets only stale buffers, the others only cached ones that are
 * not stale.
 */
#include "tests/bench/workloads/pool_fixture.h"

#include <errno.h>

#include "bench/cache_level.h"
#include "bench/workloads/lookup.h"
#include "sync/sync.h"

#define OPS	100u
#define BUSY_NS	20000000u

/* --- counting what lookups meet ----------------------------------------- */

static const struct workload *counted;
static unsigned int met[POINTS];	/* atomic */

static void reached(void *ctx, enum point point, const struct buf_state *state)
{
	(void)ctx;
	(void)state;
	__atomic_fetch_add(&met[point], 1, __ATOMIC_RELAXED);
}

static const struct point_ops points = { .reached = reached };

static void mount_counted(struct instance *in, struct mount_options *opt)
{
	counted->mount_options(in, opt);
	opt->points = &points;
}

/* --- cases -------------------------------------------------------------- */

static struct workload *workload(const char *name)
{
	struct workload *w = workload_first();

	while (w && strcmp(w->name, name))
		w = w->next;
	if (!w)
		fail_msg("no workload %s", name);
	return w;
}

static double counter(const struct record *rec, const char *name)
{
	for (int i = 0; i < COUNTERS && rec->counters[i].name; i++)
		if (!strcmp(rec->counters[i].name, name))
			return rec->counters[i].value;
	return 0;
}

static struct instance *open_case(const struct fix *fix,
				  const struct workload *w)
{
	struct instance *in = calloc(1, sizeof(*in));

	assert_non_null(in);
	*in = (struct instance){ .fix = fix, .bench = &bench, .workload = w };
	if (instance_open(in))
		fail_msg("%s, %s: %s", w->name, fix->name, in->record.reason);
	return in;
}

static void close_case(struct instance *in)
{
	const struct teardown nothing = { 0 };

	instance_close(in);
	assert_memory_equal(&in->record.left, &nothing, sizeof(nothing));
	free(in);
}

static void check_case(const struct fix *fix, const struct workload *w)
{
	struct instance *in = open_case(fix, w);
	struct record *rec = &in->record;
	uint64_t ops = w->timed ? BUSY_NS : OPS;
	double mean = 0;

	assert_int_equal(w->batch(in, ops, NULL, &mean), 0);
	assert_true(mean > 0);
	assert_int_equal(histogram_count(&rec->latency), 0);
	for (unsigned int i = 1; i <= 3; i++) {
		assert_int_equal(w->batch(in, ops, rec, &mean), 0);
		assert_true(mean > 0);
		if (w->sample)
			assert_int_equal(w->sample(in, rec), 0);
	}
	assert_true(histogram_count(&rec->latency) > 0);
	if (!w->timed)
		assert_int_equal(histogram_count(&rec->latency),
				 3 * THREADS * LOOKUP_SAMPLES);
	assert_true(counter(rec, "clock_ns") > 0);
	if (w->timed) {
		assert_true(rec->nr_ops > histogram_count(&rec->latency));
		assert_true(counter(rec, "loads") > 0);
	}
	close_case(in);
}

static bool is_one_of(const struct workload *w, const char *one,
		      const char *other)
{
	return !strcmp(w->name, one) || !strcmp(w->name, other);
}

/* Where fixes have code of their own all are run, else it takes minutes. */
static bool can_run(const struct fix *fix, const struct workload *w)
{
	bool large = is_one_of(w, "lookup/own_64k", "lookup/own_400k");
	bool own_code = is_one_of(w, "lookup/stale", "lookup/busy");

#ifdef DELWRI_CHECKING
	/* The same code as own_1k. */
	if (large)
		return false;
#else
	own_code |= !large;
#endif
	if (!own_code && fix != fixes[0] && !floor_of(fix))
		return false;
	return !w->unfit || !w->unfit(fix);
}

static void test_cases(void **state)
{
	unsigned int nr = 0;

	(void)state;
	for (struct workload *w = workload_first(); w; w = w->next) {
		if (strncmp(w->name, "lookup/", 7))
			continue;
		nr++;
		for (int f = 0; fixes[f]; f++)
			if (can_run(fixes[f], w))
				check_case(fixes[f], w);
		for (struct floor *f = floor_first(); f; f = floor_next(f))
			if (!strcmp(f->group, "lookup/") && can_run(f->fix, w))
				check_case(f->fix, w);
	}
	assert_int_equal(nr, 10);
}

/*
 * What @ops lookups by each thread met: of the batch, the sample and
 * whatever happens between them.
 */
static void meet(const char *name, uint64_t ops)
{
	struct workload copy;
	struct instance *in;
	double mean;

	counted = workload(name);
	copy = *counted;
	copy.mount_options = mount_counted;
	in = open_case(fixes[0], &copy);
	/* Keys are as they are to be before the second one. */
	assert_int_equal(copy.batch(in, ops, NULL, &mean), 0);
	memset(met, 0, sizeof(met));
	assert_int_equal(copy.batch(in, ops, NULL, &mean), 0);
	close_case(in);
}

static void test_meetings(void **state)
{
	(void)state;
	/*
	 * Purged by a lookup each, and then missed.  Linux 6.12 inserts a
	 * buffer that is locked; since then it is locked like one found.
	 */
	meet("lookup/miss", OPS);
	assert_int_equal(met[POINT_LOOKUP],
			 strcmp(fixes[0]->cache, "6.12") ? 2 * THREADS * OPS :
							   THREADS * OPS);
	assert_int_equal(met[POINT_STALE], THREADS * OPS);
	assert_int_equal(met[POINT_LOOKUP_STALE], 0);

	/* Those of the batch before are staled again by a lookup each. */
	meet("lookup/stale", OPS);
	assert_int_equal(met[POINT_LOOKUP] - met[POINT_STALE], THREADS * OPS);
	assert_int_equal(met[POINT_LOOKUP_STALE],
			 met[POINT_LOOKUP] - THREADS * OPS);

	meet("lookup/hot", OPS);
	assert_true(met[POINT_LOOKUP] >= THREADS * OPS);
	assert_int_equal(met[POINT_LOOKUP_STALE], 0);
	meet("lookup/own_1k", OPS);
	assert_true(met[POINT_LOOKUP] >= THREADS * OPS);
	assert_int_equal(met[POINT_LOOKUP_STALE], 0);
}

/* More operations than a slice has keys for, and the cache is no larger. */
static void test_slices(void **state)
{
	static const char *const names[] = { "lookup/miss", "lookup/stale" };
	double mean;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct workload *w = workload(names[i]);
		struct instance *in = open_case(fixes[0], w);

		assert_int_equal(w->batch(in, 3000, &in->record, &mean), 0);
		assert_int_equal(w->sample(in, &in->record), 0);
		close_case(in);
	}
}

static void test_unfit(void **state)
{
	const struct fix *floor = NULL;

	(void)state;
	for (struct floor *f = floor_first(); f; f = floor_next(f))
		floor = f->fix;
	assert_non_null(floor);
	for (struct workload *w = workload_first(); w; w = w->next) {
		if (strncmp(w->name, "lookup/", 7) || !w->unfit)
			continue;
		assert_non_null(w->unfit(floor));
		assert_null(w->unfit(fixes[0]));
	}
}

static void test_headings(void **state)
{
	char text[256];

	(void)state;
	for (struct workload *w = workload_first(); w; w = w->next) {
		if (strncmp(w->name, "lookup/", 7))
			continue;
		w->describe(&bench, text, sizeof(text));
		assert_true(strlen(text) + 1 < sizeof(text));
	}
	workload("lookup/zipf")->describe(&bench, text, sizeof(text));
	assert_non_null(strstr(text, "Zipf 0.99"));
	cache_level(1, 1, text, sizeof(text));
	assert_true(strstr(text, "in L1") || strstr(text, "unknown"));
	cache_level(1ull << 50, 1, text, sizeof(text));
	assert_true(strstr(text, "beyond L") || strstr(text, "unknown"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_meetings),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_unfit),
		cmocka_unit_test(test_headings),
	};

	return cmocka_run_group_tests(tests, start_pool, stop_pool);
}
