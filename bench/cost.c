// SPDX-License-Identifier: GPL-2.0-only
/*
 * cost-op: each operation COUNT times, then twice as often, so that the
 * difference is COUNT of them and nothing else; and all that a few times.
 * One thread does them, I/O completes on the device's own.  scripts/cost
 * says which functions count.
 */
#include "bench/cost.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cache.h"
#include "bench/cli.h"
#include "cache/format.h"

#define COUNT_MAX	65536u
#define TURNS		3u
/* Buffers that a bulk loader collects before it writes them. */
#define LIST		64u
/* What the AIL may have on its list. */
#define LONG_LIST	10000u
#define FIRST		(LIST + 1)	/* behind AG header and fixed blocks */

struct scene {
	const struct fix *fix;
	struct device *dev;
	struct mount *mp;
	struct buf **bufs;
	struct delwri_list **lists;
	uint64_t list;			/* so many buffers on each of these */
	uint64_t chain;			/* bench_lookup_chain()'s place */
	uint64_t uncached;		/* the first block of them */
};

struct operation {
	const char *name;
	bool headers_only;
	bool async;	/* its I/O ends after what is counted: else they race */
	bool long_list;	/* done LONG_LIST times, not COUNT */
	/* 0 or -errno; all of them do @nr. */
	int (*prepare)(struct scene *s, uint64_t nr);
	int (*run)(struct scene *s, uint64_t nr);
	int (*finish)(struct scene *s, uint64_t nr);
};

void __attribute__((noinline)) cost_begin(void)
{
	__asm__ volatile("" : : : "memory");
}

void __attribute__((noinline)) cost_end(void)
{
	__asm__ volatile("" : : : "memory");
}

/* --- lookups ------------------------------------------------------------ */

/* One buffer that names itself: every lookup is the same. */
static int hit_prepare(struct scene *s, uint64_t nr)
{
	int error;

	(void)nr;
	s->chain = FIRST;
	error = s->fix->bench_fill(s->mp, FIRST, 1);
	return error ? error : s->fix->bench_chain(s->mp, &s->chain, 1);
}

static int hit_run(struct scene *s, uint64_t nr)
{
	return s->fix->bench_lookup_chain(s->mp, &s->chain, nr);
}

/* Get @nr buffers, which were used before, and keep them locked. */
static int get_all(struct scene *s, uint64_t nr)
{
	int error = s->fix->bench_fill(s->mp, FIRST, nr);

	for (uint64_t i = 0; i < nr && !error; i++)
		error = s->fix->buf_get(s->mp, FIRST + i, 1, 0, &s->bufs[i]);
	return error;
}

static int release_all(struct scene *s, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++)
		s->fix->buf_relse(s->bufs[i]);
	return 0;
}

/* Blocks that were never cached; they stay, so that no memory is reused. */
static int miss_run(struct scene *s, uint64_t nr)
{
	int error = 0;

	for (uint64_t i = 0; i < nr && !error; i++)
		error = s->fix->buf_get(s->mp, s->uncached + i, 1, 0,
					&s->bufs[i]);
	return error;
}

static int miss_finish(struct scene *s, uint64_t nr)
{
	s->uncached += nr;
	return release_all(s, nr);
}

/* One more hold keeps it cached when it is stale. */
static int stale_prepare(struct scene *s, uint64_t nr)
{
	const struct fix *fix = s->fix;
	int error;

	(void)nr;
	error = fix->buf_get(s->mp, FIRST, 1, 0, &s->bufs[0]);
	if (error)
		return error;
	fix->buf_hold(s->bufs[0]);
	fix->buf_stale(s->bufs[0]);
	fix->buf_relse(s->bufs[0]);
	return 0;
}

static int stale_run(struct scene *s, uint64_t nr)
{
	struct buf *bp;
	int error;

	for (uint64_t i = 0; i < nr; i++) {
		error = s->fix->buf_get(s->mp, FIRST, 1, 0, &bp);
		if (error)
			return error;
		s->fix->buf_stale(bp);
		s->fix->buf_relse(bp);
	}
	return 0;
}

static int stale_finish(struct scene *s, uint64_t nr)
{
	(void)nr;
	s->fix->buf_rele(s->bufs[0]);
	return 0;
}

/* --- lists ---------------------------------------------------------------- */

static int queue_run(struct scene *s, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++)
		if (!s->fix->delwri_queue(s->bufs[i], s->lists[i / s->list]))
			return -ENOMEM;
	return 0;
}

static int bload_run(struct scene *s, uint64_t nr)
{
	int error = 0;

	for (uint64_t i = 0; i < nr && !error; i++)
		error = s->fix->delwri_queue_bload(s->bufs[i],
						   s->lists[i / s->list]);
	return error;
}

static int queue_finish(struct scene *s, uint64_t nr)
{
	release_all(s, nr);
	for (uint64_t i = 0; i < nr / s->list; i++)
		s->fix->delwri_cancel(s->lists[i]);
	return 0;
}

static int get_filled(struct scene *s, uint64_t nr)
{
	int error = get_all(s, nr);

	for (uint64_t i = 0; i < nr && !error; i++)
		s->fix->buf_fill(s->bufs[i]);
	return error;
}

/* Queued in the order of their blocks, as a bulk loader does. */
static int submit_prepare(struct scene *s, uint64_t nr)
{
	int error = get_filled(s, nr);

	if (!error)
		error = bload_run(s, nr);
	return error ? error : release_all(s, nr);
}

/* Queued in an order that has nothing to do with their blocks. */
static int push_prepare(struct scene *s, uint64_t nr)
{
	uint64_t seed = 1;
	int error = get_filled(s, nr);

	for (uint64_t i = nr - 1; i && !error; i--) {
		struct buf *bp = s->bufs[i];
		uint64_t other;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		other = (seed >> 32) % (i + 1);
		s->bufs[i] = s->bufs[other];
		s->bufs[other] = bp;
	}
	if (!error)
		error = queue_run(s, nr);
	return error ? error : release_all(s, nr);
}

static int submit_run(struct scene *s, uint64_t nr)
{
	int error = 0;

	for (uint64_t i = 0; i < nr / s->list && !error; i++)
		error = s->fix->delwri_submit(s->lists[i]);
	return error;
}

static int push_run(struct scene *s, uint64_t nr)
{
	for (uint64_t i = 0; i < nr / s->list; i++)
		if (s->fix->delwri_submit_nowait(s->lists[i]))
			return -EAGAIN;
	return 0;
}

static int push_finish(struct scene *s, uint64_t nr)
{
	(void)nr;
	device_hold(s->dev, UINT64_MAX);
	device_drain(s->dev);
	return 0;
}

static const struct operation operations[] = {
	{ "hit", .headers_only = true, .prepare = hit_prepare, .run = hit_run },
	{ "miss", .headers_only = true, .run = miss_run,
	  .finish = miss_finish },
	{ "stale", .headers_only = true, .prepare = stale_prepare, .run = stale_run,
	  .finish = stale_finish },
	{ "queue", .prepare = get_all, .run = queue_run,
	  .finish = queue_finish },
	{ "bload", .prepare = get_all, .run = bload_run,
	  .finish = queue_finish },
	{ "submit", .prepare = submit_prepare, .run = submit_run },
	{ "push", .async = true, .prepare = push_prepare, .run = push_run,
	  .finish = push_finish },
	{ "submit_10k", .long_list = true, .prepare = submit_prepare,
	  .run = submit_run },
	{ "push_10k", .long_list = true, .async = true,
	  .prepare = push_prepare, .run = push_run, .finish = push_finish },
};
#define OPERATIONS	(sizeof(operations) / sizeof(operations[0]))

/* --- one operation ------------------------------------------------------- */

static int scene_open(struct scene *s, const struct fix *fix,
		      const struct operation *op, uint64_t count)
{
	uint64_t list = op->long_list ? LONG_LIST : LIST;
	/* A miss needs blocks for the warm-up and all that comes after it. */
	uint64_t max = 2 * count, all = list + TURNS * (count + max);
	struct mount_options opt = {
		.ag_count = 1,
		.ag_blocks = FIRST + all,
		.log_bytes = 64 << 20,
		.hash_hint = all,
		.headers_only = op->headers_only,
	};
	struct device_options dopt = {
		.nblocks = opt.ag_blocks + LOG_BLOCKS,
	};
	char why[256];
	int error;

	*s = (struct scene){ .fix = fix, .list = list, .uncached = FIRST };
	s->bufs = calloc(max, sizeof(*s->bufs));
	s->lists = calloc(max / list, sizeof(*s->lists));
	if (!s->bufs || !s->lists)
		return -ENOMEM;
	error = device_open(&dopt, &s->dev, why, sizeof(why));
	if (error)
		return error;
	opt.device = s->dev;
	error = fix->mount(&opt, &s->mp);
	for (uint64_t i = 0; i < max / list && !error; i++) {
		s->lists[i] = fix->delwri_alloc(s->mp);
		if (!s->lists[i])
			error = -ENOMEM;
	}
	return error;
}

static void scene_close(struct scene *s, uint64_t count)
{
	struct teardown left;

	for (uint64_t i = 0; s->lists && i < 2 * count / s->list; i++)
		if (s->lists[i])
			s->fix->delwri_free(s->lists[i]);
	if (s->mp)
		s->fix->unmount(s->mp, &left);
	if (s->dev)
		device_close(s->dev);
	free(s->lists);
	free(s->bufs);
}

static int run(struct scene *s, const struct operation *op, uint64_t nr,
	       bool counted)
{
	int error = 0;

	if (op->prepare)
		error = op->prepare(s, nr);
	if (error)
		return error;
	if (op->async)
		device_hold(s->dev, DEVICE_HOLD_ALL);
	if (counted)
		cost_begin();
	error = op->run(s, nr);
	if (counted)
		cost_end();
	if (op->finish && !error)
		error = op->finish(s, nr);
	return error;
}

/* A line for each part that was counted, in their order. */
static int count_operation(const struct fix *fix, const struct operation *op,
			   uint64_t count)
{
	struct scene s;
	int error;

	if (op->long_list)
		count = LONG_LIST;
	if (fix->does_nothing && op->run != hit_run) {
		printf("%s absent only its batches of lookups do nothing\n",
		       op->name);
		return 0;
	}
	error = scene_open(&s, fix, op, count);
	/* What only the first ones do: symbols get bound, pools filled. */
	if (!error)
		error = run(&s, op, s.list, false);
	for (unsigned int i = 0; i < 2 * TURNS && !error; i++) {
		uint64_t nr = i % 2 ? 2 * count : count;

		error = run(&s, op, nr, true);
		if (!error)
			printf("%s %llu\n", op->name, (unsigned long long)nr);
	}
	scene_close(&s, count);
	return error;
}

/* --- the command --------------------------------------------------------- */

static int usage(const char *what, const char *arg)
{
	fprintf(stderr,
		"delwribench cost-op: %s '%s'; arguments: FIX COUNT [OPERATION...], COUNT a multiple of %u up to %u, operations:",
		what, arg, LIST, COUNT_MAX);
	for (unsigned int i = 0; i < OPERATIONS; i++)
		fprintf(stderr, " %s", operations[i].name);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

static bool is_named(const struct operation *op, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, op->name))
			return true;
	return false;
}

static bool is_operation(const char *name)
{
	for (unsigned int i = 0; i < OPERATIONS; i++)
		if (!strcmp(operations[i].name, name))
			return true;
	return false;
}

int cost_main(int argc, char **argv)
{
	const struct fix *const *f;
	unsigned long count;
	char *end;
	int error;

	if (argc > 2 && !strcmp(argv[1], "--cache")) {
		if (cache_choose("delwribench cost-op", argv[2]))
			return EXIT_USAGE;
		argc -= 2;
		argv += 2;
	}
	f = fixes;
	if (argc < 3)
		return usage("too few", argc > 1 ? argv[1] : "");
	while (*f && strcmp((*f)->name, argv[1]))
		f++;
	if (!*f)
		return usage("no fix", argv[1]);
	errno = 0;
	count = strtoul(argv[2], &end, 10);
	if (errno || *end || !count || count % LIST || count > COUNT_MAX)
		return usage("no count", argv[2]);
	for (int i = 3; i < argc; i++)
		if (!is_operation(argv[i]))
			return usage("no operation", argv[i]);

	for (unsigned int i = 0; i < OPERATIONS; i++) {
		if (!is_named(&operations[i], argv + 3))
			continue;
		error = count_operation(*f, &operations[i], count);
		if (error) {
			fprintf(stderr,
				"delwribench cost-op: %s of %s failed: %s; try a smaller COUNT, or see what scripts/verify says of the fix\n",
				operations[i].name, argv[1], strerror(-error));
			return 1;
		}
	}
	return 0;
}
