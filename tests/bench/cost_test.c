// SPDX-License-Identifier: GPL-2.0-only
/*
 * cost-op: every operation can be done as often as asked, in the parts that
 * scripts/cost reads, and nonsense is told from sense.
 */
#include "tests/bench/bench_test.h"

#include <sys/wait.h>

/* Exit status of `delwribench cost-op @arguments`; its output in @text. */
static int cost_op(const char *arguments, char *text, size_t size)
{
	const char *program = getenv("DELWRIBENCH");
	char command[4096];
	int status;
	size_t n;
	FILE *f;

	assert_non_null(program);
	snprintf(command, sizeof(command), "'%s' cost-op %s 2>&1", program,
		 arguments);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	status = pclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_parts(void **state)
{
	char text[4096];

	(void)state;
	assert_int_equal(cost_op("none 64 stale hit", text, sizeof(text)), 0);
	/* In the order of its own list. */
	assert_string_equal(text, "hit 64\nhit 128\nhit 64\nhit 128\n"
				  "hit 64\nhit 128\n"
				  "stale 64\nstale 128\nstale 64\nstale 128\n"
				  "stale 64\nstale 128\n");
}

static void test_all_operations(void **state)
{
	static const char *const names[] = { "hit",	"miss",	  "stale",
					     "queue",	"bload",  "submit",
					     "push" };
	char text[4096], line[32];

	(void)state;
	assert_int_equal(cost_op("multi_list 128", text, sizeof(text)), 0);
	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(line, sizeof(line), "%s 256\n", names[i]);
		assert_non_null(strstr(text, line));
	}
	assert_null(strstr(text, "absent"));
}

static void test_absent(void **state)
{
	char text[4096];

	(void)state;
	assert_int_equal(cost_op("null 64 miss", text, sizeof(text)), 0);
	assert_int_equal(strncmp(text, "miss absent ", 12), 0);
}

static void test_bad_input(void **state)
{
	static const char *const bad[] = {
		"",
		"none",
		"no_such_fix 64",
		"none 0",
		"none 63",
		"none -64",
		"none 64x",
		"none 131072",
		"none 64 walk",
		"none 64 hit walk",
	};
	char text[4096];

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(cost_op(bad[i], text, sizeof(text)), 2);
		/* One line, with all that is known. */
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		assert_non_null(strstr(text, "submit"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_all_operations),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_bad_input),
	};

	/* The folder is not used; its functions are shared by all tests. */
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
