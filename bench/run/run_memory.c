// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory a workload needs, by its own parameters, and whether that
 * is there.  What does not fit is skipped, and both numbers are said: else
 * the kernel would kill the run, and each that resumes it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run_memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"
#include "bench/machine/machine_memory.h"
#include "cache/format.h"
#include "cache/hash.h"

#define MIB		(1ull << 20)
/* What the mount and the device start: log, its I/O, hash, AIL, completion. */
#define DAEMONS		5u
/* The allocator's: an arena's address space, and of it what is touched. */
#define ARENAS_PER_CPU	8u
#define ARENA_BYTES	(64 * MIB)
#define HUGE_PAGE	(2 * MIB)
/* Beyond the sum, for what allocator and huge pages round up. */
#define ROUNDING	12u

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* --- one cache ---------------------------------------------------------- */

/*
 * What glibc takes for an aligned_alloc(@align, @size): it asks itself for
 * @align and the least chunk more, and cuts the block out of that.
 */
static uint64_t aligned_bytes(uint64_t size, uint64_t align)
{
	uint64_t chunk = (size + 8 + 15) / 16 * 16;

	return (chunk + align + 32 + 8 + 15) / 16 * 16;
}

/*
 * Headers fit in what an aligned block of contents leaves unused.  A floor,
 * which is frozen and does not tell, has as many lines as the baseline.
 */
static uint64_t buffer_bytes(const struct fix *fix,
			     const struct mount_options *opt)
{
	uint64_t header = fix->buf_bytes ? fix->buf_bytes : fixes[0]->buf_bytes;

	if (!opt->headers_only)
		return 2 * BLOCK_SIZE;
	return aligned_bytes((header + 63) / 64 * 64, 64);
}

static uint64_t table_bytes(const struct mount_options *opt)
{
	uint64_t size = HASH_MIN_SIZE;

	while (size / 4 * 3 < opt->hash_hint)
		size *= 2;
	return opt->ag_count *
	       (size * sizeof(struct hash_node *) + opt->ag_blocks);
}

static void cache_need(const struct bench *b, const struct mount_options *opt,
		       const struct workload *w, const struct footprint *f,
		       const struct fix *fix, struct memory_need *need)
{
	uint64_t blocks = (uint64_t)opt->ag_count * opt->ag_blocks + LOG_BLOCKS;

	need->resident = f->buffers * buffer_bytes(fix, opt) +
			 table_bytes(opt) + f->bytes +
			 BLOCKS_PER_ICLOG * BLOCK_SIZE;
	need->mapped = need->resident;
	if (!b->device || !w->uses_device) {
		need->resident += (f->written + LOG_RECORDS) * BLOCK_SIZE;
		need->mapped += blocks * BLOCK_SIZE;
	}
	if (w->checks)
		need->mapped += blocks * sizeof(uint64_t);
}

/* Of all caches that are there at once. */
static void add_caches(const struct workload *w, const struct bench *b,
		       const struct fix *const *list, unsigned int nr,
		       const struct footprint *f, bool one,
		       struct memory_need *need)
{
	struct mount_options opt;

	workload_mount_options(w, b, &opt);
	for (unsigned int i = 0; i < nr; i++) {
		struct memory_need cache;

		cache_need(b, &opt, w, f, list[i], &cache);
		if (one) {
			need->resident = max(need->resident, cache.resident);
			need->mapped = max(need->mapped, cache.mapped);
			continue;
		}
		need->resident += cache.resident;
		need->mapped += cache.mapped;
	}
}

/* --- threads ------------------------------------------------------------ */

static unsigned int processors(void)
{
	unsigned int *cpus, nr;

	if (machine_cpus(&cpus, &nr))
		return 1;
	free(cpus);
	return nr;
}

/* Each has a stack; all that ever ran have left arenas, up to a number. */
static void add_threads(uint64_t live, uint64_t ever, struct memory_need *need)
{
	uint64_t arenas = min(ever, ARENAS_PER_CPU * processors());
	pthread_attr_t attr;
	size_t stack = 8 * MIB;

	if (!pthread_getattr_default_np(&attr)) {
		pthread_attr_getstacksize(&attr, &stack);
		pthread_attr_destroy(&attr);
	}
	need->resident += (arenas + 1) * HUGE_PAGE;
	need->mapped += live * stack + (arenas + 1) * ARENA_BYTES;
}

void run_memory_need(const struct workload *w, const struct bench *b,
		     const struct fix *const *list, unsigned int nr,
		     unsigned int rounds, struct memory_need *need)
{
	bool one = w->large || w->alone || (b->device && w->uses_device);
	uint64_t caches = one ? 1 : nr, once, live;
	struct footprint f = { 0 };

	*need = (struct memory_need){ 0 };
	w->footprint(w, b, &f);
	add_caches(w, b, list, nr, &f, one, need);
	once = f.once + f.kept + caches * rounds * f.kept_per_round;
	need->resident += once;
	need->mapped += once;
	/* A loader of its own, the main thread, the one that frees for RCU. */
	live = 3 + b->threads + caches * DAEMONS;
	add_threads(live + f.helpers,
		    live + (uint64_t)rounds * nr * f.helpers, need);
	need->resident += need->resident / ROUNDING;
	need->mapped += need->mapped / ROUNDING;
}

/* --- does it fit? ------------------------------------------------------- */

/* The process's own, before it has measured anything; 0: not told. */
static uint64_t start_resident, start_mapped;

void run_memory_start(void)
{
	if (start_mapped)
		return;
	start_resident = machine_memory_own("VmRSS");
	start_mapped = machine_memory_own("VmSize");
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void say(struct memory_fit *fit, const char *what, uint64_t needs,
		uint64_t here, const char *limit)
{
	fit->needs = needs;
	fit->here = here;
	if (here == UINT64_MAX) {
		snprintf(fit->why, sizeof(fit->why),
			 "needs %llu MiB%s, what is here is not told",
			 (unsigned long long)((needs + MIB - 1) / MIB), what);
		return;
	}
	/* Rounded so that a need is never shown as what there is. */
	snprintf(fit->why, sizeof(fit->why),
		 "needs %llu MiB%s, %llu here (%.56s)",
		 (unsigned long long)((needs + MIB - 1) / MIB), what,
		 (unsigned long long)(here / MIB), limit);
}

bool run_memory_plan_room(const struct plan *plan, struct memory_room *room)
{
	uint64_t sum = 0, bytes;
	char limit[64];

	*room = (struct memory_room){ .bytes = UINT64_MAX };
	for (unsigned int i = 0; i < plan->nr; i++) {
		int node = plan->entry[i].node;
		unsigned int k = 0;

		while (k < i && plan->entry[k].node != node)
			k++;
		if (k < i)
			continue;
		/* Over all nodes, or not told. */
		if (node < 0 || machine_node_room(node, &bytes))
			return false;
		sum += bytes;
	}
	if (!plan->nr)
		return false;
	snprintf(limit, sizeof(limit), "of memory node %d%s",
		 plan->entry[0].node,
		 plan->nr > 1 ? " and its other threads'" : "");
	memory_room_limit(room, sum, limit);
	return true;
}

/* Of the nodes where @at has its memory. */
static bool nodes_room(const struct run_point *at, struct memory_room *room)
{
	struct topology *here;
	struct plan plan;
	char why[256];
	bool told;
	int error;

	if (!at || !at->placed ||
	    topology_load("this", &here, why, sizeof(why)))
		return false;
	error = plan_make(here, &at->req, &plan);
	topology_free(here);
	if (error)
		return false;
	told = run_memory_plan_room(&plan, room);
	plan_free(&plan);
	return told;
}

bool run_memory_fits(const struct memory_need *need,
		     const struct run_point *at, struct memory_fit *fit)
{
	struct memory_room room, node, space;
	uint64_t here;

	run_memory_start();
	machine_memory_room(&room);
	if (nodes_room(at, &node))
		memory_room_limit(&room, node.bytes, node.limit);
	/*
	 * What workers and earlier workloads have is theirs to use again; of
	 * the program's file nothing is charged to who maps it.
	 */
	here = room.bytes;
	if (room.limit[0])
		here += machine_memory_own("RssAnon");
	say(fit, "", start_resident + need->resident, here, room.limit);
	if (fit->needs > fit->here)
		return false;
	machine_address_room(&space);
	if (!space.limit[0])
		return true;
	here = space.bytes + less(machine_memory_own("VmSize"), start_mapped);
	if (need->mapped <= here)
		return true;
	say(fit, " of address space", need->mapped, here, space.limit);
	return false;
}

/* --- without a run ------------------------------------------------------ */

bool run_memory_of(const struct cli *cli, const struct workload *w,
		   unsigned int threads, struct memory_fit *fit)
{
	struct bench b = {
		.threads = threads ? threads : processors(),
		.device = cli->device,
	};
	const struct fix *list[RUN_FIELD];
	struct memory_need need;
	unsigned int nr = 0;

	for (struct floor *f = floor_first(); f && nr < RUN_FIELD;
	     f = floor_next(f))
		if (!strncmp(w->name, f->group, strlen(f->group)) &&
		    !(w->unfit && w->unfit(f->fix)))
			list[nr++] = f->fix;
	for (unsigned int i = 0; i < cli->nr_fixes && nr < RUN_FIELD; i++)
		if (!(w->unfit && w->unfit(cli->fixes[i])))
			list[nr++] = cli->fixes[i];
	run_memory_need(w, &b, list, nr, run_rounds_of(w, cli), &need);
	return run_memory_fits(&need, NULL, fit);
}

bool run_memory_hazards(struct memory_fit *fit)
{
	/* The oracle's stage: all of a device's image, and small arenas. */
	enum { DEVICE_BLOCKS = 4096, THREADS = 16, ARENA_KIB = 132 };
	struct memory_need need = { .mapped = DEVICE_BLOCKS * BLOCK_SIZE };

	add_threads(THREADS, THREADS, &need);
	need.resident = DEVICE_BLOCKS * BLOCK_SIZE + THREADS * ARENA_KIB * 1024;
	return run_memory_fits(&need, NULL, fit);
}
