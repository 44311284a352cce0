/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In place of impl/sync/rcu.h.  A grace period may last as long as it likes:
 * here until rcu_drain().  So nothing that was freed by RCU is handed out
 * again before, and reading it too late is not found: the race detector's
 * and the address sanitizer's builds look for that.
 */
#ifndef SYNC_RCU_H
#define SYNC_RCU_H

struct rcu_callback {
	struct rcu_callback *next;
	void (*fn)(struct rcu_callback *cb);
	void *pad;		/* as large as liburcu's */
};

static inline void rcu_enter(void)
{
}

static inline void rcu_exit(void)
{
}

static inline int rcu_start(void)
{
	return 0;
}

void rcu_defer(struct rcu_callback *cb, void (*fn)(struct rcu_callback *cb));
void rcu_drain(void);

#endif
