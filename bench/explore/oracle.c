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

/* Of a director who tries again and again, in vain, too. */
#define ORACLE_POINTS	4000000u

static const struct scenario *chosen;
/* In the arena. */
static struct finding *finding;
static struct stage *stage;

void oracle_list(void)
{
	char name[SCENARIO_SLUG];

	for (const struct scenario *sc = scenarios; sc->name; sc++) {
		scenario_slug(sc, name, sizeof(name));
		if (scenario_control(sc))
			printf("%-22s verify's: from its first actor on\n", name);
	}
}

const struct play_scenario *oracle_scenario(const char *name)
{
	static struct play_scenario play_scenario;
	static char found[SCENARIO_SLUG];

	for (const struct scenario *sc = scenarios; sc->name; sc++) {
		scenario_slug(sc, found, sizeof(found));
		if (!scenario_control(sc) || strcmp(found, name))
			continue;
		play_scenario = (struct play_scenario){
			.name = found,
			.controls = { scenario_control(sc) },
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
