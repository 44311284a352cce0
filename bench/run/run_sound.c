// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which blocks are mixed with each other: those that had the same
 * processors, memory nodes, quota and memory as the run had when it began,
 * and ran where they were to run.  Others are set aside, with the reason.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/machine/machine.h"

/* A processor that is plugged in again is there long before that. */
#define PATIENCE_S	20u
/* Of one block set aside; the disk ends before that. */
#define ASIDE_MAX	9999u

/* --- what is wrong with a block ----------------------------------------- */

static const json_t *start_conditions(const struct run *r)
{
	return json_object_get(json_object_get(r->machine, "before"),
			       "conditions");
}

/* Was it found, and elsewhere?  What was not found says nothing. */
static bool is_elsewhere(const json_t *row, const char *found)
{
	const json_t *value = json_object_get(row, found);

	return json_is_false(json_object_get(row, "ok")) &&
	       !json_is_null(value) &&
	       !(json_is_integer(value) && !json_integer_value(value) &&
		 !strcmp(found, "pages"));
}

/* The reason of the first of @list that was elsewhere, or NULL. */
static const char *elsewhere(const json_t *list, const char *found,
			     bool *unknown)
{
	const json_t *row, *reason;
	size_t i;

	json_array_foreach((json_t *)list, i, row)
	{
		if (json_is_true(json_object_get(row, "ok")))
			continue;
		*unknown = true;
		if (!is_elsewhere(row, found))
			continue;
		reason = json_object_get(row, "reason");
		return json_is_string(reason) ? json_string_value(reason) :
						"it does not say why";
	}
	return NULL;
}

static bool was_moved(const json_t *stage, char *why, size_t why_size)
{
	const json_t *moved = json_object_get(stage, "moved");
	int worker, was, is;

	if (!json_array_size(moved) ||
	    json_unpack(json_array_get(moved, 0), "{s:i, s:i, s:i}", "worker",
			&worker, "processor", &was, "found", &is))
		return false;
	snprintf(why, why_size,
		 "worker %d was on processor %d instead of %d: was that one taken offline?",
		 worker, is, was);
	return true;
}

static bool is_misplaced(const json_t *stage, char *why, size_t why_size)
{
	const char *name, *reason, *said;
	bool unknown = json_is_string(json_object_get(stage, "reason"));

	if (json_object_get(stage, "skipped"))
		return false;
	name = json_string_value(json_object_get(stage, "placement"));
	said = json_string_value(json_object_get(stage, "changed"));
	reason = said ? said :
			elsewhere(json_object_get(stage, "threads"),
				  "found_pu", &unknown);
	if (!reason)
		reason = elsewhere(json_object_get(stage, "pages"), "pages",
				   &unknown);
	if (!reason && was_moved(stage, why, why_size))
		return true;
	if (!reason && json_is_false(json_object_get(stage, "ok")) && !unknown)
		reason = "it does not say why";
	if (!reason)
		return false;
	snprintf(why, why_size, "%s%s%s: %s",
		 said ? "changed while it was measured" : "not as placed",
		 name && *name ? ", " : "", name ? name : "", reason);
	return true;
}

bool run_block_unsound(const struct run *r, const json_t *block, char *why,
		       size_t why_size)
{
	static const char *const when[] = { "before", "after" };
	const json_t *stages = json_object_get(block, "placements"), *stage;
	char what[600];
	size_t i;

	for (i = 0; i < 2; i++) {
		const json_t *state = json_object_get(block, when[i]);

		if (!machine_conditions_differ(
			    start_conditions(r),
			    json_object_get(state, "conditions"), what,
			    sizeof(what)))
			continue;
		snprintf(why, why_size, "changed since the run began, seen %s it: %s",
			 when[i], what);
		return true;
	}
	json_array_foreach((json_t *)stages, i, stage)
	{
		if (is_misplaced(stage, why, why_size))
			return true;
	}
	return false;
}

/* --- what becomes of it ------------------------------------------------- */

int run_set_aside(const struct run *r, unsigned int number, json_t *block,
		  const char *reason)
{
	char name[48], path[RESULT_PATH_MAX + 32];
	int error = -EEXIST;

	json_object_set_new(block, "discarded", json_string(reason));
	for (unsigned int i = 1; i < ASIDE_MAX && error == -EEXIST; i++) {
		snprintf(name, sizeof(name), "discarded-%04u-%u.json", number,
			 i);
		error = result_write(r->dir, name, block);
	}
	if (error)
		return cli_fail("cannot write %s/%s: %s; free some space", r->dir,
				name, strerror(-error));
	snprintf(path, sizeof(path), "%s/", r->dir);
	result_block_name(number, path + strlen(path), 32);
	if (unlink(path))
		return cli_fail("cannot remove %s: %s", path, strerror(errno));
	cli_say("block %u is discarded: %s; it is kept as %s", number, reason,
		name);
	return 0;
}

/* --- before one begins -------------------------------------------------- */

static bool differ_now(const struct run *r, char *why, size_t why_size)
{
	json_t *now = machine_conditions();
	bool differ = machine_conditions_differ(start_conditions(r), now, why,
						why_size);

	json_decref(now);
	return differ;
}

int run_await_conditions(const struct run *r)
{
	const struct timespec second = { .tv_sec = 1 };
	char why[600];

	if (!differ_now(r, why, sizeof(why)))
		return 0;
	cli_say("changed since the run began: %s; waiting %u s for it to come "
		"back",
		why, PATIENCE_S);
	for (unsigned int i = 0; i < PATIENCE_S; i++) {
		nanosleep(&second, NULL);
		if (child_interrupted())
			return EXIT_INTERRUPTED;
		if (!differ_now(r, why, sizeof(why)))
			return 0;
	}
	cli_say("still changed: %s: blocks measured now would be mixed with "
		"others; set it back and go on with --resume, or start a new "
		"run",
		why);
	return 1;
}
