/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of `run`, and the one place where its defaults live.
 */
#ifndef BENCH_CLI_H
#define BENCH_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/placement/plan.h"
#include "bench/workload.h"

#define CLI_FIXES	64u
#define CLI_WORKLOADS	128u
#define CLI_THREADS	PLAN_THREADS
#define CLI_POLICIES	32u
/* With --full; the fewest of which a sign test can say anything. */
#define CLI_FULL_BLOCKS	6u
/* Exit status of whoever asked for what cannot be. */
#define EXIT_USAGE	2

/* What everything else is compared with. */
#define BASELINE	"none"
/* The same source, compiled again. */
#define TWIN		"none_twin"

struct cli {
	const struct fix *fixes[CLI_FIXES];
	unsigned int nr_fixes;
	/* In their order. */
	struct workload *workloads[CLI_WORKLOADS];
	unsigned int nr_workloads;
	const char *asked[CLI_WORKLOADS]; /* workloads or groups */
	unsigned int nr_asked;
	unsigned int threads;		/* 0: as many as processors */
	unsigned int blocks;
	unsigned int rounds;		/* 0: each workload's own */
	uint64_t seed;
	/* Placement: see bench/run/run_points.c. */
	bool placed;			/* an option says where */
	bool sweep;
	const char *topology;		/* NULL: this machine's */
	struct plan_request place;	/* memory and roles of all policies */
	struct cli_policy {
		enum plan_policy policy;
		unsigned int distance;
	} policies[CLI_POLICIES];
	unsigned int nr_policies;
	const char *device;		/* NULL: memory */
	const char *out;		/* NULL: results, in @home */
	const char *host;		/* what results call it; NULL: itself */
	const char *home;		/* of scripts/run; NULL: unknown */
	const char *resume;		/* a run's folder; NULL: a new run */
	bool full;
	bool no_verify;
	bool list, json;
	bool baseline_added;		/* nobody asked for it */
	/* Does that many percent more than it is timed for; NULL: none. */
	const struct fix *injected;
	double injected_percent;
	const char *measuring;		/* an option that --resume excludes */

	/* Google Benchmark's flags, each behind the program's name. */
	int gbench_argc;
	char **gbench_argv;
	int out_argc;			/* on its output file's format */
	char **out_argv;		/* room for one more */
	const char *gbench_out;		/* that file, or NULL: not given */
	bool gbench_console;		/* its console report is wanted */
	bool gbench_machine;		/* it writes JSON or CSV to stdout */

	/* Values that name places on this machine, parts of @argv. */
	const char **places;
	int nr_places;

	/* Of the process that measures a block: */
	unsigned int one_block;		/* its number; 0: not one */
	unsigned int blocks_after;	/* still to come: for the time left */
	const char *dir;		/* the run's folder */
	const char *run_id;
	unsigned int layout, layouts;	/* which of how many; 0: the program */
	unsigned int env_bytes;		/* added to the environment */
};

/*
 * Read @argv ("run" first).  0, or EXIT_USAGE after a line on stderr; an
 * option like --help ends the program.
 */
int cli_parse(int argc, char **argv, struct cli *cli);
void cli_free(struct cli *cli);
/* @value, a part of an argument, names a place on this machine. */
void cli_place(struct cli *cli, const char *value);
/* Options that say where threads and memory go: cli_placement.c. */
extern const struct argp cli_placement;
/* Is it measured when nobody asked for any? */
bool cli_fix_is_main(const struct fix *fix);
/* Is it with --full? */
bool cli_fix_is_full(const struct fix *fix);
/* "lookup" of "lookup/own": how many bytes of a name are its group's. */
int cli_group_length(const char *workload);
/*
 * Fixes, workloads with the memory that they need as @cli has them measured,
 * and floors, for --list.  0 or -ENOMEM.
 */
int cli_list(const struct cli *cli);

/* One line on stderr, "delwribench run: " before it. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same; returns EXIT_USAGE. */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
