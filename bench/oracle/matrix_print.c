// SPDX-License-Identifier: GPL-2.0-only
/*
 * The matrix as text and as JSON, and whether it is what it has to be.
 */
#include "verify.h"

#include <errno.h>
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
		fprintf(out, "%-21s", line ? "fix" : "");
		for (int h = 0; h < HAZARDS; h++)
			if (shown(m, h))
				fprintf(out, " %-5s", heading[h][line]);
		fputc('\n', out);
	}
	for (unsigned int i = 0; i < m->nr_fixes; i++) {
		fprintf(out, "%-21s", m->fix[i]->name);
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
		     "Only the memory device was used.\n");
}

static json_t *cell_json(const struct cell *c, bool claimed)
{
	int runs = c->violated + c->holds + c->untested;

	return json_pack("{s:s, s:b, s:s, s:i, s:i}", "verdict",
			 verdict_name(c->verdict), "claimed", claimed,
			 "evidence", c->evidence ? c->evidence : "",
			 "violated", c->violated, "runs", runs);
}

json_t *matrix_cells_json(const struct matrix *m, unsigned int i)
{
	json_t *fix = json_object();

	for (int h = 0; h < HAZARDS; h++) {
		const struct cell *c = &m->cell[i][h];

		if (shown(m, h))
			json_object_set_new(fix, hazard_name(h),
					    cell_json(c, m->fix[i]->claims &
								 (1u << h)));
	}
	return fix;
}

int matrix_print_json(const struct matrix *m, FILE *out)
{
	json_t *root = json_object(), *fixes_obj = json_object();
	int error = -ENOMEM;

	if (!root || !fixes_obj)
		goto out;
	json_object_set(root, "fixes", fixes_obj);
	for (unsigned int i = 0; i < m->nr_fixes; i++)
		json_object_set_new(fixes_obj, m->fix[i]->name,
				    matrix_cells_json(m, i));
	error = json_dumpf(root, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	if (error)
		error = -EIO;
	fputc('\n', out);
out:
	json_decref(fixes_obj);
	json_decref(root);
	return error;
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

static int judge_cell(const struct fix *fix, int h, const struct cell *c,
		      unsigned int repeat, FILE *out)
{
	unsigned int bit = 1u << h;

	if (must_violate(fix) & bit) {
		if (c->first_violated == repeat)
			return 0;
		fprintf(out,
			"%s did not violate %s every time: the scenarios "
			"do not see what they are for\n",
			fix->name, hazard_name(h));
		return 1;
	}
	if ((fix->claims & bit) && c->verdict != VERDICT_HOLDS) {
		fprintf(out, "%s claims to hold %s, which is %s\n", fix->name,
			hazard_name(h), verdict_name(c->verdict));
		return 1;
	}
	/* Whoever claims the main thing has to answer for all of it. */
	if ((fix->claims & HAZARD(ORDERING)) && c->untested) {
		fprintf(out, "%s: %s could not be tested\n", fix->name,
			hazard_name(h));
		return 1;
	}
	return 0;
}

int matrix_judge(const struct matrix *m, FILE *out)
{
	int bad = 0;

	for (unsigned int i = 0; i < m->nr_fixes; i++)
		for (int h = 0; h < HAZARDS; h++)
			if (shown(m, h))
				bad += judge_cell(m->fix[i], h,
						  &m->cell[i][h], m->repeat,
						  out);
	return bad;
}
