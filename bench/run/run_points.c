// SPDX-License-Identifier: GPL-2.0-only
/*
 * The points of a run: one, unless placements are asked for; of a sweep all
 * that the machine offers.
 */
#include "bench/run/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"

#define DISTANCES	64

struct maker {
	const struct cli *cli;
	const struct topology *here;
	struct run_point_list *points;
};

static struct run_point *add(struct run_point_list *points)
{
	return points->nr < RUN_POINTS ? &points->point[points->nr++] : NULL;
}

static void set_request(struct run_point *at, const struct cli *cli,
			const struct cli_policy *policy, unsigned int threads)
{
	at->placed = true;
	at->req = cli->place;
	at->req.policy = policy->policy;
	at->req.distance = policy->distance;
	at->req.role[PLAN_LOOKER].nr = threads;
	at->threads = threads;
	plan_request_name(&at->req, at->placement, sizeof(at->placement));
}

/* 0, or -ENOMEM or -E2BIG. */
static int add_point(struct maker *m, const struct cli_policy *policy,
		     unsigned int threads)
{
	struct run_point *at = add(m->points);
	struct plan plan;
	int error;

	if (!at)
		return -E2BIG;
	set_request(at, m->cli, policy, threads);
	error = plan_make(m->here, &at->req, &plan);
	if (error)
		return error;
	snprintf(at->skipped, sizeof(at->skipped), "%s", plan.skipped);
	plan_free(&plan);
	return 0;
}

/* 1, 2, 4, ... and the most threads; if none can be met, one that says why. */
static int add_curve(struct maker *m, const struct cli_policy *policy,
		     unsigned int most)
{
	struct run_point_list *points = m->points;
	unsigned int first = points->nr, n = 1;
	struct run_point last = { 0 };

	for (;;) {
		int error = add_point(m, policy, n);

		if (error)
			return error;
		/* One thread has no distance: two say better why. */
		if (points->point[points->nr - 1].skipped[0]) {
			points->nr--;
			if (n <= 2)
				last = points->point[points->nr];
		}
		if (n >= most && (n > 1 || points->nr > first))
			break;
		n = n >= most || n * 2 < most ? n * 2 : most;
	}
	if (points->nr == first)
		*add(points) = last;
	return 0;
}

static int sweep(struct maker *m, unsigned int most)
{
	static const enum plan_policy policies[] = {
		PLAN_SMT_PAIR, PLAN_SAME_L3, PLAN_CROSS_L3,
		PLAN_CROSS_NODE, PLAN_SPREAD, PLAN_COMPACT,
	};
	unsigned int distance[DISTANCES], nr;
	int error = 0;

	nr = topology_distances(m->here, distance, DISTANCES);
	for (unsigned int i = 0; i < sizeof(policies) / sizeof(*policies);
	     i++) {
		struct cli_policy policy = { policies[i], 0 };
		unsigned int times = policies[i] == PLAN_CROSS_NODE && nr ?
					     nr :
					     1;

		for (unsigned int d = 0; d < times && !error; d++) {
			if (policies[i] == PLAN_CROSS_NODE && nr)
				policy.distance = distance[d];
			error = add_curve(m, &policy, most);
		}
	}
	return error;
}

static int make(struct maker *m)
{
	static const struct cli_policy compact = { PLAN_COMPACT, 0 };
	const struct cli *cli = m->cli;
	const struct cli_policy *policy = cli->nr_policies ? cli->policies :
							     &compact;
	unsigned int most = m->here->nr_pus, nr = cli->nr_policies;
	int error = 0;

	if (most > CLI_THREADS)
		most = CLI_THREADS;
	if (cli->threads)
		most = cli->threads;
	if (cli->sweep && !nr)
		return sweep(m, most);
	for (unsigned int i = 0; i < (nr ? nr : 1) && !error; i++)
		error = cli->sweep ? add_curve(m, &policy[i], most) :
				     add_point(m, &policy[i], most);
	return error;
}

/* Exit status: what --topology names is this machine. */
static int check_topology(const struct cli *cli, const struct topology *here)
{
	struct topology *t;
	char why[512];
	bool same;

	if (!cli->topology)
		return 0;
	if (topology_load(cli->topology, &t, why, sizeof(why)))
		return cli_fail("%s", why);
	same = topology_same(t, here);
	topology_free(t);
	if (same)
		return 0;
	return cli_fail("topology '%s' is not of this machine, so nothing can "
			"be run by it: scripts/plan --topology shows its "
			"plans; leave the option out to run here",
			cli->topology);
}

static int place(struct maker *m)
{
	struct topology *here;
	char why[512];
	int status, error;

	for (int r = PLAN_LOOKER + 1; r < PLAN_ROLES; r++)
		if (m->cli->place.role[r].nr > 1)
			return cli_fail("role %s: a run has one group of them, "
					"placed together: leave out the number",
					plan_role_name(r));
	if (topology_load("this", &here, why, sizeof(why)))
		return cli_fail("%s", why);
	m->here = here;
	m->points->processors = here->nr_pus;
	status = check_topology(m->cli, here);
	error = status ? 0 : make(m);
	topology_free(here);
	if (error == -E2BIG)
		return cli_fail("more than %u placements: name fewer with "
				"--policy",
				RUN_POINTS);
	return error ? cli_fail("out of memory") : status;
}

int run_points(const struct cli *cli, struct run_point_list *points)
{
	struct maker m = { .cli = cli, .points = points };
	unsigned int *cpus, nr;
	struct run_point *at;
	int error;

	points->point = calloc(RUN_POINTS, sizeof(*points->point));
	if (!points->point)
		return cli_fail("out of memory");
	if (cli->placed)
		return place(&m);
	error = machine_cpus(&cpus, &nr);
	if (error)
		return cli_fail("cannot find out which processors there are: "
				"%s; hwloc-info may know more",
				strerror(-error));
	free(cpus);
	points->processors = nr;
	at = add(points);
	at->threads = cli->threads ? cli->threads : nr;
	return 0;
}

unsigned int run_points_threads(const struct run_point_list *points)
{
	unsigned int most = 0;

	for (unsigned int i = 0; i < points->nr; i++)
		if (points->point[i].threads > most)
			most = points->point[i].threads;
	return most;
}
