/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine: which processors we may use, and what a reader needs to
 * know of it to read a result years later.  What cannot be found out is
 * null, with the reason beside it.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <jansson.h>

/*
 * Processors this process may run on: one of each core first, then their
 * siblings.  0 or -errno; free(*@cpus).
 */
int machine_cpus(unsigned int **cpus, unsigned int *nr);
/* What does not change while we measure.  NULL: no memory. */
json_t *machine_describe(void);
/* Load and stolen time at this moment.  NULL: no memory. */
json_t *machine_state(void);
/* release, checking, asan or tsan. */
const char *machine_build_type(void);
/* Set @key to null and @key_reason to why.  0, or -1 without memory. */
int json_set_missing(json_t *object, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
