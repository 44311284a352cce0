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

#define HISTOGRAM_BITS	  7
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

/* By one thread at a time; all zero: empty. */
struct histogram {
	uint64_t inverse_min; /* ~smallest: exact, 0 before it */
	uint64_t max; /* exact */
	uint64_t sum; /* of 584 years at most */
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

/* No branch: which values are below the first power is not for guessing. */
static inline unsigned int histogram_index(uint64_t ns)
{
	unsigned int top = 63 - __builtin_clzll(ns | 1u << HISTOGRAM_BITS);
	unsigned int shift = top - HISTOGRAM_BITS;

	return (shift << HISTOGRAM_BITS) + (ns >> shift);
}

/* Smallest value of a bucket; the next bucket's is where it ends. */
uint64_t histogram_value(unsigned int index);

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
	if (~ns > h->inverse_min)
		h->inverse_min = ~ns;
	if (ns > h->max)
		h->max = ns;
	h->sum += ns;
	h->bucket[histogram_index(ns)]++;
}

/* Number of values: the sum of all buckets. */
uint64_t histogram_count(const struct histogram *h);
/* The smallest value, exactly.  @h is not empty. */
static inline uint64_t histogram_min(const struct histogram *h)
{
	return ~h->inverse_min;
}

void histogram_merge(struct histogram *to, const struct histogram *from);
/*
 * The value at or below which are @q of all, from the middle of its
 * bucket.  @h is not empty.
 */
double histogram_quantile(const struct histogram *h, double q);

/* {bits, count, min, max, sum, buckets: [[index, count], ...]}; NULL: memory */
json_t *histogram_to_json(const struct histogram *h);
/* 0, or -EINVAL: not one of these. */
int histogram_from_json(const json_t *json, struct histogram *h);

#endif
