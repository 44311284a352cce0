/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of this machine's caches holds a working set. */
#ifndef BENCH_CACHE_LEVEL_H
#define BENCH_CACHE_LEVEL_H

#include <stddef.h>
#include <stdint.h>

/*
 * "336 KiB each in L2 of 1 MiB": the smallest cache that has room for the
 * @bytes of each of the @threads that share it.  Sizes are hwloc's, and a
 * virtual machine may be told of more than it gets.
 */
void cache_level(uint64_t bytes, unsigned int threads, char *text,
		 size_t size);

#endif
