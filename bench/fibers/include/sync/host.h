/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In place of impl/sync/host.h: memory at fixed addresses, one node, and a
 * scheduler that decides who goes on.  The sources of the cache and of the
 * fixes are compiled with this folder ahead of impl/ (-iquote).
 */
#ifndef SYNC_HOST_H
#define SYNC_HOST_H

#include <stdlib.h>
#include <string.h>

/* What is neither on a stack nor allocated, and changes: part of a snapshot. */
#define HOST_STATE	__attribute__((section("fiber_state")))

void *arena_alloc(size_t align, size_t size);
void *arena_zalloc(size_t nr, size_t size);
void *arena_realloc(void *p, size_t size);
void arena_free(void *p);
void *arena_memcpy(void *to, const void *from, size_t size);
void *arena_memmove(void *to, const void *from, size_t size);
void *arena_memset(void *at, int c, size_t size);
void arena_qsort(void *at, size_t nr, size_t size,
		 int (*cmp)(const void *a, const void *b));

/* The host's own code, which sees this too, has the C library's. */
#ifdef SYNC_FIBERS
#define malloc(size)			arena_alloc(64, (size))
#define calloc(nr, size)		arena_zalloc((nr), (size))
#define aligned_alloc(align, size)	arena_alloc((align), (size))
#define realloc(p, size)		arena_realloc((p), (size))
#define free(p)				arena_free(p)
#define memcpy(to, from, size)		arena_memcpy((to), (from), (size))
#define memmove(to, from, size)		arena_memmove((to), (from), (size))
#define qsort(at, nr, size, cmp)	arena_qsort((at), (nr), (size), (cmp))
#define memset(at, c, size)		arena_memset((at), (c), (size))
#endif

void fiber_yield(void);

/* Whoever is waited for cannot go on before the caller stops looking. */
static inline void cpu_relax(void)
{
	fiber_yield();
}

static inline void task_yield(void)
{
	fiber_yield();
}

static inline unsigned int host_node(void)
{
	return 0;
}

static inline void host_exact_timers(void)
{
}

static inline void *host_map(size_t size)
{
	return arena_zalloc(1, size);
}

static inline void host_unmap(void *p, size_t size)
{
	(void)size;
	arena_free(p);
}

#endif
