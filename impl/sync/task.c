// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a task is called and has waited for, whoever schedules it.
 */
#include "sync/sync.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const wait_kind_names[WAIT_KINDS] = {
	[WAIT_NONE] = "nothing",
	[WAIT_LOCK] = "lock",
	[WAIT_LIST] = "list",
	[WAIT_LOG] = "log",
	[WAIT_IO] = "io",
	[WAIT_IDLE] = "idle",
};

const char *wait_kind_name(enum wait_kind kind)
{
	return wait_kind_names[kind];
}

void task_name(struct task *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->name, sizeof(t->name), fmt, ap);
	va_end(ap);
}

void task_take_waits(struct wait_stat out[WAIT_KINDS])
{
	memcpy(out, current->waits, sizeof(current->waits));
	memset(current->waits, 0, sizeof(current->waits));
}

struct wait_stat task_take_stall(void)
{
	struct wait_stat stall = current->stall;

	current->stall = (struct wait_stat){ 0 };
	return stall;
}

void sleep_ns(uint64_t ns, enum wait_kind kind)
{
	while (ns) {
		set_current_state(TASK_SLEEPING);
		ns = schedule_timeout(ns, kind, NULL);
	}
}
