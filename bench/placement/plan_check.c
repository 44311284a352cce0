// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trying a plan on this machine: a thread for each line, one after the
 * other, on its processor and with memory of its node.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/placement/plan_bind.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define AREA_BYTES	(256u << 10)

struct check {
	struct plan_binder *binder;
	const struct plan_entry *entry;
	bool local;			/* memory where the kernel takes it */
	char failed[128];		/* "": nothing did */
	int found_pu;
	struct plan_pages pages;
};

static void fail(struct check *c, const char *what, const char *call, int error)
{
	char text[64];

	if (!c->failed[0] && error)
		snprintf(c->failed, sizeof(c->failed), "%s: %s", what,
			 plan_failure(text, call, error));
}

static void try_memory(struct check *c)
{
	char *area = mmap(NULL, AREA_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED) {
		fail(c, "no memory", "mmap", -errno);
		return;
	}
	memset(area, 1, AREA_BYTES);
	plan_pages_add(&c->pages, area, AREA_BYTES);
	munmap(area, AREA_BYTES);
}

static void *check_main(void *arg)
{
	struct check *c = arg;
	int error;

	fail(c, "it cannot be bound to its processor", PLAN_BIND_CALL,
	     plan_bind_thread(c->binder, c->entry->pu));
	error = plan_bind_memory(c->binder, c->entry->node);
	/* The kernel's own choice is the same one: look whether it is. */
	if (!c->local || !plan_is_refusal(error))
		fail(c, "it cannot be given memory of its node",
		     PLAN_MEMORY_CALL, error);
	if (!c->failed[0])
		try_memory(c);
	c->found_pu = plan_last_pu(c->binder, gettid());
	return NULL;
}

static void run(struct check *c)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, check_main, c);

	if (!error) {
		pthread_join(thread, NULL);
		return;
	}
	c->found_pu = -error;
	fail(c, "it cannot be started", "pthread_create", -error);
}

/* Of all rows: false before null before true. */
static void add_row(json_t *rows, json_t *row, bool *wrong, bool *unknown)
{
	const json_t *ok = json_object_get(row, "ok");

	*wrong |= json_is_false(ok);
	*unknown |= json_is_null(ok);
	json_array_append_new(rows, row);
}

static json_t *to_json(const struct check *checks, unsigned int nr)
{
	json_t *threads = json_array(), *pages = json_array(), *row;
	bool wrong = false, unknown = false;

	for (unsigned int i = 0; i < nr; i++) {
		const struct check *c = &checks[i];
		const struct plan_entry *e = c->entry;
		char what[32];

		row = plan_thread_to_json(e, c->found_pu);
		if (c->failed[0]) {
			json_object_set_new(row, "ok", json_false());
			json_object_set_new(row, "reason",
					    json_string(c->failed));
		}
		add_row(threads, row, &wrong, &unknown);
		/* Of one that failed there are none to find. */
		if (c->failed[0])
			continue;
		snprintf(what, sizeof(what), "%s %u", plan_role_name(e->role),
			 e->thread);
		row = plan_pages_to_json(what, e->node, &c->pages);
		add_row(pages, row, &wrong, &unknown);
	}
	return json_pack("{s:o, s:o, s:o}", "threads", threads, "pages", pages,
			 "ok",
			 wrong	 ? json_false() :
			 unknown ? json_null() :
				   json_true());
}

json_t *plan_check(const struct plan *plan, enum plan_memory memory)
{
	struct check *checks = calloc(plan->nr, sizeof(*checks));
	struct plan_binder *binder = NULL;
	json_t *json = NULL;
	int error;

	error = checks ? plan_binder_open(&binder) : -ENOMEM;
	for (unsigned int i = 0; i < plan->nr && !error; i++) {
		checks[i].binder = binder;
		checks[i].entry = &plan->entry[i];
		checks[i].local = memory == PLAN_LOCAL;
		run(&checks[i]);
	}
	if (!error)
		json = to_json(checks, plan->nr);
	plan_binder_close(binder);
	free(checks);
	return json;
}
