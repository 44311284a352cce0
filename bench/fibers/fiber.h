/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fibers that stand for the tasks of a cache, in one thread, and the world
 * that they live in: all their memory, at fixed addresses, so that it can be
 * put back as it was.  The caller of fibers_run() (the host) decides before
 * each access to shared memory who makes the next one; nothing here does.
 * What an access is, is the compiler's word: see tsan.c.
 *
 * Whatever the fibers do depends on what the host decides and on nothing
 * else: not on time, on addresses, or on other threads.
 */
#ifndef FIBERS_FIBER_H
#define FIBERS_FIBER_H

#include "bench/fibers/order.h"
#include "sync/sync.h"

#define FIBERS		64
#define FIBER_STACK	65536u
#define FIBER_STORES	32

enum fiber_why {
	FIBER_RUNS,		/* it can go on */
	FIBER_SPINS,		/* until somebody stores to ->spins_on */
	FIBER_SLEEPS,		/* until woken, or at ->expires */
	FIBER_JOINS,		/* until ->joins is done */
	FIBER_UNTIL,		/* until ->until holds, or at ->expires */
	FIBER_LOOPS,		/* for ever, between two accesses */
	FIBER_DONE,
};

/* A store that no other fiber sees yet. */
struct fiber_store {
	uintptr_t addr;
	uint64_t value;
	uint64_t order;		/* its place in the fiber's: order.h */
	unsigned int size;
};

struct fiber {
	void *sp;		/* switch.c's, while it does not run */
	unsigned int id;
	enum fiber_why why;
	uintptr_t spins_on;
	struct fiber *joins;
	bool (*until)(const void *on);
	const void *until_on;
	uint64_t expires;	/* virtual ns; 0: never */
	void (*fn)(void *arg);
	void *arg;
	struct task task;
	struct rcu_callback *deferred;
	/* Its memory: arena.c. */
	char *heap, *pages;	/* their ends */
	void *bins[64];
	void *page_bin;
	/* Oldest first; tsan.c. */
	unsigned int nr_stores;
	struct fiber_store stores[FIBER_STORES];
};

/* At the head of the arena. */
struct fiber_world {
	unsigned int nr;	/* fibers */
	unsigned int spinners;
	uint64_t now;		/* virtual ns: moves only by fiber_expire() */
	char *big;		/* arena.c: end of the large areas */
	struct fiber fiber[FIBERS];
};

#define WORLD_AT	0x100000000000ull
#define world		((struct fiber_world *)WORLD_AT)

enum fiber_stop {
	STOP_POINT,		/* it can go on: with an access */
	STOP_BLOCKED,		/* it cannot */
	STOP_YIELD,		/* it can, but asks for others */
	STOP_ENDED,		/* fibers_end() */
};

enum access { ACCESS_LOAD, ACCESS_STORE, ACCESS_RMW };

/* Of the run, beside the world. */
struct fibers {
	struct fiber *cur;
	uint64_t points;	/* accesses so far */
	uint64_t stop_at;	/* stop before this one */
	unsigned int plain;	/* other accesses since fibers_run() */
	bool ordered;		/* keep the order's hash: order.h */
	bool tso;		/* stores wait in buffers */
	bool stop_on_wake;	/* ... as soon as a fiber becomes runnable */
	uintptr_t addr;		/* STOP_POINT: of the access */
	enum access access;
	void *host_sp;
};

extern struct fibers fibers;

/* Map the arena, once a process; 0 or -errno. */
int arena_init(void);
/* Called when there is no more of @what, if set; does not return. */
extern void (*arena_full)(const char *what);

/* A fiber that has not run yet.  It never returns memory. */
struct fiber *fiber_new(const char *name, void (*fn)(void *arg), void *arg);
/* By the host: let @f go on, which can, until the next stop. */
enum fiber_stop fibers_run(struct fiber *f);
/* By a fiber: it is all over, whatever the others do. */
void __attribute__((noreturn)) fibers_end(void);
/* By a fiber: stop, as if there were an access. */
void fibers_pause(void);
/*
 * By a fiber: until @cond(@on), at which the host looks: it takes no lock and
 * changes nothing.  @ns: so long at most; 0: as long as it takes.
 */
void fiber_until(bool (*cond)(const void *on), const void *on, uint64_t ns);
/* By the host: does what @f waits for in fiber_until() hold? */
bool fiber_holds(struct fiber *f);
/* Time is up for a sleeper with a limit: so late is it now, and it can run. */
void fiber_expire(struct fiber *f);

/* --- what stands behind the accesses ------------------------------- */

void fibers_stop(enum fiber_stop why);
/* Plain accesses, in a row, of who does nothing else any more. */
#define FIBER_PLAIN_MAX		30000000u
void __attribute__((noreturn, cold)) fiber_loops(void);

/* Ahead of each access; who is in no world yet is not scheduled. */
static inline void fiber_before(const volatile void *addr, enum access access)
{
	if (unlikely(fibers.points >= fibers.stop_at)) {
		fibers.addr = (uintptr_t)addr;
		fibers.access = access;
		fibers_stop(STOP_POINT);
	}
	fibers.points++;
}

static inline void fiber_point(const volatile void *addr, enum access access)
{
	fiber_before(addr, access);
	if (fibers.ordered)
		order_access((uintptr_t)addr, access != ACCESS_LOAD);
}

/* Let those look again who spin on what was stored to. */
void fibers_stored(uintptr_t addr, size_t size);
/* The oldest @nr stores of @f, or all, reach memory. */
void fiber_drain(struct fiber *f, unsigned int nr);

/* By the host, not NULL: told of each copy to a large area, by who made it. */
extern void (*arena_copied)(char *to, size_t size);

#define ARENA_STACKS_AT	(WORLD_AT + (1ull << 24))
/* Pages and larger areas, which a snapshot has no copy of: arena.c. */
#define ARENA_PAGES_AT	(WORLD_AT + (1ull << 29))
#define ARENA_END	(WORLD_AT + (1ull << 31))

void arena_keep_pages(uintptr_t at, size_t size);

/* Ahead of each write. */
static inline void arena_about_to_write(uintptr_t at, size_t size)
{
	if (unlikely(at - ARENA_PAGES_AT < ARENA_END - ARENA_PAGES_AT))
		arena_keep_pages(at, size);
}

/* --- snapshots ------------------------------------------------------ */

struct snapshot;

/* NULL: no memory.  Never freed: there are as many as a search is deep. */
struct snapshot *snapshot_new(void);
/* Everything, while no fiber runs. */
void snapshot_save(struct snapshot *s);
/*
 * Put it back.  Snapshots that were saved after it are void from then on,
 * those before it are not.
 */
void snapshot_restore(struct snapshot *s);
size_t snapshot_bytes(const struct snapshot *s);

#endif
