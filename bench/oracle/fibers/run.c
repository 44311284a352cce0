// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a scenario on fibers, by one schedule: whoever runs goes on until it
 * blocks, and then the next that can; if none can, time passes until the first
 * sleeper is due.  Running takes time, too, so that nobody runs for ever.
 * Nothing here depends on a clock or on another process.
 */
#include "bench/oracle/fibers/run.h"

#include "bench/fibers/fiber.h"
#include "bench/fibers/order.h"
#include "bench/oracle/fibers/host.h"

#include <string.h>
#include <unistd.h>

#define SLICE		1000u		/* accesses at a time, which take */
#define SLICE_NS	100000u		/* so long */
/* All of it together, a stop being so much. */
#define WORK_MAX	300000000u
#define STOP_WORK	20u

static struct finding *result;
static struct stage *stage;

void fibers_watch(struct stage *s)
{
	stage = s;
}

void fibers_begin(struct stage *s)
{
	(void)s;
}

void fibers_over(void)
{
	fibers_end();
}

static void __attribute__((noreturn)) give_up(const char *what)
{
	result->verdict = VERDICT_UNTESTED;
	snprintf(result->evidence, EVIDENCE_MAX, "%s", what);
	_exit(0);
}

static void no_room(const char *what)
{
	char text[100];

	snprintf(text, sizeof(text), "the scenario has used up %s", what);
	give_up(text);
}

static bool can_run(struct fiber *f)
{
	if (f->why == FIBER_UNTIL && fiber_holds(f))
		f->why = FIBER_RUNS;
	else if ((f->why == FIBER_UNTIL || f->why == FIBER_SLEEPS) &&
		 f->expires && f->expires <= world->now)
		fiber_expire(f);
	return f->why == FIBER_RUNS;
}

/* @cur's turn comes last. */
static struct fiber *next_to_run(const struct fiber *cur)
{
	for (unsigned int i = 1; i <= world->nr; i++) {
		struct fiber *f = &world->fiber[(cur->id + i) % world->nr];

		if (can_run(f))
			return f;
	}
	return NULL;
}

static struct fiber *first_due(void)
{
	struct fiber *first = NULL;

	for (unsigned int i = 0; i < world->nr; i++) {
		struct fiber *f = &world->fiber[i];

		if ((f->why == FIBER_SLEEPS || f->why == FIBER_UNTIL) &&
		    f->expires && (!first || f->expires < first->expires))
			first = f;
	}
	return first;
}

static struct fiber *next(enum fiber_stop stop)
{
	struct fiber *cur = fibers.cur, *f = next_to_run(cur), *due;

	/* Who gives way may wait for time to pass. */
	if (f && (stop != STOP_YIELD || f != cur))
		return f;
	due = first_due();
	if (!due)
		return f;
	fiber_expire(due);
	return due;
}

/* Never in step with a loop: that would preempt it always at the same place. */
static uint64_t slice(void)
{
	static uint64_t draw;

	return SLICE / 2 + order_mix(++draw) % SLICE;
}

/* The director sleeps where nobody wakes him, or nobody can go on at all. */
static void __attribute__((noreturn)) stuck(void)
{
	fibers.stop_at = UINT64_MAX;
	if (!stage)
		give_up("the mount does not end");
	stage_no_end(stage, "the scenario itself");
	_exit(0);
}

struct run {
	const struct scenario *sc;
	const struct fix *fix;
};

static void run_main(void *arg)
{
	const struct run *run = arg;

	scenario_run(run->sc, run->fix, result);
	fibers_over();
}

static const struct fix *find(const char *cache, const char *name)
{
	const struct generation *g = generations;

	while (g->name && strcmp(g->name, cache))
		g++;
	for (const struct fix *const *f = g->fixes; g->name && *f; f++)
		if (!strcmp((*f)->name, name))
			return *f;
	return NULL;
}

bool fibers_have(const char *cache, const char *fix)
{
	return find(cache, fix);
}

void fibers_scenario(unsigned int scenario, const char *cache, const char *fix,
		     struct finding *finding)
{
	struct run run = { &scenarios[scenario], find(cache, fix) };
	uint64_t stops = 0, seen = 0;
	enum fiber_stop stop;
	struct fiber *f;

	result = finding;
	if (arena_init())
		give_up("cannot have 2 GiB of address space for fibers (see "
			"ulimit -v; verify --threads needs less)");
	arena_full = no_room;
	f = fiber_new("test", run_main, &run);
	/* 0 is "not started". */
	world->now = 1;
	do {
		if (!f->id || world->fiber[0].why == FIBER_UNTIL)
			seen = world->now;
		if (world->now - seen > STAGE_WATCHDOG_S * 1000000000ull)
			stuck();
		fibers.stop_at = fibers.points + slice();
		stop = fibers_run(f);
		if (stop == STOP_ENDED)
			return;
		if (stop == STOP_POINT)
			world->now += SLICE_NS;
		if (fibers.points + ++stops * STOP_WORK > WORK_MAX)
			give_up("no end of running");
		f = next(stop);
	} while (f);
	stuck();
}
