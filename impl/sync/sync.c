// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slow paths that sleep: contended semaphores, wait queues, completions.
 */
#include "sync/sync.h"

struct semaphore_waiter {
	struct list_head list;
	struct task *task;
	bool up;			/* under the semaphore's lock */
};

/* sem->lock held on entry, dropped on return (kernel: __down). */
void down_contended(struct semaphore *sem)
{
	struct semaphore_waiter waiter = { .task = current };

	list_add_tail(&waiter.list, &sem->wait_list);
	for (;;) {
		set_current_state(TASK_SLEEPING);
		spin_unlock(&sem->lock);
		schedule_timeout(SLEEP_FOREVER, WAIT_LOCK, sem);
		spin_lock(&sem->lock);
		if (waiter.up)
			break;
	}
	spin_unlock(&sem->lock);
}

/* sem->lock held on entry, dropped on return (kernel: __up). */
void up_contended(struct semaphore *sem)
{
	struct semaphore_waiter *waiter = list_first_entry(
		&sem->wait_list, struct semaphore_waiter, list);
	struct task *task = waiter->task;

	list_del_init(&waiter->list);
	waiter->up = true;
	spin_unlock(&sem->lock);
	/* The waiter may be gone by now; its task is not. */
	wake_up_process(task);
}

void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *e)
{
	spin_lock(&wq->lock);
	if (list_empty(&e->list))
		list_add_tail(&e->list, &wq->head);
	/* Barrier inside; pairs with the waker's before it looks for us. */
	set_current_state(TASK_SLEEPING);
	spin_unlock(&wq->lock);
}

void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *e)
{
	WRITE_ONCE(current->state, TASK_RUNNING);
	spin_lock(&wq->lock);
	if (!list_empty(&e->list))
		list_del_init(&e->list);
	spin_unlock(&wq->lock);
}

void wake_up_queue(struct wait_queue_head *wq, const void *var)
{
	struct wait_queue_entry *e, *n;

	spin_lock(&wq->lock);
	list_for_each_entry_safe(e, n, &wq->head, list) {
		if (e->var != var)
			continue;
		list_del_init(&e->list);
		wake_up_process(e->task);
	}
	spin_unlock(&wq->lock);
}

#define VAR_QUEUES	256

static HOST_STATE struct wait_queue_head var_queues[VAR_QUEUES];

__attribute__((constructor)) static void var_queues_init(void)
{
	for (int i = 0; i < VAR_QUEUES; i++)
		wait_queue_init(&var_queues[i]);
}

struct wait_queue_head *var_waitqueue(const void *var)
{
	/* Multiplicative hash by the golden ratio; the top bits are best. */
	uint64_t h = (uint64_t)(uintptr_t)var * 0x9e3779b97f4a7c15u;

	return &var_queues[h >> 56];
}

void completion_init(struct completion *c)
{
	WRITE_ONCE(c->done, 0);
	wait_queue_init(&c->wait);
}

void complete(struct completion *c)
{
	struct wait_queue_entry *e;
	struct task *task = NULL;

	spin_lock(&c->wait.lock);
	WRITE_ONCE(c->done, c->done + 1);
	if (!list_empty(&c->wait.head)) {
		e = list_first_entry(&c->wait.head, struct wait_queue_entry,
				     list);
		list_del_init(&e->list);
		task = e->task;
	}
	spin_unlock(&c->wait.lock);
	/* The waiter, and with it @c, may be gone by now; its task is not. */
	if (task)
		wake_up_process(task);
}

void wait_for_completion(struct completion *c, enum wait_kind kind,
			 const void *on)
{
	struct wait_queue_entry entry = { .task = current };

	list_init(&entry.list);
	spin_lock(&c->wait.lock);
	while (!c->done) {
		if (list_empty(&entry.list))
			list_add_tail(&entry.list, &c->wait.head);
		set_current_state(TASK_SLEEPING);
		spin_unlock(&c->wait.lock);
		schedule_timeout(SLEEP_FOREVER, kind, on);
		spin_lock(&c->wait.lock);
	}
	WRITE_ONCE(c->done, c->done - 1);
	if (!list_empty(&entry.list))
		list_del_init(&entry.list);
	spin_unlock(&c->wait.lock);
}
