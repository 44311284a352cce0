// SPDX-License-Identifier: GPL-2.0-only
/*
 * Beside the times: which hazards each fix does not hold.
 */
#include "bench/run/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/oracle/verify.h"
#include "bench/progress.h"

/* Others wait longer: what the times show, and no wrong result. */
#define ONLY_SLOW	(HAZARD(COLLATERAL_STALL) | HAZARD(UNBOUNDED_WAIT))

static bool is_checked(const struct fix *fix)
{
	return !fix->does_nothing && !fix_is_twin(fix);
}

/* What row @i of the matrix says, in a line. */
static void say_row(const struct matrix *m, unsigned int i, struct hazards *out)
{
	size_t at = 0, size = sizeof(out->text);

	out->checked = true;
	for (int h = 0; h < HAZARDS; h++) {
		const struct cell *c = &m->cell[i][h];
		bool violated = c->verdict == VERDICT_VIOLATED;

		if (!(m->hazards & (1u << h)) || c->verdict == VERDICT_HOLDS)
			continue;
		out->broken |= violated ? 1u << h : 0;
		at += snprintf(out->text + at, at < size ? size - at : 0,
			       "%s%s%s", at ? ", " : "",
			       violated ? "" : "untested: ", hazard_name(h));
	}
	if (!at)
		snprintf(out->text, size, "all hold");
}

static int store(const struct matrix *m, const char *dir)
{
	json_t *json = json_pack("{s:s, s:o, s:b}", "cache",
				 fixes[0]->cache, "fixes", matrix_to_json(m),
				 "interrupted", 0);
	int error = json ? result_write(dir, "verify.json", json) : -ENOMEM;

	json_decref(json);
	/* Of an earlier report, or scripts/verify's own. */
	return error == -EEXIST ? 0 : error;
}

int run_hazards(const struct run *r, struct hazards *hazards)
{
	struct matrix *m = calloc(1, sizeof(*m));
	const struct cli *cli = &r->cli;
	unsigned int row = 0;
	int error;

	if (!m)
		return -ENOMEM;
	m->repeat = 1;
	/* A litmus takes minutes of both processors. */
	m->hazards = HAZARD_ALL & ~HAZARD(LOST_WAKEUP);
	for (unsigned int i = 0; i < cli->nr_fixes; i++)
		if (is_checked(cli->fixes[i]) && m->nr_fixes < FIXES_MAX)
			m->fix[m->nr_fixes++] = cli->fixes[i];
	progress_say("hazards of %u fixes", m->nr_fixes);
	error = matrix_run(m, false);
	progress_clear();
	if (!error)
		error = store(m, r->dir);
	for (unsigned int i = 0; i < cli->nr_fixes && !error; i++) {
		if (is_checked(cli->fixes[i]))
			say_row(m, row++, &hazards[i]);
		else
			snprintf(hazards[i].text, sizeof(hazards[i].text),
				 "not checked: a control of the measurement");
	}
	matrix_free(m);
	free(m);
	return error;
}

const char *run_incorrect(const struct hazards *h, char *text, size_t size)
{
	size_t at = 0;

	if (!(h->broken & ~ONLY_SLOW))
		return NULL;
	text[0] = '\0';
	for (int i = 0; i < HAZARDS; i++)
		if (h->broken & ~ONLY_SLOW & (1u << i))
			at += snprintf(text + at, at < size ? size - at : 0,
				       "%s%s", at ? ", " : "", hazard_name(i));
	return text;
}

void run_print_hazards(const struct cli *cli, const struct hazards *hazards,
		       FILE *out)
{
	char incorrect[512];

	fputs("\nhazards that a fix does not hold (! wrong results or a hang; scripts/verify shows how, and tries\nlost-wakeup too):\n",
	      out);
	for (unsigned int i = 0; i < cli->nr_fixes; i++) {
		const struct hazards *h = &hazards[i];
		bool bad = run_incorrect(h, incorrect, sizeof(incorrect));

		fprintf(out, "%-20s %c ", cli->fixes[i]->name, bad ? '!' : ' ');
		run_print_wrapped(out,
				  h->text[0] ? h->text :
					       "not checked: out of memory",
				  23, 23);
	}
}
