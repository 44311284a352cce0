// SPDX-License-Identifier: GPL-2.0-only
/*
 * scripts/explore: what was asked for, a process per fix, and what it says.
 */
#include "explore.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "bench/cache.h"
#include "report.h"

#define EXIT_USAGE	2
#define KEY_CACHE	1000
#define KEY_MEMORY	1001
#define KEY_REPLAY	1002
#define KEY_JSON	1003
#define KEY_UNREDUCED	1004
#define KEY_ALL		1005
#define KEY_LIST	1006
#define KEY_WORKERS	1007
#define KEY_MUTANTS	1008
#define KEY_CHOICES	1009

#define FIXES_ASKED	64u

struct options {
	struct explore_options explore;
	const struct fix *fix[FIXES_ASKED];
	unsigned int nr_fixes;
	const char *cache, *fix_names[FIXES_ASKED];
	const char *replay;
	bool json, list, mutants;
};

static const struct argp_option argp_options[] = {
	{ "fix", 'f', "NAME", 0, "Only this fix; may be given again", 0 },
	{ "scenario", 's', "NAME", 0, "What is played (default: review)", 0 },
	{ "cache", KEY_CACHE, "GEN", 0, CACHE_OPTION_DOC, 0 },
	{ "strategy", 't', "HOW", 0,
	  "bounded: every schedule with so few preemptions (default); "
	  "pct: random priorities",
	  0 },
	{ "memory", KEY_MEMORY, "MODEL", 0,
	  "sc: all see each store at once (default); tso: store buffers, as "
	  "x86; what ARM and POWER do beyond that is not covered",
	  0 },
	{ "bound", 'b', "N", 0,
	  "bounded: preemptions (default: 2); pct: depth of the bugs that are "
	  "looked for (default: 3)",
	  0 },
	{ "choices", KEY_CHOICES, "N", 0,
	  "bounded: where a task blocks, so often another than the default goes "
	  "on, or: any (default: any, and 0 with two preemptions or more)",
	  0 },
	{ "seconds", 'S', "S", 0, "For each fix at most (default: 300)", 0 },
	{ "runs", 'n', "N", 0, "pct: at most so many (default: 1000000)", 0 },
	{ "seed", 'r', "N", 0, "pct: other draws (default: 1)", 0 },
	{ "replay", KEY_REPLAY, "STRING", 0,
	  "Run one schedule, as a witness names it, and show it", 0 },
	{ "all", KEY_ALL, NULL, 0, "Go on after a witness, and count", 0 },
	{ "unreduced", KEY_UNREDUCED, NULL, 0,
	  "bounded: run each schedule to its end", 0 },
	{ "workers", KEY_WORKERS, "N", 0,
	  "Processes (default: one per processor)", 0 },
	{ "mutants", KEY_MUTANTS, NULL, 0,
	  "Which mutants each scenario finds, in --seconds each (default: 60); "
	  "with --fix, only that one",
	  0 },
	{ "json", KEY_JSON, NULL, 0, "For programs", 0 },
	{ "list", KEY_LIST, NULL, 0, "Name fixes and scenarios, and end", 0 },
	{ 0 }
};

static void __attribute__((noreturn, format(printf, 1, 2)))
usage(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* One line, whatever was typed. */
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = '?';
	fprintf(stderr, "explore: %s\n", line);
	exit(EXIT_USAGE);
}

static double number(const char *what, const char *arg, double min, double max)
{
	char *end;
	double value = strtod(arg, &end);

	if (*end || end == arg || !(value >= min && value <= max))
		usage("--%s '%s': a number from %g to %g is needed", what, arg,
		      min, max);
	return value;
}

static unsigned int whole(const char *what, const char *arg, double min,
			  double max)
{
	double value = number(what, arg, min, max);

	if (value != (unsigned int)value)
		usage("--%s '%s': a whole number is needed", what, arg);
	return value;
}

static const struct play_scenario *scenario_of(const char *name)
{
	const struct play_scenario *s;

	for (unsigned int i = 0; (s = play_scenario(i)); i++)
		if (!strcmp(s->name, name))
			return s;
	if (oracle_scenario(name))
		return oracle_scenario(name);
	usage("no scenario '%s': --list names them", name);
}

static const struct fix *fix_of(const char *name)
{
	const struct fix *fix = explore_fix_by_name(name);

	if (fix)
		return fix;
	usage("no fix '%s': --list names them", name);
}

static bool one_of(const char *what, const char *arg, const char *no,
		   const char *yes)
{
	if (strcmp(arg, no) && strcmp(arg, yes))
		usage("--%s '%s': give %s or %s", what, arg, no, yes);
	return !strcmp(arg, yes);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	struct explore_options *e = &o->explore;

	switch (key) {
	case 'f':
		if (o->nr_fixes == FIXES_ASKED)
			usage("more than %u fixes", FIXES_ASKED);
		o->fix_names[o->nr_fixes++] = arg;
		break;
	case 's':
		e->scenario = scenario_of(arg);
		break;
	case KEY_CACHE:
		if (cache_choose("explore", arg))
			exit(EXIT_USAGE);
		break;
	case 't':
		e->pct = one_of("strategy", arg, "bounded", "pct");
		break;
	case KEY_MEMORY:
		e->tso = one_of("memory", arg, "sc", "tso");
		break;
	case 'b':
		e->bound = whole("bound", arg, 0, BOUND_MAX);
		e->bound_given = true;
		break;
	case KEY_CHOICES:
		e->choices = strcmp(arg, "any") ?
				     whole("choices", arg, 0, CHOICES_ANY - 1) :
				     CHOICES_ANY;
		e->choices_given = true;
		break;
	case 'S':
		e->seconds = number("seconds", arg, 0.1, 1e6);
		break;
	case 'n':
		e->runs = number("runs", arg, 1, 1e15);
		break;
	case 'r':
		e->seed = number("seed", arg, 0, 1e15);
		break;
	case KEY_REPLAY:
		o->replay = arg;
		break;
	case KEY_WORKERS:
		e->workers = whole("workers", arg, 1, WORKERS_MAX);
		break;
	case KEY_ALL:
		e->all = true;
		break;
	case KEY_UNREDUCED:
		e->unreduced = true;
		break;
	case KEY_JSON:
		o->json = true;
		break;
	case KEY_MUTANTS:
		o->mutants = true;
		break;
	case KEY_LIST:
		o->list = true;
		break;
	case ARGP_KEY_ARG:
		usage("'%s' is no option", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void list(void)
{
	const struct play_scenario *s;

	printf("caches: %s\n", cache_names());
	for (const struct fix *const *f = fixes; *f; f++)
		printf("%-22s %s\n", (*f)->name, (*f)->summary);
	for (unsigned int i = 0; (s = play_scenario(i)); i++)
		printf("%-22s %s\n", s->name, s->summary);
	oracle_list();
}

/* GEN/FIX/SCENARIO/MEMORY/STEPS */
static int replay(struct options *o)
{
	char copy[8192], *at = copy, *part[4], why[200];
	struct course course;

	if (strlen(o->replay) >= sizeof(copy))
		usage("--replay: longer than any witness");
	strcpy(copy, o->replay);
	for (int i = 0; i < 4; i++) {
		part[i] = strsep(&at, "/");
		if (!at)
			usage("--replay '%.60s': GEN/FIX/SCENARIO/MEMORY/STEPS "
			      "is wanted, as a witness prints it",
			      o->replay);
	}
	if (cache_choose("explore", part[0]))
		return EXIT_USAGE;
	o->explore.scenario = scenario_of(part[2]);
	o->explore.tso = one_of("replay", part[3], "sc", "tso");
	if (course_parse(at, &course, why, sizeof(why)))
		usage("--replay %s", why);
	return explore_replay(&o->explore, fix_of(part[1]), &course);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = "Explore the schedules of a scenario: find one in which "
		       "a fix fails, or show that within a bound there is none.",
	};
	struct options o = {
		.explore = {
			.runs = 1000000,
			.seed = 1,
		},
	};
	json_t *json = NULL;
	int status = 0, one;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!o.explore.bound_given)
		o.explore.bound = o.explore.pct ? 3 : 2;
	if (o.explore.pct && !o.explore.bound)
		usage("--bound 0: pct looks for bugs of depth 1 or more");
	if (!o.explore.scenario)
		o.explore.scenario = scenario_of("review");
	if (o.list) {
		list();
		return 0;
	}
	if (!o.explore.seconds)
		o.explore.seconds = o.mutants ? 60 : 300;
	if (o.replay)
		return replay(&o);
	for (unsigned int i = 0; i < o.nr_fixes; i++)
		o.fix[i] = fix_of(o.fix_names[i]);
	if (o.mutants)
		return explore_mutants(&o.explore, o.fix, o.nr_fixes, o.json);
	for (const struct fix *const *f = fixes; !o.fix_names[0] && *f; f++)
		if (!(*f)->does_nothing && o.nr_fixes < FIXES_ASKED)
			o.fix[o.nr_fixes++] = *f;
	if (o.json)
		json = json_object();
	for (unsigned int i = 0; i < o.nr_fixes; i++) {
		one = explore_fix(&o.explore, o.fix[i], json);
		/* What a fix breaks says more than what could not be told. */
		if (one == 1 || !status)
			status = one;
	}
	if (json) {
		json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
		json_decref(json);
	}
	return status;
}
