/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks: whoever sleeps, what for, and how it is woken; threads that are
 * tasks.  Included by sync.h.
 */
#ifndef SYNC_TASK_H
#define SYNC_TASK_H

#include "sync/account.h"

/* What a task waits for; every sleep is charged to one of these. */
enum wait_kind {
	WAIT_NONE,
	WAIT_LOCK,	/* a buffer's or an inode's semaphore */
	WAIT_LIST,	/* a buffer to leave a delayed-write list */
	WAIT_LOG,	/* a checkpoint, or log space */
	WAIT_IO,	/* a read or a write, or a pin that holds one up */
	WAIT_IDLE,	/* a daemon's own pause */
	WAIT_KINDS
};

const char *wait_kind_name(enum wait_kind kind);

struct wait_stat {
	uint64_t count;
	uint64_t total_ns;
	uint64_t max_ns;
};

static inline void wait_stat_add(struct wait_stat *w, uint64_t ns)
{
	w->count++;
	w->total_ns += ns;
	if (ns > w->max_ns)
		w->max_ns = ns;
}

/* Parked: asleep in the kernel, so that waking takes a system call. */
enum { TASK_RUNNING, TASK_SLEEPING, TASK_PARKED };

/* One per thread, never freed, so that a late wake-up finds memory. */
struct task {
	int state;		/* futex word; by wakers and the task itself */
	int tid;		/* kernel thread; 0 when the slot is free */
	int stop;		/* set by task_stop(), read by the thread */
	char name[28];
	const void *wait_on;	/* while sleeping: the object; else NULL */
	int wait_kind;		/* enum wait_kind, for onlookers */
	uint64_t wait_since;	/* CLOCK_MONOTONIC, ns */
	uint64_t expires;	/* CLOCK_MONOTONIC, ns; 0: no time limit */
	struct wait_stat waits[WAIT_KINDS]; /* by the task, read after join */
	struct wait_stat stall;	/* the same: parts of waits, see account.h */
	struct holdings holdings;
	struct lock_stat locks;	/* by the task; read by anyone */
	struct event_stat events; /* by the task alone */
	uint64_t lock_since;	/* it has a counted lock, sampled; 0: not */
	/* Called before it sleeps, if set; does not sleep itself. */
	void (*before_sleep)(struct task *t);
	struct device_plug *plug;	/* I/O it has put off */
	struct task *next;	/* all tasks, newest first; never changes */
	void *private;		/* the harness's own */
};

extern __thread struct task *current_task;
/*
 * Make the calling thread a task and an RCU reader, for the rest of the
 * program: a thread that ends before is started by task_start() instead.
 */
struct task *task_register(void);

static inline struct task *current_get(void)
{
	struct task *t = current_task;

	return likely(t) ? t : task_register();
}
#define current	current_get()

/* All tasks there ever were, for onlookers; walk with ->next. */
struct task *task_list(void);
void task_name(struct task *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Forget and return what the caller has waited so far. */
void task_take_waits(struct wait_stat out[WAIT_KINDS]);
/* The same for what others made it wait by their list waits. */
struct wait_stat task_take_stall(void);

/* The process began with more than one: spinning may pay.  Constant. */
extern bool more_processors;

/* Monotonic time in nanoseconds. */
uint64_t now_ns(void);

/*
 * Announce the wish to sleep.  The full barrier pairs with the one that a
 * waker needs between making the condition true and looking for sleepers.
 */
static inline void set_current_state(int state)
{
	WRITE_ONCE(current->state, state);
	smp_mb();
}

/* For schedule_timeout(): a wait for a list begins, or has ended. */
void stall_clocks_start(struct task *t);
void stall_clocks_stop(struct task *t);

#define SLEEP_FOREVER	UINT64_MAX

/*
 * Sleep until woken or @ns have passed, if the state still says so, and
 * return in TASK_RUNNING.  Returns the time left, 0 when it ran out.
 * @kind and @on say to onlookers, and to the statistics, what for.
 */
uint64_t schedule_timeout(uint64_t ns, enum wait_kind kind, const void *on);
/* End @t's sleep, or the one it is about to begin.  True if it slept. */
bool wake_up_process(struct task *t);
/* Sleep that nothing is meant to end early. */
void sleep_ns(uint64_t ns, enum wait_kind kind);

struct thread {
	unsigned long handle;
	struct task *task;
	void (*fn)(void *arg);
	void *arg;
	const char *name;
	int cpu;		/* processor to run on, or -1 */
	int bound;		/* by the thread: 0, or -errno: it floats */
};

/*
 * Start a thread that is a task and an RCU reader.  0 or -errno.
 * @thread stays in use until task_join().  One that may not be bound to @cpu
 * runs all the same, wherever the caller may: ->bound says so from now on.
 */
int task_start(struct thread *thread, const char *name, int cpu,
	       void (*fn)(void *arg), void *arg);
/* Ask it to end and wake it; it sees task_should_stop(). */
void task_stop(struct thread *thread);
void task_join(struct thread *thread);

static inline bool task_should_stop(void)
{
	return smp_load_acquire(&current->stop);
}

#endif
