// SPDX-License-Identifier: GPL-2.0-only
/*
 * Topologies of machines nobody here has: what is made of levels that are
 * missing, of numbers with gaps, of distances in another order, of what may
 * not be used; and what is said of files that are no good.
 */
#include "tests/bench/placement/topology_test.h"

#include <sched.h>

static void test_levels(void **state)
{
	struct topology *t = load("pack:2 node:2 l3:2 core:2 pu:2");

	(void)state;
	assert_int_equal(t->nr_pus, 32);
	assert_int_equal(t->nr_cores, 16);
	assert_int_equal(t->nr_l3s, 8);
	assert_int_equal(t->nr_nodes, 4);
	assert_int_equal(t->nr_packages, 2);
	assert_int_equal(t->nr_kinds, 1);
	assert_false(t->here);
	for (unsigned int i = 0; i < 32; i++) {
		assert_int_equal(t->pu[i].os, i);
		assert_int_equal(t->pu[i].core, i / 2);
		assert_int_equal(t->pu[i].l3, i / 4);
		assert_int_equal(t->pu[i].node, i / 8);
		assert_int_equal(t->pu[i].package, i / 16);
	}
	assert_int_equal(topology_distance(t, 0, 3), 0);
	topology_free(t);
}

static void test_missing_levels(void **state)
{
	struct topology *t = load("pu:4");

	(void)state;
	assert_int_equal(t->nr_pus, 4);
	assert_int_equal(t->nr_nodes, 1);
	assert_int_equal(t->nr_l3s, 0);
	assert_int_equal(t->nr_packages, 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(t->pu[i].core, i);
		assert_int_equal(t->pu[i].l3, TOPOLOGY_NONE);
		assert_int_equal(t->pu[i].package, TOPOLOGY_NONE);
		assert_int_equal(t->pu[i].node, 0);
	}
	topology_free(t);
}

static void test_sparse(void **state)
{
	struct topology *t = load("node:2(indexes=8,0) core:2 "
				  "pu:2(indexes=40,41,44,45,0,1,4,5)");

	(void)state;
	assert_int_equal(t->nr_pus, 8);
	for (unsigned int i = 0; i < t->nr_pus; i++)
		assert_int_equal(t->node[t->pu[i].node].os,
				 t->pu[i].os >= 40 ? 8 : 0);
	assert_true(topology_node_index(t, 8) < 2);
	assert_int_equal(topology_node_index(t, 1), TOPOLOGY_NONE);
	topology_free(t);
}

static void test_permuted(void **state)
{
	struct topology *t = load("permuted.xml");
	/* The file's rows are nodes 3, 1, 0, 2. */
	static const unsigned int d[4][4] = {
		{ 10, 21, 31, 12 },
		{ 21, 10, 12, 31 },
		{ 31, 12, 10, 21 },
		{ 12, 31, 21, 10 },
	};
	unsigned int values[8];

	(void)state;
	for (unsigned int a = 0; a < 4; a++)
		for (unsigned int b = 0; b < 4; b++)
			assert_int_equal(
				topology_distance(t, topology_node_index(t, a),
						  topology_node_index(t, b)),
				d[a][b]);
	assert_int_equal(topology_distances(t, values, 8), 3);
	assert_int_equal(values[0], 12);
	assert_int_equal(values[1], 21);
	assert_int_equal(values[2], 31);
	assert_int_equal(topology_distances(t, values, 2), 2);
	topology_free(t);
}

static void test_asymmetric(void **state)
{
	struct topology *t = load("asymmetric.xml");

	(void)state;
	/* Either way the worse of the two. */
	assert_int_equal(topology_distance(t, 0, 1), 21);
	assert_int_equal(topology_distance(t, 1, 0), 21);
	assert_int_equal(topology_distance(t, 3, 2), 31);
	topology_free(t);
	t = load("partial.xml");
	assert_int_equal(topology_distance(t, 0, 1), 20);
	assert_int_equal(topology_distance(t, 0, 2), 0);
	topology_free(t);
}

static void test_cpuset(void **state)
{
	struct topology *t = load("cpuset.xml");
	static const unsigned int allowed[] = { 2, 3, 4, 5, 8, 9, 12, 13, 14,
						15 };

	(void)state;
	assert_int_equal(t->nr_pus, 10);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(t->pu[i].os, allowed[i]);
	/* Node 2 may not be used, though its processors may. */
	assert_int_equal(topology_node_index(t, 2), TOPOLOGY_NONE);
	assert_int_equal(t->pu[4].node, TOPOLOGY_NONE);
	topology_free(t);
}

static void test_memory(void **state)
{
	struct topology *t = load("memory_only.xml");

	(void)state;
	assert_int_equal(t->nr_nodes, 3);
	assert_int_equal(t->node[topology_node_index(t, 2)].nr_pus, 0);
	assert_true(t->node[topology_node_index(t, 2)].has_memory);
	topology_free(t);
	t = load("memoryless.xml");
	assert_true(t->node[0].has_memory);
	assert_false(t->node[1].has_memory);
	assert_int_equal(t->node[1].nr_pus, 4);
	topology_free(t);
}

static void test_kinds(void **state)
{
	struct topology *t = load("hybrid.xml");

	(void)state;
	assert_int_equal(t->nr_pus, 12);
	assert_int_equal(t->nr_kinds, 2);
	for (unsigned int i = 0; i < 12; i++)
		assert_int_equal(t->pu[i].kind, i < 8 ? 0 : 1);
	topology_free(t);
}

static void test_offline(void **state)
{
	struct topology *t = load("offline.xml");

	(void)state;
	assert_int_equal(t->nr_pus, 6);
	for (unsigned int i = 0; i < t->nr_pus; i++)
		assert_true(t->pu[i].os != 1 && t->pu[i].os != 6);
	topology_free(t);
}

static void refused(const char *source, const char *because)
{
	struct topology *t;
	char why[512];

	assert_true(topology_load(source, &t, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, because));
	assert_null(strchr(why, '\n'));
}

static void test_bad(void **state)
{
	char path[256];

	(void)state;
	refused(topology_path("version_3.xml", path), "version 3");
	refused(topology_path("broken.xml", path), "no XML that hwloc");
	refused("/nowhere/to/be/found", "No such file");
	refused("missing.xml", "No such file");
	refused("no topology", "neither a file nor a description");
	refused("", "neither a file nor a description");
}

/* Only what this process may run on. */
static void test_this(void **state)
{
	struct topology *t, *one;
	cpu_set_t before, set;
	char why[512];

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(topology_load("this", &t, why, sizeof(why)), 0);
	assert_true(t->here);
	assert_int_equal(t->nr_pus, CPU_COUNT(&before));
	CPU_ZERO(&set);
	CPU_SET(t->pu[t->nr_pus - 1].os, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
	assert_int_equal(topology_load("this", &one, why, sizeof(why)), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(one->nr_pus, 1);
	assert_int_equal(one->pu[0].os, t->pu[t->nr_pus - 1].os);
	assert_true(topology_same(one, t));
	assert_true(t->nr_pus == 1 || !topology_same(t, one));
	topology_free(one);
	topology_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_missing_levels),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_permuted),
		cmocka_unit_test(test_asymmetric),
		cmocka_unit_test(test_cpuset),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_offline),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_this),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
