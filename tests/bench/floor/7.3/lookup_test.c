// SPDX-License-Identifier: GPL-2.0-only
/* The floor under lookup in the cache of Linux 7.3: see ../lookup.h. */

/*
 * SHA-256 of bench/floor/7.3/lookup.c.  Whoever changes the floor changes
 * what all results were compared with, and this line: see
 * bench/floor/README.md.
 */
#define FROZEN	"de1ffa38fe3e299f6730429f1cddc72b5df0f2c1ff45b945632d1d72d47244b8"
#define CACHE	"7.3"
#define HASH_PER_AG	0
#define OPS	5
#define HOLD	b_lockref

#include "tests/bench/floor/lookup.h"

#ifdef OPS_MAX
/* The LRU's lock, last of all. */
static void check_outside(const struct hit *cache, const struct hit *floor)
{
	assert_int_equal(place(floor, OPS - 1), UINT64_MAX);
	assert_int_equal(place(cache, OPS - 1), UINT64_MAX);
	for (unsigned int i = 0; i < OPS - 1; i++)
		assert_int_not_equal(place(floor, i), UINT64_MAX);
}
#endif
