// SPDX-License-Identifier: GPL-2.0-only
/*
 * What workloads and runner share: the list of workloads, seeded random
 * numbers and orders, what a block records of a fix.
 */
#include "bench/machine.h"
#include "bench/run.h"

#include <errno.h>
#include <stdlib.h>

/* --- workloads ---------------------------------------------------------- */

static struct workload *workloads;	/* by ->order; made before main() */

void workload_add(struct workload *w)
{
	struct workload **at = &workloads;

	while (*at && (*at)->order < w->order)
		at = &(*at)->next;
	w->next = *at;
	*at = w;
}

struct workload *workload_first(void)
{
	return workloads;
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

static void shuffle(unsigned int *v, unsigned int nr, uint64_t *random)
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
	unsigned int symbol[CLI_FIXES], row[CLI_FIXES];

	for (unsigned int r = 0; r < rounds; r++) {
		if (r % nr == 0) {
			shuffle(symbol, nr, &seed);
			shuffle(row, nr, &seed);
		}
		for (unsigned int i = 0; i < nr; i++)
			order[r * nr + i] = symbol[(i + row[r % nr]) % nr];
	}
}

/* --- records ------------------------------------------------------------ */

int record_operation(struct record *rec, uint64_t ns)
{
	if (rec->nr_ops == rec->max_ops) {
		uint64_t max = rec->max_ops ? 2 * rec->max_ops : 1024;
		uint64_t *ops = realloc(rec->op_ns, max * sizeof(*ops));

		if (!ops)
			return -ENOMEM;
		rec->op_ns = ops;
		rec->max_ops = max;
	}
	rec->op_ns[rec->nr_ops++] = ns;
	return 0;
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

void record_free(struct record *rec)
{
	free(rec->batch_ns);
	free(rec->op_ns);
	*rec = (struct record){ 0 };
}

static json_t *waits_to_json(const struct record *rec)
{
	json_t *waits = json_object();

	for (int k = WAIT_LOCK; k <= WAIT_IO; k++)
		json_object_set_new(
			waits, wait_kind_name(k),
			json_pack("{s:I, s:I, s:I}", "count",
				  (json_int_t)rec->waits[k].count, "total_ns",
				  (json_int_t)rec->waits[k].total_ns, "max_ns",
				  (json_int_t)rec->waits[k].max_ns));
	return waits;
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

static json_t *operations_to_json(const struct record *rec)
{
	json_t *array = json_array();

	for (uint64_t i = 0; i < rec->nr_ops; i++)
		json_array_append_new(array, json_integer(rec->op_ns[i]));
	return array;
}

json_t *record_to_json(const struct record *rec, const struct workload *w)
{
	json_t *row = json_object();

	if (rec->reason[0]) {
		json_set_missing(row, "batches_ns", "%s", rec->reason);
		json_set_missing(row, "operations_ns", "%s", rec->reason);
		json_set_missing(row, "waits", "%s", rec->reason);
	} else {
		json_object_set_new(row, "batches_ns", batches_to_json(rec));
		if (w->latencies)
			json_object_set_new(row, "operations_ns",
					    operations_to_json(rec));
		else
			json_set_missing(row, "operations_ns",
					 "single operations are not timed");
		json_object_set_new(row, "waits", waits_to_json(rec));
	}
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
	if (w->latencies && !rec->reason[0])
		json_object_set_new(row, "misqueued",
				    json_integer(rec->misqueued));
	else
		json_set_missing(row, "misqueued",
				 rec->reason[0] ? "%s" :
						  "nothing is bulk loaded",
				 rec->reason);
	json_object_set_new(row, "left_at_unmount", left_to_json(&rec->left));
	return row;
}
