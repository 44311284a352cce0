// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the command line of `run`.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/cli.h"

#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cache.h"
#include "bench/oracle/oracle.h"
#include <unistd.h>

#define BLOCKS_MAX	9999
#define ROUNDS_MAX	100000

enum {
	KEY_LIST = 256,
	KEY_JSON,
	KEY_NO_VERIFY,
	KEY_FULL,
	KEY_HOST,
	KEY_RESUME,
	KEY_HOME,
	KEY_ONE_BLOCK,
	KEY_BLOCKS_AFTER,
	KEY_DIR,
	KEY_RUN_ID,
	KEY_LAYOUT,
	KEY_INJECT,
	KEY_CACHE,
};

static const struct argp_option options[] = {
	{ "fix", 'f', "NAME", 0,
	  "Measure this fix (repeatable; default: those that claim to keep "
	  "the order, but no variants); `none`, with which they are compared, "
	  "is measured in any case",
	  0 },
	{ "cache", KEY_CACHE, "GEN", 0, CACHE_OPTION_DOC, 0 },
	{ "workload", 'w', "NAME", 0,
	  "Run this workload (repeatable): GROUP/CASE, or GROUP for all its "
	  "cases but the long ones (default: all but the long ones)",
	  0 },
	{ "full", KEY_FULL, NULL, 0,
	  "Run the long workloads too, all fixes that claim to keep the order "
	  "with their variants, and 6 blocks; --fix, --workload and --blocks "
	  "still restrict it. Left out: fixes that are known to be broken, of "
	  "which `none` is enough, `null`, and `none_twin`; name them with "
	  "--fix",
	  0 },
	{ "threads", 't', "N", 0,
	  "Pinned threads that look up (default: one per processor that may "
	  "be used); with --sweep: the most",
	  0 },
	{ "blocks", 'b', "N", 0,
	  "Measure so often, each in a process of its own (default: 1)", 0 },
	{ "rounds", 'r', "N", 0,
	  "Batches of each fix per block (default: the workload's own)", 0 },
	{ "seed", 's', "N", 0, "Seed of every order drawn (default: 1)", 0 },
	{ "device", 'd', "PATH", 0,
	  "Existing file or block device to write to instead of memory: what "
	  "is on it is lost",
	  0 },
	{ "out", 'o', "DIR", 0,
	  "Where to make the run's folder (default: results)", 0 },
	{ "host", KEY_HOST, "NAME", 0,
	  "What results call this machine, in their folder's name, too "
	  "(default: its host name); they name no folder or user of it",
	  0 },
	{ "resume", KEY_RESUME, "DIR", 0,
	  "Measure the blocks that are missing in a run's folder, with the "
	  "options of that run, and show all; --device and --benchmark_out, "
	  "whose paths are not kept there, are to be given again",
	  0 },
	{ "no-verify", KEY_NO_VERIFY, NULL, 0,
	  "Leave out the check of each fix against each hazard", 0 },
	{ "list", KEY_LIST, NULL, 0,
	  "List fixes, workloads and floors, and end", 0 },
	{ "json", KEY_JSON, NULL, 0, "With --list: as JSON", 0 },
	{ "inject", KEY_INJECT, "FIX=PERCENT", 0,
	  "Let this fix do so many more operations than it is timed for, to "
	  "see whether a comparison finds it (scripts/calibrate)",
	  0 },
	{ "home", KEY_HOME, "DIR", OPTION_HIDDEN, NULL, 0 },
	{ "one-block", KEY_ONE_BLOCK, "N", OPTION_HIDDEN, NULL, 0 },
	{ "blocks-after", KEY_BLOCKS_AFTER, "N", OPTION_HIDDEN, NULL, 0 },
	{ "dir", KEY_DIR, "DIR", OPTION_HIDDEN, NULL, 0 },
	{ "run-id", KEY_RUN_ID, "ID", OPTION_HIDDEN, NULL, 0 },
	{ "layout", KEY_LAYOUT, "I/N/BYTES", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static const char doc[] =
	"Measure every fix under every workload and print a table."
	"\vAnything that begins with --benchmark_ goes to Google Benchmark: "
	"--benchmark_filter=REGEX selects (names are WORKLOAD/FIX), "
	"--benchmark_out=FILE adds a report, any other shows its own. "
	"Each block is kept as a file of the run's folder. Exit status: 0 if "
	"all was measured that fits in memory, 1 if not, 2 on bad usage, 130 if "
	"interrupted.";

static void say(const char *fmt, va_list ap)
{
	/* Over what is left of a line of progress. */
	fputs(isatty(STDERR_FILENO) ? "\r\033[K" : "", stderr);
	fputs("delwribench run: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void cli_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

int cli_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return EXIT_USAGE;
}

/* --- options ------------------------------------------------------------ */

static const struct fix *find_fix(const char *name)
{
	const struct fix *fix = fix_by_name(name);

	if (fix)
		return fix;
	fprintf(stderr, "delwribench run: unknown fix '%s'; known:", name);
	for (const struct fix *const *f = fixes; *f; f++)
		fprintf(stderr, " %s", (*f)->name);
	fputc('\n', stderr);
	exit(EXIT_USAGE);
}

static void add_fix(struct cli *cli, const char *name)
{
	const struct fix *fix = find_fix(name);
	unsigned int i;

	for (i = 0; i < cli->nr_fixes; i++)
		if (cli->fixes[i] == fix)
			return;
	if (i < CLI_FIXES)
		cli->fixes[cli->nr_fixes++] = fix;
}

/* In front, whether it was named or not. */
static void add_baseline(struct cli *cli)
{
	const struct fix *base;
	unsigned int at = 0;

	while (at < cli->nr_fixes && strcmp(cli->fixes[at]->name, BASELINE))
		at++;
	if (at == cli->nr_fixes) {
		cli->baseline_added = true;
		add_fix(cli, BASELINE);
	}
	if (at >= CLI_FIXES)
		return;
	base = cli->fixes[at];
	memmove(cli->fixes + 1, cli->fixes, at * sizeof(*cli->fixes));
	cli->fixes[0] = base;
}

static bool is_asked(const struct cli *cli, const struct workload *w)
{
	int len = cli_group_length(w->name);

	if (!cli->nr_asked && cli->sweep)
		return w->sharing;
	if (!cli->nr_asked)
		return cli->full || !w->long_only;
	for (unsigned int i = 0; i < cli->nr_asked; i++) {
		const char *name = cli->asked[i];

		if (!strcmp(name, w->name))
			return true;
		if (!strncmp(name, w->name, len) && !name[len] &&
		    (cli->full || !w->long_only))
			return true;
	}
	return false;
}

static void unknown_workload(const char *name)
{
	const char *group = "";

	fprintf(stderr, "delwribench run: unknown workload '%s'; known:", name);
	for (struct workload *w = workload_first(); w; w = w->next) {
		int len = cli_group_length(w->name);

		if (strncmp(w->name, group, len) || group[len] != w->name[len])
			fprintf(stderr, " %.*s", len, w->name);
		if (w->name[len])
			fprintf(stderr, " %s", w->name);
		group = w->name;
	}
	fputc('\n', stderr);
	exit(EXIT_USAGE);
}

static void ask_workload(struct cli *cli, const char *name)
{
	size_t len = strlen(name);

	for (struct workload *w = workload_first(); w; w = w->next) {
		if (strcmp(w->name, name) &&
		    (strncmp(w->name, name, len) || w->name[len] != '/'))
			continue;
		if (cli->nr_asked < CLI_WORKLOADS)
			cli->asked[cli->nr_asked++] = name;
		return;
	}
	unknown_workload(name);
}

static uint64_t number(const char *what, const char *arg, uint64_t min,
		       uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(arg, &end, 0);
	if (*end || end == arg || errno || *arg == '-' || value < min ||
	    value > max)
		exit(cli_fail("--%s '%s': give a whole number from %llu to "
			      "%llu",
			      what, arg, (unsigned long long)min,
			      (unsigned long long)max));
	return value;
}

#define INJECT_MAX	1000.0

/* FIX=PERCENT; @arg stays as it is. */
static void inject(struct cli *cli, const char *arg)
{
	const char *equals = strchr(arg, '=');
	char name[64], *end;

	if (!equals || equals - arg >= (int)sizeof(name))
		exit(cli_fail("--inject '%s': give FIX=PERCENT", arg));
	snprintf(name, sizeof(name), "%.*s", (int)(equals - arg), arg);
	cli->injected = find_fix(name);
	cli->injected_percent = strtod(equals + 1, &end);
	if (*end || end == equals + 1 || !(cli->injected_percent > 0) ||
	    cli->injected_percent > INJECT_MAX)
		exit(cli_fail("--inject '%s': give a percentage above 0, at "
			      "most %g",
			      arg, INJECT_MAX));
}

void cli_place(struct cli *cli, const char *value)
{
	cli->places[cli->nr_places++] = value;
}

static const char *path(struct cli *cli, const char *what, const char *arg)
{
	if (!*arg)
		exit(cli_fail("--%s is empty: give a path", what));
	cli_place(cli, arg);
	return arg;
}

#define HOST_MAX	64

/* It becomes part of a folder's name. */
static const char *host(const char *arg)
{
	size_t len = strspn(arg, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	if (!len || arg[len] || len > HOST_MAX || strchr(".-", *arg))
		exit(cli_fail("--host '%s': give at most %d letters, digits, "
			      "'.', '_' or '-', a letter or digit first",
			      arg, HOST_MAX));
	return arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	for (unsigned int i = 0; options[i].name; i++)
		if (options[i].key == key && key != KEY_NO_VERIFY &&
		    key != KEY_RESUME && key != KEY_HOME && key != 'd')
			cli->measuring = options[i].name;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = cli;
		break;
	case 'f':
		add_fix(cli, arg);
		break;
	case KEY_CACHE:
		if (cache_choose("delwribench run", arg))
			exit(EXIT_USAGE);
		break;
	case 'w':
		ask_workload(cli, arg);
		break;
	case KEY_FULL:
		cli->full = true;
		break;
	case 't':
		cli->threads = number("threads", arg, 1, CLI_THREADS);
		break;
	case 'b':
		cli->blocks = number("blocks", arg, 1, BLOCKS_MAX);
		break;
	case 'r':
		cli->rounds = number("rounds", arg, 1, ROUNDS_MAX);
		break;
	case 's':
		cli->seed = number("seed", arg, 0, UINT64_MAX);
		break;
	case 'd':
		cli->device = path(cli, "device", arg);
		break;
	case 'o':
		cli->out = path(cli, "out", arg);
		break;
	case KEY_HOST:
		cli->host = host(arg);
		break;
	case KEY_RESUME:
		cli->resume = path(cli, "resume", arg);
		break;
	case KEY_HOME:
		cli->home = path(cli, "home", arg);
		break;
	case KEY_NO_VERIFY:
		cli->no_verify = true;
		break;
	case KEY_LIST:
		cli->list = true;
		break;
	case KEY_JSON:
		cli->json = true;
		break;
	case KEY_ONE_BLOCK:
		cli->one_block = number("one-block", arg, 1, BLOCKS_MAX);
		break;
	case KEY_BLOCKS_AFTER:
		cli->blocks_after = number("blocks-after", arg, 0, BLOCKS_MAX);
		break;
	case KEY_RUN_ID:
		cli->run_id = arg;
		break;
	case KEY_LAYOUT:
		if (sscanf(arg, "%u/%u/%u", &cli->layout, &cli->layouts,
			   &cli->env_bytes) != 3)
			return EINVAL;
		break;
	case KEY_INJECT:
		inject(cli, arg);
		break;
	case KEY_DIR:
		cli->dir = path(cli, "dir", arg);
		break;
	case ARGP_KEY_END:
		/* --cache may come behind. */
		for (unsigned int i = 0; i < cli->nr_fixes; i++)
			cli->fixes[i] = find_fix(cli->fixes[i]->name);
		if (cli->injected)
			cli->injected = find_fix(cli->injected->name);
		break;
	case ARGP_KEY_ARG:
		exit(cli_fail("unexpected argument '%s'; see --help", arg));
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* --- Google Benchmark's flags ------------------------------------------- */

static bool begins(const char *arg, const char *prefix)
{
	return !strncmp(arg, prefix, strlen(prefix));
}

static int take_gbench(struct cli *cli, char *arg)
{
	static const char *const ours[] = {
		"--benchmark_repetitions",
		"--benchmark_min_time",
		"--benchmark_min_warmup_time",
		"--benchmark_enable_random_interleaving",
	};

	for (unsigned int i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (begins(arg, ours[i]))
			return cli_fail("%s: batches and their order are not "
					"Google Benchmark's here; use "
					"--rounds, --blocks and --seed",
					arg);
	if (begins(arg, "--benchmark_out=") && !strchr(arg, '=')[1])
		return cli_fail("--benchmark_out is empty: give a path");
	if (begins(arg, "--benchmark_out=")) {
		cli->gbench_out = strchr(arg, '=') + 1;
		cli_place(cli, cli->gbench_out);
		return 0;
	}
	if (!begins(arg, "--benchmark_out_format=")) {
		if (!begins(arg, "--benchmark_filter="))
			cli->gbench_console = true;
		if (begins(arg, "--benchmark_format=") &&
		    strcmp(strchr(arg, '=') + 1, "console"))
			cli->gbench_machine = true;
		cli->gbench_argv[cli->gbench_argc++] = arg;
		return 0;
	}
	cli->out_argv[cli->out_argc++] = arg;
	return 0;
}

/* Move its flags out of @argv. */
static int split(int *argc, char **argv, struct cli *cli)
{
	int kept = 0, error;

	cli->gbench_argv = calloc(*argc + 2, sizeof(*argv));
	cli->out_argv = calloc(*argc + 3, sizeof(*argv));
	cli->places = calloc(*argc + 1, sizeof(*cli->places));
	if (!cli->gbench_argv || !cli->out_argv || !cli->places)
		return cli_fail("out of memory");
	cli->gbench_argv[cli->gbench_argc++] = argv[0];
	cli->out_argv[cli->out_argc++] = argv[0];
	for (int i = 0; i < *argc; i++) {
		if (!begins(argv[i], "--benchmark_")) {
			argv[kept++] = argv[i];
			continue;
		}
		if (!begins(argv[i], "--benchmark_out"))
			cli->measuring = argv[i] + 2;
		error = take_gbench(cli, argv[i]);
		if (error)
			return error;
	}
	*argc = kept;
	argv[kept] = NULL;
	return 0;
}

/* What was not named. */
static int set_defaults(struct cli *cli)
{
	if (!cli->blocks)
		cli->blocks = cli->full ? CLI_FULL_BLOCKS : 1;
	if (!cli->nr_fixes)
		for (const struct fix *const *f = fixes; *f; f++)
			if (cli->full ? cli_fix_is_full(*f) :
					cli_fix_is_main(*f))
				add_fix(cli, (*f)->name);
	add_baseline(cli);
	/* Equal code: what its ratio is off by, any other's may be. */
	add_fix(cli, TWIN);
	for (struct workload *w = workload_first(); w; w = w->next) {
		if (!is_asked(cli, w))
			continue;
		if (cli->nr_workloads == CLI_WORKLOADS)
			return cli_fail("more than %u workloads: name fewer "
					"with --workload",
					CLI_WORKLOADS);
		cli->workloads[cli->nr_workloads++] = w;
	}
	if (!cli->nr_workloads)
		return cli_fail("all cases of '%s' are long ones: name one, or "
				"add --full; see --list",
				cli->asked[0]);
	return 0;
}

int cli_parse(int argc, char **argv, struct cli *cli)
{
	static const struct argp_child children[] = {
		{ &cli_placement, 0, "Placement:", 1 },
		{ 0 },
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = doc,
		.children = children,
	};
	int error;

	*cli = (struct cli){ .seed = 1 };
	error = split(&argc, argv, cli);
	if (error)
		return error;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, cli);
	if (cli->one_block && (!cli->dir || !cli->run_id))
		return cli_fail("--one-block needs --dir and --run-id");
	if (cli->json && !cli->list)
		return cli_fail("--json goes with --list only; a run's blocks "
				"are JSON files in its folder");
	if (cli->resume && cli->measuring)
		return cli_fail("--resume takes every option from the run's "
				"folder: leave out --%s, or start a new run",
				cli->measuring);
	return cli->resume ? 0 : set_defaults(cli);
}

void cli_free(struct cli *cli)
{
	free(cli->gbench_argv);
	free(cli->out_argv);
	free(cli->places);
}
