/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of `run`, and the one place where its defaults live.
 */
#ifndef BENCH_CLI_H
#define BENCH_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/workload.h"

#define CLI_FIXES	64u
#define CLI_WORKLOADS	32u
#define CLI_THREADS	1024u
/* Exit status of whoever asked for what cannot be. */
#define EXIT_USAGE	2

struct cli {
	const struct fix *fixes[CLI_FIXES];
	unsigned int nr_fixes;
	struct workload *workloads[CLI_WORKLOADS];
	unsigned int nr_workloads;
	unsigned int threads;		/* 0: as many as processors */
	unsigned int blocks;
	unsigned int rounds;		/* 0: each workload's own */
	uint64_t seed;
	const char *device;		/* NULL: memory */
	const char *out;
	bool no_verify;
	bool list, json;

	/* Google Benchmark's flags, each behind the program's name. */
	int gbench_argc;
	char **gbench_argv;
	int out_argc;			/* those on its output file */
	char **out_argv;		/* room for one more */
	const char *gbench_out;		/* that file, or NULL: not given */
	bool gbench_console;		/* its console report is wanted */
	bool gbench_machine;		/* it writes JSON or CSV to stdout */

	/* Of the process that measures a block: */
	unsigned int one_block;		/* its number; 0: not one */
	const char *dir;		/* the run's folder */
};

/*
 * Read @argv ("run" first).  0, or EXIT_USAGE after a line on stderr; an
 * option like --help ends the program.
 */
int cli_parse(int argc, char **argv, struct cli *cli);
void cli_free(struct cli *cli);
/* Is it measured when nobody asked for any? */
bool cli_fix_is_main(const struct fix *fix);
/* Fixes and workloads, for --list.  0 or -ENOMEM. */
int cli_list(bool json);

/* One line on stderr, "delwribench run: " before it; returns EXIT_USAGE. */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
