// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: a repair loop per AG, modifiers, readers, a churn of
 * inodes and directory blocks, the shrinker, write errors, a caller of
 * sync.  No thread is ever held and no sleep scaled; what goes wrong goes
 * wrong by itself.
 */
#include "oracle.h"
#include "stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STRESS_AGS		2
#define STRESS_AG_BLOCKS	1024
#define STRESS_RECORDS		567	/* four blocks: trees alternate */
#define STRESS_INODES		48
#define STRESS_STALL_S		10	/* no progress for so long: a hang */

/* The workload's rhythm, none of it the cache's: see stress_run(). */
#define SYNC_MS			20	/* as `sync` in a loop */
#define PAUSE_US		100
#define CHANGES			4	/* of a tree before each repair */
#define ERROR_EVERY_MS		25
#define ERROR_FOR_MS		3

struct stress {
	const struct fix *fix;
	struct device *dev;
	struct mount *mp;
	int stop;
	uint64_t seed;
	/* Each on a line of its own; atomic. */
	uint64_t loads __attribute__((aligned(128)));
	uint64_t misqueued, not_durable, failed_loads;
	uint64_t walks __attribute__((aligned(128)));
	uint64_t reread;
	uint64_t modifies __attribute__((aligned(128)));
	uint64_t churns __attribute__((aligned(128)));
	uint64_t shrunk;
};

struct worker {
	struct thread thread;
	struct stress *st;
	unsigned int agno;
	uint64_t rnd;
	void (*fn)(void *arg);
	int done;		/* set last, by the worker */
};

static uint64_t next_random(uint64_t *x)
{
	/* xorshift64: any fixed seed but 0 will do. */
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static bool stopping(const struct stress *st)
{
	return smp_load_acquire(&st->stop);
}

/* Called by repair with the AG's header locked. */
static void root_commit(void *ctx, const struct tree_blocks *tree)
{
	struct stress *st = ctx;
	unsigned int i;

	for (i = 0; i < tree->nr; i++)
		if (device_generation(st->dev, tree->bno[i]) != tree->gen)
			break;
	if (i < tree->nr)
		count(&st->not_durable);
}

/* Else those who only look and churn leave no processor for the others. */
static void pause_a_little(void)
{
	sleep_ns(PAUSE_US * 1000ull, WAIT_NONE);
}

static void modify_one(struct worker *w)
{
	struct stress *st = w->st;
	int error = st->fix->tree_modify(st->mp, w->agno,
					 next_random(&w->rnd));

	if (error == -EUCLEAN || error == -EFSBADCRC)
		count(&st->reread);
	count(&st->modifies);
}

static void modify_loop(void *arg)
{
	struct worker *w = arg;

	while (!stopping(w->st)) {
		modify_one(w);
		pause_a_little();
	}
}

static void repair_one(struct worker *w)
{
	struct stress *st = w->st;
	struct repair_result res;

	if (st->fix->repair(st->mp, w->agno, STRESS_RECORDS, &res)) {
		count(&st->failed_loads);
		return;
	}
	count(&st->loads);
	if (res.misqueued)
		count(&st->misqueued);
}

/* As a caller who syncs what has changed before he repairs. */
static void repair_loop(void *arg)
{
	struct worker *w = arg;
	struct stress *st = w->st;

	while (!stopping(st)) {
		for (int i = 0; i < CHANGES; i++)
			modify_one(w);
		st->fix->log_force(st->mp);
		st->fix->ail_push_all(st->mp);
		repair_one(w);
	}
}

static void walk_loop(void *arg)
{
	struct worker *w = arg;
	struct stress *st = w->st;

	while (!stopping(st)) {
		int error = st->fix->tree_walk(st->mp, w->agno,
					       next_random(&w->rnd));

		if (error == -EUCLEAN || error == -EFSBADCRC)
			count(&st->reread);
		count(&st->walks);
		pause_a_little();
	}
}

static void inode_loop(void *arg)
{
	struct inode *inodes[STRESS_INODES] = { NULL };
	struct worker *w = arg;
	struct stress *st = w->st;

	while (!stopping(st)) {
		uint64_t r = next_random(&w->rnd);
		struct inode **ip = &inodes[r % STRESS_INODES];

		if (!*ip) {
			st->fix->inode_create(st->mp, w->agno, ip);
		} else if (r / STRESS_INODES % 4) {
			st->fix->inode_touch(*ip);
		} else {
			st->fix->inode_unlink(*ip);
			*ip = NULL;
		}
		count(&st->churns);
		pause_a_little();
	}
	for (int i = 0; i < STRESS_INODES; i++)
		if (inodes[i])
			st->fix->inode_unlink(inodes[i]);
}

static void dir_loop(void *arg)
{
	struct worker *w = arg;
	struct stress *st = w->st;

	while (!stopping(st)) {
		st->fix->dir_churn(st->mp, w->agno, next_random(&w->rnd));
		count(&st->churns);
		pause_a_little();
	}
}

static void sync_loop(void *arg)
{
	struct worker *w = arg;
	struct stress *st = w->st;

	while (!stopping(st)) {
		st->fix->log_force(st->mp);
		st->fix->ail_push_all(st->mp);
		st->shrunk += st->fix->shrink(st->mp, 16);
		sleep_ns(SYNC_MS * 1000000ull, WAIT_NONE);
	}
}

/* A few blocks somewhere cannot be written for a moment. */
static void error_loop(void *arg)
{
	struct worker *w = arg;
	struct stress *st = w->st;

	while (!stopping(st)) {
		uint64_t bno = next_random(&w->rnd) %
			       (STRESS_AGS * STRESS_AG_BLOCKS - 4);

		if (bno % STRESS_AG_BLOCKS > 64)
			bno = bno / STRESS_AG_BLOCKS * STRESS_AG_BLOCKS +
			      bno % 64;
		device_fail_writes(st->dev, bno, 4, -EIO);
		sleep_ns(ERROR_FOR_MS * 1000000ull, WAIT_NONE);
		device_fail_writes(st->dev, bno, 4, 0);
		sleep_ns(ERROR_EVERY_MS * 1000000ull, WAIT_NONE);
	}
}

struct job {
	const char *name;
	void (*fn)(void *arg);
	bool per_ag;
};

static const struct job jobs[] = {
	{ "repair", repair_loop, true },
	{ "modify", modify_loop, true },
	{ "walk", walk_loop, true },
	{ "inode", inode_loop, true },
	{ "dir", dir_loop, true },
	{ "sync", sync_loop, false },
	{ "errors", error_loop, false },
};

#define NR_JOBS		(sizeof(jobs) / sizeof(jobs[0]))
#define MAX_WORKERS	(NR_JOBS * STRESS_AGS)

static void worker_main(void *arg)
{
	struct worker *w = arg;

	w->fn(w);
	smp_store_release(&w->done, 1);
}

/* All of them, or -errno: with fewer it is another stress. */
static int start_workers(struct stress *st, struct worker *workers,
			 unsigned int *nr)
{
	unsigned int n = 0;
	int error = 0;

	for (unsigned int j = 0; j < NR_JOBS; j++)
		for (unsigned int a = 0;
		     a < (jobs[j].per_ag ? STRESS_AGS : 1); a++) {
			struct worker *w = &workers[n];

			*w = (struct worker){
				.st = st,
				.agno = a,
				.fn = jobs[j].fn,
				.rnd = (st->seed + 1) * 0x9e3779b97f4a7c15u +
				       n * 7919 + 1,
			};
			error = error ? error :
					task_start(&w->thread, jobs[j].name,
						   -1, worker_main, w);
			n += !error;
		}
	*nr = n;
	return error;
}

static uint64_t progress(struct stress *st)
{
	return READ_ONCE(st->loads) + READ_ONCE(st->failed_loads);
}

/* True if it ran its time, false if repairs stopped getting anywhere. */
static bool run_for(struct stress *st, double seconds)
{
	uint64_t end = now_ns() + seconds * 1e9, last = 0, since = now_ns();

	while (now_ns() < end) {
		uint64_t now = progress(st);

		sleep_ns(10000000, WAIT_NONE);
		if (now != last) {
			last = now;
			since = now_ns();
		} else if (now_ns() - since > STRESS_STALL_S * 1000000000ull) {
			return false;
		}
	}
	return true;
}

/* True if all of them came to their end. */
static bool stop_workers(struct stress *st, struct worker *workers,
			 unsigned int n)
{
	uint64_t end = now_ns() + STRESS_STALL_S * 1000000000ull;

	smp_store_release(&st->stop, 1);
	for (unsigned int i = 0; i < n; i++)
		while (!smp_load_acquire(&workers[i].done)) {
			if (now_ns() > end)
				return false;
			sleep_ns(1000000, WAIT_NONE);
		}
	while (n--)
		task_join(&workers[n].thread);
	return true;
}

/* Nobody else runs, the device works: what is not shut down can repair. */
static uint64_t broken_ags(struct stress *st)
{
	uint64_t broken = 0;

	for (unsigned int a = 0; a < STRESS_AGS; a++) {
		struct repair_result res;

		broken += st->fix->repair(st->mp, a, STRESS_RECORDS, &res) != 0;
	}
	return broken;
}

static void take_results(struct stress *st, struct stress_result *res)
{
	res->loads = st->loads;
	res->misqueued = st->misqueued;
	res->not_durable = st->not_durable;
	res->failed_loads = st->failed_loads;
	res->reread = st->reread;
	res->walks = st->walks;
	res->modifies = st->modifies;
	res->churns = st->churns;
	res->shrunk = st->shrunk;
	res->stale_writes = device_stat(st->dev).stale_writes;
}

int stress_run(const struct fix *fix, double seconds, uint64_t seed,
	       struct stress_result *res, char *who, size_t who_size)
{
	struct device_options dopt = {
		.nblocks = STRESS_AGS * STRESS_AG_BLOCKS + 256,
		.delay_ns = 50000,
		.jitter_ns = 150000,
		.seed = seed,
		.threads = 2,
		.generations = true,
	};
	struct stress *st = aligned_alloc(128, (sizeof(*st) + 127) & ~127ul);
	struct worker workers[MAX_WORKERS];
	struct repair_watch watch = { .root_commit = root_commit, .ctx = st };
	struct mount_options opt;
	uint64_t start = now_ns();
	unsigned int n;
	FILE *out;
	int error;

	memset(res, 0, sizeof(*res));
	if (!st)
		return -ENOMEM;
	memset(st, 0, sizeof(*st));
	fix = fix->counting;	/* misqueued blocks, for one */
	st->fix = fix;
	st->seed = seed;
	error = device_open(&dopt, &st->dev, who, who_size);
	if (error)
		goto out_free;
	opt = (struct mount_options){
		.device = st->dev,
		.ag_count = STRESS_AGS,
		.ag_blocks = STRESS_AG_BLOCKS,
		.log_bytes = 16 << 20,
		.watch = &watch,
	};
	error = fix->mount(&opt, &st->mp);
	if (error)
		goto out_close;

	error = start_workers(st, workers, &n);
	res->hung = !run_for(st, error ? 0 : seconds) ||
		    !stop_workers(st, workers, n);
	if (res->hung) {
		/* What hangs cannot be joined: the process ends with it. */
		out = fmemopen(who, who_size, "w");
		if (out) {
			stage_who(NULL, out);
			fclose(out);
		}
		take_results(st, res);
		res->seconds = (now_ns() - start) / 1e9;
		return error;
	}
	res->broken_ags = broken_ags(st);
	fix->unmount(st->mp, &res->left);
	take_results(st, res);
	res->seconds = (now_ns() - start) / 1e9;
out_close:
	device_close(st->dev);
out_free:
	free(st);
	return error;
}
