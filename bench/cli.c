// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the command line of `run`, and listing what there is.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/cli.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/oracle/oracle.h"

#define BLOCKS_MAX	9999
#define ROUNDS_MAX	100000

enum { KEY_LIST = 256, KEY_JSON, KEY_NO_VERIFY, KEY_ONE_BLOCK, KEY_DIR };

static const struct argp_option options[] = {
	{ "fix", 'f', "NAME", 0,
	  "Measure this fix (repeatable; default: those that claim to keep "
	  "the order, but no variants, and `none`)",
	  0 },
	{ "workload", 'w', "NAME", 0,
	  "Run this workload (repeatable; default: all)", 0 },
	{ "threads", 't', "N", 0,
	  "Pinned threads that look up (default: one per processor that may "
	  "be used)",
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
	{ "no-verify", KEY_NO_VERIFY, NULL, 0,
	  "Leave out the check of each fix against each hazard", 0 },
	{ "list", KEY_LIST, NULL, 0, "List fixes and workloads, and end", 0 },
	{ "json", KEY_JSON, NULL, 0, "With --list: as JSON", 0 },
	{ "one-block", KEY_ONE_BLOCK, "N", OPTION_HIDDEN, NULL, 0 },
	{ "dir", KEY_DIR, "DIR", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static const char doc[] =
	"Measure every fix under every workload and print a table."
	"\vAnything that begins with --benchmark_ goes to Google Benchmark: "
	"--benchmark_filter=REGEX selects (names are WORKLOAD/FIX), "
	"--benchmark_out=FILE adds a report, any other shows its own. "
	"Each block is kept as a file of the run's folder. Exit status: 0 if "
	"all was measured, 1 if not, 2 on bad usage, 130 if interrupted.";

int cli_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("delwribench run: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* --- what there is ------------------------------------------------------ */

/* Its name is another's with something behind: a variant of that. */
static bool is_variant(const struct fix *fix)
{
	for (const struct fix *const *f = fixes; *f; f++) {
		size_t len = strlen((*f)->name);

		if (*f != fix && !strncmp(fix->name, (*f)->name, len) &&
		    fix->name[len] == '_')
			return true;
	}
	return false;
}

bool cli_fix_is_main(const struct fix *fix)
{
	if (!strcmp(fix->name, "none"))
		return true;
	return (fix->claims & HAZARD(ORDERING)) && !fix->does_nothing &&
	       !is_variant(fix);
}

static int list_json(void)
{
	json_t *list = json_pack("{s:[], s:[]}", "fixes", "workloads");
	int error = 0;

	if (!list)
		return -ENOMEM;
	for (const struct fix *const *f = fixes; *f; f++)
		error |= json_array_append_new(
			json_object_get(list, "fixes"),
			json_pack("{s:s, s:s, s:b}", "name", (*f)->name,
				  "summary", (*f)->summary, "default",
				  cli_fix_is_main(*f)));
	for (struct workload *w = workload_first(); w; w = w->next)
		error |= json_array_append_new(
			json_object_get(list, "workloads"),
			json_pack("{s:s, s:s, s:i}", "name", w->name,
				  "summary", w->summary, "rounds",
				  (int)w->rounds));
	error |= json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
	return error ? -ENOMEM : 0;
}

int cli_list(bool json)
{
	if (json)
		return list_json();
	puts("fixes (* measured unless --fix says other):");
	for (const struct fix *const *f = fixes; *f; f++)
		printf(" %c %-22s %s\n", cli_fix_is_main(*f) ? '*' : ' ',
		       (*f)->name, (*f)->summary);
	puts("workloads:");
	for (struct workload *w = workload_first(); w; w = w->next)
		printf("   %-22s %s\n", w->name, w->summary);
	return 0;
}

/* --- options ------------------------------------------------------------ */

static void add_fix(struct cli *cli, const char *name)
{
	const struct fix *fix = NULL;
	unsigned int i;

	for (const struct fix *const *f = fixes; *f; f++)
		if (!strcmp((*f)->name, name))
			fix = *f;
	if (!fix) {
		fprintf(stderr, "delwribench run: unknown fix '%s'; known:",
			name);
		for (const struct fix *const *f = fixes; *f; f++)
			fprintf(stderr, " %s", (*f)->name);
		fputc('\n', stderr);
		exit(EXIT_USAGE);
	}
	for (i = 0; i < cli->nr_fixes; i++)
		if (cli->fixes[i] == fix)
			return;
	if (i < CLI_FIXES)
		cli->fixes[cli->nr_fixes++] = fix;
}

static void add_workload(struct cli *cli, const char *name)
{
	struct workload *found = NULL;
	unsigned int i;

	for (struct workload *w = workload_first(); w; w = w->next)
		if (!strcmp(w->name, name))
			found = w;
	if (!found) {
		fprintf(stderr,
			"delwribench run: unknown workload '%s'; known:", name);
		for (struct workload *w = workload_first(); w; w = w->next)
			fprintf(stderr, " %s", w->name);
		fputc('\n', stderr);
		exit(EXIT_USAGE);
	}
	for (i = 0; i < cli->nr_workloads; i++)
		if (cli->workloads[i] == found)
			return;
	if (i < CLI_WORKLOADS)
		cli->workloads[cli->nr_workloads++] = found;
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

static const char *path(const char *what, const char *arg)
{
	if (!*arg)
		exit(cli_fail("--%s is empty: give a path", what));
	return arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	switch (key) {
	case 'f':
		add_fix(cli, arg);
		break;
	case 'w':
		add_workload(cli, arg);
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
		cli->device = path("device", arg);
		break;
	case 'o':
		cli->out = path("out", arg);
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
	case KEY_DIR:
		cli->dir = path("dir", arg);
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
	} else if (!begins(arg, "--benchmark_out_format=")) {
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
	if (!cli->gbench_argv || !cli->out_argv)
		return cli_fail("out of memory");
	cli->gbench_argv[cli->gbench_argc++] = argv[0];
	cli->out_argv[cli->out_argc++] = argv[0];
	for (int i = 0; i < *argc; i++) {
		if (!begins(argv[i], "--benchmark_")) {
			argv[kept++] = argv[i];
			continue;
		}
		error = take_gbench(cli, argv[i]);
		if (error)
			return error;
	}
	*argc = kept;
	argv[kept] = NULL;
	return 0;
}

int cli_parse(int argc, char **argv, struct cli *cli)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = doc,
	};
	int error;

	*cli = (struct cli){ .blocks = 1, .seed = 1, .out = "results" };
	error = split(&argc, argv, cli);
	if (error)
		return error;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, cli);
	if (cli->one_block && !cli->dir)
		return cli_fail("--one-block needs --dir");
	if (cli->json && !cli->list)
		return cli_fail("--json goes with --list only; a run's blocks "
				"are JSON files in its folder");
	if (!cli->nr_fixes)
		for (const struct fix *const *f = fixes; *f; f++)
			if (cli_fix_is_main(*f))
				add_fix(cli, (*f)->name);
	if (!cli->nr_workloads)
		for (struct workload *w = workload_first(); w; w = w->next)
			add_workload(cli, w->name);
	return 0;
}

void cli_free(struct cli *cli)
{
	free(cli->gbench_argv);
	free(cli->out_argv);
}
