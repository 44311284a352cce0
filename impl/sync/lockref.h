/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A count and the spinlock that goes with it in one word of eight bytes
 * (kernel: lib/lockref.c): while nobody has, or contends for, the lock, the
 * count changes by one compare-and-swap of both; else under the lock, as it
 * does where no such instruction is.  Whoever has the lock may change the
 * count plainly, by lockref_count_set().
 *
 * Changes are fully ordered, like all of sync.h.  The kernel's are relaxed,
 * which on x86 is the same instruction.
 */
#ifndef SYNC_LOCKREF_H
#define SYNC_LOCKREF_H

#include <limits.h>

#include "sync/sync.h"

struct lockref {
	union {
		uint64_t lock_count __attribute__((aligned(8)));
		struct {
			spinlock_t lock;
			int count;	/* atomic, and lock to be certain */
		};
	};
};

#define LOCKREF_DEAD	(-128)
/* So often it is tried without the lock, as in the kernel. */
#define LOCKREF_TRIES	100

/* Or the lock is taken every time. */
#ifndef LOCKREF_CMPXCHG
#define LOCKREF_CMPXCHG	(__GCC_ATOMIC_LLONG_LOCK_FREE == 2)
#endif

static inline void lockref_init(struct lockref *ref)
{
	spin_lock_init(&ref->lock);
	WRITE_ONCE(ref->count, 1);
}

/* A hint without the lock. */
static inline int lockref_count(const struct lockref *ref)
{
	return READ_ONCE(ref->count);
}

/* The caller has the lock. */
static inline void lockref_count_set(struct lockref *ref, int count)
{
	WRITE_ONCE(ref->count, count);
}

enum lockref_tried { LOCKREF_CHANGED, LOCKREF_TOO_LOW, LOCKREF_LOCKED };

/* Add @n if the count is at least @least and the lock is free. */
static inline __attribute__((always_inline)) enum lockref_tried
lockref_try(struct lockref *ref, int n, int least)
{
#if LOCKREF_CMPXCHG
	struct lockref old = { { READ_ONCE(ref->lock_count) } };

	for (int i = 0; i < LOCKREF_TRIES && likely(!old.lock.word); i++) {
		struct lockref new = old;

		if (old.count < least)
			return LOCKREF_TOO_LOW;
		new.count += n;
		if (likely(__atomic_compare_exchange_n(
			    &ref->lock_count, &old.lock_count, new.lock_count,
			    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)))
			return LOCKREF_CHANGED;
	}
#else
	(void)ref;
	(void)n;
	(void)least;
#endif
	return LOCKREF_LOCKED;
}

/* The caller has a reference, so that the object is not dead. */
static inline void lockref_get(struct lockref *ref)
{
	if (likely(lockref_try(ref, 1, INT_MIN) == LOCKREF_CHANGED))
		return;
	spin_lock(&ref->lock);
	lockref_count_set(ref, lockref_count(ref) + 1);
	spin_unlock(&ref->lock);
}

/* One reference more, unless it is dead: then false. */
static inline bool lockref_get_not_dead(struct lockref *ref)
{
	enum lockref_tried tried = lockref_try(ref, 1, 0);
	bool got;

	if (likely(tried == LOCKREF_CHANGED))
		return true;
	if (tried == LOCKREF_TOO_LOW)
		return false;
	spin_lock(&ref->lock);
	got = lockref_count(ref) >= 0;
	if (got)
		lockref_count_set(ref, lockref_count(ref) + 1);
	spin_unlock(&ref->lock);
	return got;
}

/*
 * Drop a reference that is not the last one; true.  Of the last one: false,
 * with the lock held and the count as it was.
 */
static inline bool lockref_put_or_lock(struct lockref *ref)
{
	if (lockref_try(ref, -1, 2) == LOCKREF_CHANGED)
		return true;
	spin_lock(&ref->lock);
	if (lockref_count(ref) <= 1)
		return false;
	lockref_count_set(ref, lockref_count(ref) - 1);
	spin_unlock(&ref->lock);
	return true;
}

/* The caller has the lock; nobody gets a reference from here on. */
static inline void lockref_mark_dead(struct lockref *ref)
{
	lockref_count_set(ref, LOCKREF_DEAD);
}

/* For certain only with the lock. */
static inline bool lockref_is_dead(const struct lockref *ref)
{
	return lockref_count(ref) < 0;
}

#endif
