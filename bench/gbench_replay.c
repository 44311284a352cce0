// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two passes through Google Benchmark: one that runs nothing and sees what
 * its flags select, and one in which stored times go by as if measured, so
 * that its reports are its own.
 */
#include "bench/gbench_replay.h"

/* Without iterations set, its name is what the filter was written for. */
static void collect(struct gbench_state *state, void *arg)
{
	struct gbench *b = arg;

	b->selected = true;
	gbench_skip(state, "collected");
}

static void replay(struct gbench_state *state, void *arg)
{
	struct gbench *b = arg;

	if (b->error) {
		gbench_skip(state, b->error);
		return;
	}
	while (gbench_keep_running_batch(state, b->iterations))
		;
	gbench_set_time(state, b->seconds[b->shown++ % b->repetitions]);
	if (b->label)
		gbench_label(state, b->label);
	for (unsigned int i = 0; i < b->nr_counters; i++)
		gbench_counter(state, b->counters[i].name,
			       b->counters[i].value, 0);
}

size_t gbench_collect(struct gbench *benchmarks, size_t nr, char *why,
		      size_t why_size)
{
	size_t found;

	gbench_clear();
	for (size_t i = 0; i < nr; i++) {
		benchmarks[i].selected = false;
		gbench_register(benchmarks[i].name, collect, &benchmarks[i]);
	}
	found = gbench_run(NULL, GBENCH_NOTHING, why, why_size);
	gbench_clear();
	return found;
}

void gbench_replay(struct gbench *benchmarks, size_t nr, bool console)
{
	char why[256];

	gbench_clear();
	for (size_t i = 0; i < nr; i++) {
		struct gbench *b = &benchmarks[i];
		struct gbench_family *f;
		bool failed = b->error || !b->repetitions;

		if (!b->selected)
			continue;
		b->shown = 0;
		f = gbench_register(b->name, replay, b);
		gbench_unit(f, b->unit);
		gbench_iterations(f, failed ? 1 : b->iterations);
		gbench_repetitions(f, failed ? 1 : b->repetitions);
		gbench_manual_time(f);
	}
	/* The filter has spoken: names have suffixes now. */
	gbench_run(".", console ? GBENCH_AS_FLAGGED : GBENCH_NOTHING, why,
		   sizeof(why));
	gbench_clear();
}
