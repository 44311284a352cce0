// SPDX-License-Identifier: GPL-2.0-only
/*
 * Beside the times: which hazards each fix does not hold.
 */
#include "bench/run/run.h"

#include <errno.h>
#include <string.h>

#include "bench/oracle/oracle.h"
#include "bench/progress.h"

#define MATRIX_NAME	"verify.json"

/* Others wait longer: what the times show, and no wrong result. */
#define ONLY_SLOW	(HAZARD(COLLATERAL_STALL) | HAZARD(UNBOUNDED_WAIT))

/* As `verify --json` prints it, for the report; what is there stays. */
static int write_matrix(const char *dir, const json_t *fixes)
{
	json_t *matrix = json_pack("{s:O}", "fixes", fixes);
	int error = matrix ? result_write(dir, MATRIX_NAME, matrix) : -ENOMEM;

	json_decref(matrix);
	if (!error || error == -EEXIST)
		return 0;
	cli_fail("cannot write %s/" MATRIX_NAME ": %s", dir, strerror(-error));
	return error;
}

int run_hazards(const struct cli *cli, const char *dir,
		struct hazards *hazards)
{
	json_t *fixes = json_object(), *cells;
	int error = -EINTR;

	for (unsigned int i = 0; i < cli->nr_fixes; i++) {
		const struct fix *fix = cli->fixes[i];
		struct hazards *h = &hazards[i];

		if (fix->does_nothing || fix_is_twin(fix)) {
			snprintf(h->text, sizeof(h->text),
				 "not checked: a control of the measurement");
			continue;
		}
		if (run_interrupted())
			goto out;
		progress_say("hazards of %s %u/%u", fix->name, i + 1,
			     cli->nr_fixes);
		if (oracle_matrix_brief(fix, &h->broken, h->text,
					sizeof(h->text), &cells) &&
		    !strcmp(h->text, "interrupted"))
			goto out;
		if (cells)
			json_object_set_new(fixes, fix->name, cells);
		h->checked = true;
	}
	progress_clear();
	error = write_matrix(dir, fixes);
out:
	json_decref(fixes);
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
