// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lookup, locking, staling and release of buffers (kernel: xfs_buf.c).
 */
#include "cache/hooks.h"
#include "cache/mount.h"

#include <stdlib.h>
#include <string.h>

uint64_t hash_node_key(const struct hash_node *node)
{
	return container_of(node, struct buf, b_hash)->b_bno;
}

static inline bool buf_match(const struct buf *bp, uint64_t bno,
			     unsigned int len)
{
	/* A stale one of another length may share the block number. */
	return bp->b_bno == bno && likely(bp->b_length == len);
}

bool hash_nodes_alike(const struct hash_node *a, const struct hash_node *b)
{
	const struct buf *other = container_of(b, struct buf, b_hash);

	return buf_match(container_of(a, struct buf, b_hash), other->b_bno,
			 other->b_length);
}

/* --- memory --------------------------------------------------------- */

static void buf_free_rcu(struct rcu_callback *cb)
{
	free(container_of(cb, struct buf, b_rcu));
}

/* Readers may still compare its key: the header lives on for a while. */
static void buf_free(struct buf *bp)
{
	ASSERT(list_empty(&bp->b_lru));
	free(bp->b_addr);
	rcu_defer(&bp->b_rcu, buf_free_rcu);
}

/* Held once, on nothing. */
static struct buf *buf_alloc(struct mount *mp, uint64_t bno, unsigned int len)
{
	size_t size = (sizeof(struct buf) + 63) / 64 * 64;
	struct buf *bp = aligned_alloc(64, size);

	if (!bp)
		return NULL;
	memset(bp, 0, size);
	bp->b_bno = bno;
	bp->b_length = len;
	hold_init(bp);
	atomic_set(&bp->b_lru_ref, 1);
	list_init(&bp->b_lru);
	wait_queue_init(&bp->b_waiters);
	list_init(&bp->b_list);
	completion_init(&bp->b_iowait);
	list_init(&bp->b_li_list);
	bp->b_mount = mp;
	bp->b_target = mp->m_device;
	bp->b_nid = host_node() % LRU_NODES;
	if (!mp->m_headers_only) {
		bp->b_addr = aligned_alloc(BLOCK_SIZE,
					   (size_t)len * BLOCK_SIZE);
		if (!bp->b_addr) {
			free(bp);
			return NULL;
		}
		memset(bp->b_addr, 0, (size_t)len * BLOCK_SIZE);
		bp->b_flags = BUF_PAGES;
	}
	fix_buf_init(bp);
	return bp;
}

/* --- locking -------------------------------------------------------- */

bool buf_trylock(struct buf *bp)
{
	return down_trylock(&bp->b_sema);
}

static __attribute__((noinline)) void force_for_lock(struct buf *bp)
{
	log_force_start(bp->b_mount);
}

static inline void buf_lock_fast(struct buf *bp)
{
	if (unlikely(atomic_read(&bp->b_pin_count) &&
		     (READ_ONCE(bp->b_flags) & BUF_STALE)))
		force_for_lock(bp);
	down(&bp->b_sema);
}

void buf_lock(struct buf *bp)
{
	buf_lock_fast(bp);
	point(bp, POINT_LOCKED);
}

void buf_unlock(struct buf *bp)
{
	ASSERT(buf_islocked(bp));
	up(&bp->b_sema);
}

static __attribute__((noinline)) void flag_leak(struct buf *bp)
{
	__atomic_fetch_add(&bp->b_mount->m_flag_leaks, 1, __ATOMIC_RELAXED);
	point(bp, POINT_FLAG_LEAK);
}

/* --- lookup --------------------------------------------------------- */

/* Found stale: whoever had it is done with it.  Buffer locked. */
static __attribute__((noinline)) int buf_find_stale(struct buf *bp,
						    unsigned int flags)
{
	int error;

	if (flags & BUF_GET_LIVESCAN) {
		buf_unlock(bp);
		return -ENOENT;
	}
	COUNT(stat_found_stale(bp, flags));
	error = fix_find_stale(bp, flags);
	if (error)
		return error;
	point(bp, POINT_LOOKUP_STALE);
	ASSERT(!(bp->b_flags & BUF_DELWRI_Q));
	WRITE_ONCE(bp->b_flags, bp->b_flags & BUF_PAGES);
	bp->b_ops = NULL;
	return 0;
}

static inline int buf_find_lock(struct buf *bp, unsigned int flags)
{
	int error = 0;

	do {
		if (flags & BUF_GET_TRYLOCK) {
			if (!buf_trylock(bp))
				return -EAGAIN;
		} else {
			buf_lock_fast(bp);
		}
		point(bp, POINT_LOOKUP);
		if (likely(!(bp->b_flags & BUF_STALE)))
			return 0;
		error = buf_find_stale(bp, flags);
	} while (error == -ERESTART);
	return error;
}

static inline struct buf *hash_find(struct hash *hash, uint64_t bno,
				    unsigned int len)
{
	struct hash_table *table = smp_load_acquire(&hash->table);
	struct hash_node *node;
	uintptr_t *bucket;

	do {
		bucket = hash_bucket(table, bno);
		do {
			hash_for_each(node, bucket) {
				struct buf *bp = container_of(node, struct buf,
							      b_hash);

				if (buf_match(bp, bno, len))
					return bp;
			}
		} while (unlikely(node != hash_end(bucket)));
		table = hash_future(table);
	} while (unlikely(table));
	return NULL;
}

/* --- of each generation --------------------------------------------- */

/*
 * Finding, inserting, holding and releasing: leave_lru(), buf_hold(),
 * buf_rele() and buf_get_fast().
 */
#include "lifetime.h"

int buf_get(struct mount *mp, uint64_t bno, unsigned int len,
	    unsigned int flags, struct buf **bpp)
{
	COUNT(current->events.lookups++);
	return buf_get_fast(mp, bno, len, flags, bpp);
}

/* --- staling -------------------------------------------------------- */

void buf_stale(struct buf *bp)
{
	ASSERT(buf_islocked(bp));
	buf_set(bp, BUF_STALE);
	fix_stale(bp);
	leave_lru(bp);
	point(bp, POINT_STALE);
}

/* --- what onlookers see --------------------------------------------- */

void buf_state_get(struct buf *bp, struct buf_state *state)
{
	uint32_t flags = READ_ONCE(bp->b_flags);
	const struct block_header *h = bp->b_addr;

	*state = (struct buf_state){
		.bno = bp->b_bno,
		.len = bp->b_length,
		.stale = flags & BUF_STALE,
		.delwri_q = flags & BUF_DELWRI_Q,
		.done = flags & BUF_DONE,
		.write_fail = flags & BUF_WRITE_FAIL,
		.linked = fix_linked(bp),
		.locked = buf_islocked(bp),
		.hold = buf_holds(bp),
		.pin = atomic_read(&bp->b_pin_count),
		.gen = h ? READ_ONCE(h->gen) : 0,
		.lock = &bp->b_sema,
		.link = buf_link(bp),
	};
}

void point_reached(struct buf *bp, enum point point)
{
	const struct point_ops *ops = bp->b_mount->m_points;
	struct buf_state state;

	buf_state_get(bp, &state);
	if (point == POINT_LOOKUP && state.delwri_q && !state.linked)
		flag_leak(bp);
	ops->reached(ops->ctx, point, &state);
}

void point_block(struct mount *mp, enum point point, uint64_t bno)
{
	struct buf_state state = { .bno = bno };

	if (unlikely(mp->m_points))
		mp->m_points->reached(mp->m_points->ctx, point,
				      bno == UINT64_MAX ? NULL : &state);
}

/* --- batches -------------------------------------------------------- */

#include "cache/bench.h"

int bench_fill(struct mount *mp, uint64_t bno, uint64_t nr)
{
	struct buf *bp;
	int error;

	if (fix_does_nothing())
		return 0;
	for (uint64_t i = 0; i < nr; i++) {
		error = buf_get(mp, bno + i, 1, 0, &bp);
		if (error)
			return error;
		buf_set(bp, BUF_DONE);
		buf_relse(bp);
	}
	return 0;
}

int bench_chain(struct mount *mp, const uint64_t *bnos, uint64_t nr)
{
	struct buf *bp;
	int error;

	if (fix_does_nothing())
		return 0;
	for (uint64_t i = 0; i < nr; i++) {
		error = buf_get(mp, bnos[i], 1, 0, &bp);
		if (error)
			return error;
		bp->b_next = bnos[(i + 1) % nr];
		buf_relse(bp);
	}
	return 0;
}

int bench_lookup(struct mount *mp, const uint64_t *bnos, uint64_t nr)
{
	struct buf *bp;
	int error;

	for (uint64_t i = 0; i < nr; i++) {
		if (fix_does_nothing()) {
			__asm__ volatile("" : : "r"(bnos[i]) : "memory");
			continue;
		}
		error = buf_get_fast(mp, bnos[i], 1, 0, &bp);
		if (unlikely(error))
			return error;
		buf_relse(bp);
	}
	return 0;
}

int bench_lookup_chain(struct mount *mp, uint64_t *bno, uint64_t nr)
{
	uint64_t next = *bno;
	struct buf *bp;
	int error;

	for (uint64_t i = 0; i < nr; i++) {
		if (fix_does_nothing()) {
			__asm__ volatile("" : "+r"(next) : : "memory");
			continue;
		}
		error = buf_get_fast(mp, next, 1, 0, &bp);
		if (unlikely(error))
			return error;
		next = bp->b_next;
		buf_relse(bp);
	}
	*bno = next;
	return 0;
}
