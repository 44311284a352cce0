// SPDX-License-Identifier: GPL-2.0-only
/*
 * null: every timed operation returns at once.  What a batch costs with it
 * is the harness's own cost, the floor under every figure.
 *
 * Locks: none.  Waits: nobody.  Unsafe: it caches nothing.
 */
#include "cache/delwri.h"

#define FIX_SUMMARY	"does nothing: the harness's floor"
#define FIX_CLAIMS	0

#define fix_does_nothing fix_does_nothing
static inline bool fix_does_nothing(void)
{
	return true;
}
