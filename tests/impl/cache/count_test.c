// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timed copies touch nothing that only counts, by stepping through what is
 * timed; instrumented ones do.  And a counted lock counts.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* counted_lock() of an instrumented copy. */
#define CACHE_COUNTS	1
/* A repair has some ten thousand instructions. */
#define TRACE_MAX	262144

#include "tests/impl/cache/cache_test.h"

#include <sched.h>
#include <stdio.h>

#include "cache/mount.h"

/* --- counted locks -------------------------------------------------------- */

struct counted {
	spinlock_t lock;
	int taken;			/* atomic */
};

static void take_counted(void *arg)
{
	struct counted *c = arg;

	smp_store_release(&c->taken, 1);
	counted_lock(&c->lock);
	counted_unlock(&c->lock);
}

static void test_counted_lock(void **state)
{
	struct lock_stat before = lock_stat_sum(), after;
	struct counted c = { .lock = SPINLOCK_INIT };
	uint64_t shortest = UINT64_MAX, ns;
	struct thread thread;

	(void)state;
	for (int i = 0; i < LOCK_SAMPLE; i++) {
		counted_lock(&c.lock);
		ns = now_ns();
		while (now_ns() - ns < 1000)
			;
		ns = now_ns() - ns;
		counted_unlock(&c.lock);
		if (ns < shortest)
			shortest = ns;
	}
	after = lock_stat_sum();
	assert_int_equal(after.taken - before.taken, LOCK_SAMPLE);
	assert_int_equal(after.contended, before.contended);
	/* Exactly one of them was timed. */
	assert_true(after.held_ns - before.held_ns >= LOCK_SAMPLE * shortest);

	spin_lock(&c.lock);
	assert_int_equal(task_start(&thread, "taker", -1, take_counted, &c), 0);
	wait_until(smp_load_acquire(&c.taken));
	/* It contends from the moment its word says so. */
	while (READ_ONCE(c.lock.word) == SPINLOCK_LOCKED)
		sched_yield();
	spin_unlock(&c.lock);
	task_join(&thread);
	before = after;
	after = lock_stat_sum();
	assert_int_equal(after.taken - before.taken, 1);
	assert_int_equal(after.contended - before.contended, 1);
}

/* --- timed copies --------------------------------------------------------- */

#if defined(__x86_64__) && !defined(DELWRI_CHECKING)

#include "tests/impl/cache/x86_trace.h"

#define RECORDS		400u		/* two leaves and their root */

extern const uint8_t __executable_start[], etext[];

struct scene {
	struct fs fs;
	struct buf *bp;
	struct delwri_list *list;
	struct repair_result res;
};

static void do_miss(struct scene *s)
{
	s->bp = NULL;
	s->fs.fix->buf_get(s->fs.mp, 100, 1, 0, &s->bp);
}

static void do_queue(struct scene *s)
{
	s->fs.fix->delwri_queue(s->bp, s->list);
	s->fs.fix->buf_relse(s->bp);
}

static void do_push(struct scene *s)
{
	s->fs.fix->delwri_submit_nowait(s->list);
}

static void do_stale(struct scene *s)
{
	s->fs.fix->buf_get(s->fs.mp, 100, 1, 0, &s->bp);
	s->fs.fix->buf_hold(s->bp);
	s->fs.fix->buf_stale(s->bp);
	s->fs.fix->buf_relse(s->bp);
}

static void do_hit(struct scene *s)
{
	s->fs.fix->buf_get(s->fs.mp, 100, 1, 0, &s->bp);
}

static void do_queue_bload(struct scene *s)
{
	s->fs.fix->buf_fill(s->bp);
	s->fs.fix->delwri_queue_bload(s->bp, s->list);
	s->fs.fix->buf_relse(s->bp);
	s->fs.fix->buf_rele(s->bp);
}

static void do_submit(struct scene *s)
{
	s->fs.fix->delwri_submit(s->list);
}

static void do_bulkload(struct scene *s)
{
	s->fs.fix->bulkload(s->fs.mp, 1, RECORDS, &s->res);
}

static void do_repair(struct scene *s)
{
	s->fs.fix->repair(s->fs.mp, 1, RECORDS, &s->res);
}

/* One after the other; @counts: the instrumented copy touches a count. */
static const struct {
	const char *name;
	void (*run)(struct scene *s);
	bool counts;
} steps[] = {
	{ "miss", do_miss, true },
	{ "queue", do_queue, false },
	{ "push", do_push, false },
	{ "stale", do_stale, true },
	{ "hit on a stale one", do_hit, true },
	{ "queue by the loader", do_queue_bload, false },
	{ "submit", do_submit, false },
	{ "bulk load", do_bulkload, true },
	{ "repair", do_repair, true },
	{ "repair again", do_repair, true },
};

static bool is_within(uint64_t addr, const void *start, const void *end)
{
	return addr >= (uint64_t)start && addr < (uint64_t)end;
}

#define FIELD_OF(addr, field)	is_within(addr, &(field), &(field) + 1)

/* Does it only serve a report? */
static bool is_count(const struct scene *s, uint64_t addr)
{
	const struct mount *mp = s->fs.mp;
	const struct task *t = current;

	for (unsigned int i = 0; i < mp->m_ag_count; i++)
		if (FIELD_OF(addr, mp->m_ag[i].header_stall))
			return true;
	return FIELD_OF(addr, t->stall) || FIELD_OF(addr, t->holdings) ||
	       FIELD_OF(addr, t->locks) || FIELD_OF(addr, t->events) ||
	       FIELD_OF(addr, t->lock_since) || FIELD_OF(addr, mp->m_stat) ||
	       FIELD_OF(addr, mp->m_log_items) || FIELD_OF(addr, mp->m_entries);
}

/* Instructions of step @i that touch a count; the program's own only. */
static unsigned int run_step(struct scene *s, unsigned int i)
{
	unsigned int own = 0, counts = 0;

	trace_switch(true);
	steps[i].run(s);
	trace_switch(false);
	assert_uint_in_range(trace_nr, 1, TRACE_MAX - 1);
	for (unsigned int k = 0; k < trace_nr; k++) {
		struct insn insn;

		if (!is_within((uint64_t)trace[k].ip, __executable_start,
			       etext))
			continue;
		insn = decode(&trace[k]);
		own++;
		counts += insn.memory && !insn.own && is_count(s, insn.addr);
	}
	printf("%-20s %-20s %6u instructions, %u of them for a report\n",
	       s->fs.fix->name, steps[i].name, own, counts);
	device_drain(s->fs.dev);
	return counts;
}

static void check_copy(const struct fix *fix)
{
	struct scene s = { .bp = NULL };

	fs_open(&s.fs, fix, 0, 0);
	s.list = fix->delwri_alloc(s.fs.mp);
	for (unsigned int i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		unsigned int counts = run_step(&s, i);

		if (fix->counting != fix)
			assert_int_equal(counts, 0);
		else if (steps[i].counts)
			assert_int_not_equal(counts, 0);
	}
	fix->delwri_free(s.list);
	fs_close(&s.fs);
}

static void test_timed_copies(void **state)
{
	unsigned int timed = 0;

	(void)state;
	for (int i = 0; fixes[i]; i++) {
		assert_ptr_equal(fixes[i]->counting->counting,
				 fixes[i]->counting);
		assert_string_equal(fixes[i]->counting->name, fixes[i]->name);
		assert_null(fixes[i]->stat_take);
		if (!is_real(fixes[i]))
			continue;
		/* That it would be seen. */
		if (!timed++)
			check_copy(fixes[i]->counting);
		check_copy(fixes[i]);
	}
	assert_int_not_equal(timed, 0);
}

#else

/* Nothing is timed in such a build. */
static void test_timed_copies(void **state)
{
	(void)state;
#ifdef DELWRI_CHECKING
	for (int i = 0; fixes[i]; i++)
		assert_ptr_equal(fixes[i]->counting, fixes[i]);
#else
	printf("skipped: single steps are written for x86-64\n");
	skip();
#endif
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted_lock),
		cmocka_unit_test(test_timed_copies),
	};

	return cmocka_run_group_tests_name("count", tests, NULL, NULL);
}
