// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics and the table: medians, paired ratios, what is not measured,
 * what was violated.
 */
#include "tests/bench/bench_test.h"

#include <math.h>

#include "bench/run.h"

static const struct fix none = { .name = "none" };
static const struct fix other = { .name = "other" };
static const struct fix absent = { .name = "absent" };

static void describe(const struct bench *b, char *text, size_t size)
{
	(void)b;
	snprintf(text, size, "a test");
}

static struct workload work = {
	.name = "work",
	.operation = "step",
	.describe = describe,
};
static struct pair pair[] = {
	{ .workload = &work, .fix = &none, .selected = true },
	{ .workload = &work, .fix = &other, .selected = true },
	{ .workload = &work, .fix = &absent, .selected = true },
};
static const struct pairs pairs = { pair, 3 };

static json_t *row(const char *fix, const char *batches, int violated)
{
	json_t *json = json_pack("{s:s, s:s, s:o, s:i, s:i, "
				 "s:{s:{s:i, s:i, s:i}}}",
				 "workload", "work", "fix", fix, "batches_ns",
				 json_loads(batches, JSON_DECODE_ANY, NULL),
				 "checked", 10, "violated",
				 violated, "waits", "list", "count", 3,
				 "total_ns", 2000000, "max_ns", 1000000);

	assert_non_null(json);
	return json;
}

static json_t *block(const char *a, const char *b, int violated)
{
	json_t *rows = json_array();

	json_array_append_new(rows, row("none", a, violated));
	json_array_append_new(rows, row("other", b, 0));
	return json_pack("{s:o}", "rows", rows);
}

static void check_near(double a, double b)
{
	assert_true(fabs(a - b) <= 1e-12 * fabs(b));
}

static void test_median(void **state)
{
	double odd[] = { 5, 1, 3 }, even[] = { 4, 1, 3, 2 }, v[101];

	(void)state;
	check_near(stat_median(odd, 3), 3);
	check_near(stat_median(even, 4), 2.5);
	for (int i = 0; i <= 100; i++)
		v[i] = 100 - i;
	check_near(stat_quantile(v, 101, 0.99), 99);
}

/* The rounds drift by a factor of ten; batch by batch it is twice. */
static void test_summaries(void **state)
{
	json_t *blocks[] = {
		block("[10, 100, 30]", "[20, 200, 60]", 0),
		block("[10, 10, 10]", "[30, 30, 30]", 0),
		block("[10, 10, 10]", "[20, 20, 20]", 0),
	};
	struct summary s[3] = { { .measured = false } };

	(void)state;
	assert_int_equal(run_summarise(blocks, 3, &pairs, s), 0);
	check_near(s[0].median, 10);
	check_near(s[0].ratio, 1);
	check_near(s[1].median, 30);
	check_near(s[1].ratio, 2);
	assert_true(s[1].p99_is_max);
	assert_int_equal(s[1].nr_batches, 9);
	assert_int_equal(s[1].waits[WAIT_LIST].count, 9);
	assert_int_equal(s[1].waits[WAIT_LIST].total_ns, 6000000);
	assert_int_equal(s[1].waits[WAIT_LIST].max_ns, 1000000);
	assert_false(s[2].measured);
	assert_true(strlen(s[2].reason) > 0);
	for (int i = 0; i < 3; i++) {
		free(s[i].batch_ns);
		json_decref(blocks[i]);
	}
}

/* The table of one block; free() it.  No line is too long. */
static char *table(json_t *b)
{
	struct summary s[3] = { { .measured = false } };
	const struct bench bench = { .threads = 1 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(run_summarise(&b, 1, &pairs, s), 0);
	run_table(&pairs, s, &bench, 1, out);
	fclose(out);
	for (int i = 0; i < 3; i++)
		free(s[i].batch_ns);
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		assert_true(len <= 100);
		line += len + (line[len] == '\n');
	}
	json_decref(b);
	return text;
}

static void test_table(void **state)
{
	char *text;

	(void)state;
	text = table(block("[10]", "[20]", 0));
	assert_non_null(strstr(text, "2.000"));
	assert_non_null(strstr(text, "3/2.0"));
	assert_non_null(strstr(text, "absent               not measured: "));
	free(text);

	/* A violated baseline shows no time, and is nobody's measure. */
	text = table(block("[10]", "[20]", 4));
	assert_non_null(strstr(text, "VIOLATED 4/10"));
	assert_null(strstr(text, "2.000"));
	assert_null(strstr(text, "10.0"));
	assert_non_null(strstr(text, "no ratio"));
	free(text);

	/* Not measured is not 0. */
	text = table(block("null", "[20]", 0));
	assert_non_null(strstr(text, "none                 not measured: "));
	assert_non_null(strstr(text, "no ratio"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_summaries),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
