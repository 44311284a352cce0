/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Doing what a plan says, and finding out afterwards whether it is so:
 * threads on their processors, pages on their nodes.  Of this machine.
 */
#ifndef BENCH_PLAN_BIND_H
#define BENCH_PLAN_BIND_H

#include <sys/types.h>

#include "bench/placement/plan.h"

#define PLAN_NODES	1024		/* the kernel's greatest number + 1 */

/* The system calls behind what is below, for plan_failure(). */
#define PLAN_BIND_CALL		"sched_setaffinity"
#define PLAN_MEMORY_CALL	"set_mempolicy"
#define PLAN_PAGES_CALL		"move_pages"

/* Does -errno say that a sandbox, or the kernel, does not have the call? */
bool plan_is_refusal(int error);
/* "mbind is refused here (EPERM)", or "mbind: Invalid argument". */
const char *plan_failure(char text[64], const char *call, int error);

struct plan_binder;

/* 0 or -errno. */
int plan_binder_open(struct plan_binder **bp);
void plan_binder_close(struct plan_binder *b);

/* The calling thread: run on processor @pu only.  0 or -errno. */
int plan_bind_thread(struct plan_binder *b, unsigned int pu);
/*
 * The calling thread: take pages that it touches first from @node, or (-1)
 * from all by turns.  A full node lends from others: plan_pages() tells.
 * Memory that malloc() has had before stays where it is.  0 or -errno.
 */
int plan_bind_memory(struct plan_binder *b, int node);
/* From anywhere again. */
int plan_unbind_memory(struct plan_binder *b);
/* Memory that is there already: its pages move.  0 or -errno. */
int plan_bind_area(struct plan_binder *b, void *area, size_t len, int node);

/* Processor on which thread @tid ran last, or -errno. */
int plan_last_pu(struct plan_binder *b, pid_t tid);

/* Where pages of one kind of object were found. */
struct plan_pages {
	uint64_t pages;			/* touched ones */
	uint64_t untouched;
	int error;			/* -errno: nobody could look */
	uint64_t on[PLAN_NODES];
};

/* Add the pages under @len bytes at @area.  0 or -errno, also in @found. */
int plan_pages_add(struct plan_pages *found, const void *area, size_t len);
/* Pages that are not on @node; of -1, none is. */
uint64_t plan_pages_elsewhere(const struct plan_pages *found, int node);

/* --- what a run stores -------------------------------------------------- */

/* {role, thread, pu_os_index, found_pu|null + reason, ok} */
json_t *plan_thread_to_json(const struct plan_entry *e, int found_pu);
/*
 * {what, numa_os_index, pages, elsewhere, untouched, by_node, ok}; if not
 * ok, a reason beside.  Where pages could not be looked for, all but the
 * first two is null.
 */
json_t *plan_pages_to_json(const char *what, int node,
			   const struct plan_pages *found);

/*
 * Run each thread of @plan, made for @memory, for a moment on its processor,
 * touch memory, and look where both are.  {threads, pages, ok}; ok is null if
 * nothing was found elsewhere, but not all could be looked for.  NULL: out of
 * memory.
 */
json_t *plan_check(const struct plan *plan, enum plan_memory memory);

#endif
