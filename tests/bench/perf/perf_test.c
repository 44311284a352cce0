// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters: reads made up in the kernel's layout are parsed, scaled and
 * reported as they must be, bad ones refused; and what this machine has
 * counts work whose faults are known.
 */
#include "tests/bench/bench_test.h"

#include <errno.h>
#include <sys/mman.h>

#include "bench/perf/perf.h"

/* Two counters in one group, one denied, one unsupported; ids 7 and 8. */
static const char recording[] =
	"{\"schema\": \"delwribench-perf-reads-1\", \"operations\": 100,"
	" \"counters\": ["
	"{\"name\": \"cycles\", \"mode\": \"user\", \"event\": \"c:u\","
	" \"group\": 0, \"id\": 7, \"status\": \"ok\", \"reason\": \"\"},"
	"{\"name\": \"instructions\", \"mode\": \"user\", \"event\": \"i:u\","
	" \"group\": 0, \"id\": 8, \"status\": \"ok\", \"reason\": \"\"},"
	"{\"name\": \"cycles\", \"mode\": \"kernel\", \"event\": \"\","
	" \"group\": 0, \"id\": 0, \"status\": \"denied\","
	" \"reason\": \"kernel.perf_event_paranoid is 2\"},"
	"{\"name\": \"remote-hitm\", \"mode\": \"user\", \"event\": \"\","
	" \"group\": 3, \"id\": 0, \"status\": \"unsupported\","
	" \"reason\": \"no such event\"}],"
	" \"reads\": [%s]}";

static int replay(const char *reads, struct perf_set **set, char *why,
		  size_t size)
{
	json_t *json = json_sprintf(recording, reads), *parsed;
	uint64_t operations;
	int error;

	parsed = json_loads(json_string_value(json), 0, NULL);
	assert_non_null(parsed);
	error = perf_replay(parsed, set, &operations, why, size);
	if (!error)
		assert_int_equal(operations, 100);
	json_decref(parsed);
	json_decref(json);
	return error;
}

static struct perf_set *replayed(const char *reads)
{
	struct perf_set *set = NULL;
	char why[256];

	if (replay(reads, &set, why, sizeof(why)))
		fail_msg("%s", why);
	return set;
}

static const struct perf_counter *counter(const struct perf_set *set,
					  const char *name, const char *mode)
{
	for (unsigned int i = 0; i < set->nr; i++)
		if (!strcmp(set->counter[i].name, name) &&
		    !strcmp(set->counter[i].mode, mode))
			return &set->counter[i];
	fail_msg("no counter %s %s", name, mode);
	return NULL;
}

static struct perf_result result(const struct perf_set *set, const char *name,
				 const char *mode)
{
	struct perf_result r;

	perf_result(counter(set, name, mode), &r);
	return r;
}

static void test_ok(void **state)
{
	struct perf_set *set = replayed(
		"{\"group\": 0, \"words\": [2, 1000, 1000, 300, 7, 500, 8]},"
		"{\"group\": 0, \"words\": [2, 3000, 3000, 900, 7, 700, 8]}");
	struct perf_result r = result(set, "cycles", "user");

	(void)state;
	assert_true(set->replay);
	assert_int_equal(r.status, PERF_OK);
	assert_true(r.value == 900 && r.share == 1);
	r = result(set, "instructions", "user");
	assert_true(r.value == 700 && !r.reason[0]);
	perf_close(set);
}

/* A quarter of the time: four times as many; the share counts all reads. */
static void test_multiplexed(void **state)
{
	struct perf_set *set = replayed(
		"{\"group\": 0, \"words\": [2, 1000, 250, 300, 7, 500, 8]}");
	struct perf_result r = result(set, "cycles", "user");

	(void)state;
	assert_int_equal(r.status, PERF_MULTIPLEXED);
	assert_true(r.value == 1200 && r.share == 0.25);
	perf_close(set);
	set = replayed(
		"{\"group\": 0, \"words\": [2, 1000, 0, 0, 7, 0, 8]},"
		"{\"group\": 0, \"words\": [2, 2000, 1000, 400, 7, 4, 8]}");
	r = result(set, "cycles", "user");
	assert_true(r.value == 800 && r.share == 0.5);
	perf_close(set);
}

/* No value is no zero. */
static void test_missing(void **state)
{
	struct perf_set *set = replayed(
		"{\"group\": 0, \"words\": [2, 1000, 0, 0, 7, 0, 8]}");
	struct perf_result r = result(set, "cycles", "user");

	(void)state;
	assert_int_equal(r.status, PERF_MULTIPLEXED);
	assert_non_null(strstr(r.reason, "never"));
	r = result(set, "cycles", "kernel");
	assert_int_equal(r.status, PERF_DENIED);
	assert_non_null(strstr(r.reason, "paranoid"));
	r = result(set, "remote-hitm", "user");
	assert_int_equal(r.status, PERF_UNSUPPORTED);
	r = result(set, "page-faults", "user");
	assert_non_null(strstr(r.reason, "not recorded"));
	perf_close(set);
	set = replayed("");
	r = result(set, "cycles", "user");
	assert_non_null(strstr(r.reason, "nothing"));
	perf_close(set);
}

/* --- hybrid processors --------------------------------------------------- */

static struct perf_set *load(const char *name)
{
	struct perf_set *set = NULL;
	char path[256], why[256];
	uint64_t operations;
	json_t *json;

	snprintf(path, sizeof(path), TESTS "/bench/perf/reads/%s", name);
	json = json_load_file(path, 0, NULL);
	assert_non_null(json);
	if (perf_replay(json, &set, &operations, why, sizeof(why)))
		fail_msg("%s: %s", name, why);
	json_decref(json);
	return set;
}

/* On a core of the other type nobody had the counters. */
static void test_other_core(void **state)
{
	struct perf_set *set = load("perf-reads-hybrid-e-core.json");
	struct perf_result r = result(set, "cycles", "user");

	(void)state;
	assert_int_equal(r.status, PERF_UNSUPPORTED);
	assert_non_null(strstr(r.reason, "another type"));
	assert_null(strstr(r.reason, "others had them all"));
	r = result(set, "page-faults", "user");
	assert_int_equal(r.status, PERF_OK);
	assert_true(r.value == 258);
	perf_close(set);
}

/* Half of the time on one: the other half is no estimate. */
static void test_not_doubled(void **state)
{
	struct perf_set *set = load("perf-reads-hybrid-p-and-e-summed.json");
	struct perf_result r = result(set, "instructions", "user");

	(void)state;
	assert_int_equal(r.status, PERF_UNSUPPORTED);
	assert_true(r.reason[0] && r.value == 0);
	/* Whose it is, and that all of the time was on that, is known. */
	for (unsigned int i = 0; i < set->nr; i++)
		strcpy(set->counter[i].pmu, "cpu_atom");
	r = result(set, "instructions", "user");
	assert_int_equal(r.status, PERF_MULTIPLEXED);
	assert_true(r.value == 100000000 && r.share == 0.5);
	perf_close(set);
}

/* Threads on both types have no sum; one that did not run is not there. */
static void test_types(void **state)
{
	static const char reads[] =
		"{\"group\": 0, \"words\": [2, 1000, 1000, 300, 7, 500, 8]}";
	struct perf_set *sum = replayed(""), *p = replayed(reads);
	struct perf_set *e = replayed(reads), *idle = replayed("");
	struct perf_result r;

	(void)state;
	strcpy(p->counter[0].pmu, "cpu_core");
	strcpy(e->counter[0].pmu, "cpu_atom");
	strcpy(idle->counter[0].pmu, "cpu_core");
	perf_add(sum, e);
	perf_add(sum, idle);
	r = result(sum, "cycles", "user");
	assert_int_equal(r.status, PERF_OK);
	assert_true(r.value == 300);
	perf_add(sum, p);
	r = result(sum, "cycles", "user");
	assert_int_equal(r.status, PERF_UNSUPPORTED);
	assert_non_null(strstr(r.reason, "cpu_atom"));
	assert_non_null(strstr(r.reason, "cpu_core"));
	perf_close(sum);
	perf_close(p);
	perf_close(e);
	perf_close(idle);
}

static void test_report(void **state)
{
	struct perf_set *set = replayed(
		"{\"group\": 0, \"words\": [2, 1000, 250, 300, 7, 500, 8]}");
	json_t *json = perf_to_json(set, 100), *row;
	char *text = NULL;
	size_t i, size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(json, "source")),
			    "replay");
	json_array_foreach(json_object_get(json, "counters"), i, row)
	{
		json_t *value = json_object_get(row, "value");

		/* Either there is a number, or a reason. */
		assert_true(json_is_real(value) ||
			    json_is_string(
				    json_object_get(row, "value_reason")));
	}
	row = json_array_get(json_object_get(json, "counters"), 0);
	assert_true(json_real_value(json_object_get(row, "per_operation")) ==
		    12);
	json_decref(json);
	assert_non_null(out);
	perf_print(set, 100, out);
	fclose(out);
	assert_non_null(strstr(text, "REPLAY"));
	assert_non_null(strstr(text, "25%"));
	assert_non_null(strstr(text, "paranoid"));
	free(text);
	perf_close(set);
}

static void test_bad_reads(void **state)
{
	static const char *const reads[] = {
		/* An id of nobody, one that was denied; wrong lengths. */
		"{\"group\": 0, \"words\": [1, 10, 10, 1, 99]}",
		"{\"group\": 0, \"words\": [1, 10, 10, 1, 0]}",
		"{\"group\": 0, \"words\": [2, 10, 10, 1, 7]}",
		"{\"group\": 0, \"words\": [99, 10, 10]}",
		"{\"group\": 0, \"words\": []}",
		/* Running more than enabled; time going back. */
		"{\"group\": 0, \"words\": [1, 10, 11, 1, 7]}",
		("{\"group\": 0, \"words\": [1, 10, 10, 1, 7]},"
		 "{\"group\": 0, \"words\": [1, 9, 9, 2, 7]}"),
		"{\"group\": 55, \"words\": [1, 10, 10, 1, 7]}",
		"{\"group\": -1, \"words\": [1, 10, 10, 1, 7]}",
		"{\"words\": [1, 10, 10, 1, 7]}",
		"{\"group\": 0, \"words\": [1, 10, 10, \"1\", 7]}",
		"7",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(*reads); i++) {
		struct perf_set *set;
		char why[256] = "";

		assert_int_equal(replay(reads[i], &set, why, sizeof(why)),
				 -EINVAL);
		assert_true(why[0]);
	}
}

static void test_sum(void **state)
{
	struct perf_set *a = replayed(
		"{\"group\": 0, \"words\": [2, 1000, 1000, 300, 7, 500, 8]}");
	struct perf_set *b = replayed(
		"{\"group\": 0, \"words\": [2, 1000, 500, 300, 7, 500, 8]}");
	struct perf_result r;

	(void)state;
	perf_add(a, b);
	r = result(a, "cycles", "user");
	assert_int_equal(r.status, PERF_MULTIPLEXED);
	assert_true(r.value == 800 && r.share == 0.75);
	perf_zero(a);
	r = result(a, "cycles", "user");
	assert_non_null(strstr(r.reason, "nothing"));
	/* One thread was refused: there is no sum. */
	b->counter[0].status = PERF_DENIED;
	perf_add(a, b);
	r = result(a, "cycles", "user");
	assert_int_equal(r.status, PERF_DENIED);
	perf_close(a);
	perf_close(b);
}

/* A sanitizer's shadow of the pages is touched with them. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MOST_FAULTS	1e6
#else
#define MOST_FAULTS	200
#endif

static void touch(char *area, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		*(volatile char *)(area + i * sysconf(_SC_PAGESIZE)) = 1;
}

/* Only what is between enable and disable; again after what was recorded. */
static void test_real(void **state)
{
	size_t size = sysconf(_SC_PAGESIZE) * 300;
	struct perf_set *set, *again;
	uint64_t operations;
	struct perf_result r;
	char why[256], *area;
	json_t *json;

	(void)state;
	area = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(area, MAP_FAILED);
	madvise(area, size, MADV_NOHUGEPAGE);
	assert_int_equal(perf_open(0, &set), 0);
	if (counter(set, "page-faults", "user")->status != PERF_OK) {
		print_message("skipped: page faults are not counted: %s\n",
			      counter(set, "page-faults", "user")->reason);
		perf_close(set);
		munmap(area, size);
		skip();
	}
	set->record = json_array();
	touch(area, 0, 100);
	perf_enable(set);
	touch(area, 100, 200);
	perf_disable(set);
	touch(area, 200, 300);
	assert_int_equal(perf_read(set), 0);
	r = result(set, "page-faults", "user");
	assert_true(r.value >= 100 && r.value < MOST_FAULTS);
	json = perf_recording(set, 1);
	assert_int_equal(perf_replay(json, &again, &operations, why,
				     sizeof(why)),
			 0);
	assert_true(result(again, "page-faults", "user").value == r.value);
	json_decref(json);
	perf_close(again);
	perf_close(set);
	munmap(area, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ok),
		cmocka_unit_test(test_multiplexed),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_bad_reads),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_other_core),
		cmocka_unit_test(test_not_doubled),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
