// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every scenario, and how one is run.
 */
#include "scenarios.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* About real processors, and nothing else: no fibers play it. */
#ifdef SYNC_FIBERS
#define scenario_lost_wakeup	NULL
#endif

const struct scenario scenarios[] = {
	{ "review", HAZARD_ORDERING, scenario_ordering, false },
	{ "read-ahead before reuse", HAZARD_ORDERING,
	  scenario_ordering_readahead, false },
	{ "live scan before reuse", HAZARD_ORDERING,
	  scenario_ordering_livescan, false },
	{ "synchronous write on the list", HAZARD_ORDERING,
	  scenario_ordering_bwrite, false },
	{ "locked at the submit", HAZARD_ORDERING, scenario_ordering_locked,
	  false },
	{ "left on the list for being locked", HAZARD_ORDERING,
	  scenario_ordering_left_locked, false },
	{ "the daemon held for long", HAZARD_ORDERING, scenario_ordering_held,
	  false },
	{ "owner queues it, another looks it up", HAZARD_ORDERING,
	  scenario_ordering_two_lookups, false },
	{ "freed while the LRU gets it", HAZARD_ORDERING,
	  scenario_ordering_unseen, false },
	{ "write error", HAZARD_LOST_ERROR, scenario_lost_error, false },
	{ "reader after the commit", HAZARD_REREAD, scenario_reread, false },
	{ "read-ahead during the wait", HAZARD_REREAD,
	  scenario_reread_readahead, false },
	{ "freed block becomes data", HAZARD_STALE_WRITE,
	  scenario_stale_write, false },
	{ "the same, read ahead before", HAZARD_STALE_WRITE,
	  scenario_stale_write_readahead, false },
	{ "staled while the owner sleeps for it", HAZARD_STALE_WRITE,
	  scenario_stale_write_asleep, false },
	{ "whole review", HAZARD_FLAG_LEAK, scenario_flag_leak, false },
	{ "synchronous write and cancel", HAZARD_FLAG_LEAK,
	  scenario_flag_leak_bwrite, false },
	{ "everybody running", HAZARD_DEADLOCK, scenario_deadlock, false },
	{ "caller owns the list", HAZARD_DEADLOCK,
	  scenario_deadlock_own_list, false },
	{ "direct staler", HAZARD_DEADLOCK,
	  scenario_deadlock_direct_stale, false },
	{ "read-ahead before a lookup", HAZARD_DEADLOCK,
	  scenario_deadlock_readahead, false },
	{ "live scan, owner waits for it", HAZARD_DEADLOCK,
	  scenario_deadlock_livescan, false },
	{ "every way off a list", HAZARD_DEADLOCK, scenario_deadlock_let_go,
	  false },
	{ "AG header", HAZARD_COLLATERAL_STALL, scenario_collateral_stall,
	  false },
	{ "AG header, the daemon held", HAZARD_COLLATERAL_STALL,
	  scenario_collateral_stall_held, false },
	{ "scan locks the block", HAZARD_UNBOUNDED_WAIT,
	  scenario_unbounded_wait, false },
	{ "store buffering", HAZARD_LOST_WAKEUP, scenario_lost_wakeup, true },
	{ "nobody waits", HAZARD_LOST_WAKEUP, scenario_lost_wakeup_nobody,
	  false },
	{ "other paths", HAZARD_LOST_WAKEUP, scenario_lost_wakeup_paths,
	  false },
	{ "neighbours staled in the walk", HAZARD_LIST_CORRUPTION,
	  scenario_list_walk, false },
	{ "failure in flight", HAZARD_LIST_CORRUPTION,
	  scenario_list_in_flight, false },
	{ "submitted after a shutdown", HAZARD_LIST_CORRUPTION,
	  scenario_list_shutdown, false },
	{ "owner against staler", HAZARD_LIST_CORRUPTION, scenario_list_race,
	  false },
	{ "queued again during the wait", HAZARD_LIST_CORRUPTION,
	  scenario_list_requeued, false },
	{ "whole review", HAZARD_LEAK, scenario_leak, false },
	{ "failed load", HAZARD_LEAK, scenario_leak_error, false },
	{ "shutdown", HAZARD_LEAK, scenario_leak_cancel, false },
	{ "lists cancelled", HAZARD_LEAK, scenario_leak_entries, false },
	{ NULL, HAZARDS, NULL, false },
};

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_HOLDS] = "holds",
		[VERDICT_VIOLATED] = "violated",
		[VERDICT_UNTESTED] = "untested",
	};

	return names[verdict];
}

/*
 * Of a hazard's scenarios, or of one of them.  The explorer has scenarios of
 * its own for "owner against staler" and for lost wake-ups.
 */
static const struct {
	enum hazard hazard;
	const char *scenario;		/* NULL: all of the hazard */
	const char *control;
} controls[] = {
	{ HAZARD_ORDERING, NULL, "none" },
	{ HAZARD_LOST_ERROR, NULL, "none" },
	{ HAZARD_REREAD, NULL, "none_pre_done" },
	{ HAZARD_STALE_WRITE, NULL, "multi_writes_invalid" },
	{ HAZARD_FLAG_LEAK, NULL, "stale_keeps_flag" },
	{ HAZARD_DEADLOCK, NULL, "wait_in_stale" },
	{ HAZARD_COLLATERAL_STALL, NULL, "delwri_queue_here" },
	{ HAZARD_UNBOUNDED_WAIT, NULL, "delwri_queue_here" },
	{ HAZARD_LIST_CORRUPTION, "neighbours staled in the walk",
	  "stale_in_walk" },
	{ HAZARD_LIST_CORRUPTION, "failure in flight", "stale_clears_error" },
	{ HAZARD_LIST_CORRUPTION, "submitted after a shutdown",
	  "walks_in_circle" },
	{ HAZARD_LIST_CORRUPTION, "queued again during the wait",
	  "queue_no_recheck" },
	{ HAZARD_LEAK, NULL, "stale_keeps_hold" },
};

const char *scenario_control(const struct scenario *sc)
{
	for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); i++)
		if (controls[i].hazard == sc->hazard &&
		    (!controls[i].scenario ||
		     !strcmp(controls[i].scenario, sc->name)))
			return controls[i].control;
	return NULL;
}

void scenario_slug(const struct scenario *sc, char *buf, size_t size)
{
	snprintf(buf, size, "%s:%s", hazard_name(sc->hazard), sc->name);
	for (; *buf; buf++)
		if (*buf == ' ' || *buf == ',')
			*buf = '-';
}

void scenario_run(const struct scenario *sc, const struct fix *fix,
		  struct finding *finding)
{
	struct stage *s = calloc(1, sizeof(*s));

	finding->verdict = VERDICT_UNTESTED;
	finding->begun = false;
	snprintf(finding->evidence, EVIDENCE_MAX, "no verdict was reached");
	if (!s) {
		snprintf(finding->evidence, EVIDENCE_MAX, "out of memory");
		return;
	}
	if (fix->does_nothing) {
		snprintf(finding->evidence, EVIDENCE_MAX,
			 "does nothing: the harness's floor");
		return;
	}
	for (int trial = 0; trial < STAGE_TRIALS; trial++) {
		struct teardown left;

		if (stage_open(s, fix, finding))
			return;
		sc->run(s);
		if (!s->invalid)
			return;
		stage_close(s, &left);
	}
}
