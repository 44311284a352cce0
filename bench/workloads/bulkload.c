// SPDX-License-Identifier: GPL-2.0-only
/*
 * bulkload: one loader builds and writes trees while nothing else happens.
 * Blocks of the load before are free again: their checkpoint is forced, out
 * of the timed region.
 */
#include "bench/workload.h"

#include <stdio.h>

#define AGS		4u
#define AG_BLOCKS	4096u		/* 16 MiB */
/* 63 leaves, loaded to three quarters, and their root. */
#define RECORDS		11907u

struct load_job {
	struct instance *in;
	uint64_t ops;
	struct record *rec;
	uint64_t total_ns;
	int error;
};

static const char *bulkload_unfit(const struct fix *fix)
{
	return fix->does_nothing ? "it loads nothing" : NULL;
}

static void bulkload_mount_options(struct instance *in,
				   struct mount_options *opt)
{
	(void)in;
	opt->ag_count = AGS;
	opt->ag_blocks = AG_BLOCKS;
}

static void load(void *arg, unsigned int worker)
{
	struct load_job *job = arg;
	struct instance *in = job->in;
	struct wait_stat before[WAIT_KINDS];

	(void)worker;
	for (uint64_t i = 0; i < job->ops && !job->error; i++) {
		struct repair_result res;
		uint64_t start, ns;

		in->fix->log_force(in->mp);
		task_take_waits(before);
		start = now_ns();
		job->error = in->fix->bulkload(in->mp, i % AGS, RECORDS, &res);
		ns = now_ns() - start;
		job->total_ns += ns;
		if (!job->rec || job->error)
			continue;
		record_operation(job->rec, ns);
		record_waits(job->rec);
		job->rec->misqueued += res.misqueued;
	}
}

static int bulkload_batch(struct instance *in, uint64_t ops,
			  struct record *rec, double *mean)
{
	struct load_job load_job = { .in = in, .ops = ops, .rec = rec };
	const struct pool_job job = { .run = load, .arg = &load_job };

	pool_run(in->bench->pool, 1, &job);
	*mean = (double)load_job.total_ns / ops;
	return load_job.error;
}

/* Each AG's blocks are in the cache from here on. */
static int bulkload_start(struct instance *in)
{
	double mean;

	return bulkload_batch(in, 2 * AGS, NULL, &mean);
}

static void bulkload_describe(const struct bench *b, char *text, size_t size)
{
	snprintf(text, size,
		 "1 loader, 64 blocks a load, nothing else happens, device %s",
		 b->device ? b->device : "memory");
}

static struct workload bulkload = {
	.name = "bulkload",
	.summary = "build and write trees, nothing else happening",
	.operation = "load",
	.order = 2,
	.rounds = 25,
	.batch_ns = 20000000,
	.microseconds = true,
	.loads = true,
	.uses_device = true,
	.unfit = bulkload_unfit,
	.mount_options = bulkload_mount_options,
	.start = bulkload_start,
	.batch = bulkload_batch,
	.describe = bulkload_describe,
};

WORKLOAD(bulkload)
