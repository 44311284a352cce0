// SPDX-License-Identifier: GPL-2.0-only
/*
 * Talking to the perf(1) that scripts/perf started.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/perf/perf_control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* It answers in well under a second, or never. */
#define ANSWER_MS	10000

static int descriptor[2] = { -1, -1 };	/* control, ack */
static bool asked;			/* the environment has been read */

static int give_up(const char *what, int error)
{
	fprintf(stderr,
		"delwribench: perf: %s: %s; run it by scripts/perf, or unset %s\n",
		what, strerror(-error), PERF_CONTROL_ENV);
	descriptor[0] = -1;
	return error;
}

static int read_environment(void)
{
	const char *text = getenv(PERF_CONTROL_ENV);
	char end;

	asked = true;
	if (!text)
		return 0;
	if (sscanf(text, "%d,%d%c", &descriptor[0], &descriptor[1], &end) != 2)
		return give_up(PERF_CONTROL_ENV " is not two descriptors",
			       -EINVAL);
	return 0;
}

/* "ack\n", with a byte 0 behind it in some versions. */
static int wait_for_answer(void)
{
	struct pollfd ready = { .fd = descriptor[1], .events = POLLIN };
	char c = 0;
	int n;

	while (c != '\n') {
		n = poll(&ready, 1, ANSWER_MS);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return give_up("it does not answer", -ETIMEDOUT);
		if (n < 0 || read(descriptor[1], &c, 1) != 1)
			return give_up("its answer cannot be read",
				       n < 0 ? -errno : -EPIPE);
	}
	return 0;
}

static int command(const char *text)
{
	size_t len = strlen(text);
	int error = 0;

	if (!asked)
		error = read_environment();
	if (error || descriptor[0] < 0)
		return error;
	if (write(descriptor[0], text, len) != (ssize_t)len)
		return give_up("it cannot be told to count", -errno);
	return wait_for_answer();
}

int perf_control_enable(void)
{
	return command("enable\n");
}

int perf_control_disable(void)
{
	return command("disable\n");
}

/* --- where the objects are ---------------------------------------------- */

struct object_file {
	FILE *file;
	const struct fix *fix;
};

static void tell(void *ctx, const char *what, const void *at, size_t size)
{
	const struct object_file *o = ctx;

	fprintf(o->file, "%s@%s %s %p %zu\n", o->fix->name, o->fix->cache, what,
		at, size);
}

int perf_objects(const struct fix *fix, struct mount *mp)
{
	const char *path = getenv(PERF_OBJECTS_ENV);
	struct object_file o = { .fix = fix };
	int error = 0;

	/* A floor has no objects of the cache's kind. */
	if (!path || !fix->objects)
		return 0;
	o.file = fopen(path, "a");
	if (o.file) {
		errno = 0;
		fix->objects(mp, tell, &o);
		/* Both are to be done. */
		if (ferror(o.file) | fclose(o.file))
			error = errno ? -errno : -EIO;
	} else {
		error = -errno;
	}
	if (error)
		fprintf(stderr,
			"delwribench: cannot write where objects are to %s: %s\n",
			path, strerror(-error));
	return error;
}
