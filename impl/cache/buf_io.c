// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and writing of buffers, and what becomes of errors
 * (kernel: xfs_buf_submit, xfs_buf_ioend, xfs_buf_ioend_handle_error).
 */
#include "cache/hooks.h"
#include "cache/inode.h"
#include "cache/mount.h"
#include "cache/trans.h"

static void buf_ioend(struct buf *bp);

/* Everything in the model is one kind of block; its verifier. */
static const char block_ops[] = "block";

static void wait_unpin(struct buf *bp)
{
	/* Nobody forces the log for us: the log worker or others will. */
	wait_event(&bp->b_waiters, !buf_ispinned(bp), WAIT_IO, &bp->b_waiters);
}

static void buf_bio_end(struct bio *bio);

/* Pinned no more, if it is a write. */
static inline void start_io(struct buf *bp)
{
	if (bp->b_flags & BUF_WRITE) {
		struct block_header *h = bp->b_addr;

		h->bno = bp->b_bno;
		block_seal(h);
	}
	bp->b_bio = (struct bio){
		.bno = bp->b_bno,
		.len = bp->b_length,
		.write = bp->b_flags & BUF_WRITE,
		.sync = !(bp->b_flags & BUF_ASYNC),
		.data = bp->b_addr,
		.end_io = buf_bio_end,
		.private = bp,
	};
	device_submit(bp->b_target, &bp->b_bio);
}

/*
 * Of each generation: buf_submit(), buf_bio_end(), what buf_ioend() begins
 * and ends with, buf_iowait(), buf_readahead().
 */
#include "io.h"

static void submit_again(struct buf *bp)
{
	bp->b_error = 0;
	buf_set(bp, BUF_DONE | BUF_WRITE_FAIL);
	buf_submit(bp);
}

/* Nobody will write it any more. */
static void give_up(struct buf *bp)
{
	buf_stale(bp);
	buf_set(bp, BUF_DONE);
	buf_clear(bp, BUF_WRITE);
}

/*
 * A write failed.  True if the buffer was dealt with: resubmitted, or kept
 * for its log item to try again, or, having none, dropped silently.
 */
static bool handle_error(struct buf *bp)
{
	point(bp, POINT_IO_ERROR);
	if (is_shutdown(bp->b_mount) || !(bp->b_flags & BUF_ASYNC)) {
		give_up(bp);
		return false;
	}
	if (bp->b_last_error != bp->b_error ||
	    !(bp->b_flags & (BUF_STALE | BUF_WRITE_FAIL))) {
		bp->b_last_error = bp->b_error;
		submit_again(bp);
		return true;
	}
	/*
	 * Errors are retried for ever, which is the kernel's default, until
	 * the unmount (xfs_buf_ioerror_permanent, fail_at_unmount).
	 */
	if (is_unmounting(bp->b_mount)) {
		force_shutdown(bp->b_mount);
		give_up(bp);
		return false;
	}
	if (bp->b_flags & BUF_INODES)
		inode_io_fail(bp);
	else if (!bp->b_log_item)
		point(bp, POINT_ERROR_DROPPED);
	bp->b_error = 0;
	buf_relse(bp);
	return true;
}

static void write_done(struct buf *bp)
{
	if (unlikely(bp->b_last_error))
		bp->b_last_error = 0;
	if (bp->b_log_item)
		buf_item_done(bp);
	if (bp->b_flags & BUF_INODES)
		inode_iodone(bp);
}

/* Buffer locked by whoever submitted it; releases it if asynchronous. */
static void buf_ioend(struct buf *bp)
{
	ioend_first(bp);
	if (bp->b_flags & BUF_READ) {
		if (!bp->b_error && bp->b_ops)
			bp->b_error = block_verify(bp->b_addr, bp->b_bno);
		if (!bp->b_error)
			buf_set(bp, BUF_DONE);
	} else {
		if (!bp->b_error) {
			buf_clear(bp, BUF_WRITE_FAIL);
			buf_set(bp, BUF_DONE);
		} else if (handle_error(bp)) {
			return;
		}
		write_done(bp);
	}
	buf_clear(bp, BUF_READ | BUF_WRITE | BUF_READ_AHEAD);
	point(bp, POINT_IO_DONE);
	ioend_last(bp);
}

int buf_bwrite(struct buf *bp)
{
	int error;

	fix_unqueue(bp);
	buf_set(bp, BUF_WRITE);
	buf_clear(bp, BUF_ASYNC | BUF_READ | BUF_DONE);
	buf_submit(bp);
	error = buf_iowait(bp);
	if (error)
		force_shutdown(bp->b_mount);
	return error;
}

int buf_read(struct mount *mp, uint64_t bno, unsigned int len,
	     unsigned int flags, struct buf **bpp)
{
	bool async = flags & BUF_ASYNC;
	struct buf *bp;
	int error;

	error = buf_get(mp, bno, len, flags | BUF_READ, &bp);
	if (error)
		return error;
	if (!(bp->b_flags & BUF_DONE)) {
		point(bp, POINT_REREAD);
		bp->b_ops = block_ops;
		buf_clear(bp, BUF_WRITE | BUF_ASYNC | BUF_READ_AHEAD);
		buf_set(bp, BUF_READ | (flags & (BUF_ASYNC | BUF_READ_AHEAD)));
		buf_submit(bp);
		if (async)
			return 0;
		error = buf_iowait(bp);
	} else {
		/*
		 * Sealed contents only: what was changed in memory since has
		 * no valid checksum, and XFS does not check it either.
		 */
		if (!bp->b_ops)
			bp->b_ops = block_ops;
		if (async) {
			buf_relse(bp);
			return 0;
		}
		buf_clear(bp, BUF_READ);
	}
	if (error) {
		buf_clear(bp, BUF_DONE);
		buf_stale(bp);
		buf_relse(bp);
		return error;
	}
	*bpp = bp;
	return 0;
}
