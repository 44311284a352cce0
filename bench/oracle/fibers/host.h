/* SPDX-License-Identifier: GPL-2.0-only */
/* What the stage on fibers asks of who lets them run: run.c, the explorer. */
#ifndef ORACLE_FIBERS_HOST_H
#define ORACLE_FIBERS_HOST_H

#include "bench/oracle/stage.h"

/* The director is @s's from now on. */
void fibers_watch(struct stage *s);
/* What was so far only sets the stage. */
void fibers_begin(struct stage *s);
/* By a fiber: it is all over, and the finding is there. */
void __attribute__((noreturn)) fibers_over(void);

#endif
