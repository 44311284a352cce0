/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the cache takes from the system it runs on, besides what sync.h has:
 * memory (malloc() and its kin, of stdlib.h), where it is, and giving way.
 * Included by sync.h.
 */
#ifndef SYNC_HOST_H
#define SYNC_HOST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* Of each variable of a file that changes; another host keeps them together. */
#define HOST_STATE

/* In a loop that waits: to the other threads of the core, as the kernel. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
	__asm__ volatile("yield" ::: "memory");
#elif defined(__powerpc64__)
	/* Low priority, and medium again. */
	__asm__ volatile("or 1, 1, 1\n\tor 2, 2, 2" ::: "memory");
#elif defined(__riscv)
	/* pause; a fence that orders nothing to those without it. */
	__asm__ volatile(".4byte 0x100000F" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

/* In a loop that waits for somebody who may not be running. */
static inline void task_yield(void)
{
	sched_yield();
}

/* NUMA node of the processor that the caller is on, or was a moment ago. */
static inline unsigned int host_node(void)
{
	unsigned int cpu, node;

	return getcpu(&cpu, &node) ? 0 : node;
}

/* The caller's sleeps end when they should: no slack (of 50 us). */
static inline void host_exact_timers(void)
{
	prctl(PR_SET_TIMERSLACK, 1);
}

/* Zeroed memory that costs only what is touched; NULL if refused. */
static inline void *host_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* A huge page for each block touched would cost 512 times as much. */
	madvise(p, size, MADV_NOHUGEPAGE);
	return p;
}

static inline void host_unmap(void *p, size_t size)
{
	munmap(p, size);
}

#endif
