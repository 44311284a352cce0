/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How Linux 6.12 finds, inserts, holds and releases buffers: the LRU's hold
 * keeps an unused one; a lookup takes and gives its AG a reference; a new one
 * is locked when it enters the AG's hash (kernel: xfs_buf_lookup,
 * xfs_buf_find_insert, xfs_buf_rele_cached, xfs_buf_stale).  A part of
 * cache/buf.c, so that a hit is inlined into the timed batches.
 */

static inline void buf_ioacct_dec(struct buf *bp)
{
	if (bp->b_state & BSTATE_IN_FLIGHT) {
		bp->b_state &= ~BSTATE_IN_FLIGHT;
		atomic_dec(&bp->b_mount->m_io_count);
	}
}

/* Staled, buffer locked: not to be kept once it is released. */
static inline void leave_lru(struct buf *bp)
{
	spin_lock(&bp->b_lock);
	buf_ioacct_dec(bp);
	atomic_set(&bp->b_lru_ref, 0);
	if (!(bp->b_state & BSTATE_DISPOSE) && lru_del(bp))
		atomic_dec(&bp->b_hold);
	ASSERT(atomic_read(&bp->b_hold) >= 1);
	spin_unlock(&bp->b_lock);
}

void buf_hold(struct buf *bp)
{
	atomic_inc(&bp->b_hold);
}

/* b_lock and bc_lock held, the count is zero; drops both. */
static __attribute__((noinline)) void buf_rele_last(struct buf *bp)
{
	struct ag *pag = bp->b_pag;

	if (!(READ_ONCE(bp->b_flags) & BUF_STALE) &&
	    atomic_read(&bp->b_lru_ref)) {
		/* A lookup takes it for gone, a live scan leaves it alone. */
		point(bp, POINT_UNHELD);
		if (lru_add(bp)) {
			bp->b_state &= ~BSTATE_DISPOSE;
			atomic_inc(&bp->b_hold);
		}
		buf_ioacct_dec(bp);	/* lru_drain() must find it */
		spin_unlock(&pag->pag_bcache.bc_lock);
		spin_unlock(&bp->b_lock);
		return;
	}
	if (!(bp->b_state & BSTATE_DISPOSE))
		lru_del(bp);
	COUNT(if (bp->b_flags & BUF_DELWRI_Q) flag_leak(bp));
	hash_remove(&pag->pag_bcache.bc_hash, &bp->b_hash);
	spin_unlock(&pag->pag_bcache.bc_lock);
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
	if (unlikely(atomic_dec_and_lock(&bp->b_hold,
					 &pag->pag_bcache.bc_lock))) {
		buf_rele_last(bp);
		return;
	}
	if (atomic_read(&bp->b_hold) == 1 && !list_empty(&bp->b_lru))
		buf_ioacct_dec(bp);
	spin_unlock(&bp->b_lock);
}

static inline __attribute__((always_inline)) int
buf_lookup(struct ag *pag, uint64_t bno, unsigned int len,
	   unsigned int flags, struct buf **bpp)
{
	struct buf *bp;
	int error;

	rcu_enter();
	bp = hash_find(&pag->pag_bcache.bc_hash, bno, len);
	if (!bp || !buf_try_hold(bp)) {
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
	struct hash_node *found;
	int error = -ENOMEM;

	COUNT(current->events.misses++);
	if (!new)
		goto out_put;
	new->b_pag = pag;		/* the cached buffer's reference */
	spin_lock(&pag->pag_bcache.bc_lock);
	found = hash_insert(&pag->pag_bcache.bc_hash, &new->b_hash);
	if (found) {
		bool held;

		/* What is hashed is held whenever bc_lock is free. */
		bp = container_of(found, struct buf, b_hash);
		held = buf_try_hold(bp);
		ASSERT(held);
		(void)held;
		spin_unlock(&pag->pag_bcache.bc_lock);
		error = buf_find_lock(bp, flags);
		if (error)
			buf_rele(bp);
		else
			*bpp = bp;
		goto out_free;
	}
	spin_unlock(&pag->pag_bcache.bc_lock);
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

	if (unlikely(bno >= mp->m_blocks || len > mp->m_blocks - bno))
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
