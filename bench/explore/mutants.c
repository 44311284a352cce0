// SPDX-License-Identifier: GPL-2.0-only
/*
 * The explorer itself on trial: which of the deliberately wrong fixes of
 * tests/mutants it finds, alone, and by which scenario.
 *
 * A mutant is found by what its base, the fix that it is made of, holds and
 * it does not: a hazard that the base claims, or one that the mutant says is
 * its own.  In a scenario that the base fails in, too, and wherever that is
 * `none`, only if the scenario names the mutant as one that fails there.
 */
#include "report.h"

#include <stdio.h>
#include <time.h>

const struct fix *const *mutants_of_cache(void)
{
	const struct generation *g = mutant_generations;

	while (g->name && strcmp(g->name, fixes[0]->cache))
		g++;
	return g->fixes;
}

static const struct fix *find(const struct fix *const *f, const char *name)
{
	while (*f && strcmp((*f)->name, name))
		f++;
	return *f;
}

const struct fix *explore_fix_by_name(const char *name)
{
	const struct fix *fix = find(fixes, name);

	return fix ? fix : find(mutants_of_cache(), name);
}

/* Little of each first, for most take little. */
struct effort {
	bool pct, tso;
	unsigned int bound;
	double seconds;		/* for each scenario */
};

static const struct effort efforts[] = {
	{ .bound = 0, .seconds = 1 },
	{ .bound = 1, .seconds = 2 },
	{ .pct = true, .bound = 3, .seconds = 1 },
	{ .tso = true, .bound = 1, .seconds = 2 },
	{ .bound = 2, .seconds = 5 },
	{ .tso = true, .bound = 2, .seconds = 5 },
	{ .pct = true, .tso = true, .bound = 4, .seconds = 5 },
};
#define EFFORTS		(sizeof(efforts) / sizeof(efforts[0]))

struct verdict_of {
	const struct play_scenario *scenario;	/* NULL: not found */
	const struct effort *effort;
	struct search_result r;
	double seconds;
	bool all;		/* each effort was made */
};

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static bool is_control(const struct play_scenario *s, const char *name)
{
	for (unsigned int i = 0; i < PLAY_CONTROLS && s->controls[i]; i++)
		if (!strcmp(s->controls[i], name))
			return true;
	return false;
}

static const struct fix *base_of(const struct fix *mutant)
{
	const struct fix *const *all = mutants_of_cache();
	unsigned int i = 0;

	while (all[i] != mutant)
		i++;
	return find(fixes, mutant_bases[i]);
}

/* Its own mistake's, and not one that it has from its base. */
static bool own_hazard(const struct fix *mutant, const struct play_scenario *s,
		       enum hazard hazard)
{
	const struct fix *base = base_of(mutant);

	if (!is_control(s, mutant->name) &&
	    (is_control(s, base->name) || base == find(fixes, "none")))
		return false;
	return (mutant->claims | base->claims) & 1u << hazard;
}

static bool try_one(const struct explore_options *o, const struct fix *mutant,
		    const struct play_scenario *s, const struct effort *e,
		    struct verdict_of *v)
{
	struct explore_options one = *o;

	one.scenario = s;
	one.pct = e->pct;
	one.tso = e->tso;
	one.bound = e->bound;
	one.seconds = e->seconds;
	one.all = false;
	if (!explore_search(&one, mutant, &v->r) || !v->r.found ||
	    !own_hazard(mutant, s, v->r.hazard))
		return false;
	v->scenario = s;
	v->effort = e;
	return true;
}

/* By one effort, in those scenarios that name it as a control, or others. */
static bool try_effort(const struct explore_options *o,
		       const struct fix *mutant, const struct effort *e,
		       bool control, double until, struct verdict_of *v)
{
	const struct play_scenario *s;

	for (unsigned int i = 0; (s = play_scenario(i)); i++)
		if (is_control(s, mutant->name) == control &&
		    seconds_now() < until && try_one(o, mutant, s, e, v))
			return true;
	return false;
}

static void try_all(const struct explore_options *o, const struct fix *mutant,
		    struct verdict_of *v)
{
	double began = seconds_now(), until = began + o->seconds;

	*v = (struct verdict_of){ 0 };
	for (unsigned int i = 0; i < EFFORTS; i++)
		if (try_effort(o, mutant, &efforts[i], true, until, v) ||
		    try_effort(o, mutant, &efforts[i], false, until, v))
			break;
	v->seconds = seconds_now() - began;
	v->all = seconds_now() < until;
}

static json_t *as_json(const struct verdict_of *v)
{
	if (!v->scenario)
		return json_pack("{s:b, s:f, s:b}", "found", 0, "seconds",
				 v->seconds, "complete", v->all);
	return json_pack("{s:b, s:f, s:s, s:s, s:s, s:s, s:s, s:i}", "found", 1,
			 "seconds", v->seconds, "scenario", v->scenario->name,
			 "hazard", hazard_name(v->r.hazard), "why", v->r.why,
			 "strategy", v->effort->pct ? "pct" : "bounded",
			 "memory", v->effort->tso ? "tso" : "sc", "bound",
			 v->effort->bound);
}

static void print(const struct fix *mutant, const struct verdict_of *v)
{
	if (!v->scenario)
		printf("%-26s not found%s %41.1f s\n", mutant->name,
		       v->all ? "" : " yet", v->seconds);
	else
		printf("%-26s %-16s %-18s %s %s %u %6.1f s\n", mutant->name,
		       hazard_name(v->r.hazard), v->scenario->name,
		       v->effort->tso ? "tso" : "sc ",
		       v->effort->pct ? "pct    " : "bounded",
		       v->effort->bound, v->seconds);
	fflush(stdout);
}

int explore_mutants(const struct explore_options *o,
		    const struct fix *const *only, unsigned int nr, bool json)
{
	unsigned int tried = 0, found = 0;
	struct verdict_of v;
	json_t *all;

	for (unsigned int i = 0; i < nr; i++)
		if (find(mutants_of_cache(), only[i]->name) != only[i]) {
			fprintf(stderr,
				"explore: --mutants --fix %s: that is a fix; "
				"give one of tests/mutants\n",
				only[i]->name);
			return 2;
		}
	all = json ? json_object() : NULL;
	for (const struct fix *const *m = mutants_of_cache(); *m; m++) {
		bool asked = !nr;

		for (unsigned int i = 0; i < nr; i++)
			asked |= only[i] == *m;
		if (!asked)
			continue;
		try_all(o, *m, &v);
		tried++;
		found += v.scenario != NULL;
		if (json)
			json_object_set_new(all, (*m)->name, as_json(&v));
		else
			print(*m, &v);
	}
	if (json) {
		json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
		json_decref(all);
	} else {
		printf("%u of %u mutants found, within %.0f s each\n", found,
		       tried, o->seconds);
	}
	return found == tried ? 0 : 1;
}
