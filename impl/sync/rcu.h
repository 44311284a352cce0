/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RCU read sections and deferred freeing, from liburcu (memb flavour).
 * Under ThreadSanitizer, which cannot see membarrier(2), the ordering that
 * a grace period gives is stated by hand.
 */
#ifndef SYNC_RCU_H
#define SYNC_RCU_H

#define _LGPL_SOURCE
#define URCU_INLINE_SMALL_FUNCTIONS
#include <urcu/urcu-memb.h>

struct rcu_callback {
	struct rcu_head head;
	void (*fn)(struct rcu_callback *cb);
};

extern char rcu_tsan_tag;

#ifdef RACE_DETECTOR
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#else
#define __tsan_acquire(addr)	((void)(addr))
#define __tsan_release(addr)	((void)(addr))
#endif

/* The caller is a task (task_start(), or task_register()). */
static inline void rcu_enter(void)
{
	urcu_memb_read_lock();
}

static inline void rcu_exit(void)
{
	__tsan_release(&rcu_tsan_tag);
	urcu_memb_read_unlock();
}

/*
 * Before the first rcu_defer() of a process: have the thread that will make
 * its calls.  liburcu ends the process if it cannot be started, so whether
 * any can is tried first.  0 or -errno.
 */
int rcu_start(void);
/*
 * Call @fn once all present readers are gone, on some other thread, which
 * is no task: @fn may neither sleep nor ask for current.  The caller is
 * not in a read section.
 */
void rcu_defer(struct rcu_callback *cb, void (*fn)(struct rcu_callback *cb));
/* Wait until every deferred call made so far has returned. */
void rcu_drain(void);

#endif
