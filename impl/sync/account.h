/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a fix costs others.  A stall clock goes while whoever holds a lock
 * sleeps until a buffer leaves a list: those who wait for that lock read it
 * before and after.  A counted spinlock is one that a fix has added.  Only
 * instrumented copies of the cache call any of it: see cache/count.h.
 * Included by sync.h.
 */
#ifndef SYNC_ACCOUNT_H
#define SYNC_ACCOUNT_H

/* What somebody holds for long, and others wait for. */
enum held { HELD_AG, HELD_INODE, HELD_BUF, HELD_KINDS };

/* Part of an AG's header or an inode: of the lock that it has. */
struct stall_clock {
	spinlock_t lock;
	enum held kind;			/* constant */
	uint64_t since;			/* lock: it goes since then; 0: not */
	uint64_t total_ns;		/* lock: when it went before */
};

#define HELD_CLOCKS	4

/* Of a task, by itself. */
struct holdings {
	struct stall_clock *clock[HELD_CLOCKS];	/* NULL: free */
	unsigned int nr[HELD_KINDS];
	uint64_t stalled_from;	/* stall_begin()'s reading */
};

void stall_clock_init(struct stall_clock *clock, enum held kind);
/*
 * Around the wait for the lock, one at a time: charges the caller with the
 * overlap.
 */
void stall_begin(struct stall_clock *clock);
void stall_end(struct stall_clock *clock);
/* The caller has the lock; again and again is once. */
void task_holds(struct stall_clock *clock);
/* ... and is about to let go of it, if it has it. */
void task_lets_go(struct stall_clock *clock);
/* Another, or one less, of what has no clock. */
void task_holds_buf(int change);

/* Holds, of all tasks; held_ns is estimated from every 16th. */
struct lock_stat {
	uint64_t taken;
	uint64_t contended;		/* somebody had it */
	uint64_t held_ns;
};

#define LOCK_SAMPLE	16

/* All locks that any task has taken by counted_lock() so far. */
struct lock_stat lock_stat_sum(void);

/*
 * What a task has done since its slot was made: of lookups how each ended
 * but for those of bench_lookup*(), which count themselves only when they
 * are no hits; futex calls to sleep and to wake, but for daemons' pauses.
 */
struct event_stat {
	uint64_t lookups;
	uint64_t misses;
	uint64_t found_stale;
	uint64_t log_forces;
	uint64_t futex_calls;
};

#endif
