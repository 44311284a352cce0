/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of `verify`: running in children, the matrix, its printing. */
#ifndef ORACLE_VERIFY_H
#define ORACLE_VERIFY_H

#include <jansson.h>
#include <stdio.h>

#include "oracle.h"

#define FIXES_MAX	64

/* Exit status. */
enum {
	VERIFY_OK = 0,
	VERIFY_VIOLATED = 1,		/* what a fix claims to hold */
	VERIFY_USAGE = 2,
	VERIFY_UNTESTED = 3,		/* or verify itself failed */
	VERIFY_INTERRUPTED = 130,
};

/* A violation outweighs what could not be tested. */
int verify_worse(int a, int b);
/* Say in a line that verify itself failed, with -errno.  Exit status. */
int verify_failed(int error);

/* What all scenarios of one hazard, repeated, said of one fix. */
struct cell {
	enum verdict verdict;
	unsigned int holds, violated, untested;
	/* Rounds in which the hazard's first scenario was violated. */
	unsigned int first_violated;
	char *evidence;			/* malloc'ed; of @shown */
	const struct scenario *shown;	/* the first of the worst */
};

struct matrix {
	unsigned int nr_fixes;
	const struct fix *fix[FIXES_MAX];
	unsigned int hazards;		/* HAZARD() bits asked for */
	unsigned int repeat;
	bool threads;			/* all, where fibers would do */
	struct cell cell[FIXES_MAX][HAZARDS];
};

/*
 * Run it all in children.  0, -EINTR after a signal, or -errno if no process
 * could be had: @m has what was finished.
 */
int matrix_run(struct matrix *m, bool progress);
void matrix_free(struct matrix *m);
void matrix_print(const struct matrix *m, bool timelines, FILE *out);
/* {fix: {hazard: {verdict, claimed, evidence, violated, runs}}} or NULL. */
json_t *matrix_to_json(const struct matrix *m);
/* Exit status; one line for each reason why it is not 0. */
int matrix_judge(const struct matrix *m, FILE *out);
/* Print and free @json.  0 or -errno; NULL: no memory for it. */
int verify_dump(json_t *json);
/* The first scenario of each hazard is the plain case of it. */
bool scenario_is_first(const struct scenario *sc);

/* verify --stress */
int stress_main(struct matrix *m, double seconds, uint64_t seed, bool json);

#endif
