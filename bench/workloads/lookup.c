// SPDX-License-Identifier: GPL-2.0-only
/*
 * lookup: get and release buffers, which is hits but for `miss` and
 * `stale`; nothing else happens.  `busy` is in lookup_busy.c.
 */
#include "bench/workloads/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cache_level.h"

#define ZIPF_BUFFERS	4096u
#define ZIPF_EXPONENT	0.99
#define ZIPF_KEYS	16384u		/* drawn per thread, then again */
/*
 * Misses between two purges.  They and as many residents twice over keep
 * the hash between its limits, so that no miss pays for a new table.
 */
#define MISSES		1024u
#define STALE_BUFFERS	512u
/* Of a buffer five lines, and its bucket: what a hit touches. */
#define HIT_BYTES	(5u * 64 + 8)

enum keys { DEPENDENT, INDEPENDENT, HOT, ZIPF, MISS, STALE };

struct lookup_case {
	enum keys keys;
	uint64_t per_run;	/* buffers of all threads; 0: small ones */
	bool one_ag;
	bool cold;		/* beyond caches: none to bring back */
};

struct lookup {
	struct instance *in;
	const struct lookup_case *how;
	uint64_t ops;		/* of the slice */
	bool used;		/* keys are no more what they are to be */
	struct looker looker[];
};

/* --- which buffers ------------------------------------------------------ */

/* Of each thread. */
static uint64_t nr_buffers(const struct lookup_case *how,
			   const struct bench *b)
{
	uint64_t nr = how->per_run / b->threads;

	if (how->keys == HOT)
		return 1;
	if (how->keys == ZIPF)
		return (ZIPF_BUFFERS + b->threads - 1) / b->threads;
	if (how->keys == MISS)
		return 2 * MISSES;
	return nr > LOOKUP_SMALL ? nr : LOOKUP_SMALL;
}

static uint64_t nr_cached(const struct lookup_case *how, const struct bench *b)
{
	return nr_buffers(how, b) + (how->keys == MISS ? MISSES : 0);
}

static bool is_one_ag(const struct lookup_case *how)
{
	return how->one_ag || how->keys == HOT;
}

/* A power of two, with room for the header. */
static uint32_t ag_blocks(const struct lookup_case *how, const struct bench *b)
{
	uint64_t blocks = 1 + nr_cached(how, b) *
				      (how->one_ag ? b->threads : 1);
	uint32_t size = 16;

	while (size < blocks)
		size *= 2;
	return size;
}

static uint64_t first_bno(const struct lookup *l, unsigned int worker)
{
	const struct bench *b = l->in->bench;

	if (l->how->keys == HOT)
		return 1;
	if (l->how->one_ag)
		return 1 + worker * nr_buffers(l->how, b);
	return 1 + (uint64_t)worker * ag_blocks(l->how, b);
}

static void lookup_mount_options(struct instance *in,
				 struct mount_options *opt)
{
	const struct lookup_case *how = in->workload->variant;
	unsigned int threads = in->bench->threads;

	opt->ag_count = is_one_ag(how) ? 1 : threads;
	opt->ag_blocks = ag_blocks(how, in->bench);
	opt->hash_hint = nr_cached(how, in->bench) *
			 (how->one_ag ? threads : 1);
	opt->headers_only = true;
}

static void lookup_footprint(const struct workload *w, const struct bench *b,
			     struct footprint *f)
{
	const struct lookup_case *how = w->variant;
	uint64_t nr = nr_buffers(how, b);

	f->buffers = how->keys == HOT ? 1 : nr_cached(how, b) * b->threads;
	f->bytes = sizeof(struct lookup) + b->threads * sizeof(struct looker);
	/* The order in which a thread chains its own; then its keys. */
	f->once = b->threads * nr * sizeof(uint64_t);
	if (how->keys == ZIPF)
		f->bytes += b->threads * ZIPF_KEYS * sizeof(uint64_t);
	if (how->keys == INDEPENDENT || how->keys == MISS)
		f->bytes += b->threads * nr * sizeof(uint64_t);
	if (how->keys == STALE)
		f->bytes += b->threads * STALE_BUFFERS *
			    (sizeof(uint64_t) + sizeof(struct buf *));
	/* Freed and allocated anew, aligned: glibc finds no use for most. */
	if (how->keys == MISS)
		f->kept_per_round = b->threads * MISSES * fixes[0]->buf_bytes;
}

/* --- start: by the thread that will use it, so that memory is its own --- */

/* Of all threads' buffers, the most wanted in turn in each AG. */
static int draw_zipf(const struct lookup *l, struct looker *me, uint64_t seed)
{
	unsigned int threads = l->in->bench->threads;
	int error = looker_zipf(me, me->nr * threads, ZIPF_EXPONENT, ZIPF_KEYS,
				seed);

	for (uint64_t i = 0; !error && i < me->nr_keys; i++) {
		uint64_t rank = me->keys[i];

		me->keys[i] = first_bno(l, rank % threads) + rank / threads;
	}
	return error;
}

/* A hold on each, so that they stay cached when they are stale. */
static int hold_keys(struct looker *me)
{
	const struct fix *fix = me->in->fix;
	int error;

	me->held = calloc(me->nr_keys, sizeof(*me->held));
	if (!me->held)
		return -ENOMEM;
	for (uint64_t i = 0; i < me->nr_keys; i++) {
		error = fix->buf_get(me->in->mp, me->keys[i], 1, 0,
				     &me->held[i]);
		if (error)
			return error;
		fix->buf_hold(me->held[i]);
		fix->buf_relse(me->held[i]);
	}
	return 0;
}

static int fill(const struct lookup *l, struct looker *me, uint64_t seed)
{
	uint64_t from = me->first;

	switch (l->how->keys) {
	case ZIPF:
		return draw_zipf(l, me, seed);
	case DEPENDENT:
	case HOT:
		return 0;
	case INDEPENDENT:
		me->nr_keys = me->nr;
		break;
	case MISS:
		me->nr_keys = MISSES;
		from += me->nr;
		break;
	case STALE:
		me->nr_keys = STALE_BUFFERS;
		break;
	}
	me->keys = looker_order(from, me->nr_keys, seed);
	if (!me->keys)
		return -ENOMEM;
	return l->how->keys == STALE ? hold_keys(me) : 0;
}

static void start_one(void *arg, unsigned int worker)
{
	struct lookup *l = arg;
	struct looker *me = &l->looker[worker];
	uint64_t seed = l->in->bench->seed + worker;

	me->in = l->in;
	me->first = first_bno(l, worker);
	me->nr = nr_buffers(l->how, l->in->bench);
	me->at = me->first;
	/* One buffer names itself, and one thread fills it in. */
	if (l->how->keys != HOT || worker == 0)
		me->error = looker_fill(me, seed);
	if (!me->error)
		me->error = fill(l, me, seed);
}

static int first_error(const struct lookup *l)
{
	for (unsigned int i = 0; i < l->in->bench->threads; i++)
		if (l->looker[i].error)
			return l->looker[i].error;
	return 0;
}

static int lookup_start(struct instance *in)
{
	unsigned int threads = in->bench->threads;
	struct pool_job job = { .run = start_one };
	struct lookup *l;
	size_t size;

	size = (sizeof(*l) + 127) / 128 * 128 + threads * sizeof(l->looker[0]);
	l = aligned_alloc(128, size);
	if (!l)
		return -ENOMEM;
	memset(l, 0, size);
	l->in = in;
	l->how = in->workload->variant;
	l->used = true;
	in->private = l;
	job.arg = l;
	pool_run(in->bench->pool, threads, &job);
	return first_error(l);
}

/* --- batches ------------------------------------------------------------ */

/*
 * miss: take out what the last slice brought in, as if somebody had freed
 * the blocks, so that the cache does not grow.  The kernel's shrinker would
 * do it, elsewhere and later; its choice would fall on residents too.
 * stale: what was found stale is not any more.
 */
static void reset(void *arg, unsigned int worker)
{
	struct lookup *l = arg;
	struct looker *me = &l->looker[worker];
	const struct fix *fix = l->in->fix;
	unsigned int flags = l->how->keys == MISS ? BUF_GET_INCORE : 0;
	struct buf *bp;

	for (uint64_t i = 0; i < me->nr_keys; i++) {
		int error = fix->buf_get(l->in->mp, me->keys[i], 1, flags,
					 &bp);

		if (!error) {
			fix->buf_stale(bp);
			fix->buf_relse(bp);
		} else if (error != -ENOENT) {
			me->error = error;
		}
	}
	me->next_key = 0;
}

/* Keys as they are to be.  Not timed. */
static void prepare(struct lookup *l)
{
	const struct pool_job job = { .run = reset, .arg = l };

	if (!l->used || (l->how->keys != MISS && l->how->keys != STALE))
		return;
	pool_run(l->in->bench->pool, l->in->bench->threads, &job);
	/* Nobody else frees memory while lookups are timed. */
	if (l->how->keys == MISS)
		rcu_drain();
	l->used = false;
}

/* So many that none is met twice before they are prepared again. */
static uint64_t slice_max(const struct lookup_case *how)
{
	if (how->keys == MISS)
		return MISSES - LOOKUP_SAMPLES;
	if (how->keys == STALE)
		return STALE_BUFFERS - LOOKUP_SAMPLES;
	return UINT64_MAX;
}

/* What the other caches displaced comes back. */
static void warm(void *arg, unsigned int worker)
{
	struct lookup *l = arg;
	struct looker *me = &l->looker[worker];
	uint64_t nr = me->keys ? me->nr_keys : me->nr;

	if (l->how->keys != MISS && l->how->keys != STALE)
		looker_look(me, l->how->cold ? LOOKUP_SMALL : nr);
	task_take_waits(me->waits);
}

static void look(void *arg, unsigned int worker)
{
	struct lookup *l = arg;

	looker_look(&l->looker[worker], l->ops);
}

/* Not timed: takes the workers' waits to where the caller finds them. */
static void collect(void *arg, unsigned int worker)
{
	struct lookup *l = arg;

	task_take_waits(l->looker[worker].waits);
}

static double run_slice(struct lookup *l, struct record *rec)
{
	struct pool *pool = l->in->bench->pool;
	unsigned int i, threads = l->in->bench->threads;
	const struct pool_job job = {
		.warm = warm,
		.run = look,
		.arg = l,
		.counted = rec,
	};
	const struct pool_job after = { .run = collect, .arg = l };
	double sum = 0;

	prepare(l);
	pool_run(pool, threads, &job);
	l->used = true;
	for (i = 0; i < threads; i++)
		sum += pool_elapsed_ns(pool, i);
	if (rec) {
		pool_run(pool, threads, &after);
		for (i = 0; i < threads; i++)
			record_add_waits(rec, l->looker[i].waits);
	}
	return sum / threads;
}

static int lookup_batch(struct instance *in, uint64_t ops, struct record *rec,
			double *mean)
{
	struct lookup *l = in->private;
	uint64_t left = ops, max = slice_max(l->how);
	double sum = 0;

	while (left) {
		l->ops = left < max ? left : max;
		left -= l->ops;
		sum += run_slice(l, rec);
	}
	*mean = sum / ops;
	return first_error(l);
}

static void sample_one(void *arg, unsigned int worker)
{
	struct lookup *l = arg;

	looker_sample(&l->looker[worker]);
}

/* A slice leaves so many keys unused. */
static int lookup_sample(struct instance *in, struct record *rec)
{
	struct lookup *l = in->private;
	unsigned int threads = in->bench->threads;
	const struct pool_job job = { .run = sample_one, .arg = l };

	pool_run(in->bench->pool, threads, &job);
	for (unsigned int i = 0; i < threads; i++)
		looker_record_sample(&l->looker[i], rec);
	if (rec->nr_batches == 0)
		record_huge_pages(rec);
	return first_error(l);
}

static void lookup_stop(struct instance *in)
{
	struct lookup *l = in->private;

	for (unsigned int i = 0; l && i < in->bench->threads; i++) {
		struct looker *me = &l->looker[i];

		for (uint64_t k = 0; me->held && k < me->nr_keys; k++)
			if (me->held[k])
				in->fix->buf_rele(me->held[k]);
		free(me->held);
		free(me->keys);
	}
	free(l);
	in->private = NULL;
}

/* --- cases -------------------------------------------------------------- */

static const char *const key_names[] = {
	[DEPENDENT] = "dependent keys",
	[INDEPENDENT] = "independent keys",
	[HOT] = "dependent keys",
	[ZIPF] = "independent keys",
	[MISS] = "each key missed: allocated, inserted",
	[STALE] = "each key found stale, on no list",
};

static void describe(const struct lookup_case *how, const struct bench *b,
		     char *text, size_t size)
{
	uint64_t nr = nr_buffers(how, b);
	char what[64], where[96];

	if (how->keys == HOT)
		snprintf(what, sizeof(what), "one buffer");
	else if (how->keys == ZIPF)
		snprintf(what, sizeof(what), "%u buffers, Zipf %.2f",
			 (unsigned int)nr * b->threads, ZIPF_EXPONENT);
	else
		snprintf(what, sizeof(what), "%u cached buffers each",
			 (unsigned int)nr);
	if (how->keys == ZIPF)
		nr *= b->threads;
	cache_level(nr * HIT_BYTES, b->threads, where, sizeof(where));
	snprintf(text, size, "%u thread%s, %s%s, %s, headers only, %s",
		 b->threads, b->threads == 1 ? "" : "s", what,
		 how->one_ag ? " in one AG" : "", where, key_names[how->keys]);
}

#define LOOKUP_CASE(_name, _order, _rounds, _batch_ns, _sharing,	\
		    _unfit, _summary, ...)				\
static const struct lookup_case how_##_name = { __VA_ARGS__ };		\
static void describe_##_name(const struct bench *b, char *text,		\
			     size_t size)				\
{									\
	describe(&how_##_name, b, text, size);				\
}									\
static struct workload lookup_##_name = {				\
	.name = "lookup/" #_name,					\
	.summary = _summary,						\
	.operation = "lookup",						\
	.variant = &how_##_name,					\
	.order = _order,						\
	.rounds = _rounds,						\
	.batch_ns = _batch_ns,						\
	.sharing = _sharing,						\
	.only_lookups = true,						\
	.per_thread = true,						\
	.unfit = _unfit,						\
	.footprint = lookup_footprint,					\
	.mount_options = lookup_mount_options,				\
	.start = lookup_start,						\
	.batch = lookup_batch,						\
	.sample = lookup_sample,					\
	.stop = lookup_stop,						\
	.describe = describe_##_name,					\
};									\
WORKLOAD(lookup_##_name)

/*
 * Batches so short that what disturbs the machine disturbs those of a round
 * alike, where the working set allows it: ratios of 1 ms spread 2.6 % from
 * block to block on a shared machine, those of 0.1 ms 1.1 %.
 */
LOOKUP_CASE(own_1k, 10, 300, 100000, true, NULL,
	    "hits on own buffers, working set of an L2 cache",
	    .keys = DEPENDENT)
LOOKUP_CASE(own_64k, 11, 20, 3000000, false, NULL,
	    "hits on own buffers, working set of an LLC",
	    .keys = DEPENDENT, .per_run = 64 * LOOKUP_KI)
LOOKUP_CASE(own_400k, 12, 25, 2000000, false, NULL,
	    "hits on own buffers, working set beyond caches",
	    .keys = DEPENDENT, .per_run = 400 * LOOKUP_KI, .cold = true)
LOOKUP_CASE(independent, 13, 300, 100000, false, NULL,
	    "hits on own buffers that overlap in the processor",
	    .keys = INDEPENDENT)
LOOKUP_CASE(one_ag, 14, 300, 100000, true, NULL,
	    "hits on own buffers, all in one AG",
	    .keys = DEPENDENT, .one_ag = true)
LOOKUP_CASE(hot, 15, 40, 4000000, true, NULL,
	    "hits on one buffer, by everybody",
	    .keys = HOT)
LOOKUP_CASE(zipf, 16, 60, 2000000, true, NULL,
	    "hits on shared buffers, few of them often",
	    .keys = ZIPF)
LOOKUP_CASE(miss, 17, 40, 400000, false, lookup_more_than_hits,
	    "buffers that are not cached",
	    .keys = MISS)
LOOKUP_CASE(stale, 18, 100, 50000, false, lookup_more_than_hits,
	    "buffers found stale, on nobody's list",
	    .keys = STALE)
