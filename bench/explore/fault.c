// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fiber that uses memory that is none has followed a link that another one
 * has changed under its feet, mostly: that is a verdict, and a witness as
 * every other.  The fault is left by the way that fibers leave by.
 */
#include "play.h"

#include <signal.h>
#include <stdio.h>
#include <ucontext.h>

#define ALT_STACK	65536u

static char alt_stack[ALT_STACK];

/* Of what was interrupted; 0: not known here. */
static uintptr_t stack_pointer(const ucontext_t *uc)
{
#if defined(__x86_64__)
	return uc->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	return uc->uc_mcontext.sp;
#else
	(void)uc;
	return 0;
#endif
}

static bool in_fiber(void *context)
{
	uintptr_t sp = stack_pointer(context);

	return sp >= WORLD_AT && sp < WORLD_AT + (1ull << 30);
}

static void fault(int sig, siginfo_t *info, void *context)
{
	if (!in_fiber(context)) {
		/* Not a fiber's: it happens again, and ends the process. */
		signal(sig, SIG_DFL);
		return;
	}
	play_violated(play, HAZARD_LIST_CORRUPTION,
		      "%s used memory that is none, at %p", current->name,
		      info->si_addr);
	fibers_end();
}

void fault_watch(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS };
	const stack_t stack = { .ss_sp = alt_stack, .ss_size = ALT_STACK };
	struct sigaction sa = {
		.sa_sigaction = fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART,
	};

	sigaltstack(&stack, NULL);
	for (unsigned int i = 0; i < 2; i++)
		sigaction(signals[i], &sa, NULL);
}
