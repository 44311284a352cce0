// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the blocks say: each yields one figure per fix and metric, and the
 * median of these is shown.  Ratios are of batches of the same round.
 */
#include "bench/run.h"

#include <errno.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BASELINE	"none"
/* So many values lie beside a 99th percentile that means anything. */
#define P99_VALUES	100

double stat_quantile(double *v, size_t nr, double q)
{
	gsl_sort(v, 1, nr);
	return gsl_stats_quantile_from_sorted_data(v, 1, nr, q);
}

double stat_median(double *v, size_t nr)
{
	gsl_sort(v, 1, nr);
	return gsl_stats_median_from_sorted_data(v, 1, nr);
}

static const json_t *find_row(const json_t *block, const char *workload,
			      const char *fix)
{
	const json_t *rows = json_object_get(block, "rows"), *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *w = json_string_value(
			json_object_get(row, "workload"));
		const char *f = json_string_value(json_object_get(row, "fix"));

		if (w && f && !strcmp(w, workload) && !strcmp(f, fix))
			return row;
	}
	return NULL;
}

/* The numbers of @array; NULL without memory. */
static double *numbers(const json_t *array, size_t *nr)
{
	double *v;

	*nr = json_array_size(array);
	v = calloc(*nr ? *nr : 1, sizeof(*v));
	for (size_t i = 0; v && i < *nr; i++)
		v[i] = json_number_value(json_array_get(array, i));
	return v;
}

static uint64_t integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* What one block says of one pair. */
struct block_figures {
	double median, p99, ratio;
	bool has_ratio, p99_is_max;
};

/* Sets ->ratio if both were measured in the same rounds. */
static int block_ratio(const json_t *row, const json_t *base,
		       struct block_figures *out)
{
	size_t nr, nr_base;
	double *v = numbers(json_object_get(row, "batches_ns"), &nr);
	double *b = numbers(json_object_get(base, "batches_ns"), &nr_base);
	int error = -ENOMEM;

	if (!v || !b)
		goto out;
	error = 0;
	if (!nr || nr != nr_base)
		goto out;
	for (size_t i = 0; i < nr; i++) {
		if (!(v[i] > 0) || !(b[i] > 0))
			goto out;
		v[i] = log(v[i] / b[i]);
	}
	out->ratio = exp(stat_median(v, nr));
	out->has_ratio = true;
out:
	free(v);
	free(b);
	return error;
}

static int block_figures(const json_t *row, const json_t *base,
			 struct block_figures *out)
{
	size_t nr;
	double *v = numbers(json_object_get(row, "batches_ns"), &nr);

	if (!v)
		return -ENOMEM;
	if (!nr) {
		free(v);
		return -ENODATA;
	}
	out->median = stat_median(v, nr);
	out->p99_is_max = nr < P99_VALUES;
	out->p99 = stat_quantile(v, nr, out->p99_is_max ? 1 : 0.99);
	free(v);
	return base ? block_ratio(row, base, out) : 0;
}

static int append_batches(struct summary *s, const json_t *row)
{
	size_t nr;
	double *v = numbers(json_object_get(row, "batches_ns"), &nr), *all;

	if (!v)
		return -ENOMEM;
	all = realloc(s->batch_ns, (s->nr_batches + nr + 1) * sizeof(*all));
	if (all) {
		memcpy(all + s->nr_batches, v, nr * sizeof(*v));
		s->batch_ns = all;
		s->nr_batches += nr;
	}
	free(v);
	return all ? 0 : -ENOMEM;
}

static void add_counts(struct summary *s, const json_t *row)
{
	const json_t *waits = json_object_get(row, "waits");
	const json_t *left = json_object_get(row, "left_at_unmount"), *value;
	const char *key;

	for (int k = WAIT_LOCK; k <= WAIT_IO; k++) {
		const json_t *w = json_object_get(waits, wait_kind_name(k));
		uint64_t max = integer(w, "max_ns");

		s->waits[k].count += integer(w, "count");
		s->waits[k].total_ns += integer(w, "total_ns");
		if (max > s->waits[k].max_ns)
			s->waits[k].max_ns = max;
	}
	s->checked += integer(row, "checked");
	s->violated += integer(row, "violated");
	s->misqueued += integer(row, "misqueued");
	s->ops_per_batch = integer(row, "ops_per_batch");
	json_object_foreach((json_t *)left, key, value)
		s->left += json_integer_value(value);
}

static void not_measured(struct summary *s, const json_t *row)
{
	const char *why = json_string_value(
		json_object_get(row, "batches_ns_reason"));

	snprintf(s->reason, sizeof(s->reason), "%s",
		 !row ? "no block has it" :
		 why  ? why :
			"no batch was measured");
}

static int summarise_pair(json_t *const *blocks, unsigned int nr_blocks,
			  const struct pair *p, struct summary *s)
{
	double *medians = calloc(3 * nr_blocks + 1, sizeof(*medians));
	double *p99s = medians + nr_blocks, *ratios = p99s + nr_blocks;
	unsigned int i, nr = 0, nr_ratios = 0;
	int error = 0;

	if (!medians)
		return -ENOMEM;
	not_measured(s, NULL);
	for (i = 0; i < nr_blocks && !error; i++) {
		const char *workload = p->workload->name;
		const json_t *row = find_row(blocks[i], workload, p->fix->name);
		const json_t *base = find_row(blocks[i], workload, BASELINE);
		struct block_figures f = { 0 };

		if (!row)
			continue;
		add_counts(s, row);
		error = block_figures(row, base, &f);
		if (error == -ENODATA) {
			not_measured(s, row);
			error = 0;
			continue;
		}
		medians[nr] = f.median;
		p99s[nr++] = f.p99;
		if (f.has_ratio)
			ratios[nr_ratios++] = f.ratio;
		s->p99_is_max |= f.p99_is_max;
		if (!error)
			error = append_batches(s, row);
	}
	s->measured = nr > 0;
	if (nr) {
		s->median = stat_median(medians, nr);
		s->p99 = stat_median(p99s, nr);
	}
	s->has_ratio = nr_ratios > 0;
	if (nr_ratios)
		s->ratio = stat_median(ratios, nr_ratios);
	free(medians);
	return error;
}

int run_summarise(json_t *const *blocks, unsigned int nr_blocks,
		  const struct pairs *pairs, struct summary *summaries)
{
	int error = 0;

	for (unsigned int i = 0; i < pairs->nr && !error; i++)
		if (pairs->pair[i].selected)
			error = summarise_pair(blocks, nr_blocks,
					       &pairs->pair[i], &summaries[i]);
	return error;
}

void summary_free(struct summary *summaries, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		free(summaries[i].batch_ns);
	free(summaries);
}
