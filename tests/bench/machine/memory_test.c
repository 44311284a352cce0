// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory there is, on machines and in control groups nobody here
 * has: the least of all limits, and who sets it.
 */
#include "tests/bench/machine/machine_tree.h"

#include "bench/machine/machine_memory.h"

#define MIB	(1ull << 20)
#define V1	"/sys/fs/cgroup/memory"
#define V2	"/sys/fs/cgroup"

static void expect(uint64_t mib, const char *limit)
{
	struct memory_room room;

	machine_memory_room(&room);
	assert_true(room.bytes == mib * MIB);
	assert_string_equal(room.limit, limit);
}

static void expect_address(uint64_t mib, const char *limit)
{
	struct memory_room room;

	machine_address_room(&room);
	assert_true(room.bytes == mib * MIB);
	assert_non_null(strstr(room.limit, limit));
}

static void test_machine(void **state)
{
	struct memory_room room;

	(void)state;
	machine_memory_room(&room);
	assert_true(room.bytes == UINT64_MAX && !room.limit[0]);
	tree_put("/proc/meminfo", "MemTotal: 9999999 kB\nMemFree: 1024 kB\n"
				  "MemAvailable: 2048 kB");
	expect(2, "what the machine has available");
	/* Kernels before 3.14. */
	tree_put("/proc/meminfo", "MemTotal: 9999999 kB\nMemFree: 1024 kB");
	expect(1, "what the machine has available");
}

/* Of files in the cache the group gets back what it needs. */
static void test_v2(void **state)
{
	(void)state;
	tree_put("/proc/meminfo", "MemAvailable: 8388608 kB");
	tree_put("/proc/self/cgroup", "0::/a/b");
	tree_put(V2 "/cgroup.controllers", "memory");
	tree_put(V2 "/a/b/memory.max", "max");
	tree_put(V2 "/a/b/memory.current", "104857600");
	expect(8192, "what the machine has available");
	tree_put(V2 "/a/b/memory.max", "536870912");
	expect(412, "memory.max of our control group");
	tree_put(V2 "/a/b/memory.stat", "anon 1\nactive_file 10485760\n"
					"inactive_file 20971520\nfile 99");
	expect(442, "memory.max of our control group");
	tree_put(V2 "/a/b/memory.high", "268435456");
	expect(186, "memory.high of our control group");
	/* One above has less, and others use it. */
	tree_put(V2 "/a/memory.max", "1073741824");
	tree_put(V2 "/a/memory.current", "1048576000");
	expect(24, "memory.max of our control group");
	tree_put(V2 "/a/memory.current", "2000000000");
	expect(0, "memory.max of our control group");
}

static void test_v1(void **state)
{
	(void)state;
	tree_put("/proc/meminfo", "MemAvailable: 8388608 kB");
	tree_put("/proc/self/cgroup", "3:cpu:/other\n2:memory:/a");
	tree_put(V1 "/memory.limit_in_bytes", "9223372036854771712");
	tree_put(V1 "/memory.usage_in_bytes", "9999999999");
	tree_put(V1 "/a/memory.limit_in_bytes", "536870912");
	tree_put(V1 "/a/memory.usage_in_bytes", "104857600");
	expect(412, "memory.limit_in_bytes of our control group");
	tree_put(V1 "/a/memory.stat", "cache 5\ninactive_file 4096\n"
				      "total_inactive_file 104857600");
	expect(512, "memory.limit_in_bytes of our control group");
}

static void test_address(void **state)
{
	struct memory_room room;

	(void)state;
	machine_address_room(&room);
	assert_true(room.bytes == UINT64_MAX && !room.limit[0]);
	tree_put("/proc/self/status",
		 "VmPeak: 999 kB\nVmSize:\t  102400 kB\nVmData: 1024 kB");
	tree_put("/proc/self/limits",
		 "Max data size   unlimited  unlimited  bytes\n"
		 "Max address space  536870912  unlimited  bytes");
	expect_address(412, "RLIMIT_AS");
	tree_put("/proc/self/limits",
		 "Max data size   2097152  unlimited  bytes\n"
		 "Max address space  536870912  unlimited  bytes");
	expect_address(1, "RLIMIT_DATA");
	tree_put("/proc/self/limits", NULL);
	tree_put("/proc/sys/vm/overcommit_memory", "2");
	tree_put("/proc/meminfo",
		 "CommitLimit: 1048576 kB\nCommitted_AS: 1024000 kB");
	expect_address(24, "CommitLimit");
	tree_put("/proc/sys/vm/overcommit_memory", "0");
	machine_address_room(&room);
	assert_true(room.bytes == UINT64_MAX);
}

static void test_node(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_int_equal(machine_node_room(1, &bytes), -ENOENT);
	tree_put("/sys/devices/system/node/node1/meminfo",
		 "Node 1 MemTotal: 999999 kB\nNode 1 MemFree: 1024 kB\n"
		 "Node 1 Active: 777 kB\nNode 1 Active(file): 2048 kB\n"
		 "Node 1 Inactive(file): 1024 kB");
	assert_int_equal(machine_node_room(1, &bytes), 0);
	assert_true(bytes == 4 * MIB);
}

#define MEMORY_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMORY_TEST(test_machine), MEMORY_TEST(test_v2),
		MEMORY_TEST(test_v1),	   MEMORY_TEST(test_address),
		MEMORY_TEST(test_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
