// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor under lookup: an array of chained buckets that never changes
 * once filled, and around the walk no more than the locked operations of
 * the cache's hit and release, in its order and on the same lines of a
 * buffer.  `floor` does them all, `bare` only walks the chain.  Frozen:
 * see README.md.
 */
#include "bench/workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/hash.h"

#define STALE		1u
#define LINE		__attribute__((aligned(64)))

/* What a lookup touches is where the cache's struct buf has it. */
struct cached {
	struct cached *next;		/* in its bucket */
	uint64_t bno;
	uint32_t pad1;
	atomic_t hold;
	uint32_t pad2;
	uint32_t flags;
	struct semaphore sema;
	uint64_t pad3[2];
	spinlock_t lock;		/* order of releases */
	uint32_t pad4[59];
	uint64_t next_bno;		/* of bench_lookup_chain() */
	uint32_t pad5;
	int error;
	uint64_t pad6[7];
};

struct ag {
	atomic_t ref;
	spinlock_t lock LINE;		/* of whoever fills */
	struct cached **bucket;
} LINE;

struct mount {
	unsigned int ag_count;
	unsigned int ag_bits;		/* log2 of an AG's blocks */
	uint32_t hash_mask;		/* its buckets less one */
	struct ag ag[];
};

/* --- not timed ---------------------------------------------------------- */

static void floor_unmount(struct mount *mp, struct teardown *left)
{
	*left = (struct teardown){ 0 };
	for (unsigned int i = 0; i < mp->ag_count; i++) {
		struct cached **bucket = mp->ag[i].bucket;

		for (uint64_t b = 0; bucket && b <= mp->hash_mask; b++)
			while (bucket[b]) {
				struct cached *c = bucket[b];

				bucket[b] = c->next;
				free(c);
			}
		free(bucket);
	}
	free(mp);
}

static int floor_mount(const struct mount_options *opt, struct mount **mpp)
{
	size_t size = sizeof(**mpp) + opt->ag_count * sizeof((*mpp)->ag[0]);
	struct teardown left;
	struct mount *mp;

	if (!opt->headers_only || opt->ag_blocks & (opt->ag_blocks - 1))
		return -EINVAL;
	mp = aligned_alloc(64, size);
	if (!mp)
		return -ENOMEM;
	memset(mp, 0, size);
	mp->ag_count = opt->ag_count;
	mp->ag_bits = __builtin_ctz(opt->ag_blocks);
	/* As many buckets as the cache has. */
	mp->hash_mask = HASH_MIN_SIZE - 1;
	while ((mp->hash_mask + 1) / 4 * 3 < opt->hash_hint)
		mp->hash_mask = mp->hash_mask * 2 + 1;
	for (unsigned int i = 0; i < mp->ag_count; i++) {
		mp->ag[i].bucket = calloc(mp->hash_mask + 1ull,
					  sizeof(struct cached *));
		if (!mp->ag[i].bucket)
			goto fail;
	}
	*mpp = mp;
	return 0;
fail:
	floor_unmount(mp, &left);
	return -ENOMEM;
}

static void floor_nothing(struct mount *mp)
{
	(void)mp;
}

static uint64_t floor_none(struct mount *mp)
{
	(void)mp;
	return 0;
}

static inline struct ag *ag_of(struct mount *mp, uint64_t bno)
{
	return &mp->ag[bno >> mp->ag_bits];
}

static inline struct cached **bucket_of(struct mount *mp, struct ag *ag,
					uint64_t bno)
{
	return &ag->bucket[hash_key(bno) & mp->hash_mask];
}

static int floor_fill(struct mount *mp, uint64_t bno, uint64_t nr)
{
	for (; nr; nr--, bno++) {
		struct ag *ag = ag_of(mp, bno);
		struct cached **bucket = bucket_of(mp, ag, bno);
		struct cached *c = aligned_alloc(64, sizeof(*c));

		if (!c)
			return -ENOMEM;
		memset(c, 0, sizeof(*c));
		c->bno = bno;
		atomic_set(&c->hold, 1);
		sema_init(&c->sema, 1);
		spin_lock_init(&c->lock);
		spin_lock(&ag->lock);
		c->next = *bucket;
		smp_store_release(bucket, c);
		spin_unlock(&ag->lock);
	}
	return 0;
}

static inline struct cached *find(struct mount *mp, struct ag *ag, uint64_t bno)
{
	struct cached *c = smp_load_acquire(bucket_of(mp, ag, bno));

	while (c && c->bno != bno)
		c = smp_load_acquire(&c->next);
	return c;
}

static int floor_chain(struct mount *mp, const uint64_t *bnos, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		struct cached *c = find(mp, ag_of(mp, bnos[i]), bnos[i]);

		if (!c)
			return -ENOENT;
		c->next_bno = bnos[(i + 1) % nr];
	}
	return 0;
}

/* --- timed -------------------------------------------------------------- */

static inline struct cached *get(struct mount *mp, uint64_t bno)
{
	struct ag *ag = ag_of(mp, bno);
	struct cached *c;

	atomic_inc(&ag->ref);
	rcu_enter();
	c = find(mp, ag, bno);
	if (unlikely(!c || !atomic_inc_not_zero(&c->hold))) {
		rcu_exit();
		atomic_dec(&ag->ref);
		return NULL;
	}
	rcu_exit();
	down(&c->sema);
	atomic_dec(&ag->ref);
	if (unlikely(c->flags & STALE))
		c->flags = 0;
	c->error = 0;
	return c;
}

static inline void put(struct cached *c)
{
	up(&c->sema);
	spin_lock(&c->lock);
	/* The last hold is the cache's own. */
	atomic_add_unless(&c->hold, -1, 1);
	spin_unlock(&c->lock);
}

static int floor_lookup(struct mount *mp, const uint64_t *bnos, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		struct cached *c = get(mp, bnos[i]);

		if (unlikely(!c))
			return -ENOENT;
		put(c);
	}
	return 0;
}

static int floor_lookup_chain(struct mount *mp, uint64_t *bno, uint64_t nr)
{
	uint64_t next = *bno;

	for (uint64_t i = 0; i < nr; i++) {
		struct cached *c = get(mp, next);

		if (unlikely(!c))
			return -ENOENT;
		next = c->next_bno;
		put(c);
	}
	*bno = next;
	return 0;
}

static int bare_lookup(struct mount *mp, const uint64_t *bnos, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++)
		if (unlikely(!find(mp, ag_of(mp, bnos[i]), bnos[i])))
			return -ENOENT;
	return 0;
}

static int bare_lookup_chain(struct mount *mp, uint64_t *bno, uint64_t nr)
{
	uint64_t next = *bno;

	for (uint64_t i = 0; i < nr; i++) {
		struct cached *c = find(mp, ag_of(mp, next), next);

		if (unlikely(!c))
			return -ENOENT;
		next = c->next_bno;
	}
	*bno = next;
	return 0;
}

#define FLOOR_TABLE(_name, _summary, _lookup, _chain)			\
{									\
	.name = _name,							\
	.summary = _summary,						\
	.mount = floor_mount,						\
	.unmount = floor_unmount,					\
	.log_force = floor_nothing,					\
	.ail_push_all = floor_nothing,					\
	.ail_push_all_sync = floor_nothing,				\
	.ail_items = floor_none,					\
	.bench_fill = floor_fill,					\
	.bench_chain = floor_chain,					\
	.bench_lookup = _lookup,					\
	.bench_lookup_chain = _chain,					\
}

static const struct fix fix_floor = FLOOR_TABLE(
	"floor", "the same locked operations and nothing more", floor_lookup,
	floor_lookup_chain);
static const struct fix fix_bare = FLOOR_TABLE(
	"bare", "only the walk of the chain", bare_lookup, bare_lookup_chain);

static struct floor lookup_floor = {
	.group = "lookup/",
	.fix = &fix_floor,
	.sha256 = FLOOR_SHA256,
};
static struct floor lookup_bare = {
	.group = "lookup/",
	.fix = &fix_bare,
	.sha256 = FLOOR_SHA256,
};

FLOOR(lookup_floor)
FLOOR(lookup_bare)
