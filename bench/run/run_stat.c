// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the blocks say: of costs and ratios each yields one figure per fix,
 * and the median of these is shown; histograms and counts of all are added
 * up.  Ratios are of batches of the same round.
 */
#include "bench/run/run.h"

#include <errno.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static bool is(const json_t *row, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value && !strcmp(value, text);
}

const json_t *run_find_row(const json_t *block, const struct pair *p)
{
	const json_t *rows = json_object_get(block, "rows"), *row;
	const struct run_point *at = p->point;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!is(row, "workload", p->workload->name) ||
		    !is(row, "fix", p->fix->name))
			continue;
		if (!at || !at->placed ||
		    (is(row, "placement", at->placement) &&
		     json_integer_value(json_object_get(row, "threads")) ==
			     at->threads))
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

/* Appends to @ratios if both were measured in the same rounds. */
static int block_ratio(const json_t *row, const json_t *base, double *ratios,
		       size_t *nr_ratios)
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
	ratios[(*nr_ratios)++] = stat_median(v, nr);
out:
	free(v);
	free(b);
	return error;
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

static void add_wait(struct wait_stat *sum, const json_t *json)
{
	uint64_t max = integer(json, "max_ns");

	sum->count += integer(json, "count");
	sum->total_ns += integer(json, "total_ns");
	if (max > sum->max_ns)
		sum->max_ns = max;
}

static void add_counter(struct summary *s, const char *name, double value)
{
	for (int i = 0; i < COUNTERS; i++) {
		struct counter *c = &s->counters[i];

		if (!c->name)
			c->name = name;
		if (!strcmp(c->name, name)) {
			counter_add(c, value);
			return;
		}
	}
}

static struct perf_total *find_perf(struct summary *s, const char *name,
				    const char *mode)
{
	for (int i = 0; i < PERF_COUNTERS; i++) {
		struct perf_total *t = &s->perf[i];

		if (!t->name)
			*t = (struct perf_total){ .name = name,
						  .mode = mode,
						  .share = 1 };
		if (!strcmp(t->name, name) && !strcmp(t->mode, mode))
			return t;
	}
	return NULL;
}

static void add_perf(struct summary *s, const json_t *row)
{
	const json_t *list = json_object_get(row, "perf"), *c;
	size_t i;

	json_array_foreach((json_t *)list, i, c)
	{
		const char *name, *mode, *reason = NULL;
		double share = 1;
		struct perf_total *t;
		json_t *value;

		if (json_unpack((json_t *)c, "{s:s, s:s, s:o, s?F, s?s}",
				"name", &name, "mode", &mode, "per_operation",
				&value, "share", &share,
				"per_operation_reason", &reason))
			continue;
		t = find_perf(s, name, mode);
		if (!t)
			continue;
		if (!json_is_number(value)) {
			t->reason = reason ? reason : "no block says why";
			continue;
		}
		t->per_operation += json_number_value(value);
		t->blocks++;
		if (share < t->share)
			t->share = share;
	}
}

static void add_counts(struct summary *s, const json_t *row)
{
	const json_t *waits = json_object_get(row, "waits"), *value;
	const json_t *stall = json_object_get(row, "stall");
	const json_t *counted = json_object_get(row, "counted");
	const char *key;

	for (int k = WAIT_LOCK; k <= WAIT_IO; k++)
		add_wait(&s->waits[k],
			 json_object_get(waits, wait_kind_name(k)));
	s->has_stall |= json_is_object(stall);
	add_wait(&s->stall, stall);
	json_object_foreach(json_object_get(row, "counters"), key, value)
		add_counter(s, key, json_number_value(value));
	add_perf(s, row);
	s->nr_ops += integer(row, "operations");
	/* Older blocks counted where they took times. */
	s->counted_ops += integer(counted ? counted : row, "operations");
	s->checked += integer(row, "checked");
	s->violated += integer(row, "violated");
	s->misqueued += integer(row, "misqueued");
	/* None of one that was skipped. */
	if (integer(row, "ops_per_batch"))
		s->ops_per_batch = integer(row, "ops_per_batch");
	json_object_foreach(json_object_get(row, "left_at_unmount"), key,
			    value)
		s->left += json_integer_value(value);
}

/* Why @row has no @key. */
static void take_reason(const json_t *row, const char *key, char *reason,
			size_t size)
{
	char name[64];
	const char *why;

	snprintf(name, sizeof(name), "%s_reason", key);
	why = json_string_value(json_object_get(row, name));
	snprintf(reason, size, "%s",
		 !row ? "no block has it" :
		 why  ? why :
			"no block says why");
}

/* --- latencies ---------------------------------------------------------- */

static void add_latency(struct summary *s, const json_t *row,
			struct histogram *sum, struct histogram *one)
{
	const json_t *latency = json_object_get(row, "latency");

	if (!json_is_object(latency)) {
		take_reason(row, "latency", s->latency_reason,
			    sizeof(s->latency_reason));
		return;
	}
	if (histogram_from_json(latency, one)) {
		snprintf(s->latency_reason, sizeof(s->latency_reason),
			 "a block's histogram is damaged");
		return;
	}
	histogram_merge(sum, one);
}

static void take_latencies(struct summary *s, const struct histogram *h)
{
	s->nr_latencies = histogram_count(h);
	if (!s->nr_latencies)
		return;
	s->max = h->max;
	s->p50 = histogram_quantile(h, 0.5);
	s->p99 = s->nr_latencies < P99_VALUES ?
			 -1 :
			 histogram_quantile(h, 0.99);
}

/* --- pairs -------------------------------------------------------------- */

static int block_median(const json_t *row, double *medians, size_t *nr_medians)
{
	size_t nr;
	double *v = numbers(json_object_get(row, "batches_ns"), &nr);

	if (!v)
		return -ENOMEM;
	if (nr)
		medians[(*nr_medians)++] = stat_median(v, nr);
	free(v);
	return 0;
}

/* All but the ratio, which needs the others. */
static int summarise_pair(json_t *const *blocks, unsigned int nr_blocks,
			  const struct pair *p, struct summary *s)
{
	struct histogram *sum = calloc(2, sizeof(*sum));
	double *medians = calloc(nr_blocks + 1, sizeof(*medians));
	int error = sum && medians ? 0 : -ENOMEM;
	bool failed = false;
	size_t nr = 0;

	take_reason(NULL, "", s->reason, sizeof(s->reason));
	for (unsigned int i = 0; i < nr_blocks && !error; i++) {
		const json_t *row = run_find_row(blocks[i], p);

		if (!row)
			continue;
		add_counts(s, row);
		take_reason(row, "batches_ns", s->reason, sizeof(s->reason));
		if (json_is_object(json_object_get(row, "skipped")))
			s->skipped = true;
		else if (!json_array_size(json_object_get(row, "batches_ns")))
			failed = true;
		take_reason(row, "stall", s->stall_reason,
			    sizeof(s->stall_reason));
		error = block_median(row, medians, &nr);
		add_latency(s, row, sum, sum + 1);
		if (!error)
			error = append_batches(s, row);
	}
	s->skipped &= !failed;
	if (!error) {
		s->measured = nr > 0;
		s->median = nr ? stat_median(medians, nr) : 0;
		take_latencies(s, sum);
	}
	free(medians);
	free(sum);
	return error;
}

static int take_ratio(json_t *const *blocks, unsigned int nr_blocks,
		      const struct pair *p, const struct pair *base,
		      struct summary *s)
{
	double *ratios = calloc(nr_blocks + 1, sizeof(*ratios));
	int error = ratios ? 0 : -ENOMEM;
	size_t nr = 0;

	for (unsigned int i = 0; i < nr_blocks && !error; i++)
		error = block_ratio(run_find_row(blocks[i], p),
				    run_find_row(blocks[i], base), ratios,
				    &nr);
	if (!error && nr) {
		s->base = base->fix->name;
		s->ratio = exp(stat_median(ratios, nr));
	}
	free(ratios);
	return error;
}

/* The time of a wrong result is no measure, nor is a floor's. */
static const struct pair *find_base(const struct pairs *pairs,
				    const struct summary *summaries,
				    unsigned int from, unsigned int to)
{
	const struct pair *base = NULL;

	for (unsigned int i = from; i < to; i++) {
		const struct pair *p = &pairs->pair[i];

		if (!p->selected || !summaries[i].measured ||
		    summaries[i].violated)
			continue;
		if (!strcmp(p->fix->name, BASELINE))
			return p;
		if (!base && !floor_of(p->fix) && !p->fix->does_nothing)
			base = p;
	}
	return base;
}

unsigned int run_workload_end(const struct pairs *pairs, unsigned int from)
{
	unsigned int to = from;

	while (to < pairs->nr &&
	       pairs->pair[to].workload == pairs->pair[from].workload &&
	       pairs->pair[to].point == pairs->pair[from].point)
		to++;
	return to;
}

int run_summarise(json_t *const *blocks, unsigned int nr_blocks,
		  const struct pairs *pairs, struct summary *summaries)
{
	unsigned int i, from, to;
	int error = 0;

	for (i = 0; i < pairs->nr && !error; i++)
		if (pairs->pair[i].selected)
			error = summarise_pair(blocks, nr_blocks,
					       &pairs->pair[i], &summaries[i]);
	for (from = 0; from < pairs->nr && !error; from = to) {
		const struct pair *base;

		to = run_workload_end(pairs, from);
		base = find_base(pairs, summaries, from, to);
		for (i = from; base && i < to && !error; i++)
			if (pairs->pair[i].selected)
				error = take_ratio(blocks, nr_blocks,
						   &pairs->pair[i], base,
						   &summaries[i]);
	}
	return error;
}

void summary_free(struct summary *summaries, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		free(summaries[i].batch_ns);
	free(summaries);
}
