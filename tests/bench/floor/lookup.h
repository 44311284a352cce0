/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The floor under lookup: it is the frozen one, finds what is there, and on
 * a hit executes the locked operations of the cache, on the same fields and
 * in the same order, and writes the same lines; `bare` executes none.  Each
 * generation's test says CACHE, FROZEN, HASH_PER_AG, the OPS and the field
 * whose first compare-and-swap takes the HOLD, and includes this.
 */
#include "tests/bench/bench_test.h"

#include <errno.h>

#include "bench/cache.h"
#include "bench/workload.h"
#include "cache/buf.h"

#define AGS		3u
#define AG_BLOCKS	1024u
#define PER_AG		500u
#define BUFFERS		(AGS * PER_AG)

static const struct fix *floor_named(const char *name)
{
	for (struct floor *f = floor_first(); f; f = floor_next(f))
		if (!strcmp(f->group, "lookup/") && !strcmp(f->fix->name, name))
			return f->fix;
	fail_msg("no floor %s under lookup/", name);
	return NULL;
}

static void test_frozen(void **state)
{
	unsigned int nr = 0;

	(void)state;
	for (struct floor *f = floor_first(); f; f = floor_next(f)) {
		if (strcmp(f->group, "lookup/"))
			continue;
		assert_string_equal(f->sha256, FROZEN);
		assert_string_equal(f->cache, CACHE);
		nr++;
	}
	/* Of no other generation. */
	assert_int_equal(nr, 2);
}

static void mount(const struct fix *fix, struct device *dev, uint32_t ag_blocks,
		  struct mount **mpp)
{
	const struct mount_options opt = {
		.device = dev,
		.ag_count = AGS,
		.ag_blocks = ag_blocks,
		.log_bytes = 1 << 20,
		.headers_only = true,
	};

	assert_int_equal(fix->mount(&opt, mpp), 0);
}

static void check_finds(const struct fix *fix)
{
	uint64_t order[BUFFERS], random = 1, at, absent = PER_AG + 1;
	struct teardown left;
	struct mount *mp;

	mount(fix, NULL, AG_BLOCKS, &mp);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		unsigned int j = bench_random(&random) % (i + 1);

		order[i] = order[j];
		order[j] = (uint64_t)(i / PER_AG) * AG_BLOCKS + 1 + i % PER_AG;
	}
	for (unsigned int i = 0; i < AGS; i++)
		assert_int_equal(fix->bench_fill(mp, i * AG_BLOCKS + 1, PER_AG),
				 0);
	assert_int_equal(fix->bench_chain(mp, order, BUFFERS), 0);
	/* The wrong buffer would name another one. */
	at = order[0];
	for (unsigned int i = 1; i <= 2 * BUFFERS; i++) {
		assert_int_equal(fix->bench_lookup_chain(mp, &at, 1), 0);
		assert_int_equal(at, order[i % BUFFERS]);
	}
	assert_int_equal(fix->bench_lookup_chain(mp, &at, BUFFERS - 1), 0);
	assert_int_equal(at, order[BUFFERS - 1]);
	assert_int_equal(fix->bench_lookup(mp, order, BUFFERS), 0);
	assert_int_equal(fix->bench_lookup(mp, &absent, 1), -ENOENT);
	assert_int_equal(fix->bench_lookup_chain(mp, &absent, 1), -ENOENT);
	fix->unmount(mp, &left);
}

static void test_finds(void **state)
{
	(void)state;
	check_finds(floor_named("floor"));
	check_finds(floor_named("bare"));
}

static void test_refuses(void **state)
{
	struct mount_options opt = { .ag_count = 1,
				     .ag_blocks = 1000,
				     .headers_only = true };
	const struct fix *fix = floor_named("floor");
	struct mount *mp;

	(void)state;
	if (HASH_PER_AG)
		assert_int_equal(fix->mount(&opt, &mp), -EINVAL);
	opt.ag_blocks = 1024;
	opt.headers_only = false;
	assert_int_equal(fix->mount(&opt, &mp), -EINVAL);
}

/* --- what it executes --------------------------------------------------- */

#if defined(__x86_64__) && !defined(DELWRI_CHECKING)

#include "tests/impl/cache/x86_trace.h"

#define OPS_MAX	16
#define LINE	64u

struct hit {
	unsigned int insns, nr_ops;
	struct {
		enum op_kind kind;
		uint64_t addr;
	} op[OPS_MAX];
	uint64_t written;		/* lines of the buffer */
	uint64_t touched;
	unsigned int indirect;
};

/* The first compare-and-swap takes the hold. */
static uint64_t buffer_of(const struct hit *hit)
{
	for (unsigned int i = 0; i < hit->nr_ops; i++)
		if (hit->op[i].kind == OP_CMPXCHG)
			return hit->op[i].addr - offsetof(struct buf, HOLD);
	return 0;
}

static void read_trace(struct hit *hit)
{
	uint64_t buf;

	memset(hit, 0, sizeof(*hit));
	hit->insns = trace_nr;
	assert_uint_in_range(trace_nr, 1, TRACE_MAX - 1);
	for (unsigned int i = 0; i < trace_nr; i++) {
		struct insn insn = decode(&trace[i]);

		if (!insn.locked)
			continue;
		assert_uint_in_range(hit->nr_ops, 0, OPS_MAX - 1);
		hit->op[hit->nr_ops].kind = insn.kind;
		hit->op[hit->nr_ops++].addr = insn.addr;
	}
	buf = buffer_of(hit);
	for (unsigned int i = 0; i < trace_nr; i++) {
		struct insn insn = decode(&trace[i]);

		hit->indirect += insn.indirect;
		if (!insn.memory || insn.own ||
		    insn.addr - buf >= sizeof(struct buf))
			continue;
		hit->touched |= 1ull << ((insn.addr - buf) / LINE);
		if (insn.write)
			hit->written |= 1ull << ((insn.addr - buf) / LINE);
	}
}

static __attribute__((noinline)) void trace_hit(const struct fix *fix,
						bool chain, struct hit *hit)
{
	struct device_options dopt = { .nblocks = AGS * AG_BLOCKS };
	uint64_t bnos[2] = { 1, 1 };
	struct teardown left;
	struct device *dev;
	struct mount *mp;
	char why[256];
	int error;

	assert_int_equal(device_open(&dopt, &dev, why, sizeof(why)), 0);
	mount(fix, dev, AG_BLOCKS, &mp);
	assert_int_equal(fix->bench_fill(mp, 1, 1), 0);
	assert_int_equal(fix->bench_chain(mp, bnos, 1), 0);
	/* Once untraced: symbols are bound, the thread has its task. */
	assert_int_equal(fix->bench_lookup(mp, bnos, 2), 0);
	assert_int_equal(fix->bench_lookup_chain(mp, bnos, 2), 0);
	trace_switch(true);
	if (chain)
		error = fix->bench_lookup_chain(mp, bnos, 1);
	else
		error = fix->bench_lookup(mp, bnos, 1);
	trace_switch(false);
	assert_int_equal(error, 0);
	read_trace(hit);
	fix->unmount(mp, &left);
	device_close(dev);
}

/* An address as both have it: an offset in the buffer, or outside of it. */
static uint64_t place(const struct hit *hit, unsigned int op)
{
	uint64_t at = hit->op[op].addr - buffer_of(hit);

	return at < sizeof(struct buf) ? at : UINT64_MAX;
}

/* Of the mount, not of the buffer: the same one, if the kernel has it so. */
static void check_outside(const struct hit *cache, const struct hit *floor);

static void check_same(bool chain)
{
	struct hit cache, floor;

	trace_hit(fixes[0], chain, &cache);
	trace_hit(floor_named("floor"), chain, &floor);
	printf("%s: %u locked operations, %u instructions and %u in the cache, lines written %#llx, touched %#llx and %#llx in the cache\n",
	       chain ? "dependent" : "independent", floor.nr_ops, floor.insns,
	       cache.insns,
	       (unsigned long long)floor.written,
	       (unsigned long long)floor.touched,
	       (unsigned long long)cache.touched);
	assert_int_equal(floor.nr_ops, OPS);
	assert_int_equal(cache.nr_ops, OPS);
	for (unsigned int i = 0; i < floor.nr_ops; i++) {
		assert_int_equal(floor.op[i].kind, cache.op[i].kind);
		assert_int_equal(place(&floor, i), place(&cache, i));
	}
	check_outside(&cache, &floor);
	assert_int_equal(floor.written, cache.written);
	/* Nothing that the cache leaves alone. */
	assert_int_equal(floor.touched & ~cache.touched, 0);
	/* The call of the table's entry. */
	assert_int_equal(floor.indirect, 1);
}

static void test_same_operations(void **state)
{
	(void)state;
	check_same(false);
	check_same(true);
}

static void test_bare(void **state)
{
	struct hit hit;

	(void)state;
	trace_hit(floor_named("bare"), false, &hit);
	assert_int_equal(hit.nr_ops, 0);
	trace_hit(floor_named("bare"), true, &hit);
	assert_int_equal(hit.nr_ops, 0);
}

#else

static void test_same_operations(void **state)
{
	(void)state;
	print_message("skipped: it reads x86-64 code as built for release\n");
	skip();
}

static void test_bare(void **state)
{
	test_same_operations(state);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_same_operations),
		cmocka_unit_test(test_bare),
	};

	if (cache_choose("floor", CACHE))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
