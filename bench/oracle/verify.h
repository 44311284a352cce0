/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of `verify`: running in children, the matrix, its printing. */
#ifndef ORACLE_VERIFY_H
#define ORACLE_VERIFY_H

#include <stdio.h>

#include "oracle.h"

#define FIXES_MAX	64

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
	struct cell cell[FIXES_MAX][HAZARDS];
};

/* Run it all in children; SIGINT ends it early with -EINTR. */
int matrix_run(struct matrix *m, bool progress);
void matrix_free(struct matrix *m);
void matrix_print(const struct matrix *m, bool timelines, FILE *out);
int matrix_print_json(const struct matrix *m, FILE *out);
/* Of fix @i, by hazard; NULL: no memory. */
json_t *matrix_cells_json(const struct matrix *m, unsigned int i);
/* 0 if all is as it has to be; else one line for each reason. */
int matrix_judge(const struct matrix *m, FILE *out);
/* The first scenario of each hazard is the plain case of it. */
bool scenario_is_first(const struct scenario *sc);

/* Run @fn in a child; what it wrote to @result is there afterwards. */
int child_run(void (*fn)(void *arg, void *result), void *arg, void *result,
	      size_t size, unsigned int timeout_s);

/* verify --stress */
int stress_main(struct matrix *m, double seconds, uint64_t seed, bool json);

#endif
