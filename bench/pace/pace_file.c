// SPDX-License-Identifier: GPL-2.0-only
/*
 * pace.json: what is in it stays, and whole storms are added to it one by one,
 * so that a run that is stopped can be started again.
 */
#include "bench/pace/pace.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA	"delwribench-pace-1"

static const char *pace_of(bool own_pace)
{
	return own_pace ? "own" : "guest";
}

static bool is_text(const json_t *json, const char *name, const char *value)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text && !strcmp(text, value);
}

int pace_file_open(struct pace_file *f, const char *kernel_run)
{
	json_error_t why;

	if (access(f->path, F_OK)) {
		f->rows = json_array();
		f->json = json_pack("{s:s, s:s, s:o}", "schema", SCHEMA,
				    "kernel_run", kernel_run, "rows", f->rows);
		return f->json ? 0 : -ENOMEM;
	}
	f->json = json_load_file(f->path, 0, &why);
	f->rows = json_object_get(f->json, "rows");
	if (is_text(f->json, "schema", SCHEMA) && json_is_array(f->rows) &&
	    is_text(f->json, "kernel_run", kernel_run))
		return 0;
	json_decref(f->json);
	f->json = NULL;
	fprintf(stderr,
		"pace: %s is there, and not of %s: --out names another file\n",
		f->path, kernel_run);
	return -EEXIST;
}

bool pace_file_has(const struct pace_file *f, const struct pace_options *o)
{
	for (size_t i = 0; i < json_array_size(f->rows); i++) {
		const json_t *row = json_array_get(f->rows, i);

		if (is_text(row, "scenario", o->guest->scenario) &&
		    is_text(row, "fix", o->guest->fix) &&
		    is_text(row, "cache", o->fix->cache) &&
		    is_text(row, "pace", pace_of(o->own_pace)))
			return true;
	}
	return false;
}

static json_t *row_json(const struct pace_options *o,
			const struct pace_row *row)
{
	const struct guest *g = o->guest;
	json_t *json = json_pack(
		"{s:s, s:s, s:s, s:s, s:s}", "scenario", g->scenario, "fix",
		g->fix, "cache", o->fix->cache, "device",
		"memory", "pace",
		pace_of(o->own_pace));
	const struct {
		const char *name;
		uint64_t value;
	} figures[] = {
		{ "loads", row->loads },
		{ "blocks", row->blocks },
		{ "met", row->met_lookup },
		{ "met_claim", row->met },
		{ "misqueued", row->misqueued },
		{ "waits", row->waits },
		{ "wait_total_ns", row->wait_total_ns },
		{ "wait_max_ns", row->wait_max_ns },
		{ "repairs", row->repairs },
		{ "repair_total_ns", row->repair_total_ns },
		{ "syncs", row->syncs },
		{ "frees", row->frees },
		{ "ail_cycles", row->ail_cycles },
		{ "lookups", row->lookups },
		{ "met_squares", row->met_squares },
		{ "misqueued_squares", row->misqueued_squares },
		{ "waits_squares", row->waits_squares },
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		json_object_set_new(json, figures[i].name,
				    json_integer(figures[i].value));
	json_object_set_new(json, "seconds", json_real(row->seconds));
	return json;
}

void pace_file_add(struct pace_file *f, const struct pace_options *o,
		   const struct pace_row *row)
{
	json_array_append_new(f->rows, row_json(o, row));
}

int pace_file_save(const struct pace_file *f)
{
	char tmp[sizeof(f->path) + 4];

	snprintf(tmp, sizeof(tmp), "%s.tmp", f->path);
	if (!json_dump_file(f->json, tmp,
			    JSON_INDENT(1) | JSON_PRESERVE_ORDER) &&
	    !rename(tmp, f->path))
		return 0;
	fprintf(stderr, "pace: cannot write %s: %s\n", f->path,
		strerror(errno));
	unlink(tmp);
	return -EIO;
}
