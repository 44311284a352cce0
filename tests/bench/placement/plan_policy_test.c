// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every policy on many topologies with many numbers of threads: where a
 * thread may be, that what the policy's name promises holds, and that it is
 * skipped only if nobody could do it.
 */
#include "tests/bench/placement/topology_test.h"

#include "bench/placement/plan.h"

static const char *const topologies[] = {
	"pu:1",
	"pu:4",
	"core:4 pu:2",
	"pack:2 core:4 pu:2",
	"node:2 core:2 pu:2",
	"node:4 pu:2",
	"pack:2 l3:1 core:4 pu:2",
	"pack:2 node:2 l3:2 core:2 pu:2",
	"pack:1 l3:4 core:2 pu:1",
	"pack:2 l3:1 group:2 [numa] core:2 pu:2",
	"pack:1 [numa] [numa] core:4 pu:4",
	"pack:8 core:4 pu:2",
	"node:2(indexes=8,0) core:2 pu:2(indexes=40,41,44,45,0,1,4,5)",
	"pack:4 node:2 l3:1 core:3 pu:1",
	"node:1 l3:3 core:3 pu:8",
	"asymmetric.xml",
	"permuted.xml",
	"epyc.xml",
	"eight_hops.xml",
	"partial.xml",
	"hybrid.xml",
	"uneven.xml",
	"cpuset.xml",
	"memory_only.xml",
	"memoryless.xml",
	"offline.xml",
	"two_tiers.xml",
	"favoured.xml",
	"favoured_each.xml",
	"memoryless_8.xml",
	"version_1.xml",
};

#define TOPOLOGIES	(sizeof(topologies) / sizeof(*topologies))
#define PUS_MAX		512

/* One plan under test; entry to processor. */
struct checked {
	const struct topology *t;
	struct plan plan;
	unsigned int nr;
	const struct topology_pu *pu[PUS_MAX + 8];
	unsigned int uses[PUS_MAX];	/* by index */
};

static void start(struct checked *c, const struct topology *t,
		  const struct plan_request *req)
{
	memset(c, 0, sizeof(*c));
	c->t = t;
	assert_int_equal(plan_make(t, req, &c->plan), 0);
	c->nr = c->plan.nr;
	assert_true(c->plan.skipped[0] ? !c->nr :
					 c->nr >= req->role[PLAN_LOOKER].nr);
	for (unsigned int i = 0; i < c->nr; i++) {
		for (unsigned int j = 0; j < t->nr_pus; j++)
			if (t->pu[j].os == c->plan.entry[i].pu) {
				c->pu[i] = &t->pu[j];
				c->uses[j]++;
			}
		/* An allowed one: there is no other in the tables. */
		assert_non_null(c->pu[i]);
		assert_true(c->plan.entry[i].why[0]);
	}
}

static unsigned int in_core(const struct checked *c, unsigned int core,
			    bool only_used)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < c->t->nr_pus; i++)
		if (c->t->pu[i].core == core)
			nr += only_used ? c->uses[i] : 1;
	return nr;
}

/* --- what each policy promises ------------------------------------------ */

static void never_twice(const struct checked *c)
{
	for (unsigned int i = 0; i < c->t->nr_pus; i++)
		assert_true(c->uses[i] <= 1);
	assert_int_equal(c->plan.shared, 0);
}

static void none_twice_before_all_once(const struct checked *c)
{
	unsigned int least = UINT_MAX, most = 0, shared = 0;

	for (unsigned int i = 0; i < c->t->nr_pus; i++) {
		least = c->uses[i] < least ? c->uses[i] : least;
		most = c->uses[i] > most ? c->uses[i] : most;
		shared += c->uses[i] > 1 ? c->uses[i] - 1 : 0;
	}
	assert_true(most - least <= 1);
	assert_int_equal(c->plan.shared, shared);
}

static void pairs_share_cores(const struct checked *c)
{
	for (unsigned int i = 0; i < c->nr; i += 2)
		assert_int_equal(c->pu[i]->core, c->pu[i + 1]->core);
}

static void all_share_l3(const struct checked *c)
{
	assert_int_not_equal(c->pu[0]->l3, TOPOLOGY_NONE);
	for (unsigned int i = 1; i < c->nr; i++)
		assert_int_equal(c->pu[i]->l3, c->pu[0]->l3);
	/* No two on one core while one of its kind there has none. */
	for (unsigned int i = 0; i < c->nr; i++)
		for (unsigned int j = 0; j < c->t->nr_pus; j++)
			if (in_core(c, c->pu[i]->core, true) > 1 &&
			    c->t->pu[j].l3 == c->pu[0]->l3 &&
			    c->t->pu[j].kind == c->pu[i]->kind)
				assert_true(in_core(c, c->t->pu[j].core, true));
}

static void neighbours_cross_l3(const struct checked *c)
{
	for (unsigned int i = 1; i < c->nr; i++) {
		assert_int_equal(c->pu[i]->node, c->pu[0]->node);
		assert_int_not_equal(c->pu[i]->l3, c->pu[i - 1]->l3);
	}
}

static void two_nodes_by_turns(const struct checked *c)
{
	assert_int_not_equal(c->pu[0]->node, c->pu[1]->node);
	for (unsigned int i = 2; i < c->nr; i++)
		assert_int_equal(c->pu[i]->node, c->pu[i % 2]->node);
}

static void cores_before_siblings(const struct checked *c)
{
	for (unsigned int i = 0; i < c->t->nr_pus; i++)
		if (in_core(c, c->t->pu[i].core, true) > 1)
			for (unsigned int j = 0; j < c->t->nr_pus; j++)
				assert_true(in_core(c, c->t->pu[j].core, true));
}

/* The first threads, each on a package, or failing that node, of its own. */
static void far_apart(const struct checked *c)
{
	unsigned int nr = c->nr < c->t->nr_packages ? c->nr :
						      c->t->nr_packages;

	for (unsigned int i = 0; i < nr; i++)
		for (unsigned int j = 0; j < i && c->t->nr_kinds == 1; j++)
			assert_int_not_equal(c->pu[i]->package,
					     c->pu[j]->package);
}

/* At most one core, and one node, is in use in part. */
static void no_holes(const struct checked *c)
{
	unsigned int cores = 0, nodes = 0, last = TOPOLOGY_NONE;

	for (unsigned int i = 0; i < c->t->nr_pus; i++) {
		unsigned int core = c->t->pu[i].core;
		unsigned int used = in_core(c, core, true);

		if (core == last)
			continue;
		last = core;
		cores += used && used < in_core(c, core, false);
	}
	for (unsigned int n = 0; n < c->t->nr_nodes; n++) {
		unsigned int used = 0;

		for (unsigned int i = 0; i < c->t->nr_pus; i++)
			used += c->t->pu[i].node == n && c->uses[i];
		nodes += used && used < c->t->node[n].nr_pus;
	}
	assert_true(cores <= 1 && nodes <= 1);
}

static void never_nearer(const struct checked *c)
{
	unsigned int home = c->pu[0]->node, last = 0;

	for (unsigned int i = 0; i < c->nr && c->nr <= c->t->nr_pus; i++) {
		unsigned int d = topology_distance(c->t, home, c->pu[i]->node);

		if (c->t->nr_kinds > 1 || !d)
			continue;
		assert_true(d >= last);
		last = d;
	}
}

/* --- could anybody have done it? ---------------------------------------- */

static bool can_pair(const struct topology *t, unsigned int nr)
{
	unsigned int in[PUS_MAX] = { 0 }, pairs = 0;

	for (unsigned int i = 0; i < t->nr_pus; i++)
		pairs += ++in[t->pu[i].core] % 2 == 0;
	return nr % 2 == 0 && pairs >= nr / 2;
}

static bool can_same_l3(const struct topology *t, unsigned int nr)
{
	unsigned int in[PUS_MAX] = { 0 };

	for (unsigned int i = 0; i < t->nr_pus; i++)
		if (t->pu[i].l3 != TOPOLOGY_NONE && ++in[t->pu[i].l3] >= nr)
			return true;
	return false;
}

/* No L3 may have more than every second thread. */
static bool can_cross_l3(const struct topology *t, unsigned int nr)
{
	for (unsigned int n = 0; n < t->nr_nodes && nr >= 2; n++) {
		unsigned int in[PUS_MAX] = { 0 }, room = 0;

		for (unsigned int i = 0; i < t->nr_pus; i++)
			if (t->pu[i].node == n &&
			    t->pu[i].l3 != TOPOLOGY_NONE &&
			    in[t->pu[i].l3]++ < (nr + 1) / 2)
				room++;
		if (room >= nr)
			return true;
	}
	return false;
}

/* The greatest distance of nodes with room, in @found. */
static bool can_cross_node(const struct topology *t, unsigned int nr,
			   unsigned int *found)
{
	bool can = false;

	*found = 0;
	for (unsigned int a = 0; a < t->nr_nodes && nr >= 2; a++)
		for (unsigned int b = 0; b < t->nr_nodes; b++) {
			unsigned int d = topology_distance(t, a, b);

			if (a == b || t->node[a].nr_pus < (nr + 1) / 2 ||
			    t->node[b].nr_pus < nr / 2)
				continue;
			can = true;
			*found = d > *found ? d : *found;
		}
	return can;
}

/* --- all of them -------------------------------------------------------- */

static bool could(const struct topology *t, enum plan_policy policy,
		  unsigned int nr, unsigned int *distance)
{
	*distance = 0;
	switch (policy) {
	case PLAN_SMT_PAIR:
		return can_pair(t, nr);
	case PLAN_SAME_L3:
		return can_same_l3(t, nr);
	case PLAN_CROSS_L3:
		return can_cross_l3(t, nr);
	case PLAN_CROSS_NODE:
		return can_cross_node(t, nr, distance);
	default:
		return true;
	}
}

static void check_policy(const struct checked *c, enum plan_policy policy,
			 unsigned int distance)
{
	if (policy < PLAN_SPREAD)
		never_twice(c);
	else
		none_twice_before_all_once(c);
	switch (policy) {
	case PLAN_SMT_PAIR:
		pairs_share_cores(c);
		break;
	case PLAN_SAME_L3:
		all_share_l3(c);
		break;
	case PLAN_CROSS_L3:
		neighbours_cross_l3(c);
		break;
	case PLAN_CROSS_NODE:
		two_nodes_by_turns(c);
		assert_int_equal(topology_distance(c->t, c->pu[0]->node,
						   c->pu[1]->node),
				 distance);
		break;
	case PLAN_SPREAD:
		cores_before_siblings(c);
		far_apart(c);
		break;
	default:
		if (c->nr <= c->t->nr_pus)
			no_holes(c);
		never_nearer(c);
	}
}

static unsigned int check_topology(const struct topology *t)
{
	const unsigned int nr[] = { 1, 2, 3, 4, 5, 8, t->nr_pus / 2,
				    t->nr_pus - 1, t->nr_pus, t->nr_pus + 3 };
	struct plan_request req = { 0 };
	unsigned int made = 0, distance;
	struct checked c;

	for (int policy = 0; policy < PLAN_POLICIES; policy++)
		for (unsigned int i = 0; i < 10; i++) {
			bool can;

			if (!nr[i])
				continue;
			req.policy = policy;
			req.role[PLAN_LOOKER].nr = nr[i];
			can = could(t, policy, nr[i], &distance);
			start(&c, t, &req);
			assert_int_equal(!c.plan.skipped[0], can);
			if (can)
				check_policy(&c, policy, distance);
			made += can;
			plan_free(&c.plan);
		}
	return made;
}

static void test_policies(void **state)
{
	unsigned int made = 0;

	(void)state;
	for (unsigned int i = 0; i < TOPOLOGIES; i++) {
		struct topology *t = load(topologies[i]);

		made += check_topology(t);
		topology_free(t);
	}
	/* Were they skipped, nothing would have been seen. */
	assert_true(made > TOPOLOGIES * PLAN_POLICIES * 5);
}

static void test_large(void **state)
{
	struct topology *t = load("pack:8 l3:1 core:32 pu:2");

	(void)state;
	assert_int_equal(t->nr_pus, 512);
	assert_true(check_topology(t) > 10);
	topology_free(t);
}

/*
 * The largest machines: the search looks at each processor once for each
 * thread, and a few times more to see where there is room at all.
 */
static void test_cost(void **state)
{
	static const char *const large[] = {
		"pack:8 node:4 l3:2 core:30 pu:2",
		"node:1 l3:240 core:8 pu:2",
	};
	static const unsigned int nr[] = { 2, 3840 };
	struct plan_request req = { 0 };
	struct plan plan;

	(void)state;
	for (unsigned int i = 0; i < sizeof(large) / sizeof(*large); i++) {
		struct topology *t = load(large[i]);
		uint64_t once = (uint64_t)t->nr_pus * t->nr_pus;

		assert_int_equal(t->nr_pus, 3840);
		for (int policy = 0; policy < PLAN_POLICIES; policy++)
			for (int k = 0; k < 2; k++) {
				req.policy = policy;
				req.role[PLAN_LOOKER].nr = nr[k];
				assert_int_equal(plan_make(t, &req, &plan), 0);
				assert_true(plan.looked_at <= 3 * once);
				plan_free(&plan);
			}
		topology_free(t);
	}
}

/* --- memory ------------------------------------------------------------- */

/* A node away from all processors' own and, for those without, the nearest. */
static bool can_remote(const struct topology *t)
{
	for (unsigned int i = 0; i < t->nr_pus; i++) {
		unsigned int away = 0;

		for (unsigned int n = 0; n < t->nr_nodes; n++)
			away += t->node[n].has_memory &&
				!hwloc_bitmap_isset(t->node[n].around,
						    t->pu[i].os);
		if (away < (t->pu[i].memory == TOPOLOGY_NONE ? 2 : 1))
			return false;
	}
	return true;
}

static void check_memory(const struct topology *t, enum plan_memory memory)
{
	struct plan_request req = { .policy = PLAN_COMPACT, .memory = memory };
	struct checked c;

	req.role[PLAN_LOOKER].nr = t->nr_pus;
	start(&c, t, &req);
	if (memory == PLAN_REMOTE && !can_remote(t))
		assert_int_equal(c.nr, 0);
	else
		assert_int_equal(c.nr, t->nr_pus);
	for (unsigned int i = 0; i < c.nr; i++) {
		unsigned int own = c.pu[i]->node, n;
		bool has = own != TOPOLOGY_NONE && t->node[own].has_memory;

		if (memory == PLAN_INTERLEAVED) {
			assert_int_equal(c.plan.entry[i].node, -1);
			continue;
		}
		n = topology_node_index(t, c.plan.entry[i].node);
		assert_true(t->node[n].has_memory);
		if (memory == PLAN_REMOTE)
			assert_false(hwloc_bitmap_isset(t->node[n].around,
							c.pu[i]->os));
		if (has)
			assert_int_equal(n == own, memory == PLAN_LOCAL);
	}
	plan_free(&c.plan);
}

static void test_memory(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < TOPOLOGIES; i++) {
		struct topology *t = load(topologies[i]);

		for (int memory = 0; memory < PLAN_MEMORIES; memory++)
			check_memory(t, memory);
		topology_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
