// SPDX-License-Identifier: GPL-2.0-only
/*
 * The oracle itself on trial: every deliberately wrong fix of tests/mutants
 * must be found out in each hazard that it claims, which is what its one
 * mistake breaks.
 */
#include "tests/bench/bench_test.h"

#include <signal.h>

#include "bench/oracle/stage.h"
#include "bench/oracle/verify.h"
#include "sync/affinity.h"

/* Some run on for ever: 20 s each are for who may be right and slow. */
#define PATIENCE_MS	5000
/* What uses memory that is freed is found by what has become of that. */
#define TRIES		10

/* Made by the build. */
extern const struct generation mutant_generations[];
extern const struct fix *const *mutants;

static int judge(const struct fix *mutant, int h, const struct cell *c)
{
	const char *evidence = c->evidence ? c->evidence : "nothing";

	printf("%-30s %-15s %s: %.*s\n", mutant->name, hazard_name(h),
	       c->violated ? "found" : "SURVIVED", (int)strcspn(evidence, "\n"),
	       evidence);
	return !c->violated;
}

/* Those of @m that break @h, each in all scenarios of it; survivors stay. */
static void try_once(struct matrix *m, int h)
{
	unsigned int survivors = 0;

	assert_int_equal(matrix_run(m, false), 0);
	for (unsigned int i = 0; i < m->nr_fixes; i++)
		if (judge(m->fix[i], h, &m->cell[i][h]))
			m->fix[survivors++] = m->fix[i];
	matrix_free(m);
	memset(m->cell, 0, sizeof(m->cell));
	m->nr_fixes = survivors;
}

/* Nobody holds a thread for as long as these wait: fibers alone find them. */
static bool takes_too_long(const struct fix *mutant)
{
	return !strncmp(mutant->name, "gives_up", 8);
}

/* How many survived every time; on fibers each is the same. */
static int try_hazard(int h, bool threads)
{
	struct matrix *m = calloc(1, sizeof(*m));
	int survived;

	assert_non_null(m);
	m->hazards = 1u << h;
	m->repeat = 1;
	m->threads = threads;
	for (const struct fix *const *fix = mutants; *fix; fix++) {
		if (!((*fix)->claims & m->hazards) ||
		    (threads && takes_too_long(*fix)))
			continue;
		assert_true(m->nr_fixes < FIXES_MAX);
		m->fix[m->nr_fixes++] = *fix;
	}
	for (int i = 0; i < (threads ? TRIES : 1) && m->nr_fixes; i++)
		try_once(m, h);
	survived = m->nr_fixes;
	free(m);
	return survived;
}

static void try_all(bool threads)
{
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE };
	int survived = 0;

	stage_patience_ms = PATIENCE_MS;
	/* A scenario's child must die of them, not go on in cmocka. */
	for (unsigned int i = 0; i < sizeof(deadly) / sizeof(*deadly); i++)
		signal(deadly[i], SIG_DFL);
	for (int h = 0; h < HAZARDS; h++) {
		if (h == HAZARD_LOST_WAKEUP && allowed_processors(NULL, 0) < 2)
			printf("%s: not tried, it needs two processors\n",
			       hazard_name(h));
		else
			survived += try_hazard(h, threads);
	}
	assert_int_equal(survived, 0);
}

static void test_fibers(void **state)
{
	(void)state;
	try_all(false);
}

static void test_threads(void **state)
{
	(void)state;
	try_all(true);
}

/* One that claims nothing says why: it is found by chance alone. */
static void test_all_are_tried(void **state)
{
	(void)state;
	for (const struct fix *const *fix = mutants; *fix; fix++)
		if (!(*fix)->claims)
			printf("%-30s not tried: found by chance alone\n",
			       (*fix)->name);
	assert_non_null(mutants[0]);
}

/* Those of the cache that was chosen. */
static int choose(void **state)
{
	const struct generation *g = mutant_generations;

	(void)state;
	while (g->name && strcmp(g->name, fixes[0]->cache))
		g++;
	assert_non_null(g->name);
	mutants = g->fixes;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_tried),
		cmocka_unit_test(test_fibers),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, choose, NULL);
}
