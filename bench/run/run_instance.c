// SPDX-License-Identifier: GPL-2.0-only
/*
 * One fix's cache for one workload, on a device of its own: mounting,
 * parking between batches, unmounting.
 */
#include "bench/device_class.h"
#include "bench/run/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/format.h"

#define LOG_BYTES	(4u << 20)

static void fail(struct instance *in, const char *what, int error)
{
	snprintf(in->record.reason, sizeof(in->record.reason), "%s: %s%s",
		 what, strerror(-error),
		 error == -EAGAIN ? " (no more threads: ulimit -u, ulimit -v)" :
				    "");
}

static void options(struct instance *in, struct mount_options *opt)
{
	*opt = (struct mount_options){ .log_bytes = LOG_BYTES };
	in->workload->mount_options(in, opt);
}

static uint64_t blocks_of(const struct mount_options *opt)
{
	return (uint64_t)opt->ag_count * opt->ag_blocks + LOG_BLOCKS;
}

void workload_mount_options(const struct workload *w, const struct bench *b,
			    struct mount_options *opt)
{
	struct instance in = { .bench = (struct bench *)b, .workload = w };

	options(&in, opt);
	opt->watch = NULL;
}

uint64_t workload_device_blocks(const struct workload *w,
				const struct bench *b)
{
	struct mount_options opt;

	workload_mount_options(w, b, &opt);
	return blocks_of(&opt);
}

/* Where the threads of @role are to start that somebody starts now. */
static int enter(struct instance *in, enum plan_role role)
{
	struct plan_run *place = in->bench->place;
	int error = place ? plan_run_enter(place, role, 0) : 0;

	if (error)
		fail(in, "its daemons cannot be placed", error);
	return error;
}

static void leave(struct instance *in)
{
	int error = in->bench->place ? plan_run_leave(in->bench->place) : 0;

	if (error)
		fail(in, "threads cannot go back to their processors", error);
}

static int start(struct instance *in, const struct device_options *device,
		 struct mount_options *opt)
{
	int error = enter(in, PLAN_IO);

	if (error)
		return error;
	error = device_open(device, &in->dev, in->record.reason,
			    sizeof(in->record.reason));
	if (error) {
		/* Results name no file of this machine. */
		if (device->path)
			cli_say("%s", in->record.reason);
		fail(in, "its device cannot be opened", error);
		in->dev = NULL;
		return error;
	}
	opt->device = in->dev;
	error = enter(in, PLAN_AIL);
	if (!error) {
		error = in->fix->mount(opt, &in->mp);
		if (error)
			fail(in, "mounting", error);
	}
	if (error) {
		device_close(in->dev);
		in->dev = NULL;
	}
	return error;
}

int instance_open(struct instance *in)
{
	const struct workload *w = in->workload;
	struct device_options device = {
		.path = w->uses_device ? in->bench->device : NULL,
		.seed = in->bench->seed,
		.generations = w->checks,
	};
	struct mount_options opt;
	int error;

	if (w->device_class && !device.path) {
		device.delay_ns = w->device_class->delay_ns;
		device.jitter_ns = w->device_class->jitter_ns;
	}
	options(in, &opt);
	device.nblocks = blocks_of(&opt);
	error = start(in, &device, &opt);
	leave(in);
	if (error)
		return error;
	error = w->start(in);
	/* It may have said why itself. */
	if (error && !in->record.reason[0])
		fail(in, "preparing the cache", error);
	if (!error)
		error = instance_park(in);
	if (error)
		instance_close(in);
	return error;
}

int instance_park(struct instance *in)
{
	const struct fix *fix = in->fix;

	fix->log_force(in->mp);
	fix->ail_push_all_sync(in->mp);
	/* What the last writes freed has its checkpoint too. */
	fix->log_force(in->mp);
	if (!fix->ail_items(in->mp))
		return 0;
	fail(in, "the AIL does not get empty", -EBUSY);
	return -EBUSY;
}

void instance_close(struct instance *in)
{
	struct teardown left = { 0 };

	if (!in->dev)
		return;
	if (in->workload->stop)
		in->workload->stop(in);
	in->fix->unmount(in->mp, &left);
	record_add_left(&in->record, &left);
	device_close(in->dev);
	in->dev = NULL;
	in->mp = NULL;
}
