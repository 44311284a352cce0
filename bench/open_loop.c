// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop: waits for each arrival, or is late for it.
 */
#include "bench/open_loop.h"

#include <errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "sync/sync.h"

/* So many times as long as it was to take: it does not keep up. */
#define GIVE_UP		8u

static uint64_t real_now(void *arg)
{
	(void)arg;
	return now_ns();
}

static void real_wait(void *arg, uint64_t until)
{
	(void)arg;
	while (now_ns() < until)
		cpu_relax();
}

const struct open_clock open_clock_real = { real_now, real_wait, NULL };

static void add(struct open_load *load, uint64_t arrival, uint64_t latency)
{
	uint64_t at = arrival / load->series->slice_ns;
	struct open_slice *s;

	histogram_add(load->latency, latency);
	load->total_ns += latency;
	load->ops++;
	s = &load->series->slice[at < OPEN_SLICES ? at : OPEN_SLICES - 1];
	s->count++;
	if (latency > s->max_ns)
		s->max_ns = latency;
}

static int run(const struct open_clock *clock, struct open_load *load,
	       uint64_t for_ns, gsl_rng *rng)
{
	uint64_t start = clock->now(clock->arg), now = start;
	double gap_ns = 1e9 / load->per_second;
	double arrival = gsl_ran_exponential(rng, gap_ns);
	int error;

	while (arrival < for_ns) {
		if (now < start + (uint64_t)arrival)
			clock->wait(clock->arg, start + (uint64_t)arrival);
		error = load->operation(load->arg);
		if (error)
			return error;
		now = clock->now(clock->arg);
		if (now - start > GIVE_UP * for_ns)
			return -ETIME;
		add(load, arrival, now - start - (uint64_t)arrival);
		arrival += gsl_ran_exponential(rng, gap_ns);
	}
	return 0;
}

int open_loop_run(const struct open_clock *clock, struct open_load *load,
		  uint64_t for_ns)
{
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	int error;

	if (!rng)
		return -ENOMEM;
	gsl_rng_set(rng, load->seed);
	error = run(clock, load, for_ns, rng);
	gsl_rng_free(rng);
	return error;
}

void open_series_merge(struct open_series *to, const struct open_series *from)
{
	to->slice_ns = from->slice_ns;
	for (unsigned int i = 0; i < OPEN_SLICES; i++) {
		to->slice[i].count += from->slice[i].count;
		if (from->slice[i].max_ns > to->slice[i].max_ns)
			to->slice[i].max_ns = from->slice[i].max_ns;
	}
}
