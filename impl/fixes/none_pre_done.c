// SPDX-License-Identifier: GPL-2.0-only
/*
 * none_pre_done: `none`, and as before 6.8 the bulk loader does not mark
 * finished blocks up to date.  A block that its submit did not write is
 * read again by the next reader: old contents over the new block.
 *
 * Locks: none added.  Waits: nobody.  Unsafe: for the bulk loader and for
 * every reader of its tree.
 */
#include "cache/delwri.h"

#define FIX_SUMMARY	"none, blocks not marked up to date (before 6.8)"
#define FIX_CLAIMS	(HAZARD_ALL & ~(HAZARD(ORDERING) | \
					HAZARD(LOST_ERROR) | HAZARD(REREAD)))

#define fix_bload_done fix_bload_done
static inline bool fix_bload_done(void)
{
	return false;
}
