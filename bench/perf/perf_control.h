/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When scripts/perf runs perf(1) around us: tell it when to count, and
 * where the objects are whose addresses it samples.  Otherwise all of this
 * does nothing.
 */
#ifndef BENCH_PERF_CONTROL_H
#define BENCH_PERF_CONTROL_H

#include "cache/fix.h"

/* Two descriptors, "CONTROL,ACK", that perf's --control has too. */
#define PERF_CONTROL_ENV	"DELWRIBENCH_PERF_CONTROL"
/* A file to which lines "<fix> <struct> <address> <bytes>" are added. */
#define PERF_OBJECTS_ENV	"DELWRIBENCH_PERF_OBJECTS"

/*
 * Right before and after a measured region, outside of what is timed: each
 * waits until perf has answered.  0, or -errno after a line on stderr;
 * after an error perf is left alone.
 */
int perf_control_enable(void);
int perf_control_disable(void);

/* Write what is in memory now; the cache is parked.  The same errors. */
int perf_objects(const struct fix *fix, struct mount *mp);

#endif
