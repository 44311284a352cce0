// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the cases of lookup share: filling, looking up, sampling.
 */
#include "bench/workloads/lookup.h"

#include <errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t *looker_order(uint64_t first, uint64_t nr, uint64_t seed)
{
	uint64_t *order = calloc(nr, sizeof(*order));

	for (uint64_t i = 0; order && i < nr; i++) {
		uint64_t j = bench_random(&seed) % (i + 1);

		order[i] = order[j];
		order[j] = first + i;
	}
	return order;
}

int looker_fill(struct looker *me, uint64_t seed)
{
	const struct fix *fix = me->in->fix;
	uint64_t *order = looker_order(me->first, me->nr, seed);
	int error;

	if (!order)
		return -ENOMEM;
	me->at = order[0];
	error = fix->bench_fill(me->in->mp, me->first, me->nr);
	if (!error)
		error = fix->bench_chain(me->in->mp, order, me->nr);
	free(order);
	return error;
}

int looker_zipf(struct looker *me, size_t nr, double exponent, size_t nr_keys,
		uint64_t seed)
{
	double *weight = calloc(nr, sizeof(*weight));
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_ran_discrete_t *zipf = NULL;

	me->keys = calloc(nr_keys, sizeof(*me->keys));
	for (size_t i = 0; weight && i < nr; i++)
		weight[i] = pow(i + 1, -exponent);
	if (weight && rng && me->keys)
		zipf = gsl_ran_discrete_preproc(nr, weight);
	if (zipf) {
		gsl_rng_set(rng, seed);
		for (size_t i = 0; i < nr_keys; i++)
			me->keys[i] = gsl_ran_discrete(rng, zipf);
		me->nr_keys = nr_keys;
		gsl_ran_discrete_free(zipf);
	}
	if (rng)
		gsl_rng_free(rng);
	free(weight);
	return zipf ? 0 : -ENOMEM;
}

static int look_keys(struct looker *me, uint64_t ops)
{
	const struct fix *fix = me->in->fix;

	while (ops) {
		uint64_t nr = me->nr_keys - me->next_key;
		int error;

		if (nr > ops)
			nr = ops;
		error = fix->bench_lookup(me->in->mp, me->keys + me->next_key,
					  nr);
		if (error)
			return error;
		me->next_key = (me->next_key + nr) % me->nr_keys;
		ops -= nr;
	}
	return 0;
}

void looker_look(struct looker *me, uint64_t ops)
{
	int error;

	if (me->keys)
		error = look_keys(me, ops);
	else
		error = me->in->fix->bench_lookup_chain(me->in->mp, &me->at,
							ops);
	if (error && !me->error)
		me->error = error;
}

void looker_sample(struct looker *me)
{
	me->clock_ns = 0;
	for (unsigned int i = 0; i < LOOKUP_SAMPLES; i++) {
		uint64_t before = now_ns(), start = now_ns();

		looker_look(me, 1);
		me->ns[i] = now_ns() - start;
		me->clock_ns += start - before;
	}
}

void looker_record_sample(const struct looker *me, struct record *rec)
{
	for (unsigned int i = 0; i < LOOKUP_SAMPLES; i++)
		record_operation(rec, me->ns[i]);
	record_count(rec, "clock_ns", me->clock_ns);
}

void record_huge_pages(struct record *rec)
{
	FILE *in = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kb;
	char line[128];

	while (in && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "Anonymous: %lu kB", &kb) == 1)
			record_count(rec, "anonymous_kb", kb);
		if (sscanf(line, "AnonHugePages: %lu kB", &kb) == 1)
			record_count(rec, "huge_pages_kb", kb);
	}
	if (in)
		fclose(in);
}

const char *lookup_more_than_hits(const struct fix *fix)
{
	if (fix->does_nothing)
		return "it caches nothing";
	return floor_of(fix) ? "a floor of hits alone" : NULL;
}
