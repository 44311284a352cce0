/* SPDX-License-Identifier: GPL-2.0-only */
/* What main.c asks of report.c: to explore a fix, and to say what was found. */
#ifndef EXPLORE_REPORT_H
#define EXPLORE_REPORT_H

#include "explore.h"

#include <jansson.h>

#define BOUND_MAX	7u
#define WORKERS_MAX	256u

struct explore_options {
	const struct play_scenario *scenario;
	bool pct, tso, unreduced, all, bound_given, choices_given;
	unsigned int bound, choices;
	unsigned int workers;		/* 0: one per processor */
	double seconds;
	uint64_t runs, seed;
};

/*
 * Exit status: 0: it holds what it claims, or breaks what it does not claim;
 * 1: it breaks what it claims; 3: neither can be said.  To stdout, or to
 * @json if there is one.
 */
int explore_fix(const struct explore_options *o, const struct fix *fix,
		json_t *json);
/* The same, and only what was found: false, it could not be told. */
bool explore_search(const struct explore_options *o, const struct fix *fix,
		    struct search_result *r);
/*
 * mutants.c: a table of which mutants are found, each within o->seconds, by
 * all scenarios together; @only, @nr: of these.  0; 1: not all
 * were; 2: one of these is no mutant.
 */
int explore_mutants(const struct explore_options *o,
		    const struct fix *const *only, unsigned int nr, bool json);
/* One schedule: 1 if it is a witness, else 0. */
int explore_replay(const struct explore_options *o, const struct fix *fix,
		   const struct course *c);

#endif
