// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred freeing by liburcu.
 */
#include "sync/sync.h"

#include <pthread.h>

char rcu_tsan_tag;

static void rcu_call(struct rcu_head *head)
{
	struct rcu_callback *cb = container_of(head, struct rcu_callback, head);

	__tsan_acquire(&rcu_tsan_tag);
	cb->fn(cb);
}

#ifndef RACE_DETECTOR
static void *do_nothing(void *arg)
{
	return arg;
}
#endif

int rcu_start(void)
{
#ifndef RACE_DETECTOR
	static bool started;
	pthread_t thread;
	int error;

	if (started)
		return 0;
	error = pthread_create(&thread, NULL, do_nothing, NULL);
	if (error)
		return -error;
	pthread_join(thread, NULL);
	urcu_memb_get_default_call_rcu_data();
	started = true;
#endif
	return 0;
}

void rcu_defer(struct rcu_callback *cb, void (*fn)(struct rcu_callback *cb))
{
	cb->fn = fn;
#ifdef RACE_DETECTOR
	urcu_memb_synchronize_rcu();
	rcu_call(&cb->head);
#else
	urcu_memb_call_rcu(&cb->head, rcu_call);
#endif
}

void rcu_drain(void)
{
	urcu_memb_barrier();
}
