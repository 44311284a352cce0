// SPDX-License-Identifier: GPL-2.0-only
/*
 * lookup: find, lock and release cached buffers.  Each thread has an AG
 * and buffers of its own; each buffer names the next, in an order drawn
 * from the seed, so that lookups do not overlap in the processor.
 */
#include "bench/workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache/format.h"

#define BUFFERS		1024u		/* per thread */
#define AG_BLOCKS	(BUFFERS + 16)

/* Of one thread; by it alone, read between batches. */
struct looker {
	uint64_t at;			/* buffer to start from */
	struct wait_stat waits[WAIT_KINDS];
	int error;
} __attribute__((aligned(128)));

struct lookup {
	struct instance *in;
	uint64_t ops;
	struct looker looker[];
};

static uint64_t first_bno(unsigned int worker)
{
	/* Behind the AG's header. */
	return (uint64_t)worker * AG_BLOCKS + 1;
}

static void lookup_mount_options(struct instance *in,
				 struct mount_options *opt)
{
	opt->ag_count = in->bench->threads;
	opt->ag_blocks = AG_BLOCKS;
	opt->hash_hint = BUFFERS;
	opt->headers_only = true;
}

/* By the thread that will use it, so that the memory is its own. */
static void fill(void *arg, unsigned int worker)
{
	struct lookup *l = arg;
	struct looker *me = &l->looker[worker];
	const struct fix *fix = l->in->fix;
	uint64_t *order = calloc(BUFFERS, sizeof(*order));
	uint64_t random = l->in->bench->seed + worker;

	me->error = -ENOMEM;
	if (!order)
		return;
	for (uint64_t i = 0; i < BUFFERS; i++) {
		uint64_t j = bench_random(&random) % (i + 1);

		order[i] = order[j];
		order[j] = first_bno(worker) + i;
	}
	me->at = order[0];
	me->error = fix->bench_fill(l->in->mp, first_bno(worker), BUFFERS);
	if (!me->error)
		me->error = fix->bench_chain(l->in->mp, order, BUFFERS);
	free(order);
}

static int first_error(const struct lookup *l)
{
	for (unsigned int i = 0; i < l->in->bench->threads; i++)
		if (l->looker[i].error)
			return l->looker[i].error;
	return 0;
}

static int lookup_start(struct instance *in)
{
	unsigned int threads = in->bench->threads;
	struct pool_job job = { .run = fill };
	struct lookup *l;

	l = aligned_alloc(128, (sizeof(*l) + 127) / 128 * 128 +
				       threads * sizeof(l->looker[0]));
	if (!l)
		return -ENOMEM;
	l->in = in;
	in->private = l;
	job.arg = l;
	pool_run(in->bench->pool, threads, &job);
	return first_error(l);
}

/* Once round: what the other caches displaced comes back. */
static void warm(void *arg, unsigned int worker)
{
	struct lookup *l = arg;
	struct looker *me = &l->looker[worker];

	me->error = l->in->fix->bench_lookup_chain(l->in->mp, &me->at,
						   BUFFERS);
	task_take_waits(me->waits);
}

static void look(void *arg, unsigned int worker)
{
	struct lookup *l = arg;
	struct looker *me = &l->looker[worker];
	int error;

	error = l->in->fix->bench_lookup_chain(l->in->mp, &me->at, l->ops);
	if (error)
		me->error = error;
}

/* Not timed: takes the workers' waits to where the caller finds them. */
static void collect(void *arg, unsigned int worker)
{
	struct lookup *l = arg;

	task_take_waits(l->looker[worker].waits);
}

static int lookup_batch(struct instance *in, uint64_t ops, struct record *rec,
			double *mean)
{
	struct lookup *l = in->private;
	unsigned int i, threads = in->bench->threads;
	const struct pool_job job = { .warm = warm, .run = look, .arg = l };
	const struct pool_job after = { .run = collect, .arg = l };
	double sum = 0;

	l->ops = ops;
	pool_run(in->bench->pool, threads, &job);
	for (i = 0; i < threads; i++)
		sum += (double)pool_elapsed_ns(in->bench->pool, i) / ops;
	*mean = sum / threads;
	if (rec) {
		pool_run(in->bench->pool, threads, &after);
		for (i = 0; i < threads; i++)
			record_add_waits(rec, l->looker[i].waits);
	}
	return first_error(l);
}

static void lookup_stop(struct instance *in)
{
	free(in->private);
	in->private = NULL;
}

static void lookup_describe(const struct bench *b, char *text, size_t size)
{
	snprintf(text, size,
		 "%u thread%s, %u cached buffers each, headers only, dependent keys",
		 b->threads, b->threads == 1 ? "" : "s", BUFFERS);
}

static struct workload lookup = {
	.name = "lookup",
	.summary = "find, lock and release cached buffers",
	.operation = "lookup",
	.order = 1,
	.rounds = 200,
	.batch_ns = 1000000,
	.mount_options = lookup_mount_options,
	.start = lookup_start,
	.batch = lookup_batch,
	.stop = lookup_stop,
	.describe = lookup_describe,
};

WORKLOAD(lookup)
