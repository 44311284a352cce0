/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel primitives that the cache stands on, on futexes: spinlock,
 * atomics, semaphore, wait queues and waiting by address, completion,
 * sleeping with a timeout, RCU.  The cache includes this header and
 * list.h and nothing else that can block.  Another scheduler runs the same
 * cache with host.h and rcu.h of its own, for spin.c, rcu.c and thread.c:
 * see bench/fibers/.
 *
 * Everything that sleeps is built on three calls, as in the kernel:
 * set_current_state(), schedule_timeout() and wake_up_process().  A
 * sleeper may always wake for no reason and has to test its condition.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/host.h"
#include "sync/list.h"

/* Assertions are part of the checking and sanitizer builds only. */
#ifdef DELWRI_CHECKING
#include <assert.h>
#define ASSERT(x)	assert(x)
#else
#define ASSERT(x)	((void)sizeof(x))
#endif

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* clang has another way than gcc to say that it instruments. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__	1
#endif
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__	1
#endif
#endif

/*
 * Whether threads run under the race detector.  bench/fibers/ has the same
 * instrumentation, and a runtime of its own behind it.
 */
#if defined(__SANITIZE_THREAD__) && !defined(SYNC_FIBERS)
#define RACE_DETECTOR	1
#endif

/* --- memory access ------------------------------------------------- */

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Full barrier.  Whoever uses it names the one it pairs with. */
static inline void smp_mb(void)
{
#ifdef RACE_DETECTOR
	/* The race detector follows atomic operations, not fences. */
	int dummy = 0;

	__atomic_exchange_n(&dummy, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* --- atomics: every read-modify-write is fully ordered -------------- */

typedef struct {
	int counter;
} atomic_t;

static inline int atomic_read(const atomic_t *v)
{
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);
}

static inline void atomic_set(atomic_t *v, int i)
{
	__atomic_store_n(&v->counter, i, __ATOMIC_RELAXED);
}

static inline void atomic_inc(atomic_t *v)
{
	__atomic_fetch_add(&v->counter, 1, __ATOMIC_SEQ_CST);
}

static inline void atomic_dec(atomic_t *v)
{
	__atomic_fetch_sub(&v->counter, 1, __ATOMIC_SEQ_CST);
}

static inline bool atomic_dec_and_test(atomic_t *v)
{
	return __atomic_sub_fetch(&v->counter, 1, __ATOMIC_SEQ_CST) == 0;
}

/* Add @a unless the value is @u; true if it was added. */
static inline bool atomic_add_unless(atomic_t *v, int a, int u)
{
	int old = atomic_read(v);

	do {
		if (unlikely(old == u))
			return false;
	} while (!__atomic_compare_exchange_n(&v->counter, &old, old + a, false,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return true;
}

static inline bool atomic_inc_not_zero(atomic_t *v)
{
	return atomic_add_unless(v, 1, 0);
}

/* --- spinlock ------------------------------------------------------ */

/*
 * Four bytes, taken by one compare-and-swap, released by a plain store.
 * The low byte is 1 while it is locked, the rest counts the contenders:
 * while there are any, the fast path fails, so that nobody who comes again
 * and again can starve them.  Among contenders chance decides.
 */
typedef struct {
	int word;
} spinlock_t;

#define SPINLOCK_INIT		{ 0 }
#define SPINLOCK_LOCKED		0x001
#define SPINLOCK_CONTENDER	0x100
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SPINLOCK_LOW_BYTE	0
#else
#define SPINLOCK_LOW_BYTE	3
#endif

void spin_lock_contended(spinlock_t *lock);

static inline void spin_lock_init(spinlock_t *lock)
{
	WRITE_ONCE(lock->word, 0);
}

/* May fail on a free lock that others contend for. */
static inline bool spin_trylock(spinlock_t *lock)
{
	int unlocked = 0;

	return READ_ONCE(lock->word) == 0 &&
	       __atomic_compare_exchange_n(&lock->word, &unlocked,
					   SPINLOCK_LOCKED, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void spin_lock(spinlock_t *lock)
{
	int unlocked = 0;

	if (unlikely(!__atomic_compare_exchange_n(&lock->word, &unlocked,
						  SPINLOCK_LOCKED, false,
						  __ATOMIC_ACQUIRE,
						  __ATOMIC_RELAXED)))
		spin_lock_contended(lock);
}

static inline void spin_unlock(spinlock_t *lock)
{
	smp_store_release((uint8_t *)&lock->word + SPINLOCK_LOW_BYTE, 0);
}

/*
 * Drop a count; if it was the last one, return true with @lock held.
 * The count reaches zero only under @lock (kernel: atomic_dec_and_lock).
 */
static inline bool atomic_dec_and_lock(atomic_t *v, spinlock_t *lock)
{
	if (likely(atomic_add_unless(v, -1, 1)))
		return false;
	spin_lock(lock);
	if (atomic_dec_and_test(v))
		return true;
	spin_unlock(lock);
	return false;
}

#include "sync/task.h"

/* --- wait queues --------------------------------------------------- */

struct wait_queue_head {
	spinlock_t lock;
	struct list_head head;	/* wait_queue_entry.list, under lock */
};

struct wait_queue_entry {
	struct list_head list;
	struct task *task;
	const void *var;	/* waiting by address; NULL in a plain queue */
};

static inline void wait_queue_init(struct wait_queue_head *wq)
{
	spin_lock_init(&wq->lock);
	list_init(&wq->head);
}

/*
 * Unlocked look for sleepers.  Only after a full barrier, which pairs
 * with set_current_state() in prepare_to_wait(), is "no" an answer.
 */
static inline bool wait_queue_active(const struct wait_queue_head *wq)
{
	return !list_empty(&wq->head);
}

void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *e);
void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *e);
/* Wake everyone in @wq who waits for @var (NULL: for the queue itself). */
void wake_up_queue(struct wait_queue_head *wq, const void *var);

static inline void wake_up_all(struct wait_queue_head *wq)
{
	wake_up_queue(wq, NULL);
}

#define wait_event_var(wq, cond, kind, on, address)			\
do {									\
	struct wait_queue_entry __entry = { .task = current,		\
					    .var = (address) };		\
									\
	list_init(&__entry.list);					\
	for (;;) {							\
		prepare_to_wait(wq, &__entry);				\
		if (cond)						\
			break;						\
		schedule_timeout(SLEEP_FOREVER, kind, on);		\
	}								\
	finish_wait(wq, &__entry);					\
} while (0)

/* Sleep until @cond; whoever makes it true calls wake_up_all(). */
#define wait_event(wq, cond, kind, on)					\
do {									\
	if (!(cond))							\
		wait_event_var(wq, cond, kind, on, NULL);		\
} while (0)

/* The queue shared by all addresses that hash like @var. */
struct wait_queue_head *var_waitqueue(const void *var);

/* Sleep until @cond, a condition on *@var (kernel: wait_var_event). */
#define wait_var_event(var, cond, kind)					\
do {									\
	if (!(cond))							\
		wait_event_var(var_waitqueue(var), cond, kind, var, var); \
} while (0)

/*
 * Wake those who wait for @var, if there seem to be any.  Like the
 * kernel's wake_up_var() it looks without a barrier: the caller owes one
 * between its change and this call.
 */
static inline void wake_up_var(const void *var)
{
	struct wait_queue_head *wq = var_waitqueue(var);

	if (wait_queue_active(wq))
		wake_up_queue(wq, var);
}

/* --- semaphore ----------------------------------------------------- */

/*
 * Counting semaphore with first-come hand-over: up() gives the count to
 * the longest waiter and nobody can overtake it.  Any thread may up().
 */
struct semaphore {
	spinlock_t lock;
	unsigned int count;		/* under lock */
	struct list_head wait_list;	/* under lock */
};

void down_contended(struct semaphore *sem);
void up_contended(struct semaphore *sem);

static inline void sema_init(struct semaphore *sem, unsigned int count)
{
	spin_lock_init(&sem->lock);
	WRITE_ONCE(sem->count, count);
	list_init(&sem->wait_list);
}

static inline void down(struct semaphore *sem)
{
	spin_lock(&sem->lock);
	if (likely(sem->count > 0)) {
		WRITE_ONCE(sem->count, sem->count - 1);
		spin_unlock(&sem->lock);
	} else {
		down_contended(sem);
	}
}

static inline bool down_trylock(struct semaphore *sem)
{
	bool taken;

	spin_lock(&sem->lock);
	taken = sem->count > 0;
	if (taken)
		WRITE_ONCE(sem->count, sem->count - 1);
	spin_unlock(&sem->lock);
	return taken;
}

static inline void up(struct semaphore *sem)
{
	spin_lock(&sem->lock);
	if (likely(list_empty(&sem->wait_list))) {
		WRITE_ONCE(sem->count, sem->count + 1);
		spin_unlock(&sem->lock);
	} else {
		up_contended(sem);
	}
}

/* A hint for assertions and onlookers. */
static inline bool sema_is_locked(const struct semaphore *sem)
{
	return READ_ONCE(sem->count) == 0;
}

/* --- completion ---------------------------------------------------- */

struct completion {
	unsigned int done;		/* under wait.lock */
	struct wait_queue_head wait;
};

void completion_init(struct completion *c);
/* One complete() lets one wait_for_completion() pass, in either order. */
void complete(struct completion *c);
void wait_for_completion(struct completion *c, enum wait_kind kind,
			 const void *on);

/* --- RCU ----------------------------------------------------------- */

/*
 * liburcu's memb flavour: readers cost about 2 ns.  Under the race
 * detector freeing is synchronous, which finds what deferring hides.
 */
#include "sync/rcu.h"

#endif
