// SPDX-License-Identifier: GPL-2.0-only
/* The floor under lookup in the cache of Linux 7.3: see ../lookup.h. */

/*
 * SHA-256 of bench/floor/7.3/lookup.c.  Whoever changes the floor changes
 * what all results were compared with, and this line: see
 * bench/floor/README.md.
 */
#define FROZEN	"71b5f4309b1746ac1a20d94a1310a79b41c3e61debba9d2be7e3323dd9e0d5d1"
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
