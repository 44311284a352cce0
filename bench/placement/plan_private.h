/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the parts of the plan: which processors are in use, and the loop
 * that takes the best one for thread after thread.
 */
#ifndef BENCH_PLAN_PRIVATE_H
#define BENCH_PLAN_PRIVATE_H

#include "bench/placement/plan.h"

struct place {
	const struct topology *t;
	bool *allowed;			/* lookers may go there */
	bool *candidate;		/* and this domain has it */
	/* Threads there so far, by the numbers of ->t. */
	unsigned int *pu, *core, *l3, *node, *package;
	/* Candidates that no thread is on yet, by core and by L3. */
	unsigned int *core_left, *l3_left;
	size_t nr_uses;			/* of all seven, one behind the other */
	unsigned int thread;		/* being placed */
	unsigned int first, last;	/* processor: the first, the previous */
	unsigned int pair[2];		/* nodes by turns */
	bool cores_only;		/* one thread per core */
	uint64_t looked_at;		/* processors: what the search costs */
};

/* May thread ->thread go to @pu? */
typedef bool (*place_test)(const struct place *p, unsigned int pu);

#define PLACE_KEYS	6

/* The lexicographically least is taken; of equals the first. */
typedef void (*place_key)(const struct place *p, unsigned int pu,
			  unsigned int key[PLACE_KEYS]);

/* 0 or -ENOMEM.  Nothing is allowed yet. */
int place_init(struct place *p, const struct topology *t);
void place_free(struct place *p);
/* As if nothing had been placed. */
void place_reset(struct place *p);
/* From now on no processor is a candidate, ... */
void place_no_candidates(struct place *p);
/* ... and @pu is one. */
void place_candidate(struct place *p, unsigned int pu);
/*
 * Place @nr threads on candidates.  False: there is no place for one of
 * them, and @pus says nothing.
 */
bool place_threads(struct place *p, unsigned int nr, place_test fits,
		   place_key key, unsigned int *pus);

/* --- the policies: plan_policy.c ---------------------------------------- */

/*
 * Place the lookers, processors (by index) to @pus.  1, or 0 if the policy
 * cannot be met, and a line in @why of PLAN_SKIPPED bytes; or -ENOMEM.
 */
int place_policy(struct place *p, const struct plan_request *req,
		 unsigned int *pus, char *why, size_t size);
/* Place @nr more threads on @node: unused cores, then unused processors. */
bool place_on_node(struct place *p, unsigned int node, unsigned int nr,
		   unsigned int *pus);

#endif
