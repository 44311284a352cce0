// SPDX-License-Identifier: GPL-2.0-only
/*
 * On x86-64 a few instructions; elsewhere by ucontext(3), which makes a
 * system call each time and is some 50 times as slow.
 */
#include "bench/fibers/switch.h"

#include <stdint.h>

/* SWITCH_PORTABLE: the test's. */
#if defined(__x86_64__) && !defined(SWITCH_PORTABLE)

/* By the calling convention a call loses everything else. */
__asm__(".text\n"
	".p2align 4\n"
	".globl switch_stack\n"
	".type switch_stack, @function\n"
	"switch_stack:\n"
	"	pushq %rbx\n"
	"	pushq %rbp\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbp\n"
	"	popq %rbx\n"
	"	ret\n"
	".size switch_stack, .-switch_stack\n");

void *switch_prepare(void *stack, size_t size, void (*fn)(void))
{
	uintptr_t *sp = (uintptr_t *)((char *)stack + size);

	/* As after a call: 8 bytes off a multiple of 16. */
	*--sp = 0;
	*--sp = 0;
	*--sp = 0;
	*--sp = (uintptr_t)fn;
	for (int i = 0; i < 6; i++)
		*--sp = 0;
	return sp;
}

#else

#include <stdlib.h>
#include <ucontext.h>

/*
 * A frame may have something below its variables (POWER: its caller's r2), and
 * a snapshot has a stack from where the fiber's ->sp points.
 */
#define BELOW	512u

static ucontext_t *context_at(void *sp)
{
	return (void *)((char *)sp + BELOW);
}

void *switch_prepare(void *stack, size_t size, void (*fn)(void))
{
	size_t room = (sizeof(ucontext_t) + 63) / 64 * 64;
	ucontext_t *context = (void *)((char *)stack + size - room);

	if (getcontext(context))
		abort();
	context->uc_stack.ss_sp = stack;
	context->uc_stack.ss_size = size - room;
	context->uc_link = NULL;
	makecontext(context, fn, 0);
	return (char *)context - BELOW;
}

void switch_stack(void **save, void *to)
{
	ucontext_t here;

	*save = (void *)((uintptr_t)&here - BELOW);
	if (swapcontext(&here, context_at(to)))
		abort();
}

#endif
