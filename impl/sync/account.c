// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stall clocks, and sums of what tasks count about locks.
 */
#include "sync/sync.h"

void stall_clock_init(struct stall_clock *clock, enum held kind)
{
	*clock = (struct stall_clock){ .kind = kind };
}

static uint64_t clock_read(struct stall_clock *clock)
{
	uint64_t ns;

	spin_lock(&clock->lock);
	ns = clock->total_ns;
	if (clock->since)
		ns += now_ns() - clock->since;
	spin_unlock(&clock->lock);
	return ns;
}

void stall_begin(struct stall_clock *clock)
{
	current->holdings.stalled_from = clock_read(clock);
}

void stall_end(struct stall_clock *clock)
{
	uint64_t ns = clock_read(clock) - current->holdings.stalled_from;

	if (ns)
		wait_stat_add(&current->stall, ns);
}

void task_holds(struct stall_clock *clock)
{
	struct holdings *h = &current->holdings;
	struct stall_clock **slot = NULL;

	for (int i = 0; i < HELD_CLOCKS; i++) {
		if (h->clock[i] == clock)
			return;
		if (!h->clock[i])
			slot = &h->clock[i];
	}
	ASSERT(slot);
	if (!slot)
		return;
	*slot = clock;
	h->nr[clock->kind]++;
}

void task_lets_go(struct stall_clock *clock)
{
	struct holdings *h = &current->holdings;

	for (int i = 0; i < HELD_CLOCKS; i++) {
		if (h->clock[i] != clock)
			continue;
		h->clock[i] = NULL;
		h->nr[clock->kind]--;
	}
}

void task_holds_buf(int change)
{
	current->holdings.nr[HELD_BUF] += change;
}

/* The time is read under the lock, as by readers: it never goes back. */
void stall_clocks_start(struct task *t)
{
	for (int i = 0; i < HELD_CLOCKS; i++) {
		struct stall_clock *clock = t->holdings.clock[i];

		if (!clock)
			continue;
		spin_lock(&clock->lock);
		clock->since = now_ns();
		spin_unlock(&clock->lock);
	}
}

void stall_clocks_stop(struct task *t)
{
	for (int i = 0; i < HELD_CLOCKS; i++) {
		struct stall_clock *clock = t->holdings.clock[i];

		if (!clock)
			continue;
		spin_lock(&clock->lock);
		clock->total_ns += now_ns() - clock->since;
		clock->since = 0;
		spin_unlock(&clock->lock);
	}
}

struct lock_stat lock_stat_sum(void)
{
	struct lock_stat sum = { 0 };

	for (struct task *t = task_list(); t; t = t->next) {
		sum.taken += READ_ONCE(t->locks.taken);
		sum.contended += READ_ONCE(t->locks.contended);
		sum.held_ns += READ_ONCE(t->locks.held_ns);
	}
	return sum;
}
