// SPDX-License-Identifier: GPL-2.0-only
/*
 * lockref: each operation's answer at every count that matters, that a taken
 * lock keeps everybody from the count, and that nothing is lost between those
 * who swap the word and those who have the lock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>

#include "sync/lockref.h"

#define THREADS	4
#define TURNS	20000

static void test_one_word(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct lockref), 8);
	assert_int_equal(_Alignof(struct lockref), 8);
	assert_int_equal(offsetof(struct lockref, count), 4);
}

static void test_counts(void **state)
{
	struct lockref ref;

	(void)state;
	lockref_init(&ref);
	assert_int_equal(lockref_count(&ref), 1);
	lockref_get(&ref);
	assert_int_equal(lockref_count(&ref), 2);
	assert_true(lockref_put_or_lock(&ref));
	assert_int_equal(lockref_count(&ref), 1);
	assert_true(spin_trylock(&ref.lock));
	spin_unlock(&ref.lock);
	/* The last one is the caller's to drop, with the lock. */
	assert_false(lockref_put_or_lock(&ref));
	assert_false(spin_trylock(&ref.lock));
	assert_int_equal(lockref_count(&ref), 1);
	lockref_count_set(&ref, 0);
	spin_unlock(&ref.lock);
	/* Nobody's is not dead. */
	assert_false(lockref_is_dead(&ref));
	assert_true(lockref_get_not_dead(&ref));
	assert_int_equal(lockref_count(&ref), 1);
	spin_lock(&ref.lock);
	lockref_mark_dead(&ref);
	spin_unlock(&ref.lock);
	assert_true(lockref_is_dead(&ref));
	assert_int_equal(lockref_count(&ref), LOCKREF_DEAD);
	assert_false(lockref_get_not_dead(&ref));
	assert_int_equal(lockref_count(&ref), LOCKREF_DEAD);
}

/* --- with the lock taken ------------------------------------------------- */

struct getter {
	struct thread thread;
	struct lockref *ref;
	int got;		/* 0: not yet; 1: got it; -1: dead */
};

static void get_one(void *arg)
{
	struct getter *g = arg;

	__atomic_store_n(&g->got, lockref_get_not_dead(g->ref) ? 1 : -1,
			 __ATOMIC_SEQ_CST);
}

/* Who comes while the lock is taken waits, and sees what its owner did. */
static void check_locked(bool die)
{
	struct getter g = { .got = 0 };
	struct lockref ref;

	lockref_init(&ref);
	g.ref = &ref;
	spin_lock(&ref.lock);
	assert_int_equal(task_start(&g.thread, "getter", -1, get_one, &g), 0);
	/* Until it contends for the lock. */
	while (READ_ONCE(ref.lock.word) == SPINLOCK_LOCKED)
		sched_yield();
	assert_int_equal(READ_ONCE(g.got), 0);
	assert_int_equal(lockref_count(&ref), 1);
	if (die)
		lockref_mark_dead(&ref);
	else
		lockref_count_set(&ref, 0);
	spin_unlock(&ref.lock);
	task_join(&g.thread);
	assert_int_equal(g.got, die ? -1 : 1);
	assert_int_equal(lockref_count(&ref), die ? LOCKREF_DEAD : 1);
}

static void test_locked(void **state)
{
	(void)state;
	check_locked(false);
	check_locked(true);
}

/* --- all at once ---------------------------------------------------------- */

struct shared {
	struct lockref ref;
	int owned;		/* ref.lock: by who has it */
	int lasts;		/* ref.lock: releases that were the last */
};

struct user {
	struct thread thread;
	struct shared *shared;
	uint64_t misses;
};

static void use(void *arg)
{
	struct user *u = arg;
	struct shared *s = u->shared;

	for (int i = 0; i < TURNS; i++) {
		if (!lockref_get_not_dead(&s->ref)) {
			u->misses++;
			continue;
		}
		if (i % 3 == 0) {
			lockref_get(&s->ref);
			if (!lockref_put_or_lock(&s->ref))
				u->misses++;	/* it had two */
		}
		if (lockref_put_or_lock(&s->ref))
			continue;
		/* Nobody else may be in here, or change the count. */
		s->owned++;
		s->lasts++;
		if (s->owned != 1 || lockref_count(&s->ref) != 1)
			u->misses++;
		lockref_count_set(&s->ref, 0);
		s->owned--;
		spin_unlock(&s->ref.lock);
	}
}

static void test_all_at_once(void **state)
{
	static struct shared shared;
	struct user users[THREADS] = { { .shared = &shared } };

	(void)state;
	lockref_init(&shared.ref);
	lockref_count_set(&shared.ref, 0);
	for (int i = 0; i < THREADS; i++) {
		users[i].shared = &shared;
		assert_int_equal(task_start(&users[i].thread, "user", -1, use,
					    &users[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++) {
		task_join(&users[i].thread);
		assert_int_equal(users[i].misses, 0);
	}
	assert_int_equal(lockref_count(&shared.ref), 0);
	assert_int_equal(shared.ref.lock.word, 0);
	assert_true(shared.lasts > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_word),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_all_at_once),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
