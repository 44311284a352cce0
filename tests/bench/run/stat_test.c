// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics and the table: medians, paired ratios, percentiles of merged
 * histograms; what is not measured, what was violated, what is incorrect.
 */
#include "tests/bench/bench_test.h"

#include <math.h>

#include "bench/run/run.h"

static const struct fix none = { .name = "none" };
static const struct fix other = { .name = "other" };
static const struct fix absent = { .name = "absent" };
static const struct fix least = { .name = "least" };

static struct floor least_floor = {
	.group = "work/",
	.fix = &least,
	.sha256 = "0",
};

static void describe(const struct bench *b, char *text, size_t size)
{
	(void)b;
	snprintf(text, size, "a test");
}

static struct workload work = {
	.name = "work/one",
	.operation = "step",
	.stalls = true,
	.describe = describe,
};
static struct pair pair[] = {
	{ .workload = &work, .fix = &least, .selected = true },
	{ .workload = &work, .fix = &none, .selected = true },
	{ .workload = &work, .fix = &other, .selected = true },
	{ .workload = &work, .fix = &absent, .selected = true },
};
static const struct pairs pairs = { .pair = pair, .nr = 4 };
enum { LEAST, NONE, OTHER, ABSENT, NR };

static json_t *row(const char *fix, const char *batches, int violated)
{
	json_t *json = json_pack("{s:s, s:s, s:o, s:i, s:i, s:i, s:{s:f}, "
				 "s:{s:{s:i, s:i, s:i}}}",
				 "workload", "work/one", "fix", fix,
				 "batches_ns",
				 json_loads(batches, JSON_DECODE_ANY, NULL),
				 "operations", 1000, "checked", 10, "violated",
				 violated, "counters", "meetings", 1.5,
				 "waits", "list", "count", 3, "total_ns",
				 2000000, "max_ns", 1000000);

	assert_non_null(json);
	return json;
}

/* Operations of 1, 2, ... @nr ns were timed. */
static json_t *with_latencies(json_t *row, unsigned int nr)
{
	struct histogram *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	for (unsigned int i = 1; i <= nr; i++)
		histogram_add(h, i);
	json_object_set_new(row, "latency", histogram_to_json(h));
	free(h);
	return row;
}

static json_t *block_of(json_t *a, json_t *b)
{
	json_t *rows = json_array();

	json_array_append_new(rows, row("least", "[5]", 0));
	json_array_append_new(rows, a);
	json_array_append_new(rows, b);
	return json_pack("{s:o}", "rows", rows);
}

static json_t *block(const char *a, const char *b, int violated)
{
	return block_of(row("none", a, violated), row("other", b, 0));
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

/* Counted in another round than timed; in one block not at all. */
static void test_counted(void **state)
{
	json_t *other[] = { row("other", "[20]", 0), row("other", "[20]", 0) };
	json_t *blocks[2];
	struct summary s[NR] = { { .measured = false } };

	(void)state;
	for (int i = 0; i < 2; i++)
		blocks[i] = block_of(row("none", "[10]", 0), other[i]);
	json_object_set_new(other[0], "counted",
			    json_pack("{s:s, s:i}", "copy", "instrumented",
				      "operations", 70));
	json_object_set_new(other[1], "counted", json_null());
	json_object_set_new(other[1], "waits", json_null());
	json_object_set_new(other[1], "counters", json_null());
	assert_int_equal(run_summarise(blocks, 2, &pairs, s), 0);
	assert_int_equal(s[OTHER].nr_ops, 2000);
	assert_int_equal(s[OTHER].counted_ops, 70);
	assert_int_equal(s[OTHER].waits[WAIT_LIST].count, 3);
	for (int i = 0; i < NR; i++)
		free(s[i].batch_ns);
	json_decref(blocks[0]);
	json_decref(blocks[1]);
}

/* The rounds drift by a factor of ten; batch by batch it is twice. */
static void test_summaries(void **state)
{
	json_t *blocks[] = {
		block("[10, 100, 30]", "[20, 200, 60]", 0),
		NULL,		/* not finished */
		block("[10, 10, 10]", "[30, 30, 30]", 0),
		block("[10, 10, 10]", "[20, 20, 20]", 0),
	};
	struct summary s[NR] = { { .measured = false } };

	(void)state;
	assert_int_equal(run_summarise(blocks, 4, &pairs, s), 0);
	check_near(s[NONE].median, 10);
	check_near(s[NONE].ratio, 1);
	check_near(s[OTHER].median, 30);
	check_near(s[OTHER].ratio, 2);
	assert_string_equal(s[OTHER].base, "none");
	assert_int_equal(s[OTHER].nr_batches, 9);
	assert_int_equal(s[OTHER].nr_ops, 3000);
	/* Of before there were instrumented copies. */
	assert_int_equal(s[OTHER].counted_ops, 3000);
	assert_int_equal(s[OTHER].waits[WAIT_LIST].count, 9);
	assert_int_equal(s[OTHER].waits[WAIT_LIST].total_ns, 6000000);
	assert_int_equal(s[OTHER].waits[WAIT_LIST].max_ns, 1000000);
	assert_string_equal(s[OTHER].counters[0].name, "meetings");
	check_near(s[OTHER].counters[0].value, 4.5);
	assert_false(s[ABSENT].measured);
	assert_true(strlen(s[ABSENT].reason) > 0);
	for (int i = 0; i < NR; i++)
		free(s[i].batch_ns);
	for (int i = 0; i < 4; i++)
		json_decref(blocks[i]);
}

/* Histograms of blocks are added up before percentiles are taken. */
static void test_latencies(void **state)
{
	json_t *blocks[] = {
		block_of(with_latencies(row("none", "[10]", 0), 60),
			 with_latencies(row("other", "[10]", 0), 40)),
		block_of(with_latencies(row("none", "[10]", 0), 60),
			 with_latencies(row("other", "[10]", 0), 40)),
	};
	struct summary s[NR] = { { .measured = false } };

	(void)state;
	assert_int_equal(run_summarise(blocks, 2, &pairs, s), 0);
	assert_int_equal(s[NONE].nr_latencies, 120);
	check_near(s[NONE].p50, 30);
	check_near(s[NONE].p99, 60);
	check_near(s[NONE].max, 60);
	/* 80 of them have no 99th percentile. */
	check_near(s[OTHER].max, 40);
	assert_true(s[OTHER].p99 < 0);
	assert_int_equal(s[LEAST].nr_latencies, 0);
	assert_true(strlen(s[LEAST].latency_reason) > 0);
	for (int i = 0; i < NR; i++)
		free(s[i].batch_ns);
	json_decref(blocks[0]);
	json_decref(blocks[1]);
}

static json_t *skipped(const char *fix)
{
	return json_pack("{s:s, s:s, s:n, s:s, s:i, s:{s:i, s:i, s:s}}",
			 "workload", "work/one", "fix", fix, "batches_ns",
			 "batches_ns_reason", "needs 2 MiB, 1 here (a test)",
			 "ops_per_batch", 0, "skipped", "needs_bytes", 2,
			 "here_bytes", 1, "reason", "needs 2 MiB");
}

static json_t *failed(const char *fix)
{
	return json_pack("{s:s, s:s, s:n, s:s}", "workload", "work/one", "fix",
			 fix, "batches_ns", "batches_ns_reason", "a step failed");
}

/* A block without a case takes nothing from the others, and hides nothing. */
static void test_skipped(void **state)
{
	json_t *measured = row("none", "[10, 20]", 0);
	json_t *blocks[] = {
		block_of(measured, failed("other")),
		block_of(skipped("none"), skipped("other")),
	};
	struct summary s[NR] = { { .measured = false } };

	(void)state;
	json_object_set_new(measured, "ops_per_batch", json_integer(7));
	assert_int_equal(run_summarise(blocks, 2, &pairs, s), 0);
	assert_true(s[NONE].measured && s[NONE].skipped);
	assert_int_equal(s[NONE].ops_per_batch, 7);
	assert_int_equal(s[NONE].nr_batches, 2);
	/* It failed where it was not skipped. */
	assert_true(!s[OTHER].measured && !s[OTHER].skipped);
	for (int i = 0; i < NR; i++)
		free(s[i].batch_ns);
	memset(s, 0, sizeof(s));
	assert_int_equal(run_summarise(blocks + 1, 1, &pairs, s), 0);
	assert_true(!s[OTHER].measured && s[OTHER].skipped);
	for (int i = 0; i < NR; i++)
		free(s[i].batch_ns);
	json_decref(blocks[0]);
	json_decref(blocks[1]);
}

static const struct cli cli = {
	.fixes = { &none, &other, &absent },
	.nr_fixes = 3,
};

/* The table of one block; free() it.  No line is too long. */
static char *table(json_t *b)
{
	struct hazards hazards[CLI_FIXES] = {
		{ .checked = true, .broken = HAZARD(ORDERING) },
		{ .checked = true, .broken = HAZARD(COLLATERAL_STALL) },
	};
	struct summary s[NR] = { { .measured = false } };
	const struct bench bench = { .threads = 1 };
	const struct table t = {
		.pairs = &pairs,
		.summaries = s,
		.bench = &bench,
		.cli = &cli,
		.hazards = hazards,
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(run_summarise(&b, 1, &pairs, s), 0);
	run_table(&t, out);
	fclose(out);
	for (int i = 0; i < NR; i++)
		free(s[i].batch_ns);
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		assert_true(len <= RUN_COLUMNS);
		line += len + (line[len] == '\n');
	}
	json_decref(b);
	return text;
}

static void check_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static void test_table(void **state)
{
	char *text;

	(void)state;
	text = table(block("[10]", "[20]", 0));
	check_has(text, "work/one");
	/* The mark of what is incorrect, and why; waiting is not that. */
	check_has(text, "\nnone ! ");
	check_has(text, "! none is incorrect: ordering");
	check_has(text, "\nother   ");
	/* Cost, ratio, no latencies, waits per operation. */
	check_has(text, " 20.0   2.000      -      -      -      0   2000 ");
	check_has(text, "no p50, p99 and max: ");
	check_has(text, "no stall: ");
	check_has(text, "meetings: least 1.5, none 1.5, other 1.5");
	check_has(text, "absent                 not measured: ");
	/* Floors stand first. */
	check_has(text, " 5.0   0.500 ");
	assert_true(strstr(text, "\nleast ") < strstr(text, "\nnone !"));
	free(text);
}

static void test_few_latencies(void **state)
{
	char *text;

	(void)state;
	text = table(block_of(with_latencies(row("none", "[10]", 0), 99),
			      with_latencies(row("other", "[20]", 0), 100)));
	check_has(text, " 10.0   1.000   50.0      -   99.0 ");
	check_has(text, " 20.0   2.000   50.0   99.0  100.0 ");
	check_has(text, "no p99: ");
	free(text);
}

static void test_violated(void **state)
{
	char *text;

	(void)state;
	/* It shows no time, and is nobody's measure; nor is a floor. */
	text = table(block("[10]", "[20]", 4));
	check_has(text, "VIOLATED 4/10");
	check_has(text, " 20.0   1.000 ");
	check_has(text, "ratios are to other");
	assert_null(strstr(text, "10.0"));
	free(text);

	/* Not measured is not 0. */
	text = table(block("null", "[20]", 0));
	check_has(text, "none !                 not measured: ");
	check_has(text, "ratios are to other");
	free(text);
	text = table(block("null", "null", 0));
	check_has(text, "no ratio");
	free(text);
}

static json_t *busy_block(double busy, double own, double steal)
{
	return json_pack("{s:{s:f, s:f, s:f, s:f}, "
			 "s:{s:i, s:f, s:f, s:f, s:f, s:[f, f, f]}}",
			 "before", "clock_s", 100.0, "busy_s",
			 50.0, "own_s", 1.0, "steal_s", 7.0, "after",
			 "processors", 4, "clock_s", 110.0, "busy_s", 50.0 + busy, "own_s",
			 1.0 + own, "steal_s", 7.0 + steal, "load", 3.2, 2.0,
			 1.0);
}

static void test_busy_machine(void **state)
{
	static struct notes calm, busy, unknown;
	json_t *b = busy_block(20.5, 20, 0);

	(void)state;
	assert_non_null(b);
	run_note_machine(&calm, &b, 1);
	assert_int_equal(calm.nr, 0);
	json_decref(b);
	/* 12 of 40 processor seconds were others', 2 the host's. */
	b = busy_block(32, 20, 2);
	run_note_machine(&busy, &b, 1);
	assert_int_equal(busy.nr, 2);
	check_has(busy.text[0], "1.2 of its 4 processors (load 3.2");
	check_has(busy.text[1], "5 %");
	json_decref(b);
	b = NULL;
	run_note_machine(&unknown, &b, 1);
	assert_int_equal(unknown.nr, 1);
	check_has(unknown.text[0], "not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_summaries),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_latencies),
		cmocka_unit_test(test_skipped),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_few_latencies),
		cmocka_unit_test(test_violated),
		cmocka_unit_test(test_busy_machine),
	};

	floor_add(&least_floor);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
