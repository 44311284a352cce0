// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwribench counters: which counters this machine offers, tried on work
 * whose page faults and sleeps are known; or what recorded reads say.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench/cli.h"
#include "bench/perf/perf.h"

#define PAGES	256
#define SLEEPS	8

enum { KEY_JSON = 256, KEY_REPLAY, KEY_RECORD };

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "As JSON", 0 },
	{ "replay", KEY_REPLAY, "FILE", 0,
	  "Measure nothing: show what the reads in FILE amount to", 0 },
	{ "record", KEY_RECORD, "FILE", 0,
	  "Write the reads to FILE, which is not there yet, for --replay", 0 },
	{ 0 },
};

static const char doc[] =
	"Print the state of every counter: ok, multiplexed (others had the "
	"hardware part of the time: value scaled up, share shown), denied or "
	"unsupported, with the reason."
	"\vThe work that is counted touches 256 new pages and sleeps 8 times; an "
	"operation is a page.";

struct arguments {
	bool json;
	const char *replay, *record;
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "delwribench counters: %s%s%s\n", what,
		why ? ": " : "", why ? why : "");
	return EXIT_USAGE;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case KEY_JSON:
		args->json = true;
		break;
	case KEY_REPLAY:
		args->replay = text;
		break;
	case KEY_RECORD:
		args->record = text;
		break;
	case ARGP_KEY_ARG:
		exit(fail("unexpected argument, see --help", text));
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int work(void)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	size_t size = sysconf(_SC_PAGESIZE);
	char *area = mmap(NULL, PAGES * size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		return -errno;
	madvise(area, PAGES * size, MADV_NOHUGEPAGE);
	for (int i = 0; i < PAGES; i++)
		*(volatile char *)(area + i * size) = 1;
	for (int i = 0; i < SLEEPS; i++)
		nanosleep(&nap, NULL);
	munmap(area, PAGES * size);
	return 0;
}

static int measure(struct perf_set **setp, bool record)
{
	struct perf_set *set;
	int error = perf_open(0, &set);

	if (error)
		return error;
	if (record)
		set->record = json_array();
	perf_enable(set);
	error = work();
	perf_disable(set);
	if (!error)
		error = perf_read(set);
	if (error)
		perf_close(set);
	else
		*setp = set;
	return error;
}

static int write_record(const struct perf_set *set, const char *path)
{
	json_t *json = perf_recording(set, PAGES);
	FILE *file = json ? fopen(path, "wx") : NULL;
	int status = 0, error;

	if (!json)
		return fail("out of memory", NULL);
	errno = 0;
	if (!file) {
		status = fail(path, strerror(errno));
	} else if (json_dumpf(json, file, JSON_INDENT(1)) | fclose(file)) {
		error = errno ? errno : ENOMEM;
		unlink(path);
		status = fail(path, strerror(error));
	}
	json_decref(json);
	return status;
}

static int show(const struct perf_set *set, uint64_t operations, bool as_json)
{
	json_t *json;
	int error;

	if (!as_json) {
		perf_print(set, operations, stdout);
		return 0;
	}
	json = perf_to_json(set, operations);
	error = json ? json_dumpf(json, stdout, JSON_INDENT(2)) : -1;
	putchar('\n');
	json_decref(json);
	/* That it cannot be written is said at the program's end. */
	return error && !ferror(stdout) ? fail("out of memory", NULL) : 0;
}

static int load(const char *path, struct perf_set **setp, uint64_t *operations)
{
	json_error_t at;
	json_t *json = json_load_file(path, 0, &at);
	char why[256];
	int error;

	if (!json)
		return fail(path, at.text);
	error = perf_replay(json, setp, operations, why, sizeof(why));
	json_decref(json);
	return error ? fail(path, why) : 0;
}

int perf_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = doc,
	};
	struct arguments args = { 0 };
	uint64_t operations = PAGES;
	struct perf_set *set = NULL;
	int status = 0, error;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (args.replay && args.record)
		return fail("--replay measures nothing that --record could write",
			    NULL);
	if (args.replay) {
		status = load(args.replay, &set, &operations);
	} else {
		error = measure(&set, args.record);
		if (error)
			status = fail("cannot measure", strerror(-error));
	}
	if (!status && args.record)
		status = write_record(set, args.record);
	if (!status)
		status = show(set, operations, args.json);
	perf_close(set);
	return status;
}
