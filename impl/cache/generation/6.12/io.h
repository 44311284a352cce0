/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O of a buffer in Linux 6.12: the submitter has a hold of its own, what is
 * in flight is counted, the completion does all the work (kernel:
 * __xfs_buf_submit, xfs_buf_bio_end_io).  A part of cache/buf_io.c.
 */

static void ioacct_inc(struct buf *bp)
{
	spin_lock(&bp->b_lock);
	if (!(bp->b_state & BSTATE_IN_FLIGHT)) {
		bp->b_state |= BSTATE_IN_FLIGHT;
		atomic_inc(&bp->b_mount->m_io_count);
	}
	spin_unlock(&bp->b_lock);
}

/*
 * On the device's completion thread, while the submitter may still be in
 * submit; or in submit, if the device was done at once and the buffer is not
 * asynchronous (kernel: the last b_io_remaining in __xfs_buf_submit; the
 * workqueue is our completion thread).
 */
static void buf_bio_end(struct bio *bio)
{
	struct buf *bp = bio->private;

	/* Only if need be: the line is the submitter's, who has cleared it. */
	if (unlikely(bio->error))
		bp->b_io_error = bio->error;
	buf_ioend(bp);
}

/* As if the device had failed it, without asking the device. */
static void buf_ioend_fail(struct buf *bp)
{
	buf_clear(bp, BUF_DONE);
	buf_stale(bp);
	bp->b_io_error = -EIO;
	buf_ioend(bp);
}

void buf_submit(struct buf *bp)
{
	if (unlikely(bp->b_flags & BUF_DELWRI_Q))
		point(bp, POINT_SUBMIT_QUEUED);
	if (is_shutdown(bp->b_mount)) {
		buf_ioend_fail(bp);
		return;
	}
	/* Completion drops the caller's hold of an asynchronous buffer. */
	buf_hold(bp);
	if (bp->b_flags & BUF_WRITE)
		wait_unpin(bp);
	bp->b_io_error = 0;
	bp->b_error = 0;
	if (bp->b_flags & BUF_ASYNC)
		ioacct_inc(bp);
	start_io(bp);
	buf_rele(bp);
}

static inline void ioend_first(struct buf *bp)
{
	if (!bp->b_error && bp->b_io_error)
		bp->b_error = bp->b_io_error;
}

/* The caller's hold ends here, or its wait does. */
static inline void ioend_last(struct buf *bp)
{
	if (bp->b_flags & BUF_ASYNC)
		buf_relse(bp);
	else
		complete(&bp->b_iowait);
}

int buf_iowait(struct buf *bp)
{
	wait_for_completion(&bp->b_iowait, WAIT_IO, &bp->b_iowait);
	return bp->b_error;
}

void buf_readahead(struct mount *mp, uint64_t bno, unsigned int len)
{
	struct buf *bp;

	COUNT(stat_lookups(mp, 1));
	buf_read(mp, bno, len,
		 BUF_GET_TRYLOCK | BUF_ASYNC | BUF_READ_AHEAD, &bp);
}
