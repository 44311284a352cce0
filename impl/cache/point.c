// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names by which points and hazards appear in reports, schedules and
 * on command lines.
 */
#include "cache/fix.h"

static const char *const point_names[POINTS] = {
	[POINT_LOOKUP] = "lookup",
	[POINT_LOOKUP_STALE] = "lookup_stale",
	[POINT_LOCKED] = "locked",
	[POINT_STALE] = "stale",
	[POINT_QUEUE] = "queue",
	[POINT_QUEUE_ELSEWHERE] = "queue_elsewhere",
	[POINT_QUEUE_AGAIN] = "queue_again",
	[POINT_WAIT_BEGIN] = "wait_begin",
	[POINT_WAIT_END] = "wait_end",
	[POINT_UNLINK] = "unlink",
	[POINT_SUBMIT_LOCKED] = "submit_locked",
	[POINT_SUBMIT_PINNED] = "submit_pinned",
	[POINT_SUBMIT_DROPPED] = "submit_dropped",
	[POINT_SUBMIT_ISSUED] = "submit_issued",
	[POINT_SUBMIT_QUEUED] = "submit_queued",
	[POINT_REREAD] = "reread",
	[POINT_UNHELD] = "unheld",
	[POINT_IO_DONE] = "io_done",
	[POINT_IO_ERROR] = "io_error",
	[POINT_ERROR_DROPPED] = "error_dropped",
	[POINT_BINVAL] = "binval",
	[POINT_COMMIT] = "commit",
	[POINT_UNPIN] = "unpin",
	[POINT_FREED_UNLOCKED] = "freed_unlocked",
	[POINT_CHECKPOINT] = "checkpoint",
	[POINT_BUSY_CLEARED] = "busy_cleared",
	[POINT_ALLOC] = "alloc",
	[POINT_AIL_PASS] = "ail_pass",
	[POINT_AIL_SUBMIT] = "ail_submit",
	[POINT_AIL_SLEEP] = "ail_sleep",
	[POINT_REPAIR] = "repair",
	[POINT_CLAIM] = "claim",
	[POINT_LOAD_DONE] = "load_done",
	[POINT_LOAD_FAILED] = "load_failed",
	[POINT_ROOT_COMMIT] = "root_commit",
	[POINT_FLAG_LEAK] = "flag_leak",
};

static const char *const hazard_names[HAZARDS] = {
	[HAZARD_ORDERING] = "ordering",
	[HAZARD_LOST_ERROR] = "lost-error",
	[HAZARD_REREAD] = "reread",
	[HAZARD_STALE_WRITE] = "stale-write",
	[HAZARD_FLAG_LEAK] = "flag-leak",
	[HAZARD_DEADLOCK] = "deadlock",
	[HAZARD_COLLATERAL_STALL] = "collateral-stall",
	[HAZARD_UNBOUNDED_WAIT] = "unbounded-wait",
	[HAZARD_LOST_WAKEUP] = "lost-wakeup",
	[HAZARD_LIST_CORRUPTION] = "list-corruption",
	[HAZARD_LEAK] = "leak",
};

const char *point_name(enum point point)
{
	return point < POINTS ? point_names[point] : "unknown";
}

const char *hazard_name(enum hazard hazard)
{
	return hazard < HAZARDS ? hazard_names[hazard] : "unknown";
}
