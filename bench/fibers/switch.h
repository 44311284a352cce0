/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch from one stack to another.  What it keeps lies on the stack that
 * is left, so that a copy of the stack is a copy of the fiber.
 */
#ifndef FIBERS_SWITCH_H
#define FIBERS_SWITCH_H

#include <stddef.h>

/* Prepare a stack that begins with @fn, which never returns. */
void *switch_prepare(void *stack, size_t size, void (*fn)(void));
/* Leave this stack, *@save finds it again, and go on with @to. */
void switch_stack(void **save, void *to);

#endif
