// SPDX-License-Identifier: GPL-2.0-only
/*
 * churn: every thread creates, changes and unlinks inodes and directory
 * blocks, so that inode clusters and directory blocks are freed and used
 * again, under the AIL daemon and without any repair: how often does a
 * lookup meet a buffer that is stale and still on a list, what does that
 * cost, and what is held meanwhile?  open/churn: the same operations, but
 * arriving at a given rate.
 */
#include "bench/workloads/open.h"
#include "bench/workloads/roles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGS		2u		/* a power of two */
#define AG_BLOCKS	4096u		/* 16 MiB */
#define INODES		128u		/* of a thread, at most: 2 chunks */
#define BATCH_NS	1000000000ull	/* twenty idle sleeps of the daemon */
/* So often somebody wants everything on disk. */
#define SYNC_NS		5000000ull
#define PER_SECOND	10000u		/* arrivals at each thread */

static const bool closed_loop, open_loop = true;

/* Of one thread, by it alone; read between batches. */
struct churner {
	struct inode *inode[INODES];	/* a ring: the oldest goes first */
	uint64_t created, unlinked;
	uint64_t random;
	struct opener seen;		/* closed: ->latency and ->ops only */
	struct wait_stat waits[WAIT_KINDS];
	struct wait_stat stall;
	struct instance *in;
	int error;
} __attribute__((aligned(128)));

struct churn {
	struct instance *in;
	uint64_t for_ns, seed;
	struct thread syncer;
	struct opener sum;
	struct churner by[];
};

static const char *churn_unfit(const struct fix *fix)
{
	return fix->does_nothing ? "it has no inodes" : NULL;
}

static void churn_mount_options(struct instance *in, struct mount_options *opt)
{
	(void)in;
	opt->ag_count = AGS;
	opt->ag_blocks = AG_BLOCKS;
}

/*
 * What is freed stays until its checkpoint.  Without a pause between
 * operations that is up to half of the AGs; else what arrives meanwhile.
 */
static void churn_footprint(const struct workload *w, const struct bench *b,
			    struct footprint *f)
{
	uint64_t blocks = AGS * AG_BLOCKS;

	f->buffers = blocks / 2;
	if (*(const bool *)w->variant)
		f->buffers = b->threads * PER_SECOND * 10 * SYNC_NS /
			     1000000000u;
	if (f->buffers > blocks)
		f->buffers = blocks;
	f->bytes = sizeof(struct churn) + b->threads * sizeof(struct churner);
	f->kept = role_kept(blocks);
	f->helpers = 1;
}

static int unlink_oldest(struct instance *in, struct churner *me)
{
	struct inode **ip = &me->inode[me->unlinked++ % INODES];
	int error = in->fix->inode_unlink(*ip);

	*ip = NULL;
	return error;
}

/* One operation: on inodes or, as often, on directory blocks. */
static int step(struct instance *in, struct churner *me)
{
	uint64_t r = bench_random(&me->random), live, pick = r >> 16;
	unsigned int agno = r >> 8 & (AGS - 1);

	if (r % 2)
		return in->fix->dir_churn(in->mp, agno, pick);
	live = me->created - me->unlinked;
	if (live && r / 2 % 4 == 0) {
		pick = (me->unlinked + pick % live) % INODES;
		return in->fix->inode_touch(me->inode[pick]);
	}
	if (live == INODES || (live && r / 8 % 2))
		return unlink_oldest(in, me);
	return in->fix->inode_create(in->mp, agno,
				     &me->inode[me->created++ % INODES]);
}

static int step_one(void *arg)
{
	struct churner *me = arg;

	return step(me->in, me);
}

static int step_on(struct churner *me, uint64_t for_ns)
{
	struct opener *seen = &me->seen;
	uint64_t begin, start, now;
	int error;

	memset(&seen->latency, 0, sizeof(seen->latency));
	seen->ops = 0;
	begin = start = now_ns();
	do {
		error = step(me->in, me);
		now = now_ns();
		histogram_add(&seen->latency, now - start);
		start = now;
		seen->ops++;
	} while (now - begin < for_ns && !error);
	seen->total_ns = now - begin;
	return error;
}

static bool is_open(const struct instance *in)
{
	return *(const bool *)in->workload->variant;
}

static void churn(void *arg, unsigned int worker)
{
	struct churn *c = arg;
	struct churner *me = &c->by[worker];

	me->in = c->in;
	task_take_waits(me->waits);
	task_take_stall();
	if (is_open(c->in))
		me->error = opener_run(&me->seen, c->for_ns, PER_SECOND,
				       c->seed + worker, step_one, me);
	else
		me->error = step_on(me, c->for_ns);
	task_take_waits(me->waits);
	me->stall = task_take_stall();
}

static void sync_main(void *arg)
{
	struct instance *in = arg;

	while (!task_should_stop()) {
		in->fix->log_force(in->mp);
		in->fix->ail_push_all(in->mp);
		sleep_ns(SYNC_NS, WAIT_IDLE);
	}
	role_staler_seen(in->bench);
}

static int churn_run(struct instance *in, uint64_t ns, bool counted)
{
	struct churn *c = in->private;
	const struct pool_job job = {
		.run = churn,
		.arg = c,
		.counted = counted,
	};
	int error;

	c->for_ns = ns;
	error = task_start(&c->syncer, "sync",
			   in->bench->place ? role_staler_cpu(in->bench) : -1,
			   sync_main, in);
	if (error)
		return error;
	pool_run(in->bench->pool, in->bench->threads, &job);
	task_stop(&c->syncer);
	task_join(&c->syncer);
	for (unsigned int i = 0; i < in->bench->threads; i++)
		if (c->by[i].error)
			return c->by[i].error;
	return 0;
}

static void record_churner(const struct churner *by, struct record *rec)
{
	record_add_waits(rec, by->waits);
	role_add_stall(rec, &by->stall);
}

static double record_all(struct churn *c, struct record *rec)
{
	unsigned int threads = c->in->bench->threads;
	double sum = 0;

	memset(&c->sum, 0, sizeof(c->sum));
	for (unsigned int i = 0; i < threads; i++) {
		const struct opener *seen = &c->by[i].seen;

		opener_sum(&c->sum, seen);
		sum += seen->ops ? seen->total_ns / seen->ops : 0;
		if (rec)
			record_churner(&c->by[i], rec);
	}
	if (rec && is_open(c->in)) {
		opener_record(&c->sum, rec);
	} else if (rec) {
		histogram_merge(&rec->latency, &c->sum.latency);
		rec->nr_ops += c->sum.ops;
	}
	return sum / threads;
}

static int churn_batch(struct instance *in, uint64_t ns, struct record *rec,
		       double *mean)
{
	struct churn *c = in->private;
	struct role_counts counts;
	int error;

	/* The same arrivals for all fixes of a round, others in the next. */
	c->seed = bench_random(&in->random);
	role_count_start(in, &counts);
	error = churn_run(in, ns, rec);
	if (error)
		return error;
	*mean = record_all(c, rec);
	if (rec)
		role_count(in, &counts, true, rec);
	return 0;
}

static int churn_start(struct instance *in)
{
	size_t size = sizeof(struct churn) +
		      in->bench->threads * sizeof(struct churner);
	struct churn *c;

	size = (size + 127) / 128 * 128;
	c = aligned_alloc(128, size);
	if (!c)
		return -ENOMEM;
	memset(c, 0, size);
	c->in = in;
	in->private = c;
	in->random = in->bench->seed;
	for (unsigned int i = 0; i < in->bench->threads; i++)
		c->by[i].random = in->bench->seed + i;
	return churn_run(in, BATCH_NS / 20, false);
}

static void churn_stop(struct instance *in)
{
	struct churn *c = in->private;

	for (unsigned int i = 0; c && i < in->bench->threads; i++)
		while (c->by[i].unlinked < c->by[i].created)
			unlink_oldest(in, &c->by[i]);
	free(c);
	in->private = NULL;
}

static void churn_describe(const struct bench *b, char *text, size_t size)
{
	snprintf(text, size,
		 "%u thread%s in the same %u AGs, inodes and directory blocks created, changed and freed, a sync every 5 ms, device %s; stall: what they are held up by each other's waits for a list",
		 b->threads, b->threads == 1 ? "" : "s", AGS,
		 b->device ? b->device : "memory");
}

static void open_describe(const struct bench *b, char *text, size_t size)
{
	snprintf(text, size,
		 "OPEN LOOP, %u arrivals a second at each of %u thread%s (Poisson, seeded), timed from when each was to start; else as churn, also what stall is; device %s",
		 PER_SECOND, b->threads, b->threads == 1 ? "" : "s",
		 b->device ? b->device : "memory");
}

#define CHURN(id, _name, _summary, _order, _rounds, _open, _describe)	\
static struct workload id = {						\
	.name = _name,							\
	.summary = _summary,						\
	.operation = "operation",					\
	.variant = &_open,						\
	.order = _order,						\
	.rounds = _rounds,						\
	.batch_ns = BATCH_NS,						\
	.timed = true,							\
	.microseconds = true,						\
	.stalls = true,							\
	.uses_device = true,						\
	.unfit = churn_unfit,						\
	.footprint = churn_footprint,					\
	.mount_options = churn_mount_options,				\
	.start = churn_start,						\
	.batch = churn_batch,						\
	.stop = churn_stop,						\
	.describe = _describe,						\
};									\
WORKLOAD(id)

CHURN(churn_workload, "churn", "inode clusters and directory blocks freed and reused",
      40, 3, closed_loop, churn_describe)
CHURN(open_churn, "open/churn", "the same as churn, arriving at a given rate",
      51, 2, open_loop, open_describe)
