// SPDX-License-Identifier: GPL-2.0-only
/*
 * repair_storm: an AG's tree is repaired again and again, its blocks coming
 * back, while the AIL daemon writes what was changed in it just before and
 * so many other buffers: 1, 10^3 or 10^5, all on its list at once.  The
 * daemon's sleeps are the kernel's, so a batch lasts twenty of its cycles.
 * At each root commit the device is asked whether the new tree is durable.
 */
#include "bench/device_class.h"
#include "bench/workloads/roles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define AG_BLOCKS	4096u		/* 16 MiB, and room for the others */
#define RECORDS		567u		/* three leaves and their root */
#define TREE_BLOCKS	4u
#define CHANGES		4u		/* to the tree before each repair */
#define AIL_CYCLE_NS	50000000ull	/* idle sleep of the daemon */
#define CYCLES		20u
/* Of the log, per other buffer; all have to fit in one checkpoint. */
#define LOG_PER_BUFFER	4096u

/* The AIL writes in this order: the tree's blocks come last. */
enum { OTHERS_AG, TREE_AG, AGS };

struct storm_case {
	uint64_t others;
	unsigned int in_a_row;		/* repairs after these changed */
};

static const struct storm_case one = { 1, 4 };
static const struct storm_case thousand = { 1000, 4 };
static const struct storm_case many = { 100000, 64 };

struct storm {
	uint64_t bno;			/* others: so many blocks from here */
	struct victim victim;
};

struct storm_job {
	struct instance *in;
	uint64_t for_ns;
	struct record *rec;
	uint64_t total_ns, repairs;
	int error;
};

static const struct storm_case *case_of(const struct instance *in)
{
	return in->workload->variant;
}

static const char *storm_unfit(const struct fix *fix)
{
	return fix->does_nothing ? "it repairs nothing" : NULL;
}

static const char *others_unfit(const struct fix *fix)
{
	return floor_of(fix) ? "it has no AIL: see repair_storm/1" :
			       storm_unfit(fix);
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
	uint64_t others = case_of(in)->others;

	in->watch = (struct repair_watch){
		.root_commit = root_commit,
		.ctx = in,
	};
	opt->watch = &in->watch;
	opt->ag_count = AGS;
	opt->ag_blocks = AG_BLOCKS + others;
	if (others * LOG_PER_BUFFER > opt->log_bytes)
		opt->log_bytes = others * LOG_PER_BUFFER;
}

static void storm_footprint(const struct workload *w, const struct bench *b,
			    struct footprint *f)
{
	const struct storm_case *c = w->variant;

	(void)b;
	/* Trees until the log is forced, which each repair does. */
	f->buffers = AGS + c->others + 2 * TREE_BLOCKS;
	f->written = f->buffers;
	f->bytes = sizeof(struct storm);
	f->helpers = 1;
}

/*
 * The tree first, so that the daemon has its blocks on the list before it
 * has come to the end of the others.
 */
static int stir(struct instance *in, uint64_t others)
{
	struct storm *s = in->private;
	int error;

	for (unsigned int i = 0; i < CHANGES; i++) {
		error = in->fix->tree_modify(in->mp, TREE_AG,
					     bench_random(&in->random));
		if (error)
			return error;
	}
	in->fix->log_force(in->mp);
	if (others && in->fix->dirty) {
		error = in->fix->dirty(in->mp, s->bno, others);
		if (error)
			return error;
		in->fix->log_force(in->mp);
	}
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
	job->error = in->fix->repair(in->mp, TREE_AG, RECORDS, &res);
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
	struct instance *in = job->in;
	const struct storm_case *c = case_of(in);
	uint64_t end = now_ns() + job->for_ns;
	struct wait_stat stall;

	(void)worker;
	task_take_stall();
	do {
		for (unsigned int i = 0; i < c->in_a_row && !job->error; i++) {
			job->error = stir(in, i ? 0 : c->others);
			if (!job->error)
				repair_one(job);
		}
	} while (!job->error && now_ns() < end);
	stall = task_take_stall();
	if (job->rec)
		role_add_stall(job->rec, &stall);
}

static int storm_run(struct instance *in, uint64_t ns, struct record *rec,
		     double *mean)
{
	struct storm_job storm_job = { .in = in, .for_ns = ns, .rec = rec };
	const struct pool_job job = {
		.run = storm,
		.arg = &storm_job,
		.counted = rec,
	};

	in->checked = 0;
	in->violated = 0;
	pool_run_from(in->bench->pool, role_loader(in->bench), 1, &job);
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

static int storm_batch(struct instance *in, uint64_t ns, struct record *rec,
		       double *mean)
{
	struct storm *s = in->private;
	struct role_counts counts;
	int error, error2;

	if (floor_of(in->fix))
		return storm_run(in, ns, rec, mean);
	role_count_start(in, &counts);
	error = victim_start(&s->victim);
	if (error)
		return error;
	error = storm_run(in, ns, rec, mean);
	error2 = victim_stop(&s->victim, rec);
	if (rec)
		role_count(in, &counts, false, rec);
	return error ? error : error2;
}

/* A tree to change, and to warm up with. */
static int storm_start(struct instance *in)
{
	int error = role_check_floor(in);
	struct repair_result res;
	struct storm *s;
	double mean;

	if (error)
		return error;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	in->private = s;
	in->random = in->bench->seed;
	if (!floor_of(in->fix)) {
		error = role_claim(in, OTHERS_AG, case_of(in)->others,
				   &s->bno);
		if (!error)
			error = victim_init(&s->victim, in, TREE_AG);
	}
	if (!error)
		error = in->fix->repair(in->mp, TREE_AG, RECORDS, &res);
	if (error)
		return error;
	return storm_run(in, AIL_CYCLE_NS, NULL, &mean);
}

static void storm_stop(struct instance *in)
{
	struct storm *s = in->private;

	if (s)
		victim_destroy(&s->victim);
	free(s);
	in->private = NULL;
}

static void describe(const struct bench *b, const struct storm_case *c,
		     const struct device_class *class, char *text, size_t size)
{
	const char *device = class ? class->name : "memory";

	if (b->device)
		device = b->device;
	snprintf(text, size,
		 "4 blocks a tree, %u repairs in a row after %llu other buffers go to the AIL; 1 thread (stall: what it is held up) takes the AG's header and changes an inode 5,000 times a second; device %s",
		 c->in_a_row, (unsigned long long)c->others, device);
}

/* On a device of @class, memory if NULL; then what else it has. */
#define STORM(id, place, kase, class, text, cycles, ...)		\
static void describe_##id(const struct bench *b, char *buf, size_t size) \
{									\
	describe(b, &kase, class, buf, size);				\
}									\
									\
static struct workload storm_##id = {					\
	.name = "repair_storm/" #id,					\
	.summary = "repair a tree again and again, " text,		\
	.operation = "repair",						\
	.variant = &kase,						\
	.order = place,							\
	.rounds = 3,							\
	.batch_ns = (cycles) * AIL_CYCLE_NS,				\
	.timed = true,							\
	.microseconds = true,						\
	.loads = true,							\
	.stalls = true,							\
	.checks = true,							\
	.uses_device = true,						\
	.device_class = class,						\
	.footprint = storm_footprint,					\
	.mount_options = storm_mount_options,				\
	.start = storm_start,						\
	.batch = storm_batch,						\
	.stop = storm_stop,						\
	.describe = describe_##id,					\
	__VA_ARGS__							\
};									\
									\
WORKLOAD(storm_##id)

STORM(1, 30, one, NULL, "1 other buffer on the AIL's list", CYCLES,
      .unfit = storm_unfit)
STORM(1k, 31, thousand, &device_nvme,
      "1,000 others on the AIL's list, on an NVMe drive", CYCLES,
      .unfit = others_unfit)
STORM(1k_memory, 32, thousand, NULL,
      "1,000 others on the AIL's list, on memory", CYCLES,
      .unfit = others_unfit, .long_only = true)
STORM(1k_sata, 33, thousand, &device_sata,
      "1,000 others on the AIL's list, on a SATA SSD", CYCLES,
      .unfit = others_unfit, .long_only = true)
STORM(1k_disk, 34, thousand, &device_disk,
      "1,000 others on the AIL's list, on a disk that turns", 4 * CYCLES,
      .unfit = others_unfit, .long_only = true)
STORM(100k, 35, many, &device_nvme,
      "100,000 others on the AIL's list, on an NVMe drive", 4 * CYCLES,
      .unfit = others_unfit, .long_only = true, .large = true)
