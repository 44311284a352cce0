// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merging, reading and storing histograms.
 */
#include "bench/histogram.h"

#include <errno.h>
#include <math.h>

uint64_t histogram_value(unsigned int index)
{
	unsigned int shift;

	if (index < 2u << HISTOGRAM_BITS)
		return index;
	shift = (index >> HISTOGRAM_BITS) - 1;
	return (uint64_t)(index - (shift << HISTOGRAM_BITS)) << shift;
}

uint64_t histogram_count(const struct histogram *h)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += h->bucket[i];
	return count;
}

uint64_t histogram_min(const struct histogram *h)
{
	unsigned int i = 0;

	while (!h->bucket[i])
		i++;
	return histogram_value(i);
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (from->max > to->max)
		to->max = from->max;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

static double middle(const struct histogram *h, unsigned int index)
{
	double low = histogram_value(index);
	double high = index + 1 < HISTOGRAM_BUCKETS ?
			      (double)histogram_value(index + 1) - 1 :
			      low;
	double value = (low + high) / 2;

	return fmin(h->max, value);
}

double histogram_quantile(const struct histogram *h, double q)
{
	uint64_t rank = ceil(q * histogram_count(h)), seen = 0;

	if (rank < 1)
		rank = 1;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return middle(h, i);
	}
	return h->max;
}

json_t *histogram_to_json(const struct histogram *h)
{
	json_t *buckets = json_array();

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (h->bucket[i])
			json_array_append_new(
				buckets, json_pack("[iI]", (int)i,
						   (json_int_t)h->bucket[i]));
	return json_pack("{s:i, s:I, s:I, s:I, s:o}", "bits", HISTOGRAM_BITS,
			 "count", (json_int_t)histogram_count(h), "min",
			 (json_int_t)histogram_min(h), "max",
			 (json_int_t)h->max, "buckets", buckets);
}

int histogram_from_json(const json_t *json, struct histogram *h)
{
	json_int_t bits, count, max;
	json_t *buckets, *pair;
	size_t i;

	*h = (struct histogram){ 0 };
	if (json_unpack((json_t *)json, "{s:I, s:I, s:I, s:o}", "bits", &bits,
			"count", &count, "max", &max, "buckets", &buckets) ||
	    bits != HISTOGRAM_BITS)
		return -EINVAL;
	h->max = max;
	json_array_foreach(buckets, i, pair)
	{
		json_int_t index, nr;

		if (json_unpack(pair, "[II]", &index, &nr) || index < 0 ||
		    index >= HISTOGRAM_BUCKETS || nr < 0)
			return -EINVAL;
		h->bucket[index] += nr;
	}
	return histogram_count(h) == (uint64_t)count ? 0 : -EINVAL;
}
