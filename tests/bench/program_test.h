/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of the program as a whole: run it, and see what it printed.
 */
#ifndef TESTS_PROGRAM_TEST_H
#define TESTS_PROGRAM_TEST_H

#include "tests/bench/bench_test.h"

#include <jansson.h>
#include <sys/wait.h>

static const char *program;
static char output[65536];

static inline bool program_find(void)
{
	program = getenv("DELWRIBENCH");
	if (!program)
		fputs("DELWRIBENCH does not name the program: run ctest\n",
		      stderr);
	return program;
}

/* Exit status of `delwribench @args`; what it printed is in output[]. */
static inline int bench(const char *args)
{
	char command[4096];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command), "'%s' %s 2>&1 </dev/null", program,
		 args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

/* --list --json; json_decref() it. */
static inline json_t *bench_list(void)
{
	json_t *list;

	assert_int_equal(bench("run --list --json"), 0);
	list = json_loads(output, 0, NULL);
	assert_non_null(list);
	return list;
}

/* The first workload whose name begins with @prefix goes to @name. */
static inline void first_workload(const char *prefix, char name[64])
{
	json_t *list = bench_list(), *w;
	size_t i;

	*name = '\0';
	json_array_foreach(json_object_get(list, "workloads"), i, w)
	{
		const char *s = json_string_value(json_object_get(w, "name"));

		if (!*name && !strncmp(s, prefix, strlen(prefix)) &&
		    json_is_true(json_object_get(w, "default")))
			snprintf(name, 64, "%s", s);
	}
	json_decref(list);
	assert_true(*name);
}

#endif
