// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here_drop: delwri_queue_here, and the bulk loader sets the
 * right sibling of a block, queues and drops it before it gets the next
 * one.  So it sleeps for a link with no other block locked: one that is
 * stale and linked as well leaves the list in the same pass, and not in
 * the pass after the next sleep.
 *
 * Locks, who waits, and for whom that is unsafe: delwri_queue_here's.
 */
#include "fixes/delwri_queue_here.c"

#undef FIX_SUMMARY
#define FIX_SUMMARY	"delwri_queue_here, next block locked after the wait"

#define fix_bload_drop_first fix_bload_drop_first
static inline bool fix_bload_drop_first(void)
{
	return true;
}
