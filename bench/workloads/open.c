// SPDX-License-Identifier: GPL-2.0-only
/*
 * open: the same operations as in closed loops, but arriving at a given
 * rate, and timed from when each was to start: latency under load.  lookup
 * is hits on own buffers; churn (in churn.c) creates, changes and frees.
 */
#include "bench/workloads/open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/lookup.h"

#define PER_SECOND	100000u		/* of each thread */
#define BATCH_NS	100000000u

/* --- what all cases share ------------------------------------------------ */

int opener_run(struct opener *me, uint64_t for_ns, double per_second,
	       uint64_t seed, int (*operation)(void *arg), void *arg)
{
	struct open_load load = {
		.per_second = per_second,
		.seed = seed,
		.operation = operation,
		.arg = arg,
		.latency = &me->latency,
		.series = &me->series,
	};
	int error;

	memset(&me->latency, 0, sizeof(me->latency));
	me->series = (struct open_series){ .slice_ns = for_ns / OPEN_SLICES };
	error = open_loop_run(&open_clock_real, &load, for_ns);
	me->total_ns = load.total_ns;
	me->ops = load.ops;
	return error;
}

void opener_sum(struct opener *sum, const struct opener *me)
{
	histogram_merge(&sum->latency, &me->latency);
	open_series_merge(&sum->series, &me->series);
	sum->total_ns += me->total_ns;
	sum->ops += me->ops;
}

void opener_record(const struct opener *sum, struct record *rec)
{
	histogram_merge(&rec->latency, &sum->latency);
	rec->nr_ops += sum->ops;
	record_series(rec, &sum->series);
}

/* --- lookup -------------------------------------------------------------- */

struct open_looker {
	struct looker looker;
	struct opener opener;
	int error;
};

struct open_lookup {
	struct instance *in;
	uint64_t for_ns, seed;
	struct opener sum;
	struct open_looker by[];
};

static void open_mount_options(struct instance *in, struct mount_options *opt)
{
	opt->ag_count = in->bench->threads;
	opt->ag_blocks = 2 * LOOKUP_SMALL;
	opt->hash_hint = LOOKUP_SMALL;
	opt->headers_only = true;
}

static void open_footprint(const struct workload *w, const struct bench *b,
			   struct footprint *f)
{
	(void)w;
	f->buffers = (uint64_t)b->threads * LOOKUP_SMALL;
	f->bytes = sizeof(struct open_lookup) +
		   b->threads * (sizeof(struct open_looker) +
				 LOOKUP_SMALL * sizeof(uint64_t));
}

static void start_one(void *arg, unsigned int worker)
{
	struct open_lookup *o = arg;
	struct looker *me = &o->by[worker].looker;

	me->in = o->in;
	me->first = 1 + (uint64_t)worker * 2 * LOOKUP_SMALL;
	me->nr = LOOKUP_SMALL;
	me->at = me->first;
	o->by[worker].error = looker_fill(me, o->in->bench->seed + worker);
}

static int first_error(const struct open_lookup *o)
{
	for (unsigned int i = 0; i < o->in->bench->threads; i++)
		if (o->by[i].error)
			return o->by[i].error;
	return 0;
}

static int open_start(struct instance *in)
{
	unsigned int threads = in->bench->threads;
	struct pool_job job = { .run = start_one };
	struct open_lookup *o;
	size_t size;

	size = (sizeof(*o) + threads * sizeof(o->by[0]) + 127) / 128 * 128;
	o = aligned_alloc(128, size);
	if (!o)
		return -ENOMEM;
	memset(o, 0, size);
	o->in = in;
	in->random = in->bench->seed;
	in->private = o;
	job.arg = o;
	pool_run(in->bench->pool, threads, &job);
	return first_error(o);
}

static int look(void *arg)
{
	struct looker *me = arg;

	looker_look(me, 1);
	return me->error;
}

static void warm(void *arg, unsigned int worker)
{
	struct open_lookup *o = arg;
	struct looker *me = &o->by[worker].looker;

	looker_look(me, me->nr);
	task_take_waits(me->waits);
}

static void run(void *arg, unsigned int worker)
{
	struct open_lookup *o = arg;
	struct open_looker *me = &o->by[worker];

	me->error = opener_run(&me->opener, o->for_ns, PER_SECOND,
			       o->seed + worker, look, &me->looker);
	task_take_waits(me->looker.waits);
}

static int open_batch(struct instance *in, uint64_t ns, struct record *rec,
		      double *mean)
{
	struct open_lookup *o = in->private;
	const struct pool_job job = {
		.warm = warm,
		.run = run,
		.arg = o,
		.counted = rec,
	};

	o->for_ns = ns;
	/* The same arrivals for all fixes of a round, others in the next. */
	o->seed = bench_random(&in->random);
	memset(&o->sum, 0, sizeof(o->sum));
	pool_run(in->bench->pool, in->bench->threads, &job);
	for (unsigned int i = 0; i < in->bench->threads; i++) {
		opener_sum(&o->sum, &o->by[i].opener);
		if (rec)
			record_add_waits(rec, o->by[i].looker.waits);
	}
	*mean = o->sum.ops ? o->sum.total_ns / o->sum.ops : 0;
	if (rec)
		opener_record(&o->sum, rec);
	return first_error(o);
}

static void open_stop(struct instance *in)
{
	free(in->private);
	in->private = NULL;
}

static void open_describe(const struct bench *b, char *text, size_t size)
{
	snprintf(text, size,
		 "OPEN LOOP, %u arrivals a second at each of %u thread%s (Poisson, seeded), timed from when each was to start; %u cached buffers each, dependent keys",
		 PER_SECOND, b->threads, b->threads == 1 ? "" : "s",
		 LOOKUP_SMALL);
}

static struct workload open_lookup = {
	.name = "open/lookup",
	.summary = "hits on own buffers that arrive at a given rate",
	.operation = "lookup",
	.order = 50,
	.rounds = 5,
	.batch_ns = BATCH_NS,
	.timed = true,
	.only_lookups = true,
	.unfit = lookup_more_than_hits,
	.footprint = open_footprint,
	.mount_options = open_mount_options,
	.start = open_start,
	.batch = open_batch,
	.stop = open_stop,
	.describe = open_describe,
};

WORKLOAD(open_lookup)
