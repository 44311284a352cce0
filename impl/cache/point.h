/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Named points in the cache where an onlooker may see what happens and may
 * hold the thread.  With nobody looking a point is one compare and one
 * branch; the lookup of a cached buffer passes one.
 */
#ifndef CACHE_POINT_H
#define CACHE_POINT_H

#include <stdint.h>

enum point {
	POINT_LOOKUP,		/* lookup has the buffer locked */
	POINT_LOOKUP_STALE,	/* ... and it was stale: flags reset next */
	POINT_LOCKED,		/* locked by somebody who had it already */
	POINT_STALE,		/* staled, link as the fix left it */
	POINT_QUEUE,		/* queued: flag set and linked */
	POINT_QUEUE_ELSEWHERE,	/* flag set, but on somebody else's list */
	POINT_QUEUE_AGAIN,	/* flag was set already: queued before */
	POINT_WAIT_BEGIN,	/* a fix is about to wait for the link */
	POINT_WAIT_END,
	POINT_UNLINK,		/* taken off a list, buffer locked */
	POINT_SUBMIT_LOCKED,	/* list owner could not lock it: left */
	POINT_SUBMIT_PINNED,	/* list owner found it pinned: left */
	POINT_SUBMIT_DROPPED,	/* list owner found it not queued: dropped */
	POINT_SUBMIT_ISSUED,	/* list owner writes it */
	POINT_SUBMIT_QUEUED,	/* I/O begins with DELWRI_Q still set */
	POINT_REREAD,		/* not up to date: read from disk */
	POINT_UNHELD,		/* released, and the LRU has no hold yet */
	POINT_IO_DONE,		/* I/O completed, buffer still locked */
	POINT_IO_ERROR,
	POINT_ERROR_DROPPED,	/* asynchronous error that nobody will see */
	POINT_BINVAL,		/* freed in a transaction */
	POINT_COMMIT,		/* transaction committed in memory */
	POINT_UNPIN,		/* last pin gone */
	POINT_FREED_UNLOCKED,	/* stale, checkpoint done, just unlocked */
	POINT_CHECKPOINT,	/* taken, its log not written yet */
	POINT_BUSY_CLEARED,	/* its block can be allocated from now on */
	POINT_ALLOC,		/* block handed out */
	POINT_AIL_PASS,		/* daemon begins a pass */
	POINT_AIL_SUBMIT,	/* daemon pushed, and submits its list next */
	POINT_AIL_SLEEP,	/* daemon has submitted and goes to sleep */
	POINT_REPAIR,		/* repair has the AG's header, and begins */
	POINT_CLAIM,		/* bulk load takes its next block */
	POINT_LOAD_DONE,	/* bulk load: all written, says the cache */
	POINT_LOAD_FAILED,
	POINT_ROOT_COMMIT,	/* new root about to be committed */
	POINT_FLAG_LEAK,	/* DELWRI_Q set, on no list */
	POINTS
};

const char *point_name(enum point point);

struct buf_state;

struct point_ops {
	/* @state is NULL at a point that concerns no buffer. */
	void (*reached)(void *ctx, enum point point,
			const struct buf_state *state);
	void *ctx;
};

#endif
