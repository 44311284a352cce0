// SPDX-License-Identifier: GPL-2.0-only
/*
 * none: Linux 6.12 with only the bulk loader's queueing reverted to
 * delwri_queue().  Staling clears the flag and leaves the link; a reused
 * buffer is queued "again" without moving to the bulk loader's list.
 *
 * Locks: none added.  Waits: nobody.  Unsafe: for the bulk loader, which
 * commits its root before all blocks are durable.  The negative control.
 */
#include "cache/fix.h"

#define FIX_SUMMARY	"6.12 without its fix: the negative control"
#define FIX_CLAIMS	(HAZARD_ALL & ~(HAZARD(ORDERING) | HAZARD(LOST_ERROR)))
