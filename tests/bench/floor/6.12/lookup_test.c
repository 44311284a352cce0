// SPDX-License-Identifier: GPL-2.0-only
/* The floor under lookup in the cache of Linux 6.12: see ../lookup.h. */

/*
 * SHA-256 of bench/floor/6.12/lookup.c.  Whoever changes the floor changes
 * what all results were compared with, and this line: see
 * bench/floor/README.md.
 */
#define FROZEN	"44d412179a1a7e9ced4751b5bae94f07ffe43353e0471aca989b7fa6f0e9b95c"
#define CACHE	"6.12"
#define HASH_PER_AG	1
#define OPS	7
#define HOLD	b_hold

#include "tests/bench/floor/lookup.h"

#ifdef OPS_MAX
/* The AG's reference, taken and given. */
static void check_outside(const struct hit *cache, const struct hit *floor)
{
	assert_int_equal(place(floor, 0), UINT64_MAX);
	assert_int_equal(floor->op[0].addr, floor->op[3].addr);
	assert_int_equal(cache->op[0].addr, cache->op[3].addr);
}
#endif
