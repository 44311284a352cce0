// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workloads of which every batch needs a process to itself, because what is
 * warm, or how much memory was ever used, is the process's: each is forked
 * from a block's process before that has any thread or cache.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bench/child.h"

/* In memory that both processes share; names in it are the program's. */
struct outcome {
	struct instance *in;
	struct record record;
	double ns;
	int error;
};

static void fail(struct instance *in, const char *why)
{
	snprintf(in->record.reason, sizeof(in->record.reason), "%s", why);
}

static void measure(void *arg)
{
	struct outcome *out = arg;
	struct instance *in = out->in;

	in->record = (struct record){ 0 };
	if (run_stage_open(in->bench, in->bench->at)) {
		out->error = -EAGAIN;
		fail(in, "its threads could not be started: see above");
	} else {
		out->error = run_batch(in, 1, &out->ns);
	}
	if (!out->error && !run_stage_ok(in->bench, in->bench->at)) {
		out->error = -EXDEV;
		fail(in, "threads or pages were not where the plan had them");
	}
	out->record = in->record;
}

static int take(struct instance *in, struct outcome *out, int status,
		const struct rusage *usage)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		snprintf(in->record.reason, sizeof(in->record.reason),
			 WIFSIGNALED(status) ?
				 "the process of its own was killed by signal %d" :
				 "the process of its own ended with status %d",
			 WIFSIGNALED(status) ? WTERMSIG(status) :
					       WEXITSTATUS(status));
		return -EIO;
	}
	record_count(&out->record, "max_process_kb", usage->ru_maxrss);
	record_merge(&in->record, &out->record);
	return out->error;
}

int run_alone(struct instance *in, double *ns)
{
	struct outcome *out = mmap(NULL, sizeof(*out), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct child child = { 0 };
	struct rusage usage;
	int status, error;

	if (out == MAP_FAILED)
		return -ENOMEM;
	out->in = in;
	error = child_start(&child, measure, out);
	if (!error)
		error = child_reap(&child, true, &status, &usage);
	if (error >= 0)
		error = take(in, out, status, &usage);
	else
		snprintf(in->record.reason, sizeof(in->record.reason),
			 "no process of its own: %s", strerror(-error));
	*ns = out->ns;
	munmap(out, sizeof(*out));
	return error;
}
