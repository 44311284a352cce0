// SPDX-License-Identifier: GPL-2.0-only
/*
 * scripts/verify: which fix is correct, with the interleaving that breaks
 * each wrong one.
 */
#include "verify.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cache.h"

struct options {
	struct matrix *m;
	double stress;
	uint64_t seed;
	bool json;
	bool asked;		/* --fix was given */
};

#define KEY_CACHE	256
#define KEY_THREADS	257

static const struct argp_option argp_options[] = {
	{ "fix", 'f', "NAME", 0, "Only this fix (may be repeated)", 0 },
	{ "cache", KEY_CACHE, "GEN", 0, CACHE_OPTION_DOC, 0 },
	{ "hazard", 'z', "NAME", 0, "Only this hazard (may be repeated)", 0 },
	{ "repeat", 'n', "N", 0,
	  "Run every scenario N times; without --threads each is the same", 0 },
	{ "stress", 's', "SECONDS", 0,
	  "Instead of scenarios everything at "
	  "once, for so long per fix, nobody held",
	  0 },
	{ "seed", 'S', "N", 0, "Seed of --stress (default 1)", 0 },
	{ "threads", KEY_THREADS, NULL, 0,
	  "Scenarios on threads, by the clock, not on fibers in virtual time: "
	  "slower, and with this machine's processors",
	  0 },
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

int verify_worse(int a, int b)
{
	if (a == VERIFY_VIOLATED || b == VERIFY_VIOLATED)
		return VERIFY_VIOLATED;
	return a > b ? a : b;
}

int verify_failed(int error)
{
	if (error == -EINTR) {
		fprintf(stderr, "verify: interrupted: there is no more than "
				"what was finished\n");
		return VERIFY_INTERRUPTED;
	}
	fprintf(stderr,
		"verify: cannot start a process, or no memory: %s; see ulimit "
		"-u, ulimit -v, and the pids and memory limits of the "
		"container\n",
		strerror(-error));
	return VERIFY_UNTESTED;
}

int verify_dump(json_t *json)
{
	int error = json ? json_dumpf(json, stdout,
				      JSON_INDENT(2) | JSON_PRESERVE_ORDER) :
			   -1;

	putchar('\n');
	json_decref(json);
	return error ? -EIO : 0;
}

static void add_fix(struct options *o, const char *name)
{
	const struct fix *fix = fix_by_name(name);

	if (!fix) {
		fprintf(stderr, "verify: unknown fix '%s'; known:", name);
		for (const struct fix *const *f = fixes; *f; f++)
			fprintf(stderr, " %s", (*f)->name);
		fputc('\n', stderr);
		exit(VERIFY_USAGE);
	}
	o->asked = true;
	if (o->m->nr_fixes < FIXES_MAX)
		o->m->fix[o->m->nr_fixes++] = fix;
}

static void add_hazard(struct options *o, const char *name)
{
	for (int h = 0; h < HAZARDS; h++) {
		if (strcmp(hazard_name(h), name))
			continue;
		o->m->hazards |= 1u << h;
		return;
	}
	fprintf(stderr, "verify: unknown hazard '%s'; known:", name);
	for (int h = 0; h < HAZARDS; h++)
		fprintf(stderr, " %s", hazard_name(h));
	fputc('\n', stderr);
	exit(VERIFY_USAGE);
}

static double number(const char *what, const char *arg, double min,
		     double max)
{
	char *end;
	double value = strtod(arg, &end);

	if (*end || end == arg || !(value >= min && value <= max)) {
		fprintf(stderr,
			"verify: --%s '%s': a number from %g to %g is "
			"needed\n",
			what, arg, min, max);
		exit(VERIFY_USAGE);
	}
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'f':
		add_fix(o, arg);
		break;
	case KEY_CACHE:
		if (cache_choose("verify", arg))
			exit(VERIFY_USAGE);
		break;
	case 'z':
		add_hazard(o, arg);
		break;
	case 'n':
		o->m->repeat = number("repeat", arg, 1, 1e6);
		break;
	case 's':
		o->stress = number("stress", arg, 0.1, 1e6);
		break;
	case 'S':
		o->seed = number("seed", arg, 0, 1e15);
		break;
	case KEY_THREADS:
		o->m->threads = true;
		break;
	case 'j':
		o->json = true;
		break;
	case ARGP_KEY_END:
		/* --cache may come behind. */
		for (unsigned int i = 0; i < o->m->nr_fixes; i++)
			o->m->fix[i] = fix_by_name(o->m->fix[i]->name);
		break;
	case ARGP_KEY_ARG:
		fprintf(stderr,
			"verify: unexpected argument '%s'; see "
			"--help\n",
			arg);
		exit(VERIFY_USAGE);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void all_fixes(struct matrix *m)
{
	for (const struct fix *const *f = fixes; *f; f++)
		if (!fix_is_twin(*f) && m->nr_fixes < FIXES_MAX)
			m->fix[m->nr_fixes++] = *f;
}

int verify_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = "Run every fix against every hazard and say which "
		       "holds.\vExit status: 0 if the negative controls fail "
		       "and every fix holds what it claims; 1 if a fix "
		       "violates what it claims; 2 on bad usage; 3 if that "
		       "cannot be said: what a fix claims could not be tested, "
		       "a control did not fail, or verify itself could not go "
		       "on; 130 if interrupted.",
	};
	struct options o = { .seed = 1 };
	int error, status;

	argp_err_exit_status = VERIFY_USAGE;
	o.m = calloc(1, sizeof(*o.m));
	if (!o.m)
		return verify_failed(-ENOMEM);
	o.m->repeat = 1;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!o.asked)
		all_fixes(o.m);
	if (!o.m->hazards)
		o.m->hazards = HAZARD_ALL;
	if (o.stress > 0) {
		status = stress_main(o.m, o.stress, o.seed, o.json);
		goto out;
	}
	error = matrix_run(o.m, isatty(STDERR_FILENO));
	if (o.json && verify_dump(json_pack("{s:s, s:o, s:b}", "cache",
					    fixes[0]->cache, "fixes",
					    matrix_to_json(o.m), "interrupted",
					    error == -EINTR)))
		error = -ENOMEM;
	if (!o.json)
		matrix_print(o.m, !error, stdout);
	fflush(stdout);
	status = error ? verify_failed(error) : matrix_judge(o.m, stderr);
	if (!status && !o.json)
		puts("Every fix holds what it claims; the negative controls "
		     "fail as they must.");
out:
	matrix_free(o.m);
	free(o.m);
	return status;
}
