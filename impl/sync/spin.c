// SPDX-License-Identifier: GPL-2.0-only
/*
 * A spinlock that somebody has.
 */
#include "sync/sync.h"

#define SPINS_BEFORE_YIELD	1000

/* The holder may have been descheduled: spin a little, then give way. */
void spin_lock_contended(spinlock_t *lock)
{
	unsigned int spins = 0;
	int old;

	old = __atomic_add_fetch(&lock->word, SPINLOCK_CONTENDER,
				 __ATOMIC_RELAXED);
	for (;;) {
		if (!(old & SPINLOCK_LOCKED) &&
		    __atomic_compare_exchange_n(
			    &lock->word, &old,
			    old - SPINLOCK_CONTENDER + SPINLOCK_LOCKED, false,
			    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		cpu_relax();
		if (++spins == SPINS_BEFORE_YIELD) {
			task_yield();
			spins = 0;
		}
		old = READ_ONCE(lock->word);
	}
}
