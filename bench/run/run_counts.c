// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is counted of a fix: by its instrumented copy, in one more round that
 * follows the timed ones, in the same process, with the same seed and on the
 * same processors.  Timed copies count nothing (impl/cache/count.h).
 */
#include "bench/run/run.h"

#include <stdio.h>

static const struct fix *counting_copy(const struct instance *in)
{
	const struct fix *copy = in->fix->counting;

	return copy != in->fix && !in->fix->does_nothing ? copy : NULL;
}

const struct record *run_counts_of(const struct instance *in)
{
	return counting_copy(in) ? &in->counts : &in->record;
}

static uint64_t ail_passes(const struct instance *in)
{
	return in->fix->ail_passes ? in->fix->ail_passes(in->mp) : 0;
}

void run_count_events(struct instance *in, uint64_t passes, uint64_t ops,
		      struct record *rec)
{
	struct event_stat e = pool_events_take(in->bench->pool);

	if (in->fix->counting != in->fix || in->fix->does_nothing)
		return;
	if (in->workload->only_lookups)
		e.lookups += ops;
	record_count(rec, "hits", e.lookups - e.misses - e.found_stale);
	record_count(rec, "misses", e.misses);
	record_count(rec, "found_stale", e.found_stale);
	record_count(rec, "log_forces", e.log_forces);
	record_count(rec, "futex_calls", e.futex_calls);
	record_count(rec, "ail_passes", ail_passes(in) - passes);
}

int run_count(struct instance *in, uint64_t ops)
{
	const struct workload *w = in->workload;
	struct instance copy = {
		.fix = counting_copy(in),
		.bench = in->bench,
		.workload = w,
		.work = in->work,
		.counting = true,
	};
	double ns;
	int error;

	if (!copy.fix || in->record.reason[0])
		return 0;
	error = w->alone ? run_alone(&copy, &ns) : run_batch(&copy, ops, &ns);
	if (error && !copy.record.reason[0])
		snprintf(copy.record.reason, sizeof(copy.record.reason),
			 "its instrumented copy failed");
	if (!error && !w->timed)
		copy.record.nr_ops +=
			w->per_thread ? ops * in->bench->threads : ops;
	/* Whoever saw it: what is not durable, or leaks, is no figure. */
	in->record.checked += copy.record.checked;
	in->record.violated += copy.record.violated;
	record_add_left(&in->record, &copy.record.left);
	in->counts = copy.record;
	return error;
}
