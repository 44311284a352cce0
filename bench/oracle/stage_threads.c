// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage on threads: a wait is a look every now and then, by the clock; a
 * watchdog minds the director.
 */
#include "stage.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define POLL_NS		100000u
#define TURN_NS		1000000u	/* with something done in each */
#define SETTLE_NS	500000u
#define SETTLE_TURNS	100

bool stage_turn(struct stage *s, stage_cond *cond, const void *on, bool timed)
{
	(void)s;
	(void)cond;
	(void)on;
	sleep_ns(timed ? TURN_NS : POLL_NS, WAIT_NONE);
	return true;
}

void stage_stand(struct stage *s, stage_cond *cond, const void *on)
{
	while (!cond(s, on))
		sleep_ns(POLL_NS, WAIT_NONE);
}

void stage_pause(struct stage *s, stage_cond *cond, const void *on)
{
	for (int i = 0; i < SETTLE_TURNS && !cond(s, on); i++)
		sleep_ns(SETTLE_NS, WAIT_NONE);
}

uint64_t stage_now(void)
{
	return now_ns();
}

void stage_begins(struct stage *s)
{
	(void)s;
}

void stage_end(void)
{
	fflush(NULL);
	_exit(0);
}

static void watchdog(void *arg)
{
	uint64_t end = now_ns() + STAGE_WATCHDOG_S * 1000000000ull;

	while (now_ns() < end) {
		set_current_state(TASK_SLEEPING);
		if (task_should_stop())
			return;
		schedule_timeout(end - now_ns(), WAIT_IDLE, NULL);
	}
	stage_no_end(arg, "the scenario itself");
	_exit(0);
}

int stage_host_open(struct stage *s)
{
	s->events = calloc(STAGE_EVENTS, sizeof(*s->events));
	if (!s->events)
		return -ENOMEM;
	return task_start(&s->watchdog, "watchdog", -1, watchdog, s);
}

void stage_host_close(struct stage *s)
{
	task_stop(&s->watchdog);
	task_join(&s->watchdog);
}
