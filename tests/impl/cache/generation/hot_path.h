/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one hit and its release execute, by stepping through them: locked
 * operations and shared lines must be the kernel's, in every fix, with no
 * indirect call and at most three instructions for the oracle.  Each
 * generation's test defines HOT_PATH_TEST and includes this first, then says
 * what its kernel does, and includes this once more.
 */
#if !defined(__x86_64__) || defined(DELWRI_CHECKING)

#ifndef HOT_PATH_DEFINED
#define HOT_PATH_DEFINED
#include <stdio.h>

int main(void)
{
	puts("skipped: it reads x86-64 code as built for release; "
	     "run the release build's test on such a machine");
	return 77;
}
#endif

#elif !defined(HOT_PATH_DEFINED)
#define HOT_PATH_DEFINED

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cache.h"
#include "cache/buf.h"
#include "cache/mount.h"
#include "tests/impl/cache/x86_trace.h"

#define BLOCK	1u
#define LINE	64u
#define OPS_MAX	64

struct locked_op {
	const char *field;
	enum op_kind kind;
	const char *kernel;	/* function and operation */
};

#define NR(array)	(sizeof(array) / sizeof((array)[0]))

#define FIELD(base, type, member) \
	{ #member, (base) + offsetof(type, member), \
	  sizeof(((type *)0)->member) }

struct place {
	const char *name;
	uint64_t addr;
	size_t size;
};

#else

static const char *const kind_names[] = {
	[OP_OTHER] = "other", [OP_ADD] = "add", [OP_CMPXCHG] = "cmpxchg",
	[OP_XCHG] = "xchg", [OP_FENCE] = "fence",
};

/* The objects of one mount that a hit touches. */
struct scene {
	const struct fix *fix;
	struct device *dev;
	struct mount *mp;
	struct buf *bp;
	struct place places[12];
};

static bool is_within(uint64_t addr, uint64_t start, size_t size)
{
	return addr - start < size;
}

static const char *place_name(const struct scene *s, const struct insn *insn)
{
	if (insn->kind == OP_FENCE)
		return "-";
	if (insn->own)
		return "the thread's own";
	for (const struct place *p = s->places; p->name; p++)
		if (is_within(insn->addr, p->addr, p->size))
			return p->name;
	if (is_within(insn->addr, (uint64_t)s->bp, sizeof(struct buf)))
		return "in the buffer";
	return "elsewhere";
}

static void scene_open(struct scene *s, const struct fix *fix)
{
	struct device_options dopt = { .nblocks = 128 };
	uint64_t bno = BLOCK;
	char why[256];

	*s = (struct scene){ .fix = fix };
	assert_int_equal(device_open(&dopt, &s->dev, why, sizeof(why)), 0);
	struct mount_options opt = { .device = s->dev,
				     .ag_count = 1,
				     .ag_blocks = 64,
				     .log_bytes = 1 << 20,
				     .headers_only = true };
	assert_int_equal(fix->mount(&opt, &s->mp), 0);
	assert_int_equal(fix->bench_fill(s->mp, bno, 1), 0);
	/* One buffer that names itself: every iteration is the same. */
	assert_int_equal(fix->bench_chain(s->mp, &bno, 1), 0);
	assert_int_equal(fix->buf_get(s->mp, bno, 1, 0, &s->bp), 0);
	fix->buf_relse(s->bp);
	struct place places[] = {
		PLACES((uint64_t)s->bp, (uint64_t)s->mp->m_ag, (uint64_t)s->mp),
		FIELD((uint64_t)s->bp, struct buf, b_sema.lock),
		FIELD((uint64_t)s->bp, struct buf, b_sema.count),
		FIELD((uint64_t)s->bp, struct buf, b_error),
		FIELD((uint64_t)s->bp, struct buf, b_mount),
		FIELD((uint64_t)s->mp, struct mount, m_points),
		{ NULL, 0, 0 },
	};
	memcpy(s->places, places, sizeof(places));
}

static void scene_close(struct scene *s)
{
	struct teardown left;

	s->fix->unmount(s->mp, &left);
	device_close(s->dev);
	assert_int_equal(left.buffers, 0);
}

/* What a traced run did. */
struct count {
	unsigned int insns, indirect, points, nr_ops;
	unsigned int written, touched;	/* lines of the buffer */
	struct {
		const char *field;
		enum op_kind kind;
		const uint8_t *ip;
	} ops[OPS_MAX];
};

static void count_trace(const struct scene *s, struct count *c)
{
	bool in_point = false;

	memset(c, 0, sizeof(*c));
	assert_uint_in_range(trace_nr, 1, TRACE_MAX - 1);
	c->insns = trace_nr;
	for (unsigned int i = 0; i < trace_nr; i++) {
		struct insn insn = decode(&trace[i]);
		const char *name = insn.memory ? place_name(s, &insn) : "-";
		unsigned int line = (insn.addr - (uint64_t)s->bp) / LINE;

		c->indirect += insn.indirect;
		/* The oracle's: two loads at most, a test, a branch. */
		if (!strcmp(name, "m_points"))
			in_point = true;
		if (!strcmp(name, "m_points") || !strcmp(name, "b_mount"))
			c->points++;
		else if (in_point && (insn.conditional || insn.op == 0x85))
			c->points++;
		if (insn.conditional)
			in_point = false;
		if (insn.memory && !insn.own &&
		    is_within(insn.addr, (uint64_t)s->bp, sizeof(struct buf))) {
			c->touched |= 1u << line;
			if (insn.write)
				c->written |= 1u << line;
		}
		if (insn.locked) {
			assert_uint_in_range(c->nr_ops, 0, OPS_MAX - 1);
			c->ops[c->nr_ops].field = name;
			c->ops[c->nr_ops].kind = insn.kind;
			c->ops[c->nr_ops++].ip = trace[i].ip;
		}
	}
}

static __attribute__((noinline)) void
run(const struct scene *s, bool chain, uint64_t nr, struct count *c)
{
	uint64_t bnos[2] = { BLOCK, BLOCK };
	int error;

	/* Once untraced: symbols are bound, the thread has its task. */
	assert_int_equal(s->fix->bench_lookup(s->mp, bnos, 2), 0);
	assert_int_equal(s->fix->bench_lookup_chain(s->mp, bnos, 2), 0);
	if (chain) {
		trace_switch(true);
		error = s->fix->bench_lookup_chain(s->mp, bnos, nr);
		trace_switch(false);
	} else {
		trace_switch(true);
		error = s->fix->bench_lookup(s->mp, bnos, nr);
		trace_switch(false);
	}
	assert_int_equal(error, 0);
	count_trace(s, c);
}

extern const uint8_t __executable_start[];

/*
 * One hit and release, which must be the kernel's @ops; its instructions.
 * With @held somebody else has a hold of the buffer meanwhile.
 */
static unsigned int check_hit(const struct scene *s, bool chain, bool held,
			      bool print)
{
	const struct locked_op *ops = held ? kernel_held : kernel_hit;
	unsigned int nr = held ? NR(kernel_held) : NR(kernel_hit);
	struct count one, two;

	if (held) {
		struct buf *bp;

		assert_int_equal(s->fix->buf_get(s->mp, BLOCK, 1, 0, &bp), 0);
		s->fix->buf_hold(bp);
		s->fix->buf_relse(bp);
	}
	run(s, chain, 1, &one);
	run(s, chain, 2, &two);
	if (held)
		s->fix->buf_rele(s->bp);
	if (print)
		for (unsigned int i = 0; i < one.nr_ops; i++)
			printf("  %-12s %-8s at %#lx  %s\n", one.ops[i].field,
			       kind_names[one.ops[i].kind],
			       (long)(one.ops[i].ip - __executable_start),
			       i < nr ? ops[i].kernel : "?");
	printf("%-22s %-18s %s%u instructions, %u locked, %u of the oracle, %u indirect; lines written %#x, touched %#x\n",
	       s->fix->name, chain ? "bench_lookup_chain" : "bench_lookup",
	       held ? "held by others, too: " : "", two.insns - one.insns,
	       two.nr_ops - one.nr_ops, two.points - one.points,
	       two.indirect - one.indirect, one.written, one.touched);
	assert_int_equal(one.nr_ops, nr);
	assert_int_equal(two.nr_ops, 2 * nr);
	for (unsigned int i = 0; i < two.nr_ops; i++) {
		const struct locked_op *op = &ops[i % nr];

		assert_string_equal(two.ops[i].field, op->field);
		assert_int_equal(two.ops[i].kind, op->kind);
	}
	assert_int_equal(one.written, kernel_lines);
	assert_int_equal(two.indirect, one.indirect);
	assert_uint_in_range(two.points - one.points,
			     1 + (held ? 0 : LRU_LOADS),
			     3 + (held ? 0 : LRU_LOADS));
	return two.insns - one.insns;
}

static void test_held(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, fixes[0]);
	check_hit(&s, false, true, true);
	check_hit(&s, true, true, false);
	scene_close(&s);
}

static void test_hit(void **state)
{
	unsigned int none[2] = { 0, 0 };
	struct scene s;

	(void)state;
	for (int f = 0; fixes[f]; f++) {
		if (fixes[f]->does_nothing)
			continue;
		scene_open(&s, fixes[f]);
		for (int chain = 0; chain < 2; chain++) {
			unsigned int n = check_hit(&s, chain, false,
						   f == 0 && chain);

			/*
			 * The baseline comes first; rare paths cost nothing.
			 * One more or less is a move between registers: a
			 * check would be a compare and a branch.
			 */
			if (f == 0)
				none[chain] = n;
			assert_uint_in_range(n, none[chain] - 1,
					     none[chain] + 1);
		}
		scene_close(&s);
	}
}

static void test_rcu_reader(void **state)
{
	struct scene s = { .bp = NULL };
	struct count c;

	(void)state;
	rcu_enter();
	rcu_exit();
	trace_switch(true);
	rcu_enter();
	rcu_exit();
	trace_switch(false);
	count_trace(&s, &c);
	printf("RCU reader: %u instructions, %u locked\n", c.insns, c.nr_ops);
	assert_int_equal(c.nr_ops, 0);
}

/* As the build calls its copy: cmake/Fixes.cmake. */
static void copy_name(const struct fix *fix, char *copy, size_t size)
{
	snprintf(copy, size, "%s_%s", fix->name, fix->cache);
	for (; *copy; copy++)
		if (!isalnum((unsigned char)*copy))
			*copy = '_';
}

static bool is_hot(const char *line, const struct fix *fix)
{
	static const char *const names[] = { "bench_lookup",
					     "bench_lookup_chain" };
	char label[160], copy[128];

	copy_name(fix, copy, sizeof(copy));
	for (int i = 0; i < 2; i++) {
		snprintf(label, sizeof(label), "<%s.%s>:", copy, names[i]);
		if (strstr(line, label))
			return true;
	}
	return false;
}

/* Also what is not executed: no function pointer in the timed loops. */
static void test_no_indirect(void **state)
{
	const char *program = getenv("DELWRIBENCH");
	unsigned int functions = 0, expected = 0, insns = 0;
	char command[4096], line[1024], self[64];
	bool hot = false;
	FILE *in;

	(void)state;
	snprintf(self, sizeof(self), "/proc/%d/exe", getpid());
	snprintf(command, sizeof(command),
		 "objdump -d --no-show-raw-insn '%s'",
		 program ? program : self);
	in = popen(command, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		if (strstr(line, ">:\n")) {
			hot = false;
			for (int f = 0; fixes[f] && !hot; f++)
				hot = is_hot(line, fixes[f]);
			functions += hot;
		} else if (hot) {
			insns++;
			if (strstr(line, "call ") || strstr(line, "jmp "))
				assert_null(strchr(line, '*'));
		}
	}
	assert_int_equal(pclose(in), 0);
	for (int f = 0; fixes[f]; f++)
		expected += 2;
	assert_int_equal(functions, expected);
	printf("%u functions of %u instructions, no indirect call\n",
	       functions, insns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hit),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_rcu_reader),
		cmocka_unit_test(test_no_indirect),
	};

	if (cache_choose("hot_path", CACHE))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
