/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scenario on fibers, in a process that has nothing else to do.  The object
 * that has it is linked where the fixes' copies for fibers are.
 */
#ifndef ORACLE_FIBERS_RUN_H
#define ORACLE_FIBERS_RUN_H

#include "bench/oracle/oracle.h"

/* Is there such a fix of such a generation?  NULL: no fibers are linked. */
bool fibers_have(const char *cache, const char *fix) __attribute__((weak));
/* The scenario of that place in scenarios[], with that fix. */
void fibers_scenario(unsigned int scenario, const char *cache, const char *fix,
		     struct finding *finding) __attribute__((weak));

#endif
