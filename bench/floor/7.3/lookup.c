// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor under lookup in the cache of Linux 7.3: an array of chained
 * buckets that never changes once filled, and around the walk no more than the
 * locked operations of the cache's hit and release, in its order and on the
 * same lines of a buffer and of the LRU.  `floor` does them all, `bare` only
 * walks the chain.  Frozen: see ../README.md.
 */
#include "bench/workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/hash.h"
#include "sync/lockref.h"

#define STALE		1u
#define LINE		__attribute__((aligned(64)))

/* What a lookup touches is where the cache's struct buf has it. */
struct cached {
	struct cached *next;		/* in its bucket */
	uint64_t bno;
	uint32_t pad1[2];
	struct lockref ref;		/* 0: cached, unused */
	uint32_t lru_ref;
	uint32_t flags;
	struct semaphore sema;
	struct list_head lru;		/* mount's lru_lock */
	uint64_t pad2[7];
	struct mount *mount;		/* whose LRU; kernel: b_target */
	uint64_t pad3[14];
	uint64_t next_bno;		/* of bench_lookup_chain() */
	uint64_t pad4[2];
	int error;
	uint64_t pad5[12];
};

struct mount {
	struct cached **bucket;
	uint32_t hash_mask;		/* its buckets less one */
	uint32_t buckets;
	spinlock_t lock LINE;		/* of whoever fills */
	spinlock_t lru_lock LINE;	/* of everybody */
	struct list_head lru_list;
};

/* --- not timed ---------------------------------------------------------- */

static void floor_unmount(struct mount *mp, struct teardown *left)
{
	*left = (struct teardown){ 0 };
	for (uint64_t b = 0; b <= mp->hash_mask; b++)
		while (mp->bucket[b]) {
			struct cached *c = mp->bucket[b];

			mp->bucket[b] = c->next;
			free(c);
		}
	free(mp->bucket);
	free(mp);
}

static int floor_mount(const struct mount_options *opt, struct mount **mpp)
{
	uint64_t hint = (uint64_t)opt->hash_hint * opt->ag_count;
	struct mount *mp;

	if (!opt->headers_only)
		return -EINVAL;
	mp = aligned_alloc(64, sizeof(*mp));
	if (!mp)
		return -ENOMEM;
	memset(mp, 0, sizeof(*mp));
	list_init(&mp->lru_list);
	/* As many buckets as the cache has. */
	mp->hash_mask = HASH_MIN_SIZE - 1;
	while ((mp->hash_mask + 1) / 4 * 3 < hint)
		mp->hash_mask = mp->hash_mask * 2 + 1;
	mp->bucket = calloc(mp->hash_mask + 1ull, sizeof(struct cached *));
	if (!mp->bucket) {
		free(mp);
		return -ENOMEM;
	}
	*mpp = mp;
	return 0;
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

static inline struct cached **bucket_of(struct mount *mp, uint64_t bno)
{
	return &mp->bucket[hash_key(bno) & mp->hash_mask];
}

static int floor_fill(struct mount *mp, uint64_t bno, uint64_t nr)
{
	for (; nr; nr--, bno++) {
		struct cached **bucket = bucket_of(mp, bno);
		struct cached *c = aligned_alloc(64, sizeof(*c));

		if (!c)
			return -ENOMEM;
		memset(c, 0, sizeof(*c));
		c->bno = bno;
		c->lru_ref = 1;
		c->mount = mp;
		lockref_init(&c->ref);
		lockref_count_set(&c->ref, 0);
		sema_init(&c->sema, 1);
		spin_lock(&mp->lru_lock);
		list_add_tail(&c->lru, &mp->lru_list);
		spin_unlock(&mp->lru_lock);
		spin_lock(&mp->lock);
		c->next = *bucket;
		smp_store_release(bucket, c);
		spin_unlock(&mp->lock);
	}
	return 0;
}

static inline struct cached *find(struct mount *mp, uint64_t bno)
{
	struct cached *c = smp_load_acquire(bucket_of(mp, bno));

	while (c && c->bno != bno)
		c = smp_load_acquire(&c->next);
	return c;
}

static int floor_chain(struct mount *mp, const uint64_t *bnos, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		struct cached *c = find(mp, bnos[i]);

		if (!c)
			return -ENOENT;
		c->next_bno = bnos[(i + 1) % nr];
	}
	return 0;
}

/* --- timed -------------------------------------------------------------- */

static inline struct cached *get(struct mount *mp, uint64_t bno)
{
	struct cached *c;

	rcu_enter();
	c = find(mp, bno);
	if (unlikely(!c || !lockref_get_not_dead(&c->ref))) {
		rcu_exit();
		return NULL;
	}
	rcu_exit();
	down(&c->sema);
	if (unlikely(c->flags & STALE))
		c->flags = 0;
	c->error = 0;
	return c;
}

/* Like xfs_buf_rele(), it is given the buffer alone. */
static inline void put(struct cached *c)
{
	struct mount *mp;

	up(&c->sema);
	if (lockref_put_or_lock(&c->ref))
		return;
	/* Nobody's any more: what is on the LRU stays there. */
	lockref_count_set(&c->ref, 0);
	mp = c->mount;
	spin_lock(&mp->lru_lock);
	if (unlikely(list_empty(&c->lru)))
		list_add_tail(&c->lru, &mp->lru_list);
	spin_unlock(&mp->lru_lock);
	spin_unlock(&c->ref.lock);
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
		if (unlikely(!find(mp, bnos[i])))
			return -ENOENT;
	return 0;
}

static int bare_lookup_chain(struct mount *mp, uint64_t *bno, uint64_t nr)
{
	uint64_t next = *bno;

	for (uint64_t i = 0; i < nr; i++) {
		struct cached *c = find(mp, next);

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
