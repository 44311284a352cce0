/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O of a buffer in Linux 7.3: an asynchronous one takes the caller's hold
 * and lock with it, and nobody touches the buffer once it is submitted; of a
 * synchronous one the waiter does the work (kernel: xfs_buf_submit,
 * xfs_buf_bio_end_io, xfs_buf_iowait).  A part of cache/buf_io.c.
 */

/* On the device's completion thread, or in submit if it was done at once. */
static void buf_bio_end(struct bio *bio)
{
	struct buf *bp = bio->private;

	if (unlikely(bio->error))
		bp->b_error = bio->error;
	if (bp->b_flags & BUF_ASYNC)
		buf_ioend(bp);
	else
		complete(&bp->b_iowait);
}

void buf_submit(struct buf *bp)
{
	if (unlikely(bp->b_flags & BUF_DELWRI_Q))
		point(bp, POINT_SUBMIT_QUEUED);
	if (is_shutdown(bp->b_mount)) {
		/* As if the device had failed it. */
		bp->b_error = -EIO;
		buf_clear(bp, BUF_DONE);
		buf_stale(bp);
		if (bp->b_flags & BUF_ASYNC)
			buf_ioend(bp);
		else
			complete(&bp->b_iowait);
		return;
	}
	if (bp->b_flags & BUF_WRITE)
		wait_unpin(bp);
	bp->b_error = 0;
	start_io(bp);
}

/* The error is where it belongs. */
static inline void ioend_first(struct buf *bp)
{
	(void)bp;
}

/* The caller's hold ends here, if nobody waits for it. */
static inline void ioend_last(struct buf *bp)
{
	if (bp->b_flags & BUF_ASYNC)
		buf_relse(bp);
}

int buf_iowait(struct buf *bp)
{
	wait_for_completion(&bp->b_iowait, WAIT_IO, &bp->b_iowait);
	buf_ioend(bp);
	return bp->b_error;
}

/* What is up to date is not even locked; a stale one is left to its reader. */
void buf_readahead(struct mount *mp, uint64_t bno, unsigned int len)
{
	struct buf *bp;

	COUNT(stat_lookups(mp, 1));
	COUNT(current->events.lookups++);
	if (buf_find_get(mp, bno, len, 0, &bp))
		return;
	if ((READ_ONCE(bp->b_flags) & (BUF_DONE | BUF_STALE)) == BUF_DONE ||
	    !buf_trylock(bp)) {
		buf_rele(bp);
		return;
	}
	if (bp->b_flags & (BUF_STALE | BUF_DONE)) {
		buf_relse(bp);
		return;
	}
	point(bp, POINT_REREAD);
	bp->b_ops = block_ops;
	buf_clear(bp, BUF_WRITE);
	buf_set(bp, BUF_READ | BUF_ASYNC | BUF_READ_AHEAD);
	buf_submit(bp);
}
