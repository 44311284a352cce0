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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bench/machine/machine.h"
#include "sync/affinity.h"

/* This process's own, before anything was bound. */
static struct processors allowed;

/*
 * Keep this thread, and with it the daemons and the I/O completion that it
 * will start, off the first worker's processor: whether they share it would
 * be chance, and worth a factor of two to a loader.
 */
static int bind_daemons(unsigned int first)
{
	struct processors rest;
	int error = processors_get(&rest);

	if (error)
		return error;
	CPU_CLR_S(first, rest.bytes, rest.set);
	if (CPU_COUNT_S(rest.bytes, rest.set))
		error = processors_apply(&rest);
	processors_free(&rest);
	return error;
}

static int pool_failed(unsigned int workers, int error)
{
	return cli_fail("cannot start %u threads: %s; ask for fewer with "
			"--threads",
			workers, strerror(-error));
}

static void place_daemons(unsigned int first)
{
	if (bind_daemons(first))
		cli_say("the daemons could not be kept off the loader's "
			"processor: expect noise");
}

static int open_unplaced(struct bench *b, const struct run_point *at)
{
	unsigned int *cpus, nr;
	int error = machine_cpus(&cpus, &nr);

	if (error)
		return cli_fail("cannot find out the processors: %s",
				strerror(-error));
	error = pool_start(at->threads, cpus, nr, &b->pool);
	if (!error)
		place_daemons(cpus[0]);
	free(cpus);
	return error ? pool_failed(at->threads, error) : 0;
}

/* --- by a plan ---------------------------------------------------------- */

/* Before it starts: not even its first page is elsewhere. */
static int enter(void *arg, unsigned int worker)
{
	struct bench *b = arg;
	bool looker = worker < b->threads;

	return plan_run_enter(b->place, looker ? PLAN_LOOKER : PLAN_LOADER,
			      looker ? worker : 0);
}

/*
 * Pages by turns are 4 KiB each: of huge ones a small working set has too
 * few to be on every node.
 */
static void allow_huge_pages(bool allow)
{
	prctl(PR_SET_THP_DISABLE, !allow, 0, 0, 0);
}

static int open_placed(struct bench *b, const struct run_point *at)
{
	const unsigned int *cpus;
	unsigned int nr;
	char why[512], call[64];
	int error;

	error = plan_run_open(&at->req, &b->place, why, sizeof(why));
	if (error)
		return cli_fail("%s: %s", at->placement, why);
	allow_huge_pages(at->req.memory != PLAN_INTERLEAVED);
	cpus = plan_run_cpus(b->place, &nr);
	place_daemons(cpus[0]);
	plan_run_home(b->place);
	/* What was free before and touched is not where this is wanted. */
	malloc_trim(0);
	error = pool_start_with(nr, cpus, nr, enter, b, &b->pool);
	if (!error)
		error = plan_run_leave(b->place);
	if (!error)
		return 0;
	if (!*plan_run_why(b->place, call))
		return pool_failed(nr, error);
	return cli_fail("%s: threads or their memory cannot be placed: %s; "
			"see whether a processor has gone offline, or what "
			"the sandbox forbids, or leave out --policy, --memory "
			"and --role",
			at->placement, call);
}

int run_stage_open(struct bench *b, const struct run_point *at)
{
	int status;

	processors_free(&allowed);
	processors_get(&allowed);
	b->threads = at->threads;
	status = at->placed ? open_placed(b, at) : open_unplaced(b, at);
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
	if (b->place)
		allow_huge_pages(true);
	b->pool = NULL;
	b->place = NULL;
	/* The next point's threads inherit from this one. */
	processors_apply(&allowed);
}

/* --- where things were -------------------------------------------------- */

/* Where this thread, and whatever it starts, may run. */
static json_t *daemons_to_json(void)
{
	json_t *cpus = json_array();
	struct processors p;

	processors_get(&p);
	for (size_t i = 0; p.set && i < p.bytes * 8; i++)
		if (CPU_ISSET_S(i, p.bytes, p.set))
			json_array_append_new(cpus, json_integer(i));
	processors_free(&p);
	return cpus;
}

static json_t *workers_to_json(const struct pool *pool)
{
	json_t *cpus = json_array();

	for (unsigned int i = 0; i < pool_workers(pool); i++)
		json_array_append_new(cpus, json_integer(pool_cpu(pool, i)));
	return cpus;
}

/* Workers that nobody could bind: where they are found says nothing. */
static void add_floating(const struct pool *pool, json_t *stage)
{
	json_t *floating = json_array();
	char call[64];
	int error = 0;

	for (unsigned int i = 0; i < pool_workers(pool); i++) {
		if (!pool_bound(pool, i))
			continue;
		error = pool_bound(pool, i);
		json_array_append_new(floating, json_integer(i));
	}
	json_object_set_new(stage, "floating", floating);
	if (error)
		json_object_set_new(stage, "floating_reason",
				    json_string(plan_failure(
					    call, PLAN_BIND_CALL, error)));
}

/* Those that did not stay where they were put. */
static json_t *moved_to_json(const struct pool *pool)
{
	json_t *moved = json_array();

	for (unsigned int i = 0; i < pool_workers(pool); i++) {
		int cpu = pool_moved(pool, i);

		if (cpu >= 0 && !pool_bound(pool, i))
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
	bool ok, verified;

	if (b->place) {
		pool_run(b->pool, pool_workers(b->pool), &job);
		found = plan_run_to_json(b->place);
	}
	moved = moved_to_json(b->pool);
	ok = !json_array_size(moved) &&
	     (!found || json_is_true(json_object_get(found, "ok")));
	json_object_update(stage, found);
	json_decref(found);
	add_floating(b->pool, stage);
	verified = !json_is_false(json_object_get(stage, "verified")) &&
		   !json_array_size(json_object_get(stage, "floating"));
	json_object_set_new(stage, "verified", json_boolean(verified));
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

/* Not for each block again. */
__attribute__((format(printf, 1, 2))) static void say_once(const char *fmt, ...)
{
	static char last[512];
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strcmp(text, last))
		cli_say("%s", text);
	strcpy(last, text);
}

/* What could not be looked at is nowhere else, as far as anybody knows. */
static void say_unverified(const json_t *stage, const char *placement)
{
	const json_t *floating = json_object_get(stage, "floating"), *row;
	const json_t *memory = json_object_get(stage, "memory_refused");
	size_t i;

	if (json_array_size(floating))
		say_once("NOT BOUND: %zu of %lld lookers float, which makes "
			 "times noisier: %s",
			 json_array_size(floating),
			 json_integer_value(json_object_get(stage,
							    "nr_threads")),
			 json_string_value(json_object_get(stage,
							   "floating_reason")));
	json_array_foreach(json_object_get(stage, "pages"), i, row)
	{
		if (!json_is_null(json_object_get(row, "ok")))
			continue;
		say_once("NOT VERIFIED (%s): %s%s%s", placement,
			 json_string_value(json_object_get(row, "reason")),
			 memory ? "; " : "",
			 memory ? json_string_value(memory) : "");
		return;
	}
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

		if (!json_is_false(json_object_get(row, "ok")))
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
	say_unverified(stage, placement);
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
