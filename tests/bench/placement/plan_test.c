// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is asked of a plan in words, roles and distances among them, and
 * what it says as JSON.
 */
#include "tests/bench/placement/topology_test.h"

#include <errno.h>

#include "bench/placement/plan.h"

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

/* plan_make() of what a command line says. */
static struct plan make(const struct topology *t, const char *policy,
			const char *memory, unsigned int threads,
			const char *const *roles)
{
	struct plan_request req = { .role[PLAN_LOOKER].nr = threads };
	struct plan plan;
	char why[512];

	assert_int_equal(plan_parse_policy(policy, &req, why, sizeof(why)), 0);
	assert_int_equal(plan_parse_memory(memory, &req, why, sizeof(why)), 0);
	for (; roles && *roles; roles++)
		assert_int_equal(plan_parse_role(*roles, &req, why,
						 sizeof(why)),
				 0);
	assert_int_equal(plan_make(t, &req, &plan), 0);
	return plan;
}

static void test_distances(void **state)
{
	struct topology *t = load("permuted.xml");
	struct plan plan;

	(void)state;
	/* Nearest first: of node 0 that is 3, then 1, then 2. */
	plan = make(t, "compact", "local", 16, NULL);
	assert_int_equal(plan.entry[4].node, 3);
	assert_int_equal(plan.entry[8].node, 1);
	assert_int_equal(plan.entry[12].node, 2);
	plan_free(&plan);
	plan = make(t, "cross-node:12", "local", 2, NULL);
	assert_int_equal(plan.entry[0].node, 0);
	assert_int_equal(plan.entry[1].node, 3);
	plan_free(&plan);
	plan = make(t, "cross-node:13", "local", 2, NULL);
	assert_non_null(strstr(plan.skipped, "12 21 31"));
	plan_free(&plan);
	plan = make(t, "compact", "remote", 1, NULL);
	assert_int_equal(plan.entry[0].node, 2);
	plan_free(&plan);
	plan = make(t, "compact", "remote:21", 1, NULL);
	assert_int_equal(plan.entry[0].node, 1);
	assert_non_null(strstr(plan.entry[0].why, "21"));
	plan_free(&plan);
	plan = make(t, "compact", "remote:99", 1, NULL);
	assert_non_null(strstr(plan.skipped, "99"));
	plan_free(&plan);
	topology_free(t);
}

/* Memory of the thread's own cluster is not remote, whatever its tier. */
static void test_tiers(void **state)
{
	struct topology *t = load("two_tiers.xml");
	struct plan plan = make(t, "compact", "remote", t->nr_pus, NULL);

	(void)state;
	assert_int_equal(plan.nr, t->nr_pus);
	for (unsigned int i = 0; i < plan.nr; i++)
		for (unsigned int k = 0; k < t->nr_pus; k++)
			if (t->pu[k].os == plan.entry[i].pu)
				assert_false(topology_is_around(
					t,
					topology_node_index(
						t, plan.entry[i].node),
					k));
	plan_free(&plan);
	topology_free(t);
	t = load("pack:1 [numa] [numa] core:4 pu:2");
	plan = make(t, "compact", "remote", 1, NULL);
	assert_non_null(strstr(plan.skipped, "local to processor 0"));
	plan_free(&plan);
	topology_free(t);
}

/* Faster by a little is not another kind of core. */
static void test_favoured(void **state)
{
	struct topology *t = load("favoured.xml");
	struct plan plan = make(t, "compact", "local", 4, NULL);

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(plan.entry[i].pu, i);
	plan_free(&plan);
	plan = make(t, "cross-node", "local", 4, NULL);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(plan.entry[i].pu, 16 * (i % 2) + 2 * (i / 2));
	plan_free(&plan);
	topology_free(t);
	t = load("favoured_each.xml");
	plan = make(t, "same-l3", "local", 8, NULL);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(plan.entry[i].pu, 32 + 2 * i);
	plan_free(&plan);
	topology_free(t);
}

/* Whose node has no memory has another's, and is not called local. */
static void test_memoryless(void **state)
{
	struct topology *t = load("memoryless_8.xml");
	struct plan plan = make(t, "cross-node", "local", 4, NULL);

	(void)state;
	/* Nodes 0 and 3 are as far apart, and have none. */
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(plan.entry[i].node, 1 + i % 2);
	assert_int_equal(plan.not_local, 0);
	plan_free(&plan);
	plan = make(t, "compact", "local", 3, NULL);
	assert_int_equal(plan.entry[0].node, 1);
	assert_non_null(strstr(plan.entry[0].why, "no memory"));
	assert_int_equal(plan.not_local, 2);
	plan_free(&plan);
	/* What it has instead of its own is not remote either. */
	plan = make(t, "compact", "remote", 1, NULL);
	assert_int_not_equal(plan.entry[0].node, 1);
	plan_free(&plan);
	topology_free(t);
	/* A node that may not be used: none of its own. */
	t = load("cpuset.xml");
	plan = make(t, "compact", "local", t->nr_pus, NULL);
	assert_true(plan.not_local > 0);
	plan_free(&plan);
	topology_free(t);
}

/* Nine nodes, all distances different: the reason lists them to the last. */
static void test_long_reason(void **state)
{
	struct topology_pu pus[9] = { 0 };
	struct topology_node nodes[9] = { 0 };
	unsigned int distance[81] = { 0 }, d = 100;
	struct topology t = { .nr_pus = 9,
			      .nr_nodes = 9,
			      .nr_cores = 9,
			      .nr_kinds = 1,
			      .pu = pus,
			      .node = nodes,
			      .distance = distance };
	struct plan plan;

	(void)state;
	for (unsigned int i = 0; i < 9; i++) {
		pus[i] = (struct topology_pu){ .os = i,
					       .core = i,
					       .node = i,
					       .memory = i,
					       .l3 = TOPOLOGY_NONE,
					       .package = TOPOLOGY_NONE };
		nodes[i] = (struct topology_node){ .os = i,
						   .nr_pus = 1,
						   .has_memory = true };
		for (unsigned int k = 0; k < i; k++)
			distance[i * 9 + k] = distance[k * 9 + i] = ++d;
	}
	plan = make(&t, "cross-node:99", "local", 2, NULL);
	assert_non_null(strstr(plan.skipped, " 101 "));
	assert_string_equal(plan.skipped + strlen(plan.skipped) - 8,
			    " 135 136");
	plan_free(&plan);
}

static void test_roles(void **state)
{
	const char *const apart[] = { "looker=node:1", "ail=node:3",
				      "loader=other", NULL };
	const char *const home[] = { "staler*2=same", "io=node:2", NULL };
	const char *const nowhere[] = { "loader=other", NULL };
	const char *const missing[] = { "ail=node:9", NULL };
	struct topology *t = load("permuted.xml");
	struct plan plan;

	(void)state;
	plan = make(t, "compact", "local", 4, apart);
	assert_int_equal(plan.nr, 6);
	for (int i = 0; i < 4; i++)
		assert_int_equal(plan.entry[i].node, 1);
	/* The farthest from node 1 is 3. */
	assert_int_equal(plan.entry[4].role, PLAN_LOADER);
	assert_int_equal(plan.entry[4].node, 3);
	assert_int_equal(plan.entry[5].role, PLAN_AIL);
	assert_int_equal(plan.entry[5].node, 3);
	assert_int_not_equal(plan.entry[4].pu, plan.entry[5].pu);
	plan_free(&plan);

	/* A node that is full is shared, and that is said. */
	plan = make(t, "compact", "local", 4, home);
	assert_int_equal(plan.nr, 7);
	assert_int_equal(plan.shared, 2);
	assert_int_equal(plan.entry[5].node, 0);
	assert_non_null(strstr(plan.entry[5].why, "in use"));
	assert_int_equal(plan.entry[6].node, 2);
	plan_free(&plan);

	plan = make(t, "spread", "local", 4, nowhere);
	assert_non_null(strstr(plan.skipped, "loader"));
	assert_int_equal(plan.nr, 0);
	plan_free(&plan);
	plan = make(t, "spread", "local", 4, missing);
	assert_non_null(strstr(plan.skipped, "no node 9"));
	plan_free(&plan);
	topology_free(t);
}

static void test_bad(void **state)
{
	static const char *const policies[] = { "", "comp", "compacter",
						"compact:2", "cross-node:",
						"cross-node:x",
						"cross-node:0" };
	static const char *const roles[] = {
		"",
		"ail",
		"ail=",
		"ail=node",
		"ail=node:",
		"ail=node:x",
		"ail*=same",
		"ail*0=same",
		"ail*2000=same",
		"nobody=same",
		"looker=same",
		"looker*2=node:0",
	};
	struct plan_request req = { 0 };
	char why[512], longest[1024] = "";

	(void)state;
	for (size_t i = 0; i < COUNT(policies); i++) {
		why[0] = '\0';
		assert_int_equal(plan_parse_policy(policies[i], &req, why,
						   sizeof(why)),
				 -EINVAL);
		assert_true(why[0] && !strchr(why, '\n'));
	}
	/* One that is too long leaves room for what to write instead. */
	memset(longest, 'x', sizeof(longest) - 1);
	memcpy(longest, "ail=", 4);
	assert_int_equal(plan_parse_role(longest, &req, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "for more than one"));
	assert_int_equal(plan_parse_policy(longest, &req, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "compact"));
	for (size_t i = 0; i < COUNT(roles); i++) {
		why[0] = '\0';
		assert_int_equal(plan_parse_role(roles[i], &req, why,
						 sizeof(why)),
				 -EINVAL);
		assert_true(why[0] && !strchr(why, '\n'));
	}
}

static void test_json(void **state)
{
	struct topology *t = load("eight_hops.xml");
	struct plan plan = make(t, "cross-node", "remote", 4, NULL);
	json_t *json = plan_to_json(&plan), *row;
	const char *role, *why;
	int thread, pu, node;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(json), 4);
	json_array_foreach(json, i, row)
	{
		assert_int_equal(json_unpack_ex(row, NULL, JSON_STRICT,
						"{s:s, s:i, s:i, s:i, s:s}",
						"role", &role, "thread",
						&thread, "pu_os_index", &pu,
						"numa_os_index", &node, "why",
						&why),
				 0);
		assert_string_equal(role, "looker");
		assert_int_equal(thread, i);
		/* Three hops away: the other corner of the cube. */
		assert_int_equal(node, 7 - pu / 4);
	}
	json_decref(json);
	plan_free(&plan);
	plan = make(t, "smt-pair", "local", 3, NULL);
	json = plan_to_json(&plan);
	assert_non_null(json_string_value(json_object_get(json, "skipped")));
	json_decref(json);
	plan_free(&plan);
	topology_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_tiers),
		cmocka_unit_test(test_favoured),
		cmocka_unit_test(test_memoryless),
		cmocka_unit_test(test_long_reason),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
