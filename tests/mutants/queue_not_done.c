// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwri_queue_here with one mistake: a finished block is not marked up to
 * date, and the buffer is unlocked during the wait.  To be found: reread.
 */
#include "fixes/delwri_queue_here_mb.c"

#define fix_bload_done fix_bload_done
static inline bool fix_bload_done(void)
{
	return false;
}

#undef FIX_CLAIMS
#define FIX_CLAIMS	HAZARD(REREAD)
