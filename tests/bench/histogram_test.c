// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histograms: quantiles agree with the values themselves to the stated
 * error, merging and JSON lose nothing, other JSON is refused.
 */
#include "tests/bench/bench_test.h"

#include <errno.h>
#include <math.h>

#include "bench/histogram.h"
#include "bench/workload.h"

#define VALUES	20000

static struct histogram h, other;

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void fill(struct histogram *to, uint64_t *values, size_t nr,
		 unsigned int bits, uint64_t *random)
{
	memset(to, 0, sizeof(*to));
	for (size_t i = 0; i < nr; i++) {
		/* Small ones as often as large ones; all of them fit. */
		values[i] = bench_random(random) >> 20 >>
			    (bench_random(random) % bits);
		histogram_add(to, values[i]);
	}
	qsort(values, nr, sizeof(*values), compare);
}

static void test_buckets(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		assert_int_equal(histogram_index(histogram_value(i)), i);
		if (i)
			assert_int_equal(
				histogram_index(histogram_value(i) - 1), i - 1);
	}
	assert_int_equal(histogram_index(HISTOGRAM_MAX), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_index(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	for (int i = 0; i < VALUES; i++) {
		uint64_t v = bench_random(&random) >> (12 + i % 52);
		uint64_t low = histogram_value(histogram_index(v));

		assert_true(low <= v);
		assert_true(v - low <= v >> HISTOGRAM_BITS);
		if (v < 1u << HISTOGRAM_BITS)
			assert_int_equal(low, v);
	}
}

static void test_quantiles(void **state)
{
	static const double qs[] = { 0, 0.001, 0.5, 0.9, 0.99, 0.999, 1 };
	static uint64_t values[VALUES];
	uint64_t random = 2;

	(void)state;
	for (unsigned int bits = 1; bits < 64; bits += 9) {
		fill(&h, values, VALUES, bits, &random);
		assert_int_equal(histogram_count(&h), VALUES);
		assert_int_equal(
			histogram_min(&h),
			histogram_value(histogram_index(values[0])));
		assert_int_equal(h.max, values[VALUES - 1]);
		for (size_t i = 0; i < sizeof(qs) / sizeof(qs[0]); i++) {
			size_t rank = ceil(qs[i] * VALUES);
			double is = values[rank ? rank - 1 : 0];

			assert_true(fabs(histogram_quantile(&h, qs[i]) - is) <=
				    is / (1u << HISTOGRAM_BITS));
		}
	}
}

static void test_merge(void **state)
{
	static uint64_t values[VALUES];
	static struct histogram all, empty;
	uint64_t random = 3, again = 3;

	(void)state;
	memset(&all, 0, sizeof(all));
	fill(&h, values, VALUES / 2, 20, &random);
	for (size_t i = 0; i < VALUES / 2; i++)
		histogram_add(&all, values[i]);
	fill(&other, values, VALUES / 2, 40, &random);
	for (size_t i = 0; i < VALUES / 2; i++)
		histogram_add(&all, values[i]);
	histogram_merge(&h, &empty);
	histogram_merge(&h, &other);
	assert_memory_equal(&h, &all, sizeof(h));
	histogram_merge(&empty, &h);
	assert_memory_equal(&h, &empty, sizeof(h));
	fill(&other, values, VALUES / 2, 20, &again);
	assert_memory_not_equal(&h, &other, sizeof(h));
}

static void test_json(void **state)
{
	static uint64_t values[VALUES];
	uint64_t random = 4;
	json_t *json, *buckets;

	(void)state;
	fill(&h, values, VALUES, 50, &random);
	json = histogram_to_json(&h);
	assert_non_null(json);
	memset(&other, 0xff, sizeof(other));
	assert_int_equal(histogram_from_json(json, &other), 0);
	assert_memory_equal(&h, &other, sizeof(h));

	/* One value less than it says, a bucket there is not, other widths. */
	buckets = json_object_get(json, "buckets");
	json_array_remove(buckets, 0);
	assert_int_equal(histogram_from_json(json, &other), -EINVAL);
	json_array_append_new(buckets,
			      json_pack("[iI]", HISTOGRAM_BUCKETS,
					(json_int_t)h.bucket[0]));
	assert_int_equal(histogram_from_json(json, &other), -EINVAL);
	json_decref(json);

	json = histogram_to_json(&h);
	json_object_set_new(json, "bits", json_integer(HISTOGRAM_BITS - 1));
	assert_int_equal(histogram_from_json(json, &other), -EINVAL);
	json_object_del(json, "bits");
	assert_int_equal(histogram_from_json(json, &other), -EINVAL);
	json_decref(json);
	json = json_null();
	assert_int_equal(histogram_from_json(json, &other), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
