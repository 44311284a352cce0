/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How Linux 7.3 finds, inserts, holds and releases buffers: an unused one is
 * held by nobody; the AG has no part in a hit; a new one is locked after it
 * has entered the hash, if need be after somebody else had it (kernel:
 * xfs_buf_lookup, xfs_buf_find_insert, xfs_buf_rele, xfs_buf_stale).  A part
 * of cache/buf.c, so that a hit is inlined into the timed batches.
 */

/* Staled, buffer locked: not to be kept once it is released. */
static inline void leave_lru(struct buf *bp)
{
	spin_lock(&bp->b_lockref.lock);
	atomic_set(&bp->b_lru_ref, 0);
	if (!lockref_is_dead(&bp->b_lockref))
		lru_del(bp);
	spin_unlock(&bp->b_lockref.lock);
}

void buf_hold(struct buf *bp)
{
	lockref_get(&bp->b_lockref);
}

void buf_kill(struct buf *bp)
{
	lockref_mark_dead(&bp->b_lockref);
	hash_remove(&bp->b_mount->bt_hash, &bp->b_hash);
}

void buf_destroy(struct buf *bp)
{
	ASSERT(lockref_is_dead(&bp->b_lockref));
	COUNT(if (bp->b_flags & BUF_DELWRI_Q) flag_leak(bp));
	atomic_dec(&bp->b_pag->pag_ref);	/* the cached buffer's own */
	buf_free(bp);
}

/* b_lockref.lock held, dropped here: the count is zero, none keeps it. */
static __attribute__((noinline)) void buf_rele_last(struct buf *bp)
{
	buf_kill(bp);
	lru_del(bp);
	spin_unlock(&bp->b_lockref.lock);
	buf_destroy(bp);
}

void buf_rele(struct buf *bp)
{
	ASSERT(buf_holds(bp) > 0);
	if (lockref_put_or_lock(&bp->b_lockref))
		return;
	lockref_count_set(&bp->b_lockref, 0);
	if (unlikely(!atomic_read(&bp->b_lru_ref))) {
		buf_rele_last(bp);
		return;
	}
	/* Every time, although it seldom is not there. */
	lru_add(bp);
	spin_unlock(&bp->b_lockref.lock);
}

static inline __attribute__((always_inline)) struct buf *
buf_lookup(struct mount *mp, uint64_t bno, unsigned int len)
{
	struct buf *bp;

	rcu_enter();
	bp = hash_find(&mp->bt_hash, bno, len);
	if (bp && unlikely(!buf_try_hold(bp)))
		bp = NULL;
	rcu_exit();
	return bp;
}

/* The hashed buffer of another, held, or @new, which is hashed now. */
static struct buf *find_or_insert(struct hash *hash, struct buf *new)
{
	struct hash_node *found;
	struct buf *bp;
	bool held;

	for (;;) {
		rcu_enter();
		found = hash_insert(hash, &new->b_hash);
		if (!found) {
			rcu_exit();
			return new;
		}
		bp = container_of(found, struct buf, b_hash);
		held = buf_try_hold(bp);
		rcu_exit();
		if (held)
			return bp;
		/* Dead, and about to be removed, by whom we let run. */
		task_yield();
	}
}

/* A miss. */
static __attribute__((noinline)) int
buf_find_insert(struct mount *mp, uint64_t bno, unsigned int len,
		struct buf **bpp)
{
	struct buf *new = buf_alloc(mp, bno, len);

	COUNT(current->events.misses++);
	if (!new)
		return -ENOMEM;
	/* The cached buffer's reference. */
	new->b_pag = ag_of(mp, bno);
	atomic_inc(&new->b_pag->pag_ref);
	*bpp = find_or_insert(&mp->bt_hash, new);
	if (*bpp != new) {
		atomic_dec(&new->b_pag->pag_ref);
		buf_free(new);
	}
	return 0;
}

static inline __attribute__((always_inline)) int
find_get_fast(struct mount *mp, uint64_t bno, unsigned int len,
	      unsigned int flags, struct buf **bpp)
{
	struct buf *bp, *missed;
	int error;

	if (unlikely(bno >= mp->m_blocks || len > mp->m_blocks - bno))
		return -EINVAL;
	bp = buf_lookup(mp, bno, len);
	if (unlikely(!bp)) {
		if (flags & BUF_GET_INCORE)
			return -ENOENT;
		/* Not &bp: what a hit finds stays in a register. */
		error = buf_find_insert(mp, bno, len, &missed);
		if (error)
			return error;
		bp = missed;
	}
	*bpp = bp;
	return 0;
}

int buf_find_get(struct mount *mp, uint64_t bno, unsigned int len,
		 unsigned int flags, struct buf **bpp)
{
	return find_get_fast(mp, bno, len, flags, bpp);
}

/* Inlined into the batches of bench_lookup(): the timed region. */
static inline __attribute__((always_inline)) int
buf_get_fast(struct mount *mp, uint64_t bno, unsigned int len,
	     unsigned int flags, struct buf **bpp)
{
	struct buf *bp;
	int error;

	error = find_get_fast(mp, bno, len, flags, &bp);
	if (unlikely(error))
		return error;
	error = buf_find_lock(bp, flags);
	if (unlikely(error)) {
		buf_rele(bp);
		return error;
	}
	if (!(flags & BUF_READ))
		bp->b_error = 0;
	*bpp = bp;
	return 0;
}
