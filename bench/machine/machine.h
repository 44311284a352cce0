/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine: which processors we may use, and what a reader needs to
 * know of it to read a result years later.  What cannot be found out is
 * null, with the reason beside it ("turbo", "turbo_reason").  Nothing here
 * needs root or changes anything.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Processors this process may run on: one of each core first, then their
 * siblings.  0 or -errno; free(*@cpus).
 */
int machine_cpus(unsigned int **cpus, unsigned int *nr);
/*
 * What does not change while we measure: the machine's own part, which is
 * its topology and settings, and with it the program's.  NULL: no memory.
 */
json_t *machine_settings(void);
json_t *machine_describe(void);
/*
 * What does, at this moment: load; settings that somebody may have
 * switched; seconds stolen from, and worked by, all processors since boot;
 * what this process has used and suffered since it began.  One before and
 * one after tell of the time between.  NULL: no memory.
 */
json_t *machine_state(void);
/*
 * What of the machine is ours at this moment: processors, memory nodes,
 * quota, limit of memory.  Part of machine_state().  NULL: no memory.
 */
json_t *machine_conditions(void);
/*
 * Is anything known of both @then and @now another?  If so, a line in @why:
 * "processors allowed: 0-1, then 0".
 */
bool machine_conditions_differ(const json_t *then, const json_t *now,
			       char *why, size_t why_size);
/*
 * Which executable this is: its hash, sources, compiler.  Part of
 * machine_describe(); each layout has its own.  NULL: no memory.
 */
json_t *machine_program(void);
/* Are its processors emulated (qemu's tcg), and times worth nothing? */
bool machine_is_emulated(void);
/* release, checking, asan or tsan. */
const char *machine_build_type(void);
/* Set @key to null and @key_reason to why.  0, or -1 without memory. */
int json_set_missing(json_t *object, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
