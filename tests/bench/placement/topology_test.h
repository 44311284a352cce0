/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading the topologies that are kept beside the tests.
 */
#ifndef TESTS_TOPOLOGY_TEST_H
#define TESTS_TOPOLOGY_TEST_H

#include "tests/bench/bench_test.h"

#include "bench/placement/topology.h"

/* Of a file in tests/bench/placement/topologies. */
static inline const char *topology_path(const char *name, char path[256])
{
	snprintf(path, 256, "%s/bench/placement/topologies/%s", TESTS, name);
	return path;
}

/* A file there, or a synthetic description. */
static inline struct topology *load(const char *source)
{
	struct topology *t = NULL;
	char path[256], why[512];

	if (strstr(source, ".xml"))
		source = topology_path(source, path);
	if (topology_load(source, &t, why, sizeof(why)))
		fail_msg("%s", why);
	return t;
}

#endif
