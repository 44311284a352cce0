// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checkpoints from the moment they collect no more: into the iclogs, to the
 * disk, and completed in order of commit (kernel: xlog_cil_push_work in
 * xfs_log_cil.c, xlog_state_do_callback in xfs_log.c).
 *
 * Pushing waits for no I/O, but for a free iclog; several checkpoints may be
 * in flight.  The kernel runs up to four pushes at once; all but one of them
 * wait for each other's records or for iclogs, so that one thread is enough.
 *
 * A checkpoint that filled up, and that nobody has forced, has the end of its
 * commit in an iclog with room for more, which stays in memory until the next
 * checkpoint or a force needs it on disk: l_stable_seq.
 */
#include "cache/checkpoint.h"
#include "cache/mount.h"
#include "cache/trans.h"

#include <stdlib.h>
#include <string.h>

/* Of the log; 0: it has nothing to write. */
static uint64_t checkpoint_bytes(const struct cil_ctx *ctx)
{
	if (!ctx->nr_items && !ctx->nr_roots)
		return 0;
	return ctx->bytes + BLOCK_SIZE;
}

/* --- to the disk ------------------------------------------------------ */

/* An I/O of @ctx has ended; l_lock held.  True: it was the last one. */
static bool io_done(struct cil_ctx *ctx, const struct bio *bio)
{
	if (bio->error)
		ctx->error = bio->error;
	return !--ctx->ios;
}

/* An iclog with nothing but data in it; it can be filled again. */
static void iclog_end(struct bio *bio)
{
	struct iclog *iclog = bio->private;
	struct log *log = iclog->log;
	bool last;

	spin_lock(&log->l_lock);
	last = io_done(iclog->ctx, bio);
	iclog->ctx = NULL;
	WRITE_ONCE(log->l_nr_iclogs, log->l_nr_iclogs - 1);
	spin_unlock(&log->l_lock);
	wake_up_all(&log->l_iclog_wait);
	if (last)
		wake_up_process(log->l_io_thread.task);
}

/* The iclog with the commit record is in use until that is completed. */
static void record_end(struct bio *bio)
{
	struct cil_ctx *ctx = bio->private;
	struct log *log = ctx->log;
	bool last;

	spin_lock(&log->l_lock);
	last = io_done(ctx, bio);
	/* Unlocked, @ctx may be completed and gone. */
	spin_unlock(&log->l_lock);
	if (last)
		wake_up_process(log->l_io_thread.task);
}

static void bio_init(struct bio *bio, uint64_t bno, unsigned int len,
		     void *data, void (*end_io)(struct bio *), void *private)
{
	*bio = (struct bio){
		.bno = bno,
		.len = len,
		.write = true,
		.sync = true,
		.data = data,
		.end_io = end_io,
		.private = private,
	};
}

/* Sleep until one more iclog may be used (xlog_state_get_iclog_space). */
static void iclog_get(struct log *log)
{
	wait_event(&log->l_iclog_wait,
		   READ_ONCE(log->l_nr_iclogs) < NR_ICLOGS, WAIT_LOG, log);
	spin_lock(&log->l_lock);
	WRITE_ONCE(log->l_nr_iclogs, log->l_nr_iclogs + 1);
	spin_unlock(&log->l_lock);
}

static void iclog_write(struct mount *mp, struct cil_ctx *ctx)
{
	uint64_t bno = mp->m_blocks + LOG_RECORDS;
	struct log *log = &mp->m_log;
	struct iclog *iclog = log->l_iclog;

	iclog_get(log);
	spin_lock(&log->l_lock);
	while (iclog->ctx)
		iclog++;
	iclog->ctx = ctx;
	ctx->ios++;
	spin_unlock(&log->l_lock);
	bno += (iclog - log->l_iclog) * BLOCKS_PER_ICLOG;
	bio_init(&iclog->bio, bno, BLOCKS_PER_ICLOG, log->l_zeros, iclog_end,
		 iclog);
	device_submit(mp->m_device, &iclog->bio);
}

/* Blocks of data that are in the iclog with the record. */
static unsigned int tail_blocks(const struct cil_ctx *ctx)
{
	return ctx->bytes / BLOCK_SIZE % BLOCKS_PER_ICLOG;
}

/* l_lock held; the caller calls record_send() once it has dropped it. */
static void record_take(struct cil_ctx *ctx)
{
	ctx->sent = true;
	ctx->ios = tail_blocks(ctx) ? 2 : 1;
}

/* The record, and beside it, as if in one iclog, what data is left. */
static void record_send(struct mount *mp, struct cil_ctx *ctx)
{
	uint64_t bno = mp->m_blocks + LOG_RECORDS;
	unsigned int tail = tail_blocks(ctx);

	point_block(mp, POINT_CHECKPOINT, UINT64_MAX);
	bno += ctx->seq % NR_ICLOGS * BLOCKS_PER_ICLOG;
	bio_init(&ctx->record_bio, ctx->record->h.bno, 1, ctx->record,
		 record_end, ctx);
	if (tail) {
		bio_init(&ctx->tail_bio, bno, tail, mp->m_log.l_zeros,
			 record_end, ctx);
		device_submit(mp->m_device, &ctx->tail_bio);
	}
	/* Once both have ended @ctx may be gone. */
	device_submit(mp->m_device, &ctx->record_bio);
}

static struct log_record *record_alloc(struct mount *mp,
				       const struct cil_ctx *ctx)
{
	struct log_record *rec = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);

	if (!rec)
		return NULL;
	memset(rec, 0, BLOCK_SIZE);
	rec->h.magic = BLOCK_MAGIC;
	rec->h.bno = mp->m_blocks + ctx->seq % LOG_RECORDS;
	rec->h.gen = ctx->seq;
	rec->seq = ctx->seq;
	rec->nr_roots = ctx->nr_roots;
	memcpy(rec->roots, ctx->roots, sizeof(ctx->roots));
	block_seal(&rec->h);
	return rec;
}

/*
 * l_lock held: does its record go to the disk now?  After all that had to go
 * before it (xlog_cil_push_work waits for the iclog before the record's).
 */
static bool record_due(struct log *log, const struct cil_ctx *ctx)
{
	return ctx->pushed && !ctx->sent && !ctx->ios && !ctx->error &&
	       ctx->record && log->l_stable_seq >= ctx->seq;
}

void checkpoint_push(struct mount *mp, struct cil_ctx *ctx)
{
	struct log *log = &mp->m_log;
	uint64_t data = ctx->bytes / BLOCK_SIZE / BLOCKS_PER_ICLOG;
	bool write = checkpoint_bytes(ctx) && !is_shutdown(mp), send;

	spin_lock(&log->l_lock);
	ctx->lsn = log->l_head;
	log->l_head += checkpoint_bytes(ctx);
	/* It fills the iclog that the one before it has left open. */
	if (log->l_stable_seq < ctx->seq - 1)
		log->l_stable_seq = ctx->seq - 1;
	spin_unlock(&log->l_lock);
	wake_up_process(log->l_io_thread.task);

	if (write) {
		ctx->record = record_alloc(mp, ctx);
		while (data--)
			iclog_write(mp, ctx);
		iclog_get(log);
	}
	spin_lock(&log->l_lock);
	if (write && !ctx->record)
		ctx->error = -ENOMEM;
	ctx->in_iclog = write;
	ctx->pushed = true;
	WRITE_ONCE(log->l_pushed_seq, ctx->seq);
	send = record_due(log, ctx);
	if (send)
		record_take(ctx);
	spin_unlock(&log->l_lock);
	wake_up_all(&log->l_pushed_wait);
	if (send)
		record_send(mp, ctx);
	else
		wake_up_process(log->l_io_thread.task);
}

/* --- completed -------------------------------------------------------- */

static void unpin_batch(struct mount *mp, struct log_item **items, int nr,
			uint64_t lsn)
{
	ail_update(mp, items, nr, lsn);
	for (int i = 0; i < nr; i++)
		items[i]->li_ops->unpin(items[i], false);
}

/*
 * On disk: into the AIL, unpinned (which unlocks freed buffers), and only
 * then are the freed blocks no longer busy.
 */
static void committed(struct mount *mp, struct cil_ctx *ctx, bool abort)
{
	struct log_item *batch[LOG_ITEM_BATCH];
	int nr = 0;

	for (unsigned int i = 0; i < ctx->nr_items; i++) {
		struct log_item *lip = ctx->taken[i];

		if (abort) {
			li_set(lip, LI_ABORTED);
			lip->li_ops->unpin(lip, true);
			continue;
		}
		if (lip->li_ops->committed && !lip->li_ops->committed(lip))
			continue;
		batch[nr++] = lip;
		if (nr == LOG_ITEM_BATCH) {
			unpin_batch(mp, batch, nr, ctx->lsn);
			nr = 0;
		}
	}
	if (nr)
		unpin_batch(mp, batch, nr, ctx->lsn);
	space_busy_clear(mp, &ctx->busy);
}

/* Nothing of it is in flight, and nothing before it is left. */
static void complete_one(struct mount *mp, struct cil_ctx *ctx)
{
	struct log *log = &mp->m_log;

	if (ctx->error)
		force_shutdown(mp);
	committed(mp, ctx, is_shutdown(mp));

	spin_lock(&log->l_lock);
	list_del_init(&ctx->committing);
	WRITE_ONCE(log->l_nr_iclogs, log->l_nr_iclogs - ctx->in_iclog);
	WRITE_ONCE(log->l_done_seq, ctx->seq);
	/* The space up to here is the AIL's now, or nobody's. */
	log->l_done_lsn = ctx->lsn + checkpoint_bytes(ctx);
	spin_unlock(&log->l_lock);
	log_space_wake(mp);
	wake_up_all(&log->l_iclog_wait);
	wake_up_all(&log->l_done_wait);
	free(ctx->record);
	free(ctx->taken);
	free(ctx);
}

/* l_lock held: has it nothing more to wait for? */
static bool is_complete(struct mount *mp, const struct cil_ctx *ctx)
{
	return ctx->pushed && !ctx->ios &&
	       (ctx->sent || !ctx->record || ctx->error || is_shutdown(mp));
}

/* True if there was something to do. */
static bool advance(struct mount *mp)
{
	struct log *log = &mp->m_log;
	struct cil_ctx *ctx, *first = NULL, *due = NULL;

	spin_lock(&log->l_lock);
	if (!list_empty(&log->l_committing)) {
		first = list_first_entry(&log->l_committing, struct cil_ctx,
					 committing);
		if (!is_complete(mp, first))
			first = NULL;
	}
	list_for_each_entry(ctx, &log->l_committing, committing) {
		if (first || due)
			break;
		if (!is_shutdown(mp) && record_due(log, ctx)) {
			record_take(ctx);
			due = ctx;
		}
	}
	spin_unlock(&log->l_lock);
	if (first)
		complete_one(mp, first);
	else if (due)
		record_send(mp, due);
	return first || due;
}

void checkpoint_daemon(void *arg)
{
	struct mount *mp = arg;

	for (;;) {
		set_current_state(TASK_SLEEPING);
		if (task_should_stop())
			break;
		if (advance(mp)) {
			WRITE_ONCE(current->state, TASK_RUNNING);
			continue;
		}
		schedule_timeout(SLEEP_FOREVER, WAIT_IDLE, &mp->m_log);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
}
