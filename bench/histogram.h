/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log-linear histogram of nanoseconds: buckets of equal width between two
 * powers of two, so that a value is known to one part in
 * 2^HISTOGRAM_BITS, and exactly below 2^HISTOGRAM_BITS.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <jansson.h>
#include <stdint.h>

/* As an integer, a double is its exponent above what it begins with. */
#define DOUBLE_BITS		52
#define DOUBLE_BIAS		1023ull

#define HISTOGRAM_BITS		7
#define HISTOGRAM_MAX		((1ull << DOUBLE_BITS) - 1)	/* 52 days */
#define HISTOGRAM_BUCKETS \
	((DOUBLE_BITS - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

/* By one thread at a time; all zero: empty. */
struct histogram {
	uint64_t max;			/* exact */
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

/*
 * Bucket of @ns, of HISTOGRAM_MAX if it is more.  Latencies lie on both
 * sides of 2^HISTOGRAM_BITS by chance, so no branch asks; and a conversion
 * finds the highest bit faster than some processors' instruction for it.
 */
static inline uint64_t histogram_index(uint64_t ns)
{
	const uint64_t first = 1u << HISTOGRAM_BITS;
	uint64_t linear;	/* @first below it, else 0 */
	union {
		double d;
		uint64_t u;
	} value;

	ns = ns > HISTOGRAM_MAX ? HISTOGRAM_MAX : ns;
	linear = (ns - first) >> (63 - HISTOGRAM_BITS) & first;
	value.d = (double)(int64_t)(ns + linear);
	return (value.u >> (DOUBLE_BITS - HISTOGRAM_BITS)) - linear -
	       ((DOUBLE_BIAS + HISTOGRAM_BITS - 1) << HISTOGRAM_BITS);
}

/* Smallest value of a bucket; the next bucket's is where it ends. */
uint64_t histogram_value(unsigned int index);

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
	if (ns > h->max)
		h->max = ns;
	h->bucket[histogram_index(ns)]++;
}

/* Number of values: the sum of all buckets. */
uint64_t histogram_count(const struct histogram *h);
/* Smallest value of the first bucket that has any; @h is not empty. */
uint64_t histogram_min(const struct histogram *h);
void histogram_merge(struct histogram *to, const struct histogram *from);
/*
 * The value at or below which are @q of all, from the middle of its
 * bucket.  @h is not empty.
 */
double histogram_quantile(const struct histogram *h, double q);

/* {bits, count, min, max, buckets: [[index, count], ...]}; NULL: memory */
json_t *histogram_to_json(const struct histogram *h);
/* 0, or -EINVAL: not one of these. */
int histogram_from_json(const json_t *json, struct histogram *h);

#endif
