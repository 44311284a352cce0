// SPDX-License-Identifier: GPL-2.0-only
/*
 * multi_list with one mistake: staling leaves the entries valid.  To be
 * found: stale-write.
 */
#include "fixes/multi_list.c"

static inline void keeps_entries_valid(struct buf *bp)
{
	(void)bp;
}

#undef fix_stale
#define fix_stale keeps_entries_valid
#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(STALE_WRITE)
