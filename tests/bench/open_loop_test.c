// SPDX-License-Identifier: GPL-2.0-only
/*
 * The open loop by a clock that only operations move: a stall of known
 * length is charged to everyone who would have arrived in it, and no one
 * else; arrivals are Poisson, and the same again for the same seed.
 */
#include "tests/bench/bench_test.h"

#include <errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>

#include "bench/open_loop.h"

#define MS		1000000ull
#define FOR_NS		(640 * MS)
#define PER_SECOND	20000.0
#define SEED		42
#define COST_NS		100ull
#define STALL_AT	(100 * MS)
#define STALL_NS	(50 * MS)

struct world {
	uint64_t now;
	uint64_t stall_ns;		/* 0: none; once */
	uint64_t stalled_from;
	uint64_t cost_ns;
	uint64_t fail_after;		/* operations; 0: never */
	uint64_t done;
};

static uint64_t world_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void world_wait(void *arg, uint64_t until)
{
	struct world *w = arg;

	if (w->now < until)
		w->now = until;
}

static int operation(void *arg)
{
	struct world *w = arg;

	w->now += w->cost_ns;
	if (w->stall_ns && w->now >= STALL_AT) {
		w->stalled_from = w->now;
		w->now += w->stall_ns;
		w->stall_ns = 0;
	}
	w->done++;
	return w->done == w->fail_after ? -EIO : 0;
}

struct seen {
	struct histogram latency;
	struct open_series series;
	struct open_load load;
};

static int run(struct world *w, struct seen *seen)
{
	struct open_clock clock = { world_now, world_wait, w };

	memset(seen, 0, sizeof(*seen));
	seen->series.slice_ns = FOR_NS / OPEN_SLICES;
	seen->load = (struct open_load){
		.per_second = PER_SECOND,
		.seed = SEED,
		.operation = operation,
		.arg = w,
		.latency = &seen->latency,
		.series = &seen->series,
	};
	return open_loop_run(&clock, &seen->load, FOR_NS);
}

/* Arrivals from @from until @to, by the same process. */
static uint64_t arrivals(double from, double to, double *sum)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	uint64_t nr = 0;
	double at = 0;

	*sum = 0;
	gsl_rng_set(rng, SEED);
	while ((at += gsl_ran_exponential(rng, 1e9 / PER_SECOND)) < to)
		if (at >= from) {
			nr++;
			*sum += at;
		}
	gsl_rng_free(rng);
	return nr;
}

/* So many waited longer than @ns, but for those in its bucket. */
static uint64_t slower(const struct histogram *h, uint64_t ns)
{
	uint64_t nr = 0;

	for (unsigned int i = histogram_index(ns) + 1; i < HISTOGRAM_BUCKETS;
	     i++)
		nr += h->bucket[i];
	return nr;
}

static struct seen seen, again;

static void test_stall_is_charged_to_all(void **state)
{
	struct world w = { .stall_ns = STALL_NS, .cost_ns = COST_NS };
	double sum, charged;
	uint64_t end, nr;

	(void)state;
	assert_int_equal(run(&w, &seen), 0);
	end = w.stalled_from + STALL_NS;
	/* All who came in the stall waited for its end: a closed loop has 1. */
	nr = arrivals(w.stalled_from, end - MS, &sum);
	assert_true(nr > 900);
	assert_uint_in_range(slower(&seen.latency, MS), nr - 20, nr + 20);
	charged = (double)nr * end - sum;
	assert_true(seen.load.total_ns >= charged);
	assert_true(seen.load.total_ns < 1.1 * charged);
	assert_uint_in_range(seen.latency.max, STALL_NS, STALL_NS + MS);
}

static void test_stall_is_seen_in_time(void **state)
{
	struct world w = { .stall_ns = STALL_NS, .cost_ns = COST_NS };
	uint64_t slice, most;

	(void)state;
	assert_int_equal(run(&w, &seen), 0);
	slice = seen.series.slice_ns;
	for (unsigned int i = 0; i < OPEN_SLICES; i++) {
		uint64_t start = i * slice;

		most = seen.series.slice[i].max_ns;
		assert_true(seen.series.slice[i].count > 100);
		if (start + slice <= STALL_AT - MS ||
		    start >= STALL_AT + STALL_NS + MS)
			assert_true(most < MS);
		else if (start > STALL_AT &&
			 start + slice < STALL_AT + STALL_NS)
			/* Less, the later it came. */
			assert_uint_in_range(most,
					     STALL_AT + STALL_NS - start - MS,
					     STALL_AT + STALL_NS - start + MS);
	}
}

static void test_no_stall(void **state)
{
	struct world w = { .cost_ns = COST_NS };
	double sum, expected = PER_SECOND * FOR_NS / 1e9;

	(void)state;
	assert_int_equal(run(&w, &seen), 0);
	assert_int_equal(seen.load.ops, arrivals(0, FOR_NS, &sum));
	assert_int_equal(histogram_count(&seen.latency), seen.load.ops);
	assert_true(fabs(seen.load.ops - expected) < 5 * sqrt(expected));
	assert_true(histogram_min(&seen.latency) >= COST_NS - 1);
	/* Few wait for the one before them. */
	assert_true(slower(&seen.latency, 2 * COST_NS) < seen.load.ops / 100);
	w = (struct world){ .cost_ns = COST_NS };
	assert_int_equal(run(&w, &again), 0);
	assert_memory_equal(&again.latency, &seen.latency,
			    sizeof(seen.latency));
}

static void test_does_not_keep_up(void **state)
{
	struct world w = { .cost_ns = 20 * 1000000000ull / 20000 };

	(void)state;
	assert_int_equal(run(&w, &seen), -ETIME);
}

static void test_fails(void **state)
{
	struct world w = { .cost_ns = COST_NS, .fail_after = 5 };

	(void)state;
	assert_int_equal(run(&w, &seen), -EIO);
	assert_int_equal(seen.load.ops, 4);
}

static void test_merge(void **state)
{
	struct open_series sum = { 0 };

	(void)state;
	sum.slice[3] = (struct open_slice){ .count = 2, .max_ns = 9 };
	memset(&again, 0, sizeof(again));
	again.series.slice_ns = 7;
	again.series.slice[3] = (struct open_slice){ .count = 1, .max_ns = 5 };
	open_series_merge(&sum, &again.series);
	assert_int_equal(sum.slice[3].count, 3);
	assert_int_equal(sum.slice[3].max_ns, 9);
	assert_int_equal(sum.slice_ns, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stall_is_charged_to_all),
		cmocka_unit_test(test_stall_is_seen_in_time),
		cmocka_unit_test(test_no_stall),
		cmocka_unit_test(test_does_not_keep_up),
		cmocka_unit_test(test_fails),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
