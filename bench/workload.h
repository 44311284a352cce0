/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a workload is to the runner.  One file in bench/workloads per
 * workload, which ends with WORKLOAD(name); no list is edited to add one.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "bench/histogram.h"
#include "bench/open_loop.h"
#include "bench/placement/plan_run.h"
#include "bench/pool.h"
#include "cache/fix.h"

struct device_class;
struct run_point;

/* Where and how a block measures. */
struct bench {
	struct pool *pool;
	unsigned int threads;		/* that look up: the pool's first */
	const char *device;		/* NULL: memory */
	uint64_t seed;
	struct plan_run *place;		/* NULL: not by a plan */
	const struct run_point *at;	/* the runner's own */
};

/*
 * What the caches of a workload take beyond their mount's options: see
 * bench/run/run_memory.c, which makes bytes of it.
 */
struct footprint {
	uint64_t buffers;	/* of one cache, at once, at most */
	uint64_t written;	/* of their blocks: memory devices keep them */
	uint64_t bytes;		/* the workload's own, per cache */
	uint64_t once;		/* the same for whichever is being filled */
	/* The allocator's, of all caches together, and per cache and round. */
	uint64_t kept, kept_per_round;
	unsigned int helpers;	/* threads started for each batch */
};

#define COUNTERS	24

/* Anything else a workload counts: "meetings", "lookups", ... */
struct counter {
	const char *name;		/* NULL: no more */
	double value;			/* summed; "max_...": the largest */
};

/* What one block saw of one fix in one workload. */
struct record {
	double *batch_ns;		/* cost of an operation, by round */
	unsigned int nr_batches;
	uint64_t nr_ops;		/* in all those batches */
	struct histogram latency;	/* of single operations, ns */
	struct wait_stat waits[WAIT_KINDS]; /* of whoever does operations */
	/* Others, for what a task of this fix held while it waited. */
	struct wait_stat stall;
	struct counter counters[COUNTERS];
	struct perf_set *perf;		/* of all workers; NULL: not opened */
	json_t *series;			/* open loops: of each batch */
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
	/* One more batch, of the instrumented copy: counts, and no times. */
	struct record counts;
	bool counting;			/* this is that copy's */
	struct repair_watch watch;
	double work;			/* operations done for one counted */
	/* The workload's own: */
	void *private;
	uint64_t random;
	uint64_t checked, violated;	/* since mounted */
	uint64_t watch_ns;		/* spent checking, not the fix's */
};

struct workload {
	const char *name;		/* "lookup/own": a file's, its case */
	const char *summary;
	const char *operation;		/* "lookup": ns per ... */
	const void *variant;		/* its file's: which case */
	int order;			/* in lists and tables */
	unsigned int rounds;		/* unless --rounds says other */
	uint64_t batch_ns;		/* so long a batch is to take */
	unsigned int min_threads;	/* with fewer it says nothing; 0: any */
	bool timed;			/* by the clock, not by a count */
	bool per_thread;		/* each worker does all operations */
	bool microseconds;		/* shown in; else nanoseconds */
	bool checks;			/* compares blocks with the device */
	bool uses_device;		/* does I/O: --device matters */
	const struct device_class *device_class; /* NULL: memory at once */
	bool loads;			/* bulk loads: "misqueued" has a meaning */
	bool stalls;			/* others wait too: "stall" has one */
	bool long_only;			/* by name or with --full only */
	bool large;			/* one fix mounted at a time: memory */
	bool alone;			/* a process per batch: cold, memory */
	bool sharing;			/* in --sweep */
	bool only_lookups;		/* an operation is one, and no more */

	/* NULL, or why it has nothing to say of @fix. */
	const char *(*unfit)(const struct fix *fix);
	/* All 0 before; derived from what the workload itself goes by. */
	void (*footprint)(const struct workload *w, const struct bench *b,
			  struct footprint *f);
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
	/*
	 * Not timed, after each batch, parked: latencies of single operations
	 * where a clock would disturb the batch.  NULL: the batch has them.
	 */
	int (*sample)(struct instance *in, struct record *rec);
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

/*
 * The least work that has the same effect, frozen, run in the same rounds:
 * a table like a fix's with no more than the workload calls.  One file in
 * bench/floor per workload, or in bench/floor/NAME if it is the floor of that
 * generation of the cache alone.
 */
struct floor {
	const char *group;		/* workloads that begin so: "lookup/" */
	const struct fix *fix;
	const char *sha256;		/* of its source, from the build */
	const char *cache;		/* generation; NULL: all */
	struct floor *next;
};

void floor_add(struct floor *f);
/* Those of the generation that was chosen. */
struct floor *floor_first(void);
struct floor *floor_next(const struct floor *f);
/* NULL: @fix is no floor. */
const struct floor *floor_of(const struct fix *fix);

/* From the build, for the files of one generation. */
#ifndef FLOOR_CACHE
#define FLOOR_CACHE NULL
#endif

#define FLOOR(name)							\
static void __attribute__((constructor)) add_##name(void)		\
{									\
	name.cache = FLOOR_CACHE;					\
	floor_add(&name);						\
}

/* For workloads: run_record.c. */
void record_operation(struct record *rec, uint64_t ns);
void record_count(struct record *rec, const char *name, double value);
/* One more batch's latencies over time. */
void record_series(struct record *rec, const struct open_series *series);
/* Sum, or the larger of both where the name begins with "max_". */
void counter_add(struct counter *c, double value);
/* Add what the calling task has waited since task_take_waits(). */
void record_waits(struct record *rec);
/* The same for waits that were taken already. */
void record_add_waits(struct record *rec, const struct wait_stat *waits);
void record_add_left(struct record *rec, const struct teardown *left);
/* Add all of @from but its batches. */
void record_merge(struct record *rec, const struct record *from);
/* Small, fast, seeded; any seed will do. */
uint64_t bench_random(uint64_t *state);
/* 0 to @nr - 1 in an order drawn from it. */
void bench_shuffle(unsigned int *v, unsigned int nr, uint64_t *random);

#endif
