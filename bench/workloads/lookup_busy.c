// SPDX-License-Identifier: GPL-2.0-only
/*
 * lookup/busy: hits on own buffers while, in the same AGs, a bulk loader
 * writes blocks and the AIL daemon what is changed in the AGs' trees.  All
 * workers but the last look up and the loader has the last one's processor;
 * a single worker has its own, and the loader one of the daemons', which on
 * a machine of one processor is the same.  No root is committed: nothing
 * that a fix does wrong here can be seen by anybody.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/workloads/lookup.h"
#include "bench/workloads/roles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/affinity.h"

#define AG_BLOCKS	4096u		/* 16 MiB */
#define RECORDS		11907u		/* 63 leaves and their root */
#define TREE_BLOCKS	64u
#define CHANGES		8u		/* to a tree before each load */
/* Lookups in a row, without a look at the clock. */
#define CHUNK		1024u
#define BATCH_NS	100000000u

struct busy_looker {
	struct looker looker;
	struct histogram latency;
	uint64_t ns, ops;		/* of chunks */
	uint64_t samples, clock_ns;
};

struct busy {
	struct instance *in;
	unsigned int lookers;
	uint64_t for_ns;
	struct thread loader;
	uint64_t loads, misqueued;	/* by the loader, read after join */
	int load_error;
	struct busy_looker by[];
};

static int loader_cpu(const struct bench *b)
{
	int cpu = b->place ? plan_run_cpu(b->place, PLAN_LOADER) : -1;

	if (cpu >= 0 || b->threads < 2)
		return cpu;
	return pool_cpu(b->pool, b->threads - 1);
}

/* A loader that the plan places takes nobody's processor. */
static unsigned int nr_lookers(const struct bench *b)
{
	if (b->place && plan_run_cpu(b->place, PLAN_LOADER) >= 0)
		return b->threads;
	return b->threads > 1 ? b->threads - 1 : 1;
}

static void busy_mount_options(struct instance *in, struct mount_options *opt)
{
	opt->ag_count = nr_lookers(in->bench);
	opt->ag_blocks = AG_BLOCKS;
	opt->hash_hint = 2 * LOOKUP_SMALL;
}

/* A tree of each load, and the one that comes while the AIL has that. */
static void busy_footprint(const struct workload *w, const struct bench *b,
			   struct footprint *f)
{
	unsigned int lookers = nr_lookers(b);

	(void)w;
	f->written = lookers * (1 + 2 * TREE_BLOCKS);
	f->buffers = lookers * LOOKUP_SMALL + f->written;
	f->bytes = sizeof(struct busy) +
		   lookers * (sizeof(struct busy_looker) +
			      LOOKUP_SMALL * sizeof(uint64_t));
	f->helpers = 1;
}

/* --- before any batch --------------------------------------------------- */

static void start_one(void *arg, unsigned int worker)
{
	struct busy *busy = arg;
	struct instance *in = busy->in;
	struct looker *me = &busy->by[worker].looker;
	struct repair_result res;

	me->in = in;
	me->nr = LOOKUP_SMALL;
	/* Blocks that the loader will not be given. */
	me->error = role_claim(in, worker, me->nr, &me->first);
	if (!me->error)
		me->error = looker_fill(me, in->bench->seed + worker);
	if (!me->error)
		me->error = in->fix->repair(in->mp, worker, RECORDS, &res);
}

static int first_error(const struct busy *busy)
{
	for (unsigned int i = 0; i < busy->lookers; i++)
		if (busy->by[i].looker.error)
			return busy->by[i].looker.error;
	return busy->load_error;
}

static int busy_start(struct instance *in)
{
	unsigned int lookers = nr_lookers(in->bench);
	struct pool_job job = { .run = start_one };
	struct busy *busy;
	size_t size;

	size = (sizeof(*busy) + 127) / 128 * 128 +
	       lookers * sizeof(busy->by[0]);
	busy = aligned_alloc(128, size);
	if (!busy)
		return -ENOMEM;
	memset(busy, 0, size);
	busy->in = in;
	busy->lookers = lookers;
	in->private = busy;
	job.arg = busy;
	pool_run(in->bench->pool, lookers, &job);
	return first_error(busy);
}

/* --- batches ------------------------------------------------------------ */

static int load_one(struct busy *busy, unsigned int agno)
{
	struct instance *in = busy->in;
	struct repair_result res;
	int error;

	for (unsigned int i = 0; i < CHANGES; i++) {
		error = in->fix->tree_modify(in->mp, agno,
					     bench_random(&in->random));
		if (error)
			return error;
	}
	in->fix->log_force(in->mp);
	in->fix->ail_push_all(in->mp);
	error = in->fix->bulkload(in->mp, agno, RECORDS, &res);
	if (error)
		return error;
	busy->loads++;
	busy->misqueued += res.misqueued;
	return 0;
}

static void load(void *arg)
{
	struct busy *busy = arg;

	for (unsigned int agno = 0; !task_should_stop() && !busy->load_error;
	     agno = (agno + 1) % busy->lookers)
		busy->load_error = load_one(busy, agno);
}

static void warm(void *arg, unsigned int worker)
{
	struct busy *busy = arg;
	struct busy_looker *by = &busy->by[worker];

	looker_look(&by->looker, by->looker.nr);
	memset(&by->latency, 0, sizeof(by->latency));
	by->ns = by->ops = by->samples = by->clock_ns = 0;
	task_take_waits(by->looker.waits);
}

static void look(void *arg, unsigned int worker)
{
	struct busy *busy = arg;
	struct busy_looker *by = &busy->by[worker];
	struct looker *me = &by->looker;
	uint64_t now = now_ns(), end = now + busy->for_ns, start;

	do {
		start = now;
		looker_look(me, CHUNK);
		by->ns += now_ns() - start;
		by->ops += CHUNK;
		looker_sample(me);
		for (unsigned int i = 0; i < LOOKUP_SAMPLES; i++)
			histogram_add(&by->latency, me->ns[i]);
		by->samples += LOOKUP_SAMPLES;
		by->clock_ns += me->clock_ns;
		now = now_ns();
	} while (now < end && !me->error);
	task_take_waits(me->waits);
}

static void add_looker(const struct busy_looker *by, struct record *rec)
{
	histogram_merge(&rec->latency, &by->latency);
	record_add_waits(rec, by->looker.waits);
	record_count(rec, "clock_ns", by->clock_ns);
	rec->nr_ops += by->ops + by->samples;
}

static int busy_batch(struct instance *in, uint64_t ns, struct record *rec,
		      double *mean)
{
	struct busy *busy = in->private;
	struct pool *pool = in->bench->pool;
	const struct pool_job job = {
		.warm = warm,
		.run = look,
		.arg = busy,
		.counted = rec,
	};
	double sum = 0;
	int error;

	busy->for_ns = ns;
	busy->loads = busy->misqueued = 0;
	error = task_start(&busy->loader, "loader",
			   loader_cpu(in->bench), load, busy);
	if (error)
		return error;
	pool_run(pool, busy->lookers, &job);
	task_stop(&busy->loader);
	task_join(&busy->loader);
	for (unsigned int i = 0; i < busy->lookers; i++) {
		sum += (double)busy->by[i].ns / busy->by[i].ops;
		if (rec)
			add_looker(&busy->by[i], rec);
	}
	*mean = sum / busy->lookers;
	if (rec) {
		rec->misqueued += busy->misqueued;
		record_count(rec, "loads", busy->loads);
	}
	return first_error(busy);
}

static void busy_stop(struct instance *in)
{
	free(in->private);
	in->private = NULL;
}

static bool one_processor(void)
{
	return allowed_processors(NULL, 0) == 1;
}

static void busy_describe(const struct bench *b, char *text, size_t size)
{
	unsigned int n = nr_lookers(b);

	snprintf(text, size,
		 "%u looker%s, %u buffers each, dependent keys; 1 loader and the AIL %s, device %s",
		 n, n == 1 ? "" : "s", LOOKUP_SMALL,
		 one_processor() ? "on the same, only processor" :
				   "on other processors",
		 b->device ? b->device : "memory");
}

static struct workload lookup_busy = {
	.name = "lookup/busy",
	.summary = "hits while a bulk loader and the AIL write, in the same AGs",
	.operation = "lookup",
	.order = 19,
	.rounds = 10,
	.batch_ns = BATCH_NS,
	.timed = true,
	.only_lookups = true,
	.loads = true,
	.uses_device = true,
	.unfit = lookup_more_than_hits,
	.footprint = busy_footprint,
	.mount_options = busy_mount_options,
	.start = busy_start,
	.batch = busy_batch,
	.stop = busy_stop,
	.describe = busy_describe,
};

WORKLOAD(lookup_busy)
