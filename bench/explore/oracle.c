// SPDX-License-Identifier: GPL-2.0-only
/*
 * The oracle's scenarios, explored: what a director does until he starts
 * somebody is the same in all schedules; from there on each of his steps is
 * one among others', and his verdict is the schedule's.
 */
#include "play.h"

#include "bench/oracle/fibers/host.h"

#include <errno.h>
#include <stdio.h>

/* A fix that is known to fail in a hazard; NULL: none is. */
static const char *const controls[HAZARDS] = {
	[HAZARD_ORDERING] = "none",
	[HAZARD_LOST_ERROR] = "none",
	[HAZARD_REREAD] = "none_pre_done",
	[HAZARD_DEADLOCK] = "wait_in_stale",
	[HAZARD_COLLATERAL_STALL] = "delwri_queue_here",
	[HAZARD_UNBOUNDED_WAIT] = "delwri_queue_here",
};

/* Of a director who tries again and again, in vain, too. */
#define ORACLE_POINTS	4000000u

static const struct scenario *chosen;
/* In the arena. */
static struct finding *finding;
static struct stage *stage;

/* "ordering:live-scan-before-reuse" */
static void name_of(const struct scenario *sc, char *name, size_t size)
{
	snprintf(name, size, "%s:%s", hazard_name(sc->hazard), sc->name);
	for (; *name; name++)
		if (*name == ' ' || *name == ',')
			*name = '-';
}

static bool explorable(const struct scenario *sc)
{
	return sc->run && controls[sc->hazard];
}

void oracle_list(void)
{
	char name[80];

	for (const struct scenario *sc = scenarios; sc->name; sc++) {
		name_of(sc, name, sizeof(name));
		if (explorable(sc))
			printf("%-22s verify's: from its first actor on\n", name);
	}
}

const struct play_scenario *oracle_scenario(const char *name)
{
	static struct play_scenario play_scenario;
	static char found[80];

	for (const struct scenario *sc = scenarios; sc->name; sc++) {
		name_of(sc, found, sizeof(found));
		if (!explorable(sc) || strcmp(found, name))
			continue;
		play_scenario = (struct play_scenario){
			.name = found,
			.controls = { controls[sc->hazard] },
		};
		chosen = sc;
		course_points = ORACLE_POINTS;
		return &play_scenario;
	}
	return NULL;
}

void fibers_watch(struct stage *s)
{
	/* A trial that did not come to the interleaving says nothing. */
	if (stage && play->started_ns)
		fibers_over();
	stage = s;
	play->block = s->block;
}

void fibers_begin(struct stage *s)
{
	(void)s;
	play->started_ns = world->now;
	fibers_pause();
}

void fibers_over(void)
{
	const char *why = finding->evidence;

	if (finding->verdict == VERDICT_VIOLATED)
		play_violated(play, chosen->hazard, "%.*s",
			      (int)strcspn(why, "\n"), why);
	if (finding->verdict == VERDICT_UNTESTED)
		play_error(play, -ECANCELED);
	fibers_end();
}

void oracle_play(struct play *p)
{
	finding = arena_zalloc(1, sizeof(*finding));
	scenario_run(chosen, p->fix, finding);
	fibers_over();
}

void oracle_timeline(FILE *out)
{
	timeline_print(stage, out);
}
