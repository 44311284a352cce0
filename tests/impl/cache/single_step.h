/* SPDX-License-Identifier: GPL-2.0-only */
/* A handler runs before each instruction of the calling thread; x86-64. */
#ifndef TESTS_SINGLE_STEP_H
#define TESTS_SINGLE_STEP_H

#include <signal.h>
#include <stddef.h>

typedef void (*step_fn)(int sig, siginfo_t *info, void *context);

/*
 * NULL: no more of them.  It sets the trap flag, which is pushed below the
 * red zone.
 */
static inline __attribute__((always_inline)) void single_step(step_fn handler)
{
	if (handler) {
		struct sigaction action = { .sa_sigaction = handler,
					    .sa_flags = SA_SIGINFO };

		sigaction(SIGTRAP, &action, NULL);
		__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\t"
				 "orq $0x100, (%%rsp)\n\tpopfq\n\t"
				 "lea 128(%%rsp), %%rsp"
				 :
				 :
				 : "memory", "cc");
	} else {
		__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\t"
				 "andq $~0x100, (%%rsp)\n\tpopfq\n\t"
				 "lea 128(%%rsp), %%rsp"
				 :
				 :
				 : "memory", "cc");
	}
}

#endif
