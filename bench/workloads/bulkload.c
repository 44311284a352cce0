// SPDX-License-Identifier: GPL-2.0-only
/*
 * bulkload: one loader builds and writes trees.  idle: nothing else happens.
 * ail: another thread has directory blocks come and go in the same AGs and
 * keeps the AIL daemon busy, and a third one can be delayed.  cold: the first
 * load of a process that has done nothing else.  Blocks of the load before
 * are free again: their checkpoint is forced, out of the timed region.
 */
#include "bench/workloads/roles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define AGS		4u
#define AG_BLOCKS	4096u		/* 16 MiB */
/* 63 leaves, loaded to three quarters, and their root. */
#define RECORDS		11907u
#define TREE_BLOCKS	64u
/* So long a batch is, where the daemon's sleep of 50 ms is met. */
#define AIL_BATCH_NS	1000000000u

enum load_case { IDLE, AIL, COLD };

static const enum load_case idle = IDLE, ail = AIL, cold = COLD;

struct bulkload {
	struct dirtier dirtier;
	struct victim victim;
};

struct load_job {
	struct instance *in;
	uint64_t ops, for_ns;		/* whichever is not 0 */
	struct record *rec;
	uint64_t total_ns, done;
	int error;
};

static enum load_case case_of(const struct instance *in)
{
	return *(const enum load_case *)in->workload->variant;
}

static const char *bulkload_unfit(const struct fix *fix)
{
	return fix->does_nothing ? "it loads nothing" : NULL;
}

static const char *busy_unfit(const struct fix *fix)
{
	return floor_of(fix) ? "it has no AIL: see bulkload/idle" :
			       bulkload_unfit(fix);
}

static void bulkload_mount_options(struct instance *in,
				   struct mount_options *opt)
{
	(void)in;
	opt->ag_count = AGS;
	opt->ag_blocks = AG_BLOCKS;
}

/* In each AG its header, a tree, and the one that is built meanwhile. */
static void bulkload_footprint(const struct workload *w, const struct bench *b,
			       struct footprint *f)
{
	(void)b;
	f->buffers = AGS * (1 + 2 * TREE_BLOCKS);
	if (*(const enum load_case *)w->variant == AIL) {
		f->buffers += role_dirtier_buffers(AGS);
		f->bytes = sizeof(struct bulkload);
		f->kept = role_kept(AGS * AG_BLOCKS);
		f->helpers = 2;
	}
	f->written = f->buffers;
}

static void load_one(struct load_job *job)
{
	struct instance *in = job->in;
	struct wait_stat before[WAIT_KINDS];
	struct repair_result res;
	uint64_t start, ns;

	in->fix->log_force(in->mp);
	task_take_waits(before);
	start = now_ns();
	job->error = in->fix->bulkload(in->mp, job->done % AGS, RECORDS, &res);
	ns = now_ns() - start;
	job->total_ns += ns;
	job->done++;
	if (!job->rec || job->error)
		return;
	record_operation(job->rec, ns);
	record_waits(job->rec);
	job->rec->misqueued += res.misqueued;
}

static void load(void *arg, unsigned int worker)
{
	struct load_job *job = arg;
	uint64_t end = now_ns() + job->for_ns;
	struct wait_stat stall;

	(void)worker;
	task_take_stall();
	while (!job->error && (job->for_ns ? now_ns() < end || !job->done :
					     job->done < job->ops))
		load_one(job);
	stall = task_take_stall();
	if (job->rec)
		role_add_stall(job->rec, &stall);
}

static int run_loads(struct load_job *load_job, double *mean)
{
	const struct pool_job job = {
		.run = load,
		.arg = load_job,
		.counted = load_job->rec,
	};

	const struct bench *b = load_job->in->bench;

	pool_run_from(b->pool, role_loader(b), 1, &job);
	*mean = (double)load_job->total_ns / load_job->done;
	return load_job->error;
}

static int idle_batch(struct instance *in, uint64_t ops, struct record *rec,
		      double *mean)
{
	struct load_job job = { .in = in, .ops = ops, .rec = rec };
	struct role_counts counts;
	int error;

	role_count_start(in, &counts);
	error = run_loads(&job, mean);
	if (rec)
		role_count(in, &counts, false, rec);
	return error;
}

static int ail_batch(struct instance *in, uint64_t ns, struct record *rec,
		     double *mean)
{
	struct load_job job = { .in = in, .for_ns = ns, .rec = rec };
	struct bulkload *b = in->private;
	struct role_counts counts;
	int error, error2;

	role_count_start(in, &counts);
	error = dirtier_start(&b->dirtier);
	if (error)
		return error;
	error = victim_start(&b->victim);
	if (!error) {
		error = run_loads(&job, mean);
		error2 = victim_stop(&b->victim, rec);
		if (!error)
			error = error2;
	}
	error2 = dirtier_stop(&b->dirtier, rec);
	if (rec) {
		rec->nr_ops += job.done;
		role_count(in, &counts, false, rec);
	}
	return error ? error : error2;
}

/* Unless cold, each AG's blocks are in the cache from here on. */
static int bulkload_start(struct instance *in)
{
	struct load_job job = { .in = in, .ops = 2 * AGS };
	struct bulkload *b;
	double mean;
	int error = role_check_floor(in);

	if (error)
		return error;
	if (case_of(in) == COLD)
		return 0;
	if (case_of(in) == AIL) {
		b = calloc(1, sizeof(*b));
		if (!b)
			return -ENOMEM;
		in->private = b;
		error = dirtier_init(&b->dirtier, in, AGS);
		if (!error)
			error = victim_init(&b->victim, in, 0);
		if (error)
			return error;
	}
	return run_loads(&job, &mean);
}

static void bulkload_stop(struct instance *in)
{
	struct bulkload *b = in->private;

	if (b)
		victim_destroy(&b->victim);
	free(b);
	in->private = NULL;
}

static void idle_describe(const struct bench *b, char *text, size_t size)
{
	snprintf(text, size,
		 "1 loader, 64 blocks a load, nothing else happens, device %s",
		 b->device ? b->device : "memory");
}

static void cold_describe(const struct bench *b, char *text, size_t size)
{
	snprintf(text, size,
		 "the first load of a process, 64 blocks, a process per batch, there and back (ABBA), device %s",
		 b->device ? b->device : "memory");
}

static void ail_describe(const struct bench *b, char *text, size_t size)
{
	snprintf(text, size,
		 "1 loader, 64 blocks a load; 1 thread keeps the AIL busy and frees blocks in its AGs, 1 (stall: what it is held up) takes an AG's header and changes an inode 5,000 times a second; device %s",
		 b->device ? b->device : "memory");
}

static struct workload bulkload_idle = {
	.name = "bulkload/idle",
	.summary = "build and write trees, nothing else happening",
	.operation = "load",
	.variant = &idle,
	.order = 20,
	.rounds = 25,
	.batch_ns = 20000000,
	.microseconds = true,
	.loads = true,
	.uses_device = true,
	.unfit = bulkload_unfit,
	.footprint = bulkload_footprint,
	.mount_options = bulkload_mount_options,
	.start = bulkload_start,
	.batch = idle_batch,
	.stop = bulkload_stop,
	.describe = idle_describe,
};

static struct workload bulkload_ail = {
	.name = "bulkload/ail",
	.summary = "build and write trees where the AIL daemon is busy",
	.operation = "load",
	.variant = &ail,
	.order = 21,
	.rounds = 3,
	.batch_ns = AIL_BATCH_NS,
	.timed = true,
	.microseconds = true,
	.loads = true,
	.stalls = true,
	.uses_device = true,
	.unfit = busy_unfit,
	.footprint = bulkload_footprint,
	.mount_options = bulkload_mount_options,
	.start = bulkload_start,
	.batch = ail_batch,
	.stop = bulkload_stop,
	.describe = ail_describe,
};

static struct workload bulkload_cold = {
	.name = "bulkload/cold",
	.summary = "the first tree of a process, and the memory it takes",
	.operation = "load",
	.variant = &cold,
	.order = 22,
	.rounds = 4,
	.batch_ns = 1000000,
	.alone = true,
	.microseconds = true,
	.loads = true,
	.uses_device = true,
	.unfit = bulkload_unfit,
	.footprint = bulkload_footprint,
	.mount_options = bulkload_mount_options,
	.start = bulkload_start,
	.batch = idle_batch,
	.stop = bulkload_stop,
	.describe = cold_describe,
};

WORKLOAD(bulkload_idle)
WORKLOAD(bulkload_ail)
WORKLOAD(bulkload_cold)
