// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carrying out a plan in a process that measures.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/placement/plan_run.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sync/affinity.h"
#include "sync/sync.h"

#define KINDS	8

/* Pages of one kind of object, of all fixes. */
struct kind {
	const char *what;		/* NULL: no more */
	struct plan_pages pages;
};

struct plan_run {
	struct plan_request req;
	struct topology *topology;
	struct plan plan;
	struct plan_binder *binder;
	unsigned int *cpus;		/* of lookers */
	int *found;			/* by line of the plan; < 0: -errno */
	struct kind kind[KINDS];
	struct processors before;	/* of the thread that opened it */
	int error;			/* of looking at pages */
	const char *failed;		/* call that did; NULL: none */
	int failure;			/* its -errno */
	int memory_refused;		/* -errno: the kernel chooses */
};

int plan_run_open(const struct plan_request *req, struct plan_run **runp,
		  char *why, size_t size)
{
	struct plan_run *run = calloc(1, sizeof(*run));
	int error = -ENOMEM;

	snprintf(why, size, "out of memory");
	if (!run)
		return error;
	run->req = *req;
	error = topology_load("this", &run->topology, why, size);
	if (error)
		goto fail;
	error = plan_make(run->topology, req, &run->plan);
	if (error)
		goto fail;
	if (run->plan.skipped[0]) {
		snprintf(why, size, "%s", run->plan.skipped);
		error = -EOPNOTSUPP;
		goto fail;
	}
	error = plan_binder_open(&run->binder);
	if (error)
		goto fail;
	error = -ENOMEM;
	run->cpus = calloc(run->plan.nr, sizeof(*run->cpus));
	run->found = calloc(run->plan.nr, sizeof(*run->found));
	if (!run->cpus || !run->found)
		goto fail;
	for (unsigned int i = 0; i < run->plan.nr; i++) {
		run->cpus[i] = run->plan.entry[i].pu;
		run->found[i] = -ENODATA;
	}
	plan_run_home(run);
	*runp = run;
	return 0;
fail:
	plan_run_close(run);
	return error;
}

void plan_run_close(struct plan_run *run)
{
	if (!run)
		return;
	processors_free(&run->before);
	plan_binder_close(run->binder);
	plan_free(&run->plan);
	topology_free(run->topology);
	free(run->cpus);
	free(run->found);
	free(run);
}

const unsigned int *plan_run_cpus(const struct plan_run *run,
				  unsigned int *nr)
{
	*nr = run->req.role[PLAN_LOOKER].nr + run->req.role[PLAN_LOADER].nr;
	return run->cpus;
}

void plan_run_home(struct plan_run *run)
{
	processors_free(&run->before);
	processors_get(&run->before);
}

static struct plan_entry *line_of(const struct plan_run *run,
				  enum plan_role role, unsigned int thread)
{
	for (unsigned int i = 0; i < run->plan.nr; i++)
		if (run->plan.entry[i].role == role &&
		    run->plan.entry[i].thread == thread)
			return &run->plan.entry[i];
	return NULL;
}

int plan_run_cpu(const struct plan_run *run, enum plan_role role)
{
	const struct plan_entry *e = line_of(run, role, 0);

	return e ? (int)e->pu : -1;
}

const char *plan_run_why(const struct plan_run *run, char text[64])
{
	const char *call = READ_ONCE(run->failed);

	return call ? plan_failure(text, call, READ_ONCE(run->failure)) : "";
}

static int failed(struct plan_run *run, const char *call, int error)
{
	if (error) {
		WRITE_ONCE(run->failure, error);
		WRITE_ONCE(run->failed, call);
	}
	return error;
}

/* Local memory is what the kernel gives by itself. */
static int bind_memory(struct plan_run *run, int node)
{
	int error = plan_bind_memory(run->binder, node);

	if (run->req.memory == PLAN_LOCAL && plan_is_refusal(error)) {
		WRITE_ONCE(run->memory_refused, error);
		return 0;
	}
	return failed(run, PLAN_MEMORY_CALL, error);
}

int plan_run_enter(struct plan_run *run, enum plan_role role,
		   unsigned int thread)
{
	const struct plan_entry *e = line_of(run, role, thread);
	int node = run->plan.entry[0].node, error = 0;

	if (e)
		error = plan_bind_thread(run->binder, e->pu);
	if (error)
		return failed(run, PLAN_BIND_CALL, error);
	if (e && role == PLAN_LOOKER)
		node = e->node;
	return bind_memory(run, node);
}

int plan_run_leave(struct plan_run *run)
{
	int error = processors_apply(&run->before);

	if (error)
		return failed(run, PLAN_BIND_CALL, error);
	return bind_memory(run, run->plan.entry[0].node);
}

/* --- where everything came to be ---------------------------------------- */

/* Once elsewhere is elsewhere. */
static void note(struct plan_run *run, const struct plan_entry *e, int pu)
{
	int *found = &run->found[e - run->plan.entry];

	if (*found == -ENODATA || *found == (int)e->pu)
		*found = pu;
}

void plan_run_seen(struct plan_run *run, enum plan_role role,
		   unsigned int thread)
{
	const struct plan_entry *e = line_of(run, role, thread);

	if (e)
		note(run, e, plan_last_pu(run->binder, gettid()));
}

static void look_at_daemons(struct plan_run *run)
{
	static const struct {
		const char *name;
		enum plan_role role;
	} daemons[] = { { "ail", PLAN_AIL }, { "io", PLAN_IO } };

	for (struct task *t = task_list(); t; t = t->next)
		for (int i = 0; i < 2; i++) {
			const struct plan_entry *e =
				line_of(run, daemons[i].role, 0);
			int tid = READ_ONCE(t->tid), pu;

			if (!e || !tid ||
			    strncmp(t->name, daemons[i].name,
				    strlen(daemons[i].name)))
				continue;
			pu = plan_last_pu(run->binder, tid);
			/* It may just have ended. */
			if (pu >= 0)
				note(run, e, pu);
		}
}

static void tell(void *ctx, const char *what, const void *at, size_t size)
{
	struct plan_run *run = ctx;
	int error;

	for (int i = 0; i < KINDS; i++) {
		struct kind *k = &run->kind[i];

		if (!k->what)
			k->what = what;
		if (strcmp(k->what, what))
			continue;
		error = plan_pages_add(&k->pages, at, size);
		if (error)
			run->error = error;
		return;
	}
}

int plan_run_look(struct plan_run *run, const struct fix *fix,
		  struct mount *mp)
{
	look_at_daemons(run);
	/* A floor has no objects of the cache's kind. */
	if (fix->objects)
		fix->objects(mp, tell, run);
	return run->error;
}

static bool any_looker_on(const struct plan_run *run, int node)
{
	for (unsigned int i = 0; i < run->req.role[PLAN_LOOKER].nr; i++)
		if (run->plan.entry[i].node == node)
			return true;
	return false;
}

/* Looker 0's node, or -1 if its objects may be on several. */
static int planned_node(const struct plan_run *run)
{
	int node = run->plan.entry[0].node;

	for (unsigned int i = 1; i < run->req.role[PLAN_LOOKER].nr; i++)
		if (run->plan.entry[i].node != node)
			return -1;
	return node;
}

static json_t *kind_to_json(const struct plan_run *run, const struct kind *k)
{
	json_t *row = plan_pages_to_json(k->what, planned_node(run), &k->pages);
	json_t *why;
	uint64_t elsewhere = 0;

	for (int n = 0; n < PLAN_NODES; n++)
		if (k->pages.on[n] && run->plan.entry[0].node >= 0 &&
		    !any_looker_on(run, n))
			elsewhere += k->pages.on[n];
	if (elsewhere && planned_node(run) < 0) {
		json_object_set_new(row, "elsewhere", json_integer(elsewhere));
		json_object_set_new(row, "ok", json_false());
		why = json_sprintf("%s: %llu of %llu pages are on a node that is no looker's",
				   k->what, (unsigned long long)elsewhere,
				   (unsigned long long)k->pages.pages);
		json_object_set_new(row, "reason", why);
	}
	return row;
}

json_t *plan_run_to_json(const struct plan_run *run)
{
	json_t *threads = json_array(), *pages = json_array(), *row, *json;
	bool ok = true, verified = true;
	char text[64];

	for (unsigned int i = 0; i < run->plan.nr; i++) {
		/* Not every workload has one. */
		if (run->plan.entry[i].role == PLAN_STALER &&
		    run->found[i] == -ENODATA)
			continue;
		row = plan_thread_to_json(&run->plan.entry[i], run->found[i]);
		ok = ok && !json_is_false(json_object_get(row, "ok"));
		json_array_append_new(threads, row);
	}
	for (int i = 0; i < KINDS && run->kind[i].what; i++) {
		row = kind_to_json(run, &run->kind[i]);
		ok = ok && !json_is_false(json_object_get(row, "ok"));
		verified = verified && !json_is_null(json_object_get(row, "ok"));
		json_array_append_new(pages, row);
	}
	json = json_pack("{s:s, s:o, s:o, s:o, s:b, s:b}", "policy",
			 plan_policy_name(run->req.policy), "plan",
			 plan_to_json(&run->plan), "threads", threads, "pages",
			 pages, "verified", verified, "ok", ok);
	if (json && run->memory_refused)
		json_object_set_new(
			json, "memory_refused",
			json_sprintf("memory is left to the kernel: %s",
				     plan_failure(text, PLAN_MEMORY_CALL,
						  run->memory_refused)));
	return json;
}
