/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of which machine_describe() and machine_state() are made.
 * Each adds its keys to @machine; what is missing is null with a reason.
 */
#ifndef BENCH_MACHINE_PART_H
#define BENCH_MACHINE_PART_H

#include <jansson.h>
#include <stddef.h>

#include "bench/machine/machine_memory.h"

/* machine_cpu.c: frequency, threads of a core, isolation, weaknesses. */
void describe_cpu(json_t *machine);
/* machine_model.c: the model of ARM processors, or nothing. */
void describe_arm(json_t *machine);
/* machine_kernel.c: its settings, its command line, what it runs on. */
void describe_kernel(json_t *machine);
/* machine_cgroup.c: what part of the machine we were given. */
void describe_cgroup(json_t *machine);
/* machine_cgroup.c: the part of it that can be taken from us meanwhile. */
void cgroup_conditions(json_t *conditions);
/* machine_cgroup.c: what our memory groups, and those above, leave us. */
void cgroup_memory_room(struct memory_room *room);
/* machine_cgroup.c: the seconds that a quota has kept us waiting. */
void cgroup_state(json_t *state);

#endif
