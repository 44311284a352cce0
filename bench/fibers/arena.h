/* SPDX-License-Identifier: GPL-2.0-only */
/* What the runtime's own files share. */
#ifndef FIBERS_ARENA_H
#define FIBERS_ARENA_H

#include "bench/fibers/fiber.h"
#include "bench/fibers/order.h"

/* The low end of a fiber's stack. */
char *arena_stack(unsigned int id);
/* Its areas, empty. */
void arena_fiber_init(struct fiber *f);

#endif
