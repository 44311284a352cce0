// SPDX-License-Identifier: GPL-2.0-only
/*
 * Topologies of machines nobody here has: what is made of levels that are
 * missing, of numbers with gaps, of distances in another order, of what may
 * not be used; and what is said of files that are no good.
 */
#include "tests/bench/placement/topology_test.h"

#include "tests/bench/machine/machine_tree.h"

#include "sync/affinity.h"

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

/* The kinds of a machine of eight fast threads and four slow cores. */
#define ONE(name, value)	"<info name=\"" name "\" value=\"" value "\"/>"
#define MAX(mhz)		ONE("FrequencyMaxMHz", mhz)
#define BASE(mhz)		ONE("FrequencyBaseMHz", mhz)
#define CAPACITY(value)		ONE("LinuxCapacity", value)
#define TYPE(name)		ONE("CoreType", name)

static const struct {
	const char *fast, *slow;
	unsigned int kinds;
} kinds[] = {
	/* Favoured cores of one design. */
	{ MAX("5500"), MAX("4700"), 1 },
	{ CAPACITY("1024"), CAPACITY("871"), 1 },
	{ CAPACITY("1024") MAX("3000"), CAPACITY("960") MAX("2000"), 1 },
	{ TYPE("IntelCore") MAX("5600"), TYPE("IntelCore") MAX("5000"), 1 },
	{ BASE("3200") MAX("5200"), BASE("3200") MAX("4600"), 1 },
	/* Speed Select: another base, the same maximum. */
	{ BASE("2700") MAX("3900"), BASE("2100") MAX("3900"), 1 },
	/* Two designs. */
	{ TYPE("IntelCore") MAX("5000"), TYPE("IntelAtom") MAX("4600"), 2 },
	{ TYPE("IntelCore"), TYPE("IntelAtom"), 2 },
	{ CAPACITY("1024"), CAPACITY("446"), 2 },
	{ MAX("5100"), MAX("3300"), 2 },
	{ BASE("3700") MAX("5700"), BASE("3200") MAX("4600"), 2 },
	/* One design, but off the ring. */
	{ TYPE("IntelAtom") MAX("3800"), TYPE("IntelAtom") MAX("2500"), 2 },
	/* Nothing but hwloc's word for it. */
	{ ONE("Vendor", "A"), ONE("Vendor", "B"), 2 },
};

/* hybrid.xml, with these kinds instead of its own. */
static struct topology *load_kinds(const char *fast, const char *slow)
{
	char path[256], made[128], line[4096];
	FILE *from = fopen(topology_path("hybrid.xml", path), "r"), *to;
	struct topology *t;

	snprintf(made, sizeof(made), "%s/kinds.xml", folder);
	to = fopen(made, "w");
	assert_true(from && to);
	while (fgets(line, sizeof(line), from)) {
		if (strstr(line, "<cpukind "))
			continue;
		if (strstr(line, "</topology>"))
			fprintf(to,
				"<cpukind cpuset=\"0x00005500\">%s</cpukind><cpukind cpuset=\"0x000000ff\">%s</cpukind>",
				slow, fast);
		fputs(line, to);
	}
	fclose(from);
	fclose(to);
	assert_int_equal(topology_load(made, &t, line, sizeof(line)), 0);
	return t;
}

static void test_kinds_invented(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct topology *t = load_kinds(kinds[i].fast, kinds[i].slow);

		if (t->nr_kinds != kinds[i].kinds)
			fail_msg("%s, %s: %u kinds", kinds[i].fast,
				 kinds[i].slow, t->nr_kinds);
		for (unsigned int k = 1; k < 12; k++)
			assert_int_equal(t->pu[k].kind != t->pu[0].kind,
					 t->nr_kinds > 1 && k >= 8);
		/* The fastest first, if anybody knows. */
		if (t->pu[0].kind && !strstr(kinds[i].fast, "Vendor"))
			fail_msg("%s comes after %s", kinds[i].fast,
				 kinds[i].slow);
		topology_free(t);
	}
}

/* What is nobody's: nodes of two tiers, and behind no processor at all. */
static void test_tiers(void **state)
{
	struct topology *t = load("two_tiers.xml");
	unsigned int around = 0;

	(void)state;
	assert_int_equal(t->nr_nodes, 4);
	for (unsigned int i = 0; i < t->nr_pus; i++) {
		assert_int_equal(t->pu[i].memory, t->pu[i].node);
		for (unsigned int n = 0; n < t->nr_nodes; n++)
			around += topology_is_around(t, n, i);
	}
	assert_int_equal(around, 2 * t->nr_pus);
	topology_free(t);
	/* The nearest that has memory is another than the nearest. */
	t = load("pack:1 [numa(memory=0)] [numa(memory=1GB)] core:2 pu:1");
	assert_int_equal(t->pu[0].node, 0);
	/* hwloc 2.12 gives a node of no memory some of its own. */
	assert_int_equal(t->pu[0].memory, t->node[0].has_memory ? 0 : 1);
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
	struct topology *t;
	char path[256], why[512];

	(void)state;
	/* hwloc still reads its first format. */
	topology_free(load("version_1.xml"));
	/* hwloc 2.12 reads its third one, too. */
	if (topology_load(topology_path("version_3.xml", path), &t, why,
			  sizeof(why)))
		refused(path, "version 3");
	else
		topology_free(t);
	refused(topology_path("broken.xml", path), "no XML that hwloc");
	refused("/nowhere/to/be/found", "No such file");
	refused("missing.xml", "No such file");
	refused("no topology", "neither a file nor a description");
	refused("", "neither a file nor a description");
	/* hwloc would take hours. */
	refused("pu:99999999", "more than 8192");
	refused("pack:2 core:4096 pu:2", "more than 8192");
	refused("group:99999999999999999999 pu:1", "more than 8192");
	topology_free(load("pack:2 [numa(memory=99999999)] core:2 pu:1"));
}

static const char *made(const char *name, const char *bytes, size_t size,
			char path[128])
{
	FILE *file;

	snprintf(path, 128, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
	return path;
}

static void test_bad_files(void **state)
{
	char path[128], name[1024];

	(void)state;
	refused(folder, "is a directory");
	refused(made("empty.xml", "", 0, path), "is empty");
	refused(made("cut.xml", "<topology version=\"2.0\">", 24, path),
		"no XML that hwloc");
	refused(made("a.xz", "\xfd\x37zXZ\0........", 14, path),
		"is compressed");
	refused(made("zeros", "\0\0\0\0", 4, path), "no XML that hwloc");
	made("huge.xml", "<", 1, path);
	assert_int_equal(truncate(path, 65L << 20), 0);
	refused(path, "65 MiB");
	snprintf(path, sizeof(path), "%s/fifo.xml", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, "no regular file");
	/* A long name is not what the reason is cut for. */
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	name[0] = '/';
	refused(name, "File name too long");
}

/* One processor, which this process may use, on the first of two nodes. */
static void put_two_nodes(void)
{
	char number[16], mask[4096];
	int cpu, len;

	assert_true(allowed_processors(&cpu, 1) >= 1);
	snprintf(number, sizeof(number), "%d", cpu);
	len = sprintf(mask, "%x", 1u << cpu % 32);
	for (int word = 0; word < cpu / 32; word++)
		len += sprintf(mask + len, ",00000000");
	tree_put(TREE_CPU "/online", number);
	tree_put_cpu(cpu, "topology/core_id", "0");
	tree_put_cpu(cpu, "topology/thread_siblings", mask);
	tree_put("/sys/devices/system/node/online", "0-1");
	tree_put("/sys/devices/system/node/node0/cpumap", mask);
	tree_put("/sys/devices/system/node/node0/meminfo",
		 "Node 0 MemTotal: 1000 kB");
	tree_put("/sys/devices/system/node/node1/cpumap", "0");
	tree_put("/sys/devices/system/node/node1/meminfo",
		 "Node 1 MemTotal: 1000 kB");
}

/* Nodes that the kernel forbids, as cpuset.mems does, are not of it. */
static void test_forbidden_nodes(void **state)
{
	struct topology *t;
	char why[512];

	(void)state;
	put_two_nodes();
	machine_set_root(folder);
	setenv("HWLOC_THISSYSTEM", "1", 1);
	for (int forbidden = 0; forbidden <= 1; forbidden++) {
		tree_put("/proc/self/status", forbidden ?
						      "Mems_allowed_list:\t0" :
						      "Mems_allowed_list:\t0-1");
		assert_int_equal(topology_load("this", &t, why, sizeof(why)),
				 0);
		assert_int_equal(t->nr_nodes, forbidden ? 1 : 2);
		assert_int_equal(t->node[0].os, 0);
		topology_free(t);
	}
	unsetenv("HWLOC_THISSYSTEM");
	machine_set_root(NULL);
}

/* Only what this process may run on. */
static void test_this(void **state)
{
	struct topology *t, *one;
	struct processors before;
	char why[512];

	(void)state;
	assert_int_equal(processors_get(&before), 0);
	assert_int_equal(topology_load("this", &t, why, sizeof(why)), 0);
	assert_true(t->here);
	assert_int_equal(t->nr_pus, CPU_COUNT_S(before.bytes, before.set));
	assert_int_equal(run_on_processor(t->pu[t->nr_pus - 1].os), 0);
	assert_int_equal(topology_load("this", &one, why, sizeof(why)), 0);
	assert_int_equal(processors_apply(&before), 0);
	processors_free(&before);
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
		cmocka_unit_test_setup_teardown(test_kinds_invented,
						folder_make, folder_remove),
		cmocka_unit_test(test_tiers),
		cmocka_unit_test(test_offline),
		cmocka_unit_test(test_bad),
		cmocka_unit_test_setup_teardown(test_bad_files, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(test_forbidden_nodes,
						folder_make, folder_remove),
		cmocka_unit_test(test_this),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
