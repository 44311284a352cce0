/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What only a report asks for: how lookups end, meetings, how long lists and
 * holds of locks are, who holds up whom, what is allocated.  Each fix is
 * compiled twice.  Its instrumented copy (CACHE_COUNTS) does what COUNT()
 * says; the timed one, which runs wherever a time is taken, has not an
 * instruction of it.  Builds that are not timed have instrumented ones only.
 */
#ifndef CACHE_COUNT_H
#define CACHE_COUNT_H

#include "sync/sync.h"

#ifdef CACHE_COUNTS

#define COUNT(statement)	do { statement; } while (0)
/* An operation of the table; NULL: this copy cannot tell. */
#define COUNTED(function)	(function)

/* A spinlock that a fix has added, one at a time: what it costs is shown. */
static inline void counted_lock(spinlock_t *lock)
{
	struct lock_stat *s = &current->locks;

	if (!spin_trylock(lock)) {
		spin_lock(lock);
		WRITE_ONCE(s->contended, s->contended + 1);
	}
	WRITE_ONCE(s->taken, s->taken + 1);
	if (s->taken % LOCK_SAMPLE == 0)
		current->lock_since = now_ns();
}

static inline void counted_unlock(spinlock_t *lock)
{
	struct task *t = current;

	spin_unlock(lock);
	if (likely(!t->lock_since))
		return;
	WRITE_ONCE(t->locks.held_ns,
		   t->locks.held_ns +
			   LOCK_SAMPLE * (now_ns() - t->lock_since));
	t->lock_since = 0;
}

#else

#define COUNT(statement)	do { } while (0)
#define COUNTED(function)	NULL
#define counted_lock(lock)	spin_lock(lock)
#define counted_unlock(lock)	spin_unlock(lock)

#endif

#endif
