// SPDX-License-Identifier: GPL-2.0-only
/*
 * The matrix as text and as JSON, and whether it is what it has to be.
 */
#include "verify.h"

#include <jansson.h>
#include <string.h>

/* Two lines of heading, so that eleven hazards fit beside the names. */
static const char *const heading[HAZARDS][2] = {
	[HAZARD_ORDERING] = { "order", "ing" },
	[HAZARD_LOST_ERROR] = { "lost", "error" },
	[HAZARD_REREAD] = { "re", "read" },
	[HAZARD_STALE_WRITE] = { "stale", "write" },
	[HAZARD_FLAG_LEAK] = { "flag", "leak" },
	[HAZARD_DEADLOCK] = { "dead", "lock" },
	[HAZARD_COLLATERAL_STALL] = { "colla", "teral" },
	[HAZARD_UNBOUNDED_WAIT] = { "unbnd", "wait" },
	[HAZARD_LOST_WAKEUP] = { "lost", "wake" },
	[HAZARD_LIST_CORRUPTION] = { "list", "corr" },
	[HAZARD_LEAK] = { "", "leak" },
};

static const char *cell_mark(const struct fix *fix, int h,
			     const struct cell *c)
{
	if (!c->evidence)
		return "-";
	if (c->verdict == VERDICT_VIOLATED)
		return fix->claims & (1u << h) ? "FAIL" : "no";
	return c->verdict == VERDICT_HOLDS ? "ok" : "?";
}

static bool shown(const struct matrix *m, int h)
{
	return m->hazards & (1u << h);
}

static void print_timelines(const struct matrix *m, FILE *out)
{
	for (unsigned int i = 0; i < m->nr_fixes; i++)
		for (int h = 0; h < HAZARDS; h++) {
			const struct cell *c = &m->cell[i][h];

			if (!shown(m, h) || c->verdict == VERDICT_HOLDS ||
			    m->fix[i]->does_nothing)
				continue;
			fprintf(out, "%s, %s: %s", m->fix[i]->name,
				hazard_name(h), verdict_name(c->verdict));
			if (m->repeat > 1)
				fprintf(out, " in %u of %u runs", c->violated,
					c->violated + c->holds + c->untested);
			fprintf(out, "\n%s\n\n", c->evidence);
		}
}

void matrix_print(const struct matrix *m, bool timelines, FILE *out)
{
	if (timelines)
		print_timelines(m, out);
	for (int line = 0; line < 2; line++) {
		fprintf(out, "%-22s", line ? "fix" : "");
		for (int h = 0; h < HAZARDS; h++)
			if (shown(m, h))
				fprintf(out, " %-5s", heading[h][line]);
		fputc('\n', out);
	}
	for (unsigned int i = 0; i < m->nr_fixes; i++) {
		fprintf(out, "%-22s", m->fix[i]->name);
		for (int h = 0; h < HAZARDS; h++)
			if (shown(m, h))
				fprintf(out, " %-5s",
					cell_mark(m->fix[i], h,
						  &m->cell[i][h]));
		fputc('\n', out);
	}
	fprintf(out, "\nok: held in every scenario; no: broken, as the fix "
		     "itself says (its FIX_CLAIMS)\nand as is shown above; "
		     "FAIL: broken in spite of its claim; ?: not tested,\n"
		     "reason above (null does nothing: the harness's floor); "
		     "-: not run. lost wake:\nstatistical, on this machine. "
		     "The cache is Linux %s's, the device memory.\n",
		fixes[0]->cache);
}

static json_t *cell_json(const struct cell *c, bool claimed)
{
	int runs = c->violated + c->holds + c->untested;

	return json_pack("{s:s, s:b, s:s, s:i, s:i}", "verdict",
			 verdict_name(c->verdict), "claimed", claimed,
			 "evidence", c->evidence ? c->evidence : "",
			 "violated", c->violated, "runs", runs);
}

json_t *matrix_to_json(const struct matrix *m)
{
	json_t *all = json_object();

	for (unsigned int i = 0; all && i < m->nr_fixes; i++) {
		json_t *fix = json_object();

		json_object_set_new(all, m->fix[i]->name, fix);
		for (int h = 0; h < HAZARDS; h++) {
			const struct cell *c = &m->cell[i][h];

			if (shown(m, h) && c->evidence)
				json_object_set_new(
					fix, hazard_name(h),
					cell_json(c, m->fix[i]->claims &
							     (1u << h)));
		}
	}
	return all;
}

/* What `none` and `none_pre_done` must fail, or nothing can be believed. */
static unsigned int must_violate(const struct fix *fix)
{
	if (!strcmp(fix->name, "none"))
		return HAZARD(ORDERING) | HAZARD(LOST_ERROR);
	if (!strcmp(fix->name, "none_pre_done"))
		return HAZARD(ORDERING) | HAZARD(LOST_ERROR) | HAZARD(REREAD);
	return 0;
}

/* What could not be tested, and a fix or a control has to answer for. */
static int untested(const struct fix *fix, int h, const struct cell *c,
		    FILE *out)
{
	const char *why = c->evidence ? c->evidence : "it did not run";

	fprintf(out, "%s: %s could not be tested: %.*s\n", fix->name,
		hazard_name(h), (int)strcspn(why, "\n"), why);
	return VERIFY_UNTESTED;
}

static int judge_cell(const struct fix *fix, int h, const struct cell *c,
		      unsigned int repeat, FILE *out)
{
	unsigned int bit = 1u << h;

	if (must_violate(fix) & bit) {
		if (c->first_violated == repeat)
			return VERIFY_OK;
		if (c->untested)
			return untested(fix, h, c, out);
		fprintf(out,
			"%s did not violate %s every time: the scenarios "
			"do not see what they are for\n",
			fix->name, hazard_name(h));
		return VERIFY_UNTESTED;
	}
	if (!(fix->claims & bit) || c->verdict == VERDICT_HOLDS)
		return VERIFY_OK;
	if (c->verdict == VERDICT_UNTESTED)
		return untested(fix, h, c, out);
	fprintf(out, "%s claims to hold %s, which is violated\n", fix->name,
		hazard_name(h));
	return VERIFY_VIOLATED;
}

int matrix_judge(const struct matrix *m, FILE *out)
{
	int status = VERIFY_OK;

	for (unsigned int i = 0; i < m->nr_fixes; i++)
		for (int h = 0; h < HAZARDS; h++)
			if (shown(m, h))
				status = verify_worse(
					status,
					judge_cell(m->fix[i], h,
						   &m->cell[i][h], m->repeat,
						   out));
	return status;
}
