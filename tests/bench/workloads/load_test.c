// SPDX-License-Identifier: GPL-2.0-only
/*
 * bulkload, repair_storm and churn: every case runs under every fix and
 * floor that it is for, counts what it says it counts, and leaves nothing.
 */
#include "bench/device_class.h"
#include "tests/bench/workloads/pool_fixture.h"

#include <errno.h>

#define LOADS		4u
#define BATCH_NS	50000000u
#define BATCHES		40

static const struct counter *counter(const struct record *rec,
				     const char *name)
{
	for (int i = 0; i < COUNTERS && rec->counters[i].name; i++)
		if (!strcmp(rec->counters[i].name, name))
			return &rec->counters[i];
	return NULL;
}

static double count(const struct record *rec, const char *name)
{
	const struct counter *c = counter(rec, name);

	if (!c)
		fail_msg("no counter %s", name);
	return c->value;
}

static bool has_prefix(const struct workload *w, const char *prefix)
{
	return !strncmp(w->name, prefix, strlen(prefix));
}

static void check_record(const struct instance *in)
{
	const struct record *rec = &in->record;
	const struct workload *w = in->workload;

	assert_true(histogram_count(&rec->latency) > 0);
	assert_int_equal(rec->stall.count > 0, rec->stall.total_ns > 0);
	if (floor_of(in->fix)) {
		assert_null(counter(rec, "meetings"));
		return;
	}
	assert_int_equal(counter(rec, "fix_lock_taken") != NULL,
			 in->fix->locks);
	assert_non_null(counter(rec, "meetings"));
	if (!strcmp(in->fix->name, "remove_on_stale"))
		assert_true(count(rec, "meetings") == 0);
	if (!in->fix->waits) {
		assert_int_equal(rec->waits[WAIT_LIST].count, 0);
		assert_int_equal(rec->stall.count, 0);
	}
	if (has_prefix(w, "repair_storm/"))
		assert_int_equal(rec->checked, histogram_count(&rec->latency));
	/* The last of its writes began after the repair, and was waited for. */
	if (w->device_class)
		assert_true(histogram_min(&rec->latency) >=
			    w->device_class->delay_ns / 2);
	if (!strcmp(w->name, "repair_storm/1k"))
		assert_true(count(rec, "max_ail_list") >= 1000);
	if (!strcmp(w->name, "churn")) {
		assert_true(count(rec, "lookups") >
			    histogram_count(&rec->latency) / 2.0);
		assert_true(count(rec, "met_with_ag_header") <=
			    count(rec, "meetings"));
	}
}

/*
 * On a slow machine a batch so short may end before the daemon has had the
 * others on its list.
 */
static bool daemon_was_busy(const struct instance *in)
{
	const struct counter *c = counter(&in->record, "max_ail_list");

	return strcmp(in->workload->name, "repair_storm/1k") || !c ||
	       c->value >= 1000;
}

/* An open loop on a machine that stands still now and then: once more. */
static void open_again(struct instance *in, const struct fix *fix,
		       const struct workload *w)
{
	int error = -ETIME;

	for (int i = 0; i < BATCHES && error == -ETIME; i++) {
		record_free(&in->record);
		*in = (struct instance){
			.fix = fix,
			.bench = &bench,
			.workload = w,
		};
		error = instance_open(in);
	}
	if (error)
		fail_msg("%s, %s: %s", w->name, fix->name, in->record.reason);
}

/* The same for a batch; how often it was begun: each leaves its record. */
static int batch_again(struct instance *in, struct record *rec, double *mean)
{
	const struct workload *w = in->workload;
	int error = -ETIME, begun = 0;

	for (; begun < BATCHES && error == -ETIME; begun++)
		error = w->batch(in, w->timed ? BATCH_NS : LOADS, rec, mean);
	assert_int_equal(error, 0);
	return begun;
}

static void check_case(const struct fix *fix, const struct workload *w)
{
	const struct teardown nothing = { 0 };
	struct instance *in = calloc(1, sizeof(*in));
	double mean = 0;

	assert_non_null(in);
	open_again(in, fix, w);
	batch_again(in, NULL, &mean);
	assert_true(mean > 0);
	assert_int_equal(histogram_count(&in->record.latency), 0);
	for (int i = 0; i == 0 || (i < BATCHES && !daemon_was_busy(in)); i++)
		batch_again(in, &in->record, &mean);
	assert_true(mean > 0);
	check_record(in);
	instance_close(in);
	assert_memory_equal(&in->record.left, &nothing, sizeof(nothing));
	record_free(&in->record);
	free(in);
}

static void check_group(const char *group, unsigned int cases)
{
	unsigned int nr = 0;

	for (struct workload *w = workload_first(); w; w = w->next) {
		if (!has_prefix(w, group) || w->large)
			continue;
		nr++;
		/* Not those that are known to hang, or to read old blocks. */
		for (int i = 0; fixes[i]; i++)
			if (!w->unfit(fixes[i]) &&
			    fixes[i]->claims & HAZARD(DEADLOCK) &&
			    fixes[i]->claims & HAZARD(REREAD))
				check_case(fixes[i]->counting, w);
		for (struct floor *f = floor_first(); f; f = floor_next(f))
			if (has_prefix(w, f->group) && !w->unfit(f->fix))
				check_case(f->fix, w);
	}
	assert_int_equal(nr, cases);
}

static void test_bulkload(void **state)
{
	(void)state;
	check_group("bulkload/", 3);
}

static void test_repair_storm(void **state)
{
	(void)state;
	check_group("repair_storm/", 5);
}

static void test_churn(void **state)
{
	(void)state;
	check_group("churn", 1);
}

static void test_open(void **state)
{
	struct workload *w = workload_first();
	struct instance *in = calloc(1, sizeof(*in));
	const json_t *batches;
	double mean;
	int begun;

	(void)state;
	check_group("open/churn", 1);
	while (w && strcmp(w->name, "open/lookup"))
		w = w->next;
	assert_non_null(w);
	assert_non_null(in);
	open_again(in, fixes[0], w);
	begun = batch_again(in, &in->record, &mean);
	/* Each is timed, from an arrival within the batch. */
	assert_true(in->record.nr_ops > 0);
	assert_int_equal(histogram_count(&in->record.latency),
			 in->record.nr_ops);
	batches = json_object_get(in->record.series, "batches");
	assert_int_equal(json_array_size(batches), begun);
	instance_close(in);
	record_free(&in->record);
	free(in);
}

static void test_headings(void **state)
{
	char text[512];

	(void)state;
	for (struct workload *w = workload_first(); w; w = w->next) {
		if (has_prefix(w, "lookup/"))
			continue;
		w->describe(&bench, text, sizeof(text));
		assert_true(strlen(text) + 1 < sizeof(text));
		assert_int_equal(strstr(text, "stall") != NULL, w->stalls);
	}
}

/* Sums, but for what says that it is the largest. */
static void test_counters(void **state)
{
	struct record *rec = calloc(1, sizeof(*rec));

	(void)state;
	assert_non_null(rec);
	record_count(rec, "sum", 2);
	record_count(rec, "max_x", 5);
	record_count(rec, "sum", 3);
	record_count(rec, "max_x", 4);
	assert_true(count(rec, "sum") == 5);
	assert_true(count(rec, "max_x") == 5);
	free(rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulkload),
		cmocka_unit_test(test_repair_storm),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_headings),
		cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests(tests, start_pool, stop_pool);
}
