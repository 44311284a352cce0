// SPDX-License-Identifier: GPL-2.0-only
/*
 * What verify makes of a verdict, of a crash and of a machine that has not
 * enough: its exit status, and who is to blame.
 */
#include "tests/bench/bench_test.h"

#include <errno.h>
#include <signal.h>

#include "bench/oracle/verify.h"

#define CLAIMED		HAZARD_LOST_ERROR
#define NOT_CLAIMED	HAZARD_DEADLOCK

static struct matrix m;
static struct fix fix;

static void cell(int h, enum verdict verdict)
{
	static char evidence[] = "because";
	struct cell *c = &m.cell[0][h];

	*c = (struct cell){ .verdict = verdict, .evidence = evidence };
	c->violated = c->first_violated = verdict == VERDICT_VIOLATED;
	c->holds = verdict == VERDICT_HOLDS;
	c->untested = verdict == VERDICT_UNTESTED;
}

/* Of a fix called @name whose two hazards have these verdicts. */
static int status(const char *name, enum verdict claimed,
		  enum verdict not_claimed, unsigned int *lines)
{
	FILE *out = tmpfile();
	int found, c;

	assert_non_null(out);
	fix = (struct fix){ .name = name, .claims = 1u << CLAIMED };
	m = (struct matrix){ .nr_fixes = 1, .fix = { &fix }, .repeat = 1 };
	m.hazards = 1u << CLAIMED | 1u << NOT_CLAIMED;
	cell(CLAIMED, claimed);
	cell(NOT_CLAIMED, not_claimed);
	found = matrix_judge(&m, out);
	rewind(out);
	for (*lines = 0; (c = getc(out)) != EOF;)
		*lines += c == '\n';
	fclose(out);
	return found;
}

static void test_status(void **state)
{
	static const struct {
		const char *name;
		enum verdict claimed, not_claimed;
		int status;
	} cases[] = {
		{ "it", VERDICT_HOLDS, VERDICT_HOLDS, VERIFY_OK },
		{ "it", VERDICT_HOLDS, VERDICT_VIOLATED, VERIFY_OK },
		{ "it", VERDICT_HOLDS, VERDICT_UNTESTED, VERIFY_OK },
		{ "it", VERDICT_VIOLATED, VERDICT_HOLDS, VERIFY_VIOLATED },
		{ "it", VERDICT_UNTESTED, VERDICT_HOLDS, VERIFY_UNTESTED },
		{ "none", VERDICT_VIOLATED, VERDICT_HOLDS, VERIFY_OK },
		{ "none", VERDICT_HOLDS, VERDICT_HOLDS, VERIFY_UNTESTED },
		{ "none", VERDICT_UNTESTED, VERDICT_HOLDS, VERIFY_UNTESTED },
	};
	unsigned int lines;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(status(cases[i].name, cases[i].claimed,
					cases[i].not_claimed, &lines),
				 cases[i].status);
		assert_int_equal(lines, cases[i].status != VERIFY_OK);
	}
	assert_int_equal(verify_worse(VERIFY_UNTESTED, VERIFY_VIOLATED),
			 VERIFY_VIOLATED);
	assert_int_equal(verify_worse(VERIFY_UNTESTED, VERIFY_OK),
			 VERIFY_UNTESTED);
}

/* --- how a scenario's process can end ------------------------------------ */

static int repair_crashes(struct mount *mp, unsigned int agno, uint64_t nr,
			  struct repair_result *res)
{
	(void)mp;
	(void)agno;
	(void)nr;
	(void)res;
	raise(SIGSEGV);
	return 0;
}

static int repair_exits(struct mount *mp, unsigned int agno, uint64_t nr,
			struct repair_result *res)
{
	(void)mp;
	(void)agno;
	(void)nr;
	(void)res;
	_exit(66);
}

static int repair_is_killed(struct mount *mp, unsigned int agno, uint64_t nr,
			    struct repair_result *res)
{
	(void)mp;
	(void)agno;
	(void)nr;
	(void)res;
	raise(SIGKILL);
	return 0;
}

static int mount_crashes(const struct mount_options *opt, struct mount **mpp)
{
	(void)opt;
	(void)mpp;
	abort();
}

static int mount_fails(const struct mount_options *opt, struct mount **mpp)
{
	(void)opt;
	(void)mpp;
	return -EAGAIN;
}

/* All scenarios of lost-error; @words are in the evidence. */
static void check_end(enum verdict verdict, const char *words)
{
	const struct cell *c = &m.cell[0][HAZARD_LOST_ERROR];

	m = (struct matrix){ .nr_fixes = 1, .fix = { &fix }, .repeat = 1 };
	m.hazards = HAZARD(LOST_ERROR);
	assert_int_equal(matrix_run(&m, false), 0);
	assert_non_null(c->evidence);
	if (c->verdict != verdict || !strstr(c->evidence, words))
		fail_msg("%s: %s", verdict_name(c->verdict), c->evidence);
	/* It is no proof that the scenarios see what they are for. */
	assert_int_equal(c->first_violated, 0);
	matrix_free(&m);
}

/* The oracle runs the instrumented copy: this one. */
static void take_none(void)
{
	fix = *fix_by_name("none")->counting;
	fix.counting = &fix;
}

static void test_ends(void **state)
{
	static const int deadly[] = { SIGSEGV, SIGABRT };

	(void)state;
	/* A scenario's child must die of them, not go on in cmocka. */
	for (unsigned int i = 0; i < sizeof(deadly) / sizeof(*deadly); i++)
		signal(deadly[i], SIG_DFL);
	take_none();
	fix.repair = repair_crashes;
	check_end(VERDICT_VIOLATED, "the scenario ");
	fix.repair = repair_exits;
	check_end(VERDICT_VIOLATED, "exit code 66");
	fix.repair = repair_is_killed;
	check_end(VERDICT_UNTESTED, "killed from outside: Killed");
	take_none();
	fix.mount = mount_crashes;
	check_end(VERDICT_UNTESTED, "before it began");
	fix.mount = mount_fails;
	check_end(VERDICT_UNTESTED, "ulimit -u");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
