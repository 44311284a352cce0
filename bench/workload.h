/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a workload is to the runner.  One file in bench/workloads per
 * workload, which ends with WORKLOAD(name); no list is edited to add one.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "bench/pool.h"
#include "cache/fix.h"

/* Where and how a block measures. */
struct bench {
	struct pool *pool;
	unsigned int threads;		/* = workers of the pool */
	const char *device;		/* NULL: memory */
	uint64_t seed;
};

/* What one block saw of one fix in one workload. */
struct record {
	double *batch_ns;		/* figure of each batch, in order */
	unsigned int nr_batches;
	uint64_t *op_ns;		/* latency of each operation */
	uint64_t nr_ops, max_ops;
	struct wait_stat waits[WAIT_KINDS];
	uint64_t checked;		/* against the device's image */
	uint64_t violated;
	uint64_t misqueued;		/* blocks on somebody else's list */
	struct teardown left;
	char reason[160];		/* why there are no times; "": there are */
};

/* One fix's cache, for one workload. */
struct instance {
	const struct fix *fix;
	struct bench *bench;
	const struct workload *workload;
	struct device *dev;		/* NULL: not mounted now */
	struct mount *mp;
	struct record record;
	struct repair_watch watch;
	/* The workload's own: */
	void *private;
	uint64_t random;
	uint64_t checked, violated;	/* since mounted */
	uint64_t watch_ns;		/* spent checking, not the fix's */
};

struct workload {
	const char *name;
	const char *summary;
	const char *operation;		/* "lookup": ns per ... */
	int order;			/* in lists and tables */
	unsigned int rounds;		/* unless --rounds says other */
	uint64_t batch_ns;		/* so long a batch is to take */
	bool timed;			/* by the clock, not by a count */
	bool microseconds;		/* shown in; else nanoseconds */
	bool latencies;			/* records each operation's */
	bool checks;			/* compares blocks with the device */
	bool uses_device;		/* does I/O: --device matters */

	/* NULL, or why it has nothing to say of @fix. */
	const char *(*unfit)(const struct fix *fix);
	/* May set opt->watch to &in->watch. */
	void (*mount_options)(struct instance *in, struct mount_options *opt);
	/* After mount: fill the cache, build trees.  0 or -errno. */
	int (*start)(struct instance *in);
	/*
	 * One batch of @ops operations (timed: of that many ns).  The mean
	 * cost of one, in ns, goes to *@mean; latencies, waits and checks to
	 * @rec, if it is not NULL.  0 or -errno.
	 */
	int (*batch)(struct instance *in, uint64_t ops, struct record *rec,
		     double *mean);
	/* Before unmount. */
	void (*stop)(struct instance *in);
	/* How it was run, for the table's heading. */
	void (*describe)(const struct bench *b, char *text, size_t size);

	struct workload *next;		/* all of them, in order */
};

void workload_add(struct workload *w);
struct workload *workload_first(void);

#define WORKLOAD(name)							\
static void __attribute__((constructor)) add_##name(void)		\
{									\
	workload_add(&name);						\
}

/* For workloads: run_record.c. */
int record_operation(struct record *rec, uint64_t ns);
/* Add what the calling task has waited since task_take_waits(). */
void record_waits(struct record *rec);
/* The same for waits that were taken already. */
void record_add_waits(struct record *rec, const struct wait_stat *waits);
/* Small, fast, seeded; any seed will do. */
uint64_t bench_random(uint64_t *state);

#endif
