// SPDX-License-Identifier: GPL-2.0-only
/*
 * What workloads and runner share: the list of workloads, seeded random
 * numbers and orders, what a block records of a fix.
 */
#include "bench/machine/machine.h"
#include "bench/run/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- workloads ---------------------------------------------------------- */

/* By order and name; made before main(). */
static struct workload *workloads;

void workload_add(struct workload *w)
{
	struct workload **at = &workloads;

	while (*at && ((*at)->order < w->order ||
		       ((*at)->order == w->order &&
			strcmp((*at)->name, w->name) < 0)))
		at = &(*at)->next;
	w->next = *at;
	*at = w;
}

struct workload *workload_first(void)
{
	return workloads;
}

static struct floor *floors;

void floor_add(struct floor *f)
{
	f->next = floors;
	floors = f;
}

static struct floor *of_this_cache(struct floor *f)
{
	while (f && f->cache && strcmp(f->cache, fixes[0]->cache))
		f = f->next;
	return f;
}

struct floor *floor_first(void)
{
	return of_this_cache(floors);
}

struct floor *floor_next(const struct floor *f)
{
	return of_this_cache(f->next);
}

const struct floor *floor_of(const struct fix *fix)
{
	const struct floor *f = floors;

	while (f && f->fix != fix)
		f = f->next;
	return f;
}

/* --- order -------------------------------------------------------------- */

/* splitmix64 */
uint64_t bench_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

void bench_shuffle(unsigned int *v, unsigned int nr, uint64_t *random)
{
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int j = bench_random(random) % (i + 1);

		v[i] = v[j];
		v[j] = i;
	}
}

/* A Latin square drawn anew every @nr rounds: symbols and rows shuffled. */
void run_order(unsigned int nr, unsigned int rounds, uint64_t seed,
	       unsigned int *order)
{
	unsigned int symbol[RUN_FIELD], row[RUN_FIELD];

	for (unsigned int r = 0; r < rounds; r++) {
		if (r % nr == 0) {
			bench_shuffle(symbol, nr, &seed);
			bench_shuffle(row, nr, &seed);
		}
		for (unsigned int i = 0; i < nr; i++)
			order[r * nr + i] = symbol[(i + row[r % nr]) % nr];
	}
}

/* There and back: an order drawn for every other round, then backwards. */
void run_order_abba(unsigned int nr, unsigned int rounds, uint64_t seed,
		    unsigned int *order)
{
	for (unsigned int r = 0; r < rounds; r++, order += nr)
		if (r % 2 == 0)
			bench_shuffle(order, nr, &seed);
		else
			for (unsigned int i = 0; i < nr; i++)
				order[i] = *(order - 1 - i);
}

/* --- records ------------------------------------------------------------ */

void record_operation(struct record *rec, uint64_t ns)
{
	histogram_add(&rec->latency, ns);
}

void counter_add(struct counter *c, double value)
{
	if (strncmp(c->name, "max_", 4))
		c->value += value;
	else if (value > c->value)
		c->value = value;
}

void record_count(struct record *rec, const char *name, double value)
{
	for (int i = 0; i < COUNTERS; i++) {
		struct counter *c = &rec->counters[i];

		if (!c->name)
			c->name = name;
		if (c->name == name || !strcmp(c->name, name)) {
			counter_add(c, value);
			return;
		}
	}
}

void record_add_waits(struct record *rec, const struct wait_stat *waits)
{
	for (int k = 0; k < WAIT_KINDS; k++) {
		rec->waits[k].count += waits[k].count;
		rec->waits[k].total_ns += waits[k].total_ns;
		if (waits[k].max_ns > rec->waits[k].max_ns)
			rec->waits[k].max_ns = waits[k].max_ns;
	}
}

void record_waits(struct record *rec)
{
	struct wait_stat waits[WAIT_KINDS];

	task_take_waits(waits);
	record_add_waits(rec, waits);
}

void record_add_left(struct record *rec, const struct teardown *left)
{
	rec->left.buffers += left->buffers;
	rec->left.pins += left->pins;
	rec->left.log_items += left->log_items;
	rec->left.list_entries += left->list_entries;
	rec->left.flag_leaks += left->flag_leaks;
	rec->left.busy_extents += left->busy_extents;
}

void record_merge(struct record *rec, const struct record *from)
{
	rec->nr_ops += from->nr_ops;
	histogram_merge(&rec->latency, &from->latency);
	record_add_waits(rec, from->waits);
	rec->stall.count += from->stall.count;
	rec->stall.total_ns += from->stall.total_ns;
	if (from->stall.max_ns > rec->stall.max_ns)
		rec->stall.max_ns = from->stall.max_ns;
	for (int i = 0; i < COUNTERS && from->counters[i].name; i++)
		record_count(rec, from->counters[i].name,
			     from->counters[i].value);
	rec->checked += from->checked;
	rec->violated += from->violated;
	rec->misqueued += from->misqueued;
	record_add_left(rec, &from->left);
	if (!rec->reason[0])
		memcpy(rec->reason, from->reason, sizeof(rec->reason));
}

void record_series(struct record *rec, const struct open_series *series)
{
	json_t *slices = json_array();

	for (unsigned int i = 0; i < OPEN_SLICES; i++)
		json_array_append_new(
			slices,
			json_pack("[II]", (json_int_t)series->slice[i].count,
				  (json_int_t)series->slice[i].max_ns));
	if (!rec->series)
		rec->series = json_pack("{s:I, s:[]}", "slice_ns",
					(json_int_t)series->slice_ns,
					"batches");
	json_array_append_new(json_object_get(rec->series, "batches"), slices);
}

void record_free(struct record *rec)
{
	free(rec->batch_ns);
	perf_close(rec->perf);
	json_decref(rec->series);
	*rec = (struct record){ 0 };
}

static json_t *wait_to_json(const struct wait_stat *w)
{
	return json_pack("{s:I, s:I, s:I}", "count", (json_int_t)w->count,
			 "total_ns", (json_int_t)w->total_ns, "max_ns",
			 (json_int_t)w->max_ns);
}

static json_t *waits_to_json(const struct record *rec)
{
	json_t *waits = json_object();

	for (int k = WAIT_LOCK; k <= WAIT_IO; k++)
		json_object_set_new(waits, wait_kind_name(k),
				    wait_to_json(&rec->waits[k]));
	return waits;
}

/* Counters that tell how times were taken, not what was done. */
static bool is_of_times(const char *name)
{
	static const char *const names[] = { "clock_ns", "anonymous_kb",
					     "huge_pages_kb",
					     "max_process_kb" };

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* @of_times: those, or all others. */
static void add_counters(json_t *counters, const struct record *rec,
			 bool of_times)
{
	for (int i = 0; i < COUNTERS && rec->counters[i].name; i++)
		if (is_of_times(rec->counters[i].name) == of_times)
			json_object_set_new(counters, rec->counters[i].name,
					    json_real(rec->counters[i].value));
}

/* A counter's value is scaled to all of the time; what has none says why. */
static json_t *counter_to_json(const struct perf_counter *c, uint64_t ops)
{
	struct perf_result r;
	json_t *row;

	perf_result(c, &r);
	row = json_pack("{s:s, s:s, s:s}", "name", c->name, "mode", c->mode,
			"status", perf_status_name(r.status));
	if (r.reason[0] || !ops) {
		json_set_missing(row, "per_operation", "%s",
				 r.reason[0] ? r.reason :
					       "no operation was completed");
		return row;
	}
	json_object_set_new(row, "per_operation", json_real(r.value / ops));
	json_object_set_new(row, "share", json_real(r.share));
	return row;
}

static void perf_row_to_json(json_t *row, const struct record *rec,
			     const struct workload *w)
{
	json_t *list = json_array();

	if (rec->reason[0] || !rec->perf) {
		json_decref(list);
		json_set_missing(
			row, "perf", "%s",
			rec->reason[0] ? rec->reason :
			w->alone ? "its batches are processes of their own" :
				   "no counters were opened");
		return;
	}
	for (unsigned int i = 0; i < rec->perf->nr; i++)
		json_array_append_new(list,
				      counter_to_json(&rec->perf->counter[i],
						      rec->nr_ops));
	json_object_set_new(row, "perf", list);
}

static json_t *left_to_json(const struct teardown *left)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
			 "buffers", (json_int_t)left->buffers,
			 "pins", (json_int_t)left->pins,
			 "log_items", (json_int_t)left->log_items,
			 "list_entries", (json_int_t)left->list_entries,
			 "flag_leaks", (json_int_t)left->flag_leaks,
			 "busy_extents", (json_int_t)left->busy_extents);
}

static json_t *batches_to_json(const struct record *rec)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < rec->nr_batches; i++)
		json_array_append_new(array, json_real(rec->batch_ns[i]));
	return array;
}

static void times_to_json(json_t *row, const struct record *rec)
{
	if (rec->reason[0]) {
		json_set_missing(row, "batches_ns", "%s", rec->reason);
		json_set_missing(row, "latency", "%s", rec->reason);
		return;
	}
	json_object_set_new(row, "batches_ns", batches_to_json(rec));
	if (rec->series)
		json_object_set(row, "series", rec->series);
	if (histogram_count(&rec->latency))
		json_object_set_new(row, "latency",
				    histogram_to_json(&rec->latency));
	else
		json_set_missing(row, "latency",
				 "single operations are not timed");
}

/* By which copy, in so many operations. */
static json_t *counted_to_json(const struct instance *in,
			       const struct record *counts)
{
	bool instrumented = counts != &in->record ||
			    in->fix->counting == in->fix;

	return json_pack("{s:s, s:I}", "copy",
			 instrumented ? "instrumented" : "timed", "operations",
			 (json_int_t)counts->nr_ops);
}

static void counts_to_json(json_t *row, const struct instance *in)
{
	static const char *const keys[] = { "waits", "stall", "counters",
					    "misqueued", "counted" };
	const struct record *counts = run_counts_of(in);
	const struct workload *w = in->workload;
	const char *reason = in->record.reason[0] ? in->record.reason :
						    counts->reason;
	json_t *counters;

	for (unsigned int i = 0; reason[0] && i < 5; i++)
		json_set_missing(row, keys[i], "%s", reason);
	if (reason[0])
		return;
	counters = json_object();
	add_counters(counters, counts, false);
	add_counters(counters, &in->record, true);
	json_object_set_new(row, "counters", counters);
	json_object_set_new(row, "counted", counted_to_json(in, counts));
	json_object_set_new(row, "waits", waits_to_json(counts));
	if (w->stalls && in->fix->counting)
		json_object_set_new(row, "stall", wait_to_json(&counts->stall));
	else
		json_set_missing(row, "stall", "%s",
				 w->stalls ? "it does not count" :
					     "nobody else waits here");
	if (w->loads && in->fix->counting)
		json_object_set_new(row, "misqueued",
				    json_integer(counts->misqueued));
	else
		json_set_missing(row, "misqueued", "%s",
				 w->loads ? "it does not count" :
					    "nothing is bulk loaded");
}

json_t *record_to_json(const struct instance *in)
{
	const struct record *rec = &in->record;
	const struct workload *w = in->workload;
	json_t *row = json_object();

	times_to_json(row, rec);
	counts_to_json(row, in);
	perf_row_to_json(row, rec, w);
	json_object_set_new(row, "operations", json_integer(rec->nr_ops));
	if (w->checks && rec->checked) {
		json_object_set_new(row, "checked",
				    json_integer(rec->checked));
		json_object_set_new(row, "violated",
				    json_integer(rec->violated));
	} else {
		json_set_missing(row, "checked",
				 w->checks ? "nothing was committed" :
					     "this workload commits no root");
		json_object_set_new(row, "violated", json_null());
	}
	json_object_set_new(row, "left_at_unmount", left_to_json(&rec->left));
	return row;
}
