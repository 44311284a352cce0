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

/* Made by the build. */
extern const struct fix *const mutants[];

static bool has_two_processors(void)
{
	return allowed_processors(NULL, 0) >= 2;
}

/* A sanitizer or an assertion that ends the scenario has found it too. */
static bool is_found(const struct cell *c)
{
	if (c->violated)
		return true;
#ifdef DELWRI_CHECKING
	return c->evidence && (strstr(c->evidence, "the scenario died") ||
			       strstr(c->evidence, "with exit code"));
#else
	return false;
#endif
}

static int judge(const struct fix *mutant, int h, const struct cell *c)
{
	const char *evidence = c->evidence ? c->evidence : "nothing";

	printf("%-30s %-15s %s: %.*s\n", mutant->name, hazard_name(h),
	       is_found(c) ? "found" : "SURVIVED", (int)strcspn(evidence, "\n"),
	       evidence);
	return !is_found(c);
}

/* All who break @h, each in all scenarios of it; how many survived. */
static int try_hazard(int h)
{
	struct matrix *m = calloc(1, sizeof(*m));
	int survived = 0;

	assert_non_null(m);
	m->hazards = 1u << h;
	m->repeat = 1;
	for (const struct fix *const *fix = mutants; *fix; fix++) {
		if (!((*fix)->claims & m->hazards))
			continue;
		assert_true(m->nr_fixes < FIXES_MAX);
		m->fix[m->nr_fixes++] = *fix;
	}
	assert_int_equal(m->nr_fixes ? matrix_run(m, false) : 0, 0);
	for (unsigned int i = 0; i < m->nr_fixes; i++)
		survived += judge(m->fix[i], h, &m->cell[i][h]);
	matrix_free(m);
	free(m);
	return survived;
}

static void test_all_are_found(void **state)
{
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE };
	int survived = 0;

	(void)state;
	stage_patience_ms = PATIENCE_MS;
	/* A scenario's child must die of them, not go on in cmocka. */
	for (unsigned int i = 0; i < sizeof(deadly) / sizeof(*deadly); i++)
		signal(deadly[i], SIG_DFL);
	for (int h = 0; h < HAZARDS; h++) {
		if (h == HAZARD_LOST_WAKEUP && !has_two_processors())
			printf("%s: not tried, it needs two processors\n",
			       hazard_name(h));
		else
			survived += try_hazard(h);
	}
	assert_int_equal(survived, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_tried),
		cmocka_unit_test(test_all_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
