// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters for people and programs; and reads that were recorded, taken in
 * again, on a machine that may have no counters at all.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/perf/perf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"

#define SCHEMA		"delwribench-perf-reads-1"
#define WORDS_MAX	(3 + 2 * PERF_COUNTERS)

/* --- showing ------------------------------------------------------------ */

static json_t *counter_to_json(const struct perf_counter *c,
			       uint64_t operations)
{
	struct perf_result r;
	json_t *row;

	perf_result(c, &r);
	row = json_pack("{s:s, s:s, s:s, s:s}", "name", c->name, "mode",
			c->mode, "event", c->event, "status",
			perf_status_name(r.status));
	if (r.reason[0]) {
		json_set_missing(row, "value", "%s", r.reason);
		json_set_missing(row, "per_operation", "%s", r.reason);
		json_set_missing(row, "share", "%s", r.reason);
		return row;
	}
	json_object_set_new(row, "value", json_real(r.value));
	json_object_set_new(row, "share", json_real(r.share));
	if (operations)
		json_object_set_new(row, "per_operation",
				    json_real(r.value / operations));
	else
		json_set_missing(row, "per_operation",
				 "operations were not counted");
	return row;
}

json_t *perf_to_json(const struct perf_set *set, uint64_t operations)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < set->nr; i++)
		json_array_append_new(list, counter_to_json(&set->counter[i],
							    operations));
	return json_pack("{s:s, s:o}", "source",
			 set->replay ? "replay" : "perf_event_open",
			 "counters", list);
}

void perf_print(const struct perf_set *set, uint64_t operations, FILE *out)
{
	if (set->replay)
		fputs("REPLAY of recorded reads: nothing was measured here\n",
		      out);
	fprintf(out, "%-17s %-6s %-11s %5s %14s  %s\n", "counter", "mode",
		"status", "share", "value", operations ? "per operation" : "");
	for (unsigned int i = 0; i < set->nr; i++) {
		const struct perf_counter *c = &set->counter[i];
		struct perf_result r;

		perf_result(c, &r);
		fprintf(out, "%-17s %-6s %-11s ", c->name, c->mode,
			perf_status_name(r.status));
		if (r.reason[0]) {
			fprintf(out, "%5s %14s  %s\n", "-", "-", r.reason);
			continue;
		}
		fprintf(out, "%4.0f%% %14.0f", 100 * r.share, r.value);
		if (operations)
			fprintf(out, "  %.3g", r.value / operations);
		fputc('\n', out);
	}
}

/* --- recording and replaying -------------------------------------------- */

json_t *perf_recording(const struct perf_set *set, uint64_t operations)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < set->nr; i++) {
		const struct perf_counter *c = &set->counter[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:s, s:s}",
				  "name", c->name, "mode", c->mode, "event",
				  c->event, "pmu", c->pmu, "group", (int)c->group, "id",
				  (json_int_t)c->id, "status",
				  perf_status_name(c->status), "reason",
				  c->reason));
	}
	return json_pack("{s:s, s:I, s:o, s:O}", "schema", SCHEMA, "operations",
			 (json_int_t)operations, "counters", list, "reads",
			 set->record);
}

static int bad(char *why, size_t size, const char *what)
{
	snprintf(why, size, "recorded counter reads: %s", what);
	return -EINVAL;
}

static int replay_counter(struct perf_set *set, const json_t *row, char *why,
			  size_t size)
{
	const char *name, *mode, *event, *status, *reason, *pmu = "";
	struct perf_counter *c = NULL;
	json_int_t id;
	int group;

	if (json_unpack((json_t *)row,
			"{s:s, s:s, s:s, s?s, s:i, s:I, s:s, s:s}", "name",
			&name, "mode", &mode, "event", &event, "pmu", &pmu,
			"group", &group, "id", &id, "status", &status, "reason",
			&reason))
		return bad(why, size, "a counter without name, mode, event, group, id, status and reason");
	for (unsigned int i = 0; i < set->nr; i++)
		if (!strcmp(set->counter[i].name, name) &&
		    !strcmp(set->counter[i].mode, mode))
			c = &set->counter[i];
	if (!c || group < 0 || (unsigned int)group >= set->nr_groups)
		return bad(why, size, "a counter that this program does not know");
	c->group = group;
	c->id = id;
	c->status = PERF_STATUSES;
	for (int s = 0; s < PERF_STATUSES; s++)
		if (!strcmp(perf_status_name(s), status))
			c->status = s;
	if (c->status == PERF_STATUSES || c->status == PERF_MULTIPLEXED)
		return bad(why, size, "a status that is not ok, denied or unsupported");
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	snprintf(c->event, sizeof(c->event), "%s", event);
	snprintf(c->pmu, sizeof(c->pmu), "%s", pmu);
	return 0;
}

static int replay_read(struct perf_set *set, const json_t *row, char *why,
		       size_t size)
{
	const json_t *list = json_object_get(row, "words"), *word;
	const json_t *group = json_object_get(row, "group");
	uint64_t words[WORDS_MAX];
	size_t i;

	if (!json_is_integer(group) || json_array_size(list) > WORDS_MAX)
		return bad(why, size, "a read without group, or too long");
	json_array_foreach((json_t *)list, i, word)
	{
		if (!json_is_integer(word))
			return bad(why, size, "a read that is not whole numbers");
		words[i] = json_integer_value(word);
	}
	if (perf_take(set, json_integer_value(group), words,
		      json_array_size(list)))
		return bad(why, size, "a read that does not fit its group: count, times or ids are wrong");
	return 0;
}

int perf_replay(const json_t *recording, struct perf_set **setp,
		uint64_t *operations, char *why, size_t size)
{
	const char *schema =
		json_string_value(json_object_get(recording, "schema"));
	const json_t *counters = json_object_get(recording, "counters");
	const json_t *reads = json_object_get(recording, "reads"), *row;
	struct perf_set *set;
	int error = 0;
	size_t i;

	if (!schema || strcmp(schema, SCHEMA) || !json_is_array(counters) ||
	    !json_is_array(reads))
		return bad(why, size, "not a file of schema " SCHEMA);
	set = malloc(sizeof(*set));
	if (!set) {
		bad(why, size, "out of memory");
		return -ENOMEM;
	}
	perf_list(set);
	set->replay = true;
	for (i = 0; i < set->nr; i++) {
		set->counter[i].status = PERF_UNSUPPORTED;
		snprintf(set->counter[i].reason,
			 sizeof(set->counter[i].reason),
			 "it was not recorded");
	}
	json_array_foreach((json_t *)counters, i, row) if (!error)
		error = replay_counter(set, row, why, size);
	json_array_foreach((json_t *)reads, i, row) if (!error)
		error = replay_read(set, row, why, size);
	if (error) {
		perf_close(set);
		return error;
	}
	*operations =
		json_integer_value(json_object_get(recording, "operations"));
	*setp = set;
	return 0;
}
