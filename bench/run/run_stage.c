// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where one point of a run is measured: its workers on their processors,
 * what they start off the first one's, memory by the plan if there is one;
 * and afterwards, where all that was found.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"

/* This process's own, before anything was bound. */
static cpu_set_t allowed;

/*
 * Keep this thread, and with it the daemons and the I/O completion that it
 * will start, off the first worker's processor: whether they share it would
 * be chance, and worth a factor of two to a loader.
 */
static int bind_daemons(unsigned int first)
{
	cpu_set_t set = allowed;

	CPU_CLR(first, &set);
	if (!CPU_COUNT(&set))
		return 0;
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static int start_pool(struct bench *b, const struct run_point *at,
		      const unsigned int *cpus, unsigned int nr_cpus,
		      unsigned int workers)
{
	int error;

	b->threads = at->threads;
	error = pool_start(workers, cpus, nr_cpus, &b->pool);
	if (error)
		return cli_fail("cannot start %u threads: %s; ask for fewer "
				"with --threads",
				workers, strerror(-error));
	if (bind_daemons(cpus[0]))
		cli_say("the daemons could not be kept off the loader's "
			"processor: expect noise");
	return 0;
}

/* --- by a plan ---------------------------------------------------------- */

struct entering {
	struct bench *b;
	int error;			/* any worker's */
};

static void enter(void *arg, unsigned int worker)
{
	struct entering *e = arg;
	bool looker = worker < e->b->threads;
	int error = plan_run_enter(e->b->place,
				   looker ? PLAN_LOOKER : PLAN_LOADER,
				   looker ? worker : 0);

	if (error)
		__atomic_store_n(&e->error, error, __ATOMIC_RELAXED);
}

static int open_placed(struct bench *b, const struct run_point *at)
{
	struct entering e = { .b = b };
	const struct pool_job job = { .run = enter, .arg = &e };
	const unsigned int *cpus;
	unsigned int nr;
	char why[512];
	int error, status;

	/* What an earlier point has touched is not where this one wants it. */
	malloc_trim(0);
	error = plan_run_open(&at->req, &b->place, why, sizeof(why));
	if (error)
		return cli_fail("%s: %s", at->placement, why);
	cpus = plan_run_cpus(b->place, &nr);
	status = start_pool(b, at, cpus, nr, nr);
	if (status)
		return status;
	plan_run_home(b->place);
	pool_run(b->pool, nr, &job);
	if (!e.error)
		e.error = plan_run_leave(b->place);
	if (e.error)
		return cli_fail("%s: threads or memory cannot be bound: %s; a "
				"processor may have gone offline, or a sandbox "
				"forbids it",
				at->placement, strerror(-e.error));
	return 0;
}

int run_stage_open(struct bench *b, const struct run_point *at)
{
	unsigned int *cpus, nr;
	int error, status;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		CPU_ZERO(&allowed);
	if (at->placed) {
		status = open_placed(b, at);
	} else {
		error = machine_cpus(&cpus, &nr);
		if (error)
			return cli_fail("cannot find out the processors: %s",
					strerror(-error));
		status = start_pool(b, at, cpus, nr, at->threads);
		free(cpus);
	}
	if (!status && pool_counters_open(b->pool))
		status = cli_fail("out of memory");
	if (status)
		run_stage_close(b);
	return status;
}

void run_stage_close(struct bench *b)
{
	pool_stop(b->pool);
	plan_run_close(b->place);
	b->pool = NULL;
	b->place = NULL;
	/* The next point's threads inherit from this one. */
	if (CPU_COUNT(&allowed))
		sched_setaffinity(0, sizeof(allowed), &allowed);
}

/* --- where things were -------------------------------------------------- */

/* Where this thread, and whatever it starts, may run. */
static json_t *daemons_to_json(void)
{
	json_t *cpus = json_array();
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			json_array_append_new(cpus, json_integer(i));
	return cpus;
}

static json_t *workers_to_json(const struct pool *pool)
{
	json_t *cpus = json_array();

	for (unsigned int i = 0; i < pool_workers(pool); i++)
		json_array_append_new(cpus, json_integer(pool_cpu(pool, i)));
	return cpus;
}

/* Those that did not stay where they were put. */
static json_t *moved_to_json(const struct pool *pool)
{
	json_t *moved = json_array();

	for (unsigned int i = 0; i < pool_workers(pool); i++) {
		int cpu = pool_moved(pool, i);

		if (cpu >= 0)
			json_array_append_new(
				moved,
				json_pack("{s:i, s:i, s:i}", "worker", (int)i,
					  "processor", pool_cpu(pool, i),
					  "found", cpu));
	}
	return moved;
}

static void see(void *arg, unsigned int worker)
{
	struct bench *b = arg;

	if (worker < b->threads)
		plan_run_seen(b->place, PLAN_LOOKER, worker);
	else
		plan_run_seen(b->place, PLAN_LOADER, 0);
}

json_t *run_stage_to_json(const struct bench *b, const struct run_point *at)
{
	const struct pool_job job = { .run = see, .arg = (void *)b };
	json_t *stage = json_object(), *moved, *found = NULL;
	bool ok;

	if (b->place) {
		pool_run(b->pool, pool_workers(b->pool), &job);
		found = plan_run_to_json(b->place);
	}
	moved = moved_to_json(b->pool);
	ok = !json_array_size(moved) &&
	     (!found || json_is_true(json_object_get(found, "ok")));
	json_object_update(stage, found);
	json_decref(found);
	json_object_set_new(stage, "placement", json_string(at->placement));
	json_object_set_new(stage, "nr_threads", json_integer(at->threads));
	json_object_set_new(stage, "worker_processors",
			    workers_to_json(b->pool));
	json_object_set_new(stage, "daemon_processors", daemons_to_json());
	json_object_set_new(stage, "moved", moved);
	json_object_set_new(stage, "ok", json_boolean(ok));
	return stage;
}

bool run_stage_ok(const struct bench *b, const struct run_point *at)
{
	json_t *stage = run_stage_to_json(b, at);
	bool ok = json_is_true(json_object_get(stage, "ok"));

	json_decref(stage);
	return ok;
}

static unsigned int complain(const json_t *list, const char *placement)
{
	unsigned int nr = 0;
	const json_t *row;
	size_t i;

	json_array_foreach((json_t *)list, i, row)
	{
		const char *why = json_string_value(
			json_object_get(row, "reason"));

		if (json_is_true(json_object_get(row, "ok")))
			continue;
		nr++;
		cli_say("NOT AS PLACED (%s): %s", placement,
			why ? why : "a block does not say why");
	}
	return nr;
}

unsigned int run_stage_complain(const json_t *stage, const char *placement)
{
	unsigned int nr = complain(json_object_get(stage, "threads"),
				   placement);
	const json_t *moved = json_object_get(stage, "moved"), *row;
	int worker, was, is;
	size_t i;

	nr += complain(json_object_get(stage, "pages"), placement);
	json_array_foreach((json_t *)moved, i, row)
	{
		if (nr || json_unpack((json_t *)row, "{s:i, s:i, s:i}",
				      "worker", &worker, "processor", &was,
				      "found", &is))
			continue;
		nr++;
		cli_say("NOT WHERE IT WAS PUT: worker %d was on processor %d "
			"instead of %d: was that one taken offline? Its times "
			"are of two threads on one processor",
			worker, is, was);
	}
	return nr;
}
