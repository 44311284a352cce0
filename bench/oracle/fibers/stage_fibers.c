// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage on fibers, in virtual time: a wait ends when what it is for
 * holds, and is in vain when nobody can go on.
 */
#include "bench/oracle/fibers/host.h"

#include "bench/fibers/fiber.h"

#define TURN_NS		1000000u	/* with something done in each */
/* Whoever gives up after a while has done so by then. */
#define SETTLE_NS	600000000000ull

/* Outside of the arena: what was kept stays as it was. */
static struct event stage_events[STAGE_EVENTS];

struct look {
	const struct stage *s;
	stage_cond *cond;
	const void *on;
};

static bool look(const void *on)
{
	const struct look *l = on;

	return l->cond(l->s, l->on);
}

bool stage_turn(struct stage *s, stage_cond *cond, const void *on, bool timed)
{
	const struct look l = { s, cond, on };

	fiber_until(look, &l,
		    timed ? TURN_NS : stage_patience_ms * 1000000ull);
	/* Time is up only when nobody could go on earlier. */
	return timed || cond(s, on);
}

void stage_stand(struct stage *s, stage_cond *cond, const void *on)
{
	const struct look l = { s, cond, on };

	while (!cond(s, on))
		fiber_until(look, &l, 0);
}

void stage_pause(struct stage *s, stage_cond *cond, const void *on)
{
	const struct look l = { s, cond, on };

	fiber_until(look, &l, SETTLE_NS);
}

void stage_end(void)
{
	fibers_over();
}

uint64_t stage_now(void)
{
	return world->now;
}

void stage_begins(struct stage *s)
{
	fibers_begin(s);
}

int stage_host_open(struct stage *s)
{
	s->events = stage_events;
	fibers_watch(s);
	return 0;
}

void stage_host_close(struct stage *s)
{
	(void)s;
}
