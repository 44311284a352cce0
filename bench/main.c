// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwribench: measure the fixes (run), or check them (verify).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cli.h"
#include "bench/cost.h"
#include "bench/doctor/doctor.h"
#include "bench/machine/machine.h"
#include "bench/oracle/oracle.h"
#include "bench/pace/pace.h"
#include "bench/perf/perf.h"
#include "bench/placement/plan.h"
#include "bench/run/run.h"

#define VERSION	"0.1"

static const char usage[] =
	"Usage: delwribench run [OPTION...]     measure, and print a table\n"
	"       delwribench verify [OPTION...]  check every fix against every hazard\n"
	"       delwribench pace [OPTION...]    storms of the real kernel, in the model\n"
	"       delwribench plan [OPTION...]    where threads would run, anywhere\n"
	"       delwribench counters [OPTION...] what this machine can count\n"
	"       delwribench doctor [OPTION...]  what this machine can measure\n"
	"       delwribench run --help, delwribench verify --help: their options\n";

/*
 * At every end of the program, argp's own included: what was printed has to
 * have been written.  Whoever reads no further, as head(1), has had enough.
 */
static void close_output(int status, void *main_pid)
{
	bool failed;

	if (*(pid_t *)main_pid != getpid())
		return;
	errno = 0;
	/* What could not be written is still there and is tried once more. */
	failed = fflush(stdout);
	/* Or it is not; then another byte tells why. */
	if (!failed && ferror(stdout)) {
		failed = true;
		putchar('\n');
		fflush(stdout);
	}
	if (failed && errno != EPIPE) {
		fprintf(stderr, "delwribench: cannot write the output: %s\n",
			errno ? strerror(errno) : "part of it was lost");
		_exit(status ? status : EXIT_USAGE);
	}
}

int main(int argc, char **argv)
{
	static pid_t pid;
	static char run_name[] = "delwribench run";
	static char counters_name[] = "delwribench counters";
	static char pace_name[] = "delwribench pace";
	static char plan_name[] = "delwribench plan";
	static char verify_name[] = "delwribench verify";
	static char doctor_name[] = "delwribench doctor";
	const char *command = argc > 1 ? argv[1] : NULL;

	pid = getpid();
	on_exit(close_output, &pid);
	if (!command) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(command, "run")) {
		argv[1] = run_name;
		return run_main(argc - 1, argv + 1);
	}
	if (!strcmp(command, "verify")) {
		argv[1] = verify_name;
		return verify_main(argc - 1, argv + 1);
	}
	/* scripts/cost's own. */
	if (!strcmp(command, "cost-op"))
		return cost_main(argc - 1, argv + 1);
	if (!strcmp(command, "counters")) {
		argv[1] = counters_name;
		return perf_main(argc - 1, argv + 1);
	}
	if (!strcmp(command, "pace")) {
		argv[1] = pace_name;
		return pace_main(argc - 1, argv + 1);
	}
	if (!strcmp(command, "plan")) {
		argv[1] = plan_name;
		return plan_main(argc - 1, argv + 1);
	}
	if (!strcmp(command, "doctor")) {
		argv[1] = doctor_name;
		return doctor_main(argc - 1, argv + 1);
	}
	if (!strcmp(command, "--help") || !strcmp(command, "-h")) {
		fputs(usage, stdout);
		return 0;
	}
	if (!strcmp(command, "--version")) {
		printf("delwribench %s (%s build)\n", VERSION,
		       machine_build_type());
		return 0;
	}
	fprintf(stderr,
		"delwribench: unknown command '%s'; known: run verify pace plan counters "
		"doctor --help --version\n",
		command);
	return EXIT_USAGE;
}
