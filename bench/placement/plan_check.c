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
	const char *failed;		/* NULL: nothing did */
	int error;
	int found_pu;
	struct plan_pages pages;
};

static void fail(struct check *c, const char *what, int error)
{
	if (c->failed || !error)
		return;
	c->failed = what;
	c->error = error;
}

static void try_memory(struct check *c)
{
	char *area = mmap(NULL, AREA_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED) {
		fail(c, "no memory", -errno);
		return;
	}
	memset(area, 1, AREA_BYTES);
	fail(c, "its pages cannot be found",
	     plan_pages_add(&c->pages, area, AREA_BYTES));
	munmap(area, AREA_BYTES);
}

static void *check_main(void *arg)
{
	struct check *c = arg;

	fail(c, "it cannot be bound to its processor",
	     plan_bind_thread(c->binder, c->entry->pu));
	fail(c, "it cannot be given memory of its node",
	     plan_bind_memory(c->binder, c->entry->node));
	if (!c->failed)
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
	fail(c, "it cannot be started", -error);
}

static json_t *to_json(const struct check *checks, unsigned int nr)
{
	json_t *threads = json_array(), *pages = json_array(), *row;
	bool ok = true;

	for (unsigned int i = 0; i < nr; i++) {
		const struct check *c = &checks[i];
		const struct plan_entry *e = c->entry;
		char what[32];

		row = plan_thread_to_json(e, c->found_pu);
		if (c->failed)
			json_object_set_new(row, "reason",
					    json_sprintf("%s: %s", c->failed,
							 strerror(-c->error)));
		ok = ok && !c->failed &&
		     json_is_true(json_object_get(row, "ok"));
		json_array_append_new(threads, row);
		snprintf(what, sizeof(what), "%s %u", plan_role_name(e->role),
			 e->thread);
		row = plan_pages_to_json(what, e->node, &c->pages);
		ok = ok && json_is_true(json_object_get(row, "ok"));
		json_array_append_new(pages, row);
	}
	return json_pack("{s:o, s:o, s:b}", "threads", threads, "pages", pages,
			 "ok", ok);
}

json_t *plan_check(const struct plan *plan)
{
	struct check *checks = calloc(plan->nr, sizeof(*checks));
	struct plan_binder *binder = NULL;
	json_t *json = NULL;
	int error;

	error = checks ? plan_binder_open(&binder) : -ENOMEM;
	for (unsigned int i = 0; i < plan->nr && !error; i++) {
		checks[i].binder = binder;
		checks[i].entry = &plan->entry[i];
		run(&checks[i]);
	}
	if (!error)
		json = to_json(checks, plan->nr);
	plan_binder_close(binder);
	free(checks);
	return json;
}
