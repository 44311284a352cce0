// SPDX-License-Identifier: GPL-2.0-only
/*
 * repair_storm: an AG's tree is repaired again and again while the AIL
 * daemon writes what was changed in it just before.  The daemon's sleeps
 * are the kernel's, so a batch lasts twenty of its cycles.  At each root
 * commit the device is asked whether the new tree is durable.
 */
#include "bench/workload.h"

#include <stdio.h>

#define AG_BLOCKS	4096u		/* 16 MiB */
#define RECORDS		567u		/* three leaves and their root */
#define CHANGES		4u		/* to the tree before each repair */
#define AIL_CYCLE_NS	50000000ull	/* idle sleep of the daemon */
#define CYCLES		20u

struct storm_job {
	struct instance *in;
	uint64_t for_ns;
	struct record *rec;
	uint64_t total_ns, repairs;
	int error;
};

static const char *storm_unfit(const struct fix *fix)
{
	return fix->does_nothing ? "it repairs nothing" : NULL;
}

/* Called with the AG header locked, by the thread that repairs. */
static void root_commit(void *ctx, const struct tree_blocks *tree)
{
	struct instance *in = ctx;
	uint64_t start = now_ns();
	unsigned int i;

	for (i = 0; i < tree->nr; i++)
		if (device_generation(in->dev, tree->bno[i]) != tree->gen)
			break;
	in->checked++;
	in->violated += i < tree->nr;
	in->watch_ns += now_ns() - start;
}

static void storm_mount_options(struct instance *in, struct mount_options *opt)
{
	in->watch = (struct repair_watch){
		.root_commit = root_commit,
		.ctx = in,
	};
	opt->watch = &in->watch;
	opt->ag_count = 1;
	opt->ag_blocks = AG_BLOCKS;
}

static int stir(struct instance *in)
{
	int error;

	for (unsigned int i = 0; i < CHANGES; i++) {
		error = in->fix->tree_modify(in->mp, 0,
					     bench_random(&in->random));
		if (error)
			return error;
	}
	in->fix->log_force(in->mp);
	in->fix->ail_push_all(in->mp);
	return 0;
}

static void repair_one(struct storm_job *job)
{
	struct instance *in = job->in;
	struct wait_stat before[WAIT_KINDS];
	struct repair_result res;
	uint64_t start, ns;

	task_take_waits(before);
	in->watch_ns = 0;
	start = now_ns();
	job->error = in->fix->repair(in->mp, 0, RECORDS, &res);
	ns = now_ns() - start - in->watch_ns;
	job->total_ns += ns;
	job->repairs++;
	if (!job->rec || job->error)
		return;
	record_operation(job->rec, ns);
	record_waits(job->rec);
	job->rec->misqueued += res.misqueued;
}

static void storm(void *arg, unsigned int worker)
{
	struct storm_job *job = arg;
	uint64_t end = now_ns() + job->for_ns;

	(void)worker;
	do {
		job->error = stir(job->in);
		if (!job->error)
			repair_one(job);
	} while (!job->error && now_ns() < end);
}

static int storm_batch(struct instance *in, uint64_t ns, struct record *rec,
		       double *mean)
{
	struct storm_job storm_job = { .in = in, .for_ns = ns, .rec = rec };
	const struct pool_job job = { .run = storm, .arg = &storm_job };

	in->checked = 0;
	in->violated = 0;
	pool_run(in->bench->pool, 1, &job);
	if (rec) {
		rec->nr_ops += storm_job.repairs;
		rec->checked += in->checked;
		rec->violated += in->violated;
	}
	*mean = storm_job.repairs ?
			(double)storm_job.total_ns / storm_job.repairs :
			0;
	return storm_job.error;
}

/* A tree to change, and to warm up with. */
static int storm_start(struct instance *in)
{
	struct repair_result res;
	double mean;
	int error;

	in->random = in->bench->seed;
	error = in->fix->repair(in->mp, 0, RECORDS, &res);
	if (error)
		return error;
	return storm_batch(in, AIL_CYCLE_NS, NULL, &mean);
}

static void storm_describe(const struct bench *b, char *text, size_t size)
{
	snprintf(text, size,
		 "back to back, 4 blocks a tree, AIL busy, device %s",
		 b->device ? b->device : "memory");
}

static struct workload repair_storm = {
	.name = "repair_storm",
	.summary = "repair a tree again and again while the AIL is busy",
	.operation = "repair",
	.order = 3,
	.rounds = 2,
	.batch_ns = CYCLES * AIL_CYCLE_NS,
	.timed = true,
	.microseconds = true,
	.loads = true,
	.checks = true,
	.uses_device = true,
	.unfit = storm_unfit,
	.mount_options = storm_mount_options,
	.start = storm_start,
	.batch = storm_batch,
	.describe = storm_describe,
};

WORKLOAD(repair_storm)
