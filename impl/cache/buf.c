// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lookup, locking, staling and release of buffers (kernel: xfs_buf.c).
 */
#include "cache/hooks.h"
#include "cache/mount.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

uint64_t hash_node_key(const struct hash_node *node)
{
	return container_of(node, struct buf, b_hash)->b_bno;
}

/* --- memory --------------------------------------------------------- */

static int this_node(void)
{
	unsigned int cpu, node;

	return getcpu(&cpu, &node) ? 0 : (int)(node % LRU_NODES);
}

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

/* Locked, held once, on nothing. */
static struct buf *buf_alloc(struct mount *mp, uint64_t bno, unsigned int len)
{
	size_t size = (sizeof(struct buf) + 63) / 64 * 64;
	struct buf *bp = aligned_alloc(64, size);

	if (!bp)
		return NULL;
	memset(bp, 0, size);
	bp->b_bno = bno;
	bp->b_length = len;
	atomic_set(&bp->b_hold, 1);
	atomic_set(&bp->b_lru_ref, 1);
	sema_init(&bp->b_sema, 0);
	list_init(&bp->b_lru);
	spin_lock_init(&bp->b_lock);
	wait_queue_init(&bp->b_waiters);
	list_init(&bp->b_list);
	completion_init(&bp->b_iowait);
	list_init(&bp->b_li_list);
	bp->b_mount = mp;
	bp->b_target = mp->m_device;
	bp->b_nid = this_node();
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
	log_force(bp->b_mount);
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

/* --- staling -------------------------------------------------------- */

static inline void buf_ioacct_dec(struct buf *bp)
{
	if (bp->b_state & BSTATE_IN_FLIGHT) {
		bp->b_state &= ~BSTATE_IN_FLIGHT;
		atomic_dec(&bp->b_mount->m_io_count);
	}
}

void buf_stale(struct buf *bp)
{
	ASSERT(buf_islocked(bp));
	buf_set(bp, BUF_STALE);
	fix_stale(bp);

	spin_lock(&bp->b_lock);
	buf_ioacct_dec(bp);
	atomic_set(&bp->b_lru_ref, 0);
	if (!(bp->b_state & BSTATE_DISPOSE) && lru_del(bp))
		atomic_dec(&bp->b_hold);
	ASSERT(atomic_read(&bp->b_hold) >= 1);
	spin_unlock(&bp->b_lock);
	point(bp, POINT_STALE);
}

/* --- release -------------------------------------------------------- */

void buf_hold(struct buf *bp)
{
	atomic_inc(&bp->b_hold);
}

static __attribute__((noinline)) void flag_leak(struct buf *bp)
{
	__atomic_fetch_add(&bp->b_mount->m_flag_leaks, 1, __ATOMIC_RELAXED);
	point(bp, POINT_FLAG_LEAK);
}

/* b_lock and bc_lock held, the count is zero; drops both. */
static __attribute__((noinline)) void buf_rele_last(struct buf *bp)
{
	struct ag *pag = bp->b_pag;

	if (!(READ_ONCE(bp->b_flags) & BUF_STALE) &&
	    atomic_read(&bp->b_lru_ref)) {
		if (lru_add(bp)) {
			bp->b_state &= ~BSTATE_DISPOSE;
			atomic_inc(&bp->b_hold);
		}
		buf_ioacct_dec(bp);	/* lru_drain() must find it */
		spin_unlock(&pag->bc_lock);
		spin_unlock(&bp->b_lock);
		return;
	}
	if (!(bp->b_state & BSTATE_DISPOSE))
		lru_del(bp);
	if (READ_ONCE(bp->b_flags) & BUF_DELWRI_Q)
		flag_leak(bp);
	hash_remove(&pag->bc_hash, &bp->b_hash, bp->b_bno);
	spin_unlock(&pag->bc_lock);
	atomic_dec(&pag->pag_ref);	/* the cached buffer's own */
	buf_ioacct_dec(bp);		/* unmount counts what is hashed */
	spin_unlock(&bp->b_lock);
	buf_free(bp);
}

void buf_rele(struct buf *bp)
{
	struct ag *pag = bp->b_pag;

	ASSERT(atomic_read(&bp->b_hold) > 0);
	/*
	 * b_lock first: else the last release could free the buffer under
	 * the last but one, which is still on its way out.
	 */
	spin_lock(&bp->b_lock);
	if (unlikely(atomic_dec_and_lock(&bp->b_hold, &pag->bc_lock))) {
		buf_rele_last(bp);
		return;
	}
	if (atomic_read(&bp->b_hold) == 1 && !list_empty(&bp->b_lru))
		buf_ioacct_dec(bp);
	spin_unlock(&bp->b_lock);
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
	current->events.found_stale++;
	if (unlikely(fix_linked(bp)))
		stat_meeting(bp, flags);
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

static inline bool buf_match(const struct buf *bp, uint64_t bno,
			     unsigned int len)
{
	/* A stale one of another length may share the block number. */
	return bp->b_bno == bno && likely(bp->b_length == len);
}

static inline struct buf *hash_find(struct hash *hash, uint64_t bno,
				    unsigned int len)
{
	struct hash_table *table = smp_load_acquire(&hash->table);
	struct hash_node **bucket, *node;

	do {
		bucket = hash_bucket(table, bno);
		do {
			hash_for_each(node, hash, bucket) {
				struct buf *bp = container_of(node, struct buf,
							      b_hash);

				if (buf_match(bp, bno, len))
					return bp;
			}
		} while (unlikely(node != hash_end(bucket)));
		/* Pairs with rehash(): a node that moved is in there. */
		table = smp_load_acquire(&table->future);
	} while (unlikely(table));
	return NULL;
}

static inline __attribute__((always_inline)) int
buf_lookup(struct ag *pag, uint64_t bno, unsigned int len,
	   unsigned int flags, struct buf **bpp)
{
	struct buf *bp;
	int error;

	rcu_enter();
	bp = hash_find(&pag->bc_hash, bno, len);
	if (!bp || !atomic_inc_not_zero(&bp->b_hold)) {
		rcu_exit();
		return -ENOENT;
	}
	rcu_exit();

	error = buf_find_lock(bp, flags);
	if (unlikely(error)) {
		buf_rele(bp);
		return error;
	}
	*bpp = bp;
	return 0;
}

/* A miss.  Takes over the caller's reference to @pag, whatever happens. */
static __attribute__((noinline)) int
buf_find_insert(struct mount *mp, struct ag *pag, uint64_t bno,
		unsigned int len, unsigned int flags, struct buf **bpp)
{
	struct buf *new = buf_alloc(mp, bno, len), *bp;
	int error = -ENOMEM;

	current->events.misses++;
	if (!new)
		goto out_put;
	spin_lock(&pag->bc_lock);
	bp = hash_find(&pag->bc_hash, bno, len);
	if (bp && atomic_inc_not_zero(&bp->b_hold)) {
		spin_unlock(&pag->bc_lock);
		error = buf_find_lock(bp, flags);
		if (error)
			buf_rele(bp);
		else
			*bpp = bp;
		goto out_free;
	}
	new->b_pag = pag;		/* the cached buffer's reference */
	hash_insert(&pag->bc_hash, &new->b_hash, bno);
	spin_unlock(&pag->bc_lock);
	*bpp = new;
	return 0;

out_free:
	buf_free(new);
out_put:
	atomic_dec(&pag->pag_ref);
	return error;
}

/* Inlined into the batches of bench_lookup(): the timed region. */
static inline __attribute__((always_inline)) int
buf_get_fast(struct mount *mp, uint64_t bno, unsigned int len,
	     unsigned int flags, struct buf **bpp)
{
	struct buf *bp = NULL, *missed;
	struct ag *pag;
	int error;

	if (unlikely(bno + len > mp->m_blocks || bno + len < bno))
		return -EINVAL;
	pag = ag_of(mp, bno);
	atomic_inc(&pag->pag_ref);

	error = buf_lookup(pag, bno, len, flags, &bp);
	if (unlikely(error)) {
		if (error != -ENOENT || (flags & BUF_GET_INCORE)) {
			atomic_dec(&pag->pag_ref);
			return error;
		}
		/* Not &bp: what a hit finds stays in a register. */
		error = buf_find_insert(mp, pag, bno, len, flags, &missed);
		if (error)
			return error;
		bp = missed;
	} else {
		atomic_dec(&pag->pag_ref);
	}
	if (!(flags & BUF_READ))
		bp->b_error = 0;
	*bpp = bp;
	return 0;
}

int buf_get(struct mount *mp, uint64_t bno, unsigned int len,
	    unsigned int flags, struct buf **bpp)
{
	current->events.lookups++;
	return buf_get_fast(mp, bno, len, flags, bpp);
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
		.hold = atomic_read(&bp->b_hold),
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
