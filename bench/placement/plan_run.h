/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A plan that a run on this machine is carried out by: binds its threads
 * and their memory, and keeps what was found out afterwards.
 */
#ifndef BENCH_PLAN_RUN_H
#define BENCH_PLAN_RUN_H

#include "bench/placement/plan_bind.h"
#include "cache/fix.h"

struct plan_run;

/*
 * 0, or -errno and a line in @why; -EOPNOTSUPP: the policy cannot be met
 * here and is to be skipped.
 */
int plan_run_open(const struct plan_request *req, struct plan_run **runp,
		  char *why, size_t size);
void plan_run_close(struct plan_run *run);

/* Processors for pool_start(): the lookers', in order, and a loader's. */
const unsigned int *plan_run_cpus(const struct plan_run *run,
				  unsigned int *nr);
/* The first one of @role; -1: the plan does not place it. */
int plan_run_cpu(const struct plan_run *run, enum plan_role role);

/*
 * The calling thread does what @role does, or starts the threads that will,
 * which inherit it: processor, and where new memory comes from.  A role
 * that the plan does not place keeps its processors.  Memory is the
 * looker's own, for the others looker 0's; where local memory may not be
 * asked for it is left to the kernel, which the JSON says.  0 or -errno.
 */
int plan_run_enter(struct plan_run *run, enum plan_role role,
		   unsigned int thread);
/* Why one of those below failed; "": none has. */
const char *plan_run_why(const struct plan_run *run, char text[64]);
/* The calling thread's processors are where plan_run_leave() goes back to. */
void plan_run_home(struct plan_run *run);
/* Back to these; memory stays looker 0's.  0 or -errno. */
int plan_run_leave(struct plan_run *run);

/* The calling thread is @thread of @role: note where it runs. */
void plan_run_seen(struct plan_run *run, enum plan_role role,
		   unsigned int thread);
/*
 * Note where the daemons run, and on which nodes the pages of each kind of
 * object of @fix are.  Parked, outside of batches.  0 or -errno.
 */
int plan_run_look(struct plan_run *run, const struct fix *fix,
		  struct mount *mp);

/*
 * {policy, plan, memory_refused, threads, pages, verified, ok}: ok is false
 * if something was elsewhere; verified, if all could be looked for.  NULL: no
 * memory.
 */
json_t *plan_run_to_json(const struct plan_run *run);

#endif
