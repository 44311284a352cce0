// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwribench doctor: run every check, and print what came out, as text
 * in groups or as JSON.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/doctor/doctor.h"

#include <argp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cli.h"
#include "bench/machine/machine.h"

#define COLUMNS		80
#define COLUMN_TEXT	24
#define COLUMN_MEND	6

/* --- for the checks ----------------------------------------------------- */

void check_set(struct doctor_check *c, enum doctor_status status,
	       const char *fmt, ...)
{
	va_list ap;

	c->status = status;
	va_start(ap, fmt);
	vsnprintf(c->value, sizeof(c->value), fmt, ap);
	va_end(ap);
}

void check_why(struct doctor_check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
}

void check_mend(struct doctor_check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->mend, sizeof(c->mend), fmt, ap);
	va_end(ap);
}

const char *check_sudo(const struct doctor_case *dc)
{
	return dc->probe->root ? "" : "sudo ";
}

void check_mend_write(struct doctor_check *c, const struct doctor_case *dc,
		      const char *value, const char *path)
{
	check_mend(c, "echo %s | %stee %s", value, check_sudo(dc), path);
}

void check_missing(struct doctor_check *c, const struct doctor_case *dc,
		   const char *key)
{
	char name[64];
	const char *reason;

	snprintf(name, sizeof(name), "%s_reason", key);
	reason = machine_text(dc, name);
	check_set(c, DOCTOR_UNKNOWN, "not told");
	check_why(c, "%s", reason ? reason : "the machine does not say why");
}

const char *machine_text(const struct doctor_case *dc, const char *key)
{
	return json_string_value(json_object_get(dc->machine, key));
}

bool machine_is_guest(const struct doctor_case *dc)
{
	const char *name = machine_text(dc, "hypervisor");

	return name && strcmp(name, "none");
}

/* --- the report --------------------------------------------------------- */

static const char *const status_names[] = {
	[DOCTOR_UNKNOWN] = "unknown",
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOISY] = "noisy",
	[DOCTOR_CANNOT] = "cannot",
};

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static int add_checks(json_t *checks, const struct doctor_entry *entry,
		      const char *group, const struct doctor_case *dc,
		      unsigned int counts[4], unsigned int *mendable)
{
	for (; entry->name; entry++) {
		struct doctor_check c = { 0 };

		entry->check(dc, &c);
		counts[c.status]++;
		if (c.status == DOCTOR_NOISY && *c.mend)
			++*mendable;
		if (json_array_append_new(
			    checks,
			    json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name",
				      entry->name, "group", group, "status",
				      status_names[c.status], "value",
				      text_or_null(c.value), "why",
				      text_or_null(c.why), "mend",
				      text_or_null(c.mend))))
			return -ENOMEM;
	}
	return 0;
}

json_t *doctor_report(const struct doctor_case *dc)
{
	json_t *report, *checks = json_array();
	unsigned int counts[4] = { 0 }, mendable = 0;
	char verdict[160];

	if (!checks ||
	    add_checks(checks, doctor_abilities, "ability", dc, counts,
		       &mendable) ||
	    add_checks(checks, doctor_noises, "noise", dc, counts,
		       &mendable)) {
		json_decref(checks);
		return NULL;
	}
	snprintf(verdict, sizeof(verdict),
		 "%s: %u noisy (%u of them mended by a command), %u cannot, %u unknown",
		 counts[DOCTOR_NOISY] ? "noisy" : "quiet",
		 counts[DOCTOR_NOISY], mendable, counts[DOCTOR_CANNOT],
		 counts[DOCTOR_UNKNOWN]);
	report = json_pack("{s:s, s:o, s:s}", "schema", "delwribench-doctor-1",
			   "checks", checks, "verdict", verdict);
	return report;
}

/* --- as text ------------------------------------------------------------ */

/* Words of @text, from @column on, which the line has reached. */
static void print_words(const char *text, int column, FILE *out)
{
	int at = column;

	while (*text) {
		int len = strcspn(text, " ");

		if (at > column && at + 1 + len > COLUMNS) {
			fprintf(out, "\n%*s", column, "");
			at = column;
		} else if (at > column) {
			fputc(' ', out);
			at++;
		}
		/* What is longer than a line is broken anywhere. */
		while (at + len > COLUMNS) {
			int fits = COLUMNS - at;

			fprintf(out, "%.*s\n%*s", fits, text, column, "");
			text += fits;
			len -= fits;
			at = column;
		}
		at += fprintf(out, "%.*s", len, text);
		text += len + strspn(text + len, " ");
	}
	fputc('\n', out);
}

/*
 * A command, so that a shell takes it as it stands: a line ends in a
 * backslash if there is more, and a word that is longer than a line goes
 * on where the next begins.
 */
static void print_command(const char *text, FILE *out)
{
	int at = COLUMN_MEND;

	fprintf(out, "%*s", COLUMN_MEND, "");
	while (*text) {
		int len = strcspn(text, " ");
		bool last = !text[len];

		if (at > COLUMN_MEND && at + len + (last ? 0 : 2) > COLUMNS) {
			fprintf(out, "\\\n%*s", COLUMN_MEND, "");
			at = COLUMN_MEND;
		}
		while (at + len + (last ? 0 : 2) > COLUMNS) {
			int fits = COLUMNS - 1 - at;

			/* Not between a backslash and what it is for. */
			if (text[fits - 1] == '\\')
				fits--;
			fprintf(out, "%.*s\\\n", fits, text);
			text += fits;
			len -= fits;
			at = 0;
		}
		at += fprintf(out, "%.*s%s", len, text, last ? "" : " ");
		text += len + !last;
	}
	fputc('\n', out);
}

static void print_check(const json_t *check, FILE *out)
{
	const char *name, *value, *why, *mend;
	char title[COLUMN_TEXT + 1], text[1024];

	name = json_string_value(json_object_get(check, "name"));
	value = json_string_value(json_object_get(check, "value"));
	why = json_string_value(json_object_get(check, "why"));
	mend = json_string_value(json_object_get(check, "mend"));
	snprintf(title, sizeof(title), "  %-*s", COLUMN_TEXT - 2, name);
	for (char *c = title; *c; c++)
		*c = *c == '_' ? ' ' : *c;
	fputs(title, out);
	snprintf(text, sizeof(text), "%s%s%s", value ? value : "",
		 value && why ? ": " : "", why ? why : "");
	print_words(text, COLUMN_TEXT, out);
	if (mend)
		print_command(mend, out);
}

/* Those of @group (NULL: any) and @status. */
static void print_group(const json_t *report, const char *heading,
			const char *group, const char *status, FILE *out)
{
	const json_t *checks = json_object_get(report, "checks"), *check;
	bool any = false;
	size_t i;

	json_array_foreach(checks, i, check)
	{
		const char *g, *s;

		g = json_string_value(json_object_get(check, "group"));
		s = json_string_value(json_object_get(check, "status"));
		if ((group && strcmp(group, g)) || strcmp(status, s))
			continue;
		if (!any)
			fprintf(out, "%s\n", heading);
		any = true;
		print_check(check, out);
	}
	if (any)
		fputc('\n', out);
}

void doctor_print(const json_t *report, FILE *out)
{
	print_group(report, "can", "ability", "ok", out);
	print_group(report, "cannot, and why", NULL, "cannot", out);
	print_group(report, "noisy, and what mends it", NULL, "noisy", out);
	print_group(report, "quiet", "noise", "ok", out);
	print_group(report, "unknown, and why", NULL, "unknown", out);
	fputs("verdict: ", out);
	print_words(json_string_value(json_object_get(report, "verdict")), 9, out);
	fputs("         ", out);
	print_words("noise makes verdicts rarer, not wrong: scripts/compare "
		    "prints for every row the least difference that it could "
		    "have found",
		    9, out);
}

/* --- command line ------------------------------------------------------- */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case 'j':
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		fprintf(stderr,
			"delwribench doctor: unexpected argument '%s'; see --help\n",
			arg);
		exit(EXIT_USAGE);
	}
	return ARGP_ERR_UNKNOWN;
}

int doctor_main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", 'j', NULL, 0, "Print JSON", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Say what this machine can and cannot measure, what makes "
		       "its times noisy, and the command that would mend each."
		       "\vIt looks for a second, changes nothing, and needs no "
		       "root. Exit status: 0 whatever it finds, 1 if it cannot "
		       "print it, 2 on bad usage.",
	};
	struct doctor_probe probe;
	struct doctor_case dc = { .probe = &probe };
	json_t *machine, *state, *report = NULL;
	bool json = false;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &json);
	doctor_probe(&probe);
	dc.machine = machine = machine_settings();
	dc.state = state = machine_state();
	if (machine && state)
		report = doctor_report(&dc);
	if (!report) {
		fputs("delwribench doctor: out of memory: free some and ask again\n",
		      stderr);
	} else if (json) {
		json_dumpf(report, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		doctor_print(report, stdout);
	}
	json_decref(machine);
	json_decref(state);
	json_decref(report);
	return !report;
}
