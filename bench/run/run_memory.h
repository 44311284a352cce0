/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much memory a workload needs, and whether it is there.
 */
#ifndef BENCH_RUN_MEMORY_H
#define BENCH_RUN_MEMORY_H

#include "bench/machine/machine_memory.h"
#include "bench/run/run.h"

struct memory_need {
	uint64_t resident;		/* bytes in memory at once, at most */
	uint64_t mapped;		/* of address space */
};

struct memory_fit {
	uint64_t needs, here;		/* bytes; UINT64_MAX: no limit */
	char why[128];			/* "needs N MiB, M here (...)" */
};

/*
 * Of @w by @b's threads and device, with the @nr fixes and floors of @list in
 * @rounds rounds, beside the program itself.
 */
void run_memory_need(const struct workload *w, const struct bench *b,
		     const struct fix *const *list, unsigned int nr,
		     unsigned int rounds, struct memory_need *need);
/* Note what the process has: before it starts threads. */
void run_memory_start(void);
/* At @at (NULL: anywhere); if not, ->why says so, with both numbers. */
bool run_memory_fits(const struct memory_need *need,
		     const struct run_point *at, struct memory_fit *fit);
/* What the nodes have that @plan names; false: it names none, or not told. */
bool run_memory_plan_room(const struct plan *plan, struct memory_room *room);
/*
 * Both for what @cli asks for of @w with @threads threads, floors too: for
 * lists.  False: it does not fit.
 */
bool run_memory_of(const struct cli *cli, const struct workload *w,
		   unsigned int threads, struct memory_fit *fit);
/* The same for what tells which hazards a fix holds: one at a time. */
bool run_memory_hazards(struct memory_fit *fit);

#endif
