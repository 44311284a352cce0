// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checkpoints (kernel: xfs_log_cil.c, xlog_cil_push_work and
 * xlog_cil_committed), the log worker, log space.
 */
#include "cache/log.h"
#include "cache/format.h"
#include "cache/mount.h"
#include "cache/trans.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A checkpoint; under l_lock while commits are added, then the writer's. */
struct cil_ctx {
	uint64_t seq;
	uint64_t bytes;
	unsigned int nr_roots;
	unsigned int nr_items;
	struct list_head items;		/* log_item.li_cil, while collecting */
	struct log_item **taken;	/* the same, once it is written */
	struct list_head busy;
	struct root_record roots[LOG_ROOTS];
};

#define ITEM_OVERHEAD	64u		/* operation headers and format */

static struct cil_ctx *ctx_alloc(uint64_t seq)
{
	struct cil_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->seq = seq;
	list_init(&ctx->items);
	list_init(&ctx->busy);
	return ctx;
}

/* Room below which one more commit starts a checkpoint in the background. */
static uint64_t cil_limit(struct log *log)
{
	return log->l_size / 8;		/* kernel: XLOG_CIL_SPACE_LIMIT */
}

void log_commit(struct mount *mp, struct trans *tp)
{
	struct log *log = &mp->m_log;
	bool push = false, pushed_space;
	struct cil_ctx *ctx;
	struct log_item *lip;

	spin_lock(&log->l_lock);
	ctx = log->l_ctx;
	list_for_each_entry(lip, &tp->t_items, li_trans) {
		if (!li_test(lip, LI_DIRTY))
			continue;
		ctx->bytes += lip->li_bytes + ITEM_OVERHEAD;
		lip->li_bytes = 0;
		if (list_empty(&lip->li_cil)) {
			list_add_tail(&lip->li_cil, &ctx->items);
			ctx->nr_items++;
			lip->li_ops->pin(lip);
		}
	}
	list_splice_tail_init(&tp->t_busy, &ctx->busy);
	if (tp->t_has_root && ctx->nr_roots < LOG_ROOTS)
		ctx->roots[ctx->nr_roots++] = tp->t_root;
	pushed_space = ctx->bytes >= cil_limit(log) ||
		       ctx->nr_roots == LOG_ROOTS;
	if (pushed_space && log->l_push_seq < ctx->seq) {
		log->l_push_seq = ctx->seq;
		push = true;
	}
	spin_unlock(&log->l_lock);
	if (push)
		wake_up_process(log->l_thread.task);
}

static bool cil_overfull(struct log *log)
{
	bool over;

	spin_lock(&log->l_lock);
	/* Kernel: XLOG_CIL_BLOCKING_SPACE_LIMIT. */
	over = log->l_ctx->bytes >= 2 * cil_limit(log);
	spin_unlock(&log->l_lock);
	return over;
}

/*
 * Else one checkpoint could fill the log: all its items have one sequence
 * number, by which the AIL's target takes the log for empty.
 */
void log_throttle(struct mount *mp)
{
	struct log *log = &mp->m_log;

	wait_event(&log->l_push_wait, is_shutdown(mp) || !cil_overfull(log),
		   WAIT_LOG, log);
}

/* --- writing a checkpoint ------------------------------------------- */

/*
 * What does not fit beside the commit record goes before it, and is waited
 * for (kernel: xlog_cil_push_work waits for the iclog before the record's).
 * Nobody ever replays it, so that only its size matters.
 */
static int write_iclogs(struct mount *mp, const struct cil_ctx *ctx)
{
	uint64_t bno = mp->m_blocks + LOG_RECORDS;
	uint64_t left = ctx->bytes / BLOCK_SIZE;
	int error = 0;

	while (left && !error) {
		uint64_t nr = left < ICLOG_BLOCKS ? left : ICLOG_BLOCKS;

		error = device_io(mp->m_device, bno, nr, mp->m_log.l_iclogs,
				  true);
		left -= nr;
	}
	return error;
}

static int write_record(struct mount *mp, struct cil_ctx *ctx)
{
	uint64_t bno = mp->m_blocks + ctx->seq % LOG_RECORDS;
	struct log_record *rec = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);
	int error;

	if (!rec)
		return -ENOMEM;
	error = write_iclogs(mp, ctx);
	if (error)
		goto out;
	memset(rec, 0, BLOCK_SIZE);
	rec->h.magic = BLOCK_MAGIC;
	rec->h.bno = bno;
	rec->h.gen = ctx->seq;
	rec->seq = ctx->seq;
	rec->nr_roots = ctx->nr_roots;
	memcpy(rec->roots, ctx->roots, sizeof(ctx->roots));
	block_seal(&rec->h);
	error = device_io(mp->m_device, bno, 1, rec, true);
out:
	free(rec);
	return error;
}

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
static void ctx_committed(struct mount *mp, struct cil_ctx *ctx, uint64_t lsn,
			  bool abort)
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
			unpin_batch(mp, batch, nr, lsn);
			nr = 0;
		}
	}
	if (nr)
		unpin_batch(mp, batch, nr, lsn);
	space_busy_clear(mp, &ctx->busy);
}

/* l_lock held: its items may be logged again from now on. */
static void ctx_detach(struct cil_ctx *ctx)
{
	unsigned int i = 0;

	while (!list_empty(&ctx->items)) {
		struct log_item *lip = list_first_entry(
			&ctx->items, struct log_item, li_cil);

		list_del_init(&lip->li_cil);
		ctx->taken[i++] = lip;
	}
}

/* Take what has collected, if anybody wants it on disk. */
static struct cil_ctx *ctx_take(struct log *log)
{
	struct cil_ctx *next = NULL, *ctx = NULL;
	struct log_item **taken = NULL;
	unsigned int room = 0;

	spin_lock(&log->l_lock);
	while (log->l_push_seq >= log->l_seq && !ctx) {
		if (!next || room < log->l_ctx->nr_items) {
			room = 2 * log->l_ctx->nr_items + 16;
			spin_unlock(&log->l_lock);
			free(taken);
			taken = calloc(room, sizeof(*taken));
			if (!next)
				next = ctx_alloc(0);
			if (!taken || !next)
				goto out_free;
			spin_lock(&log->l_lock);
			continue;
		}
		ctx = log->l_ctx;
		ctx->taken = taken;
		ctx_detach(ctx);
		next->seq = ++log->l_seq;
		log->l_ctx = next;
		next = NULL;
		taken = NULL;
	}
	spin_unlock(&log->l_lock);
	if (ctx)
		wake_up_all(&log->l_push_wait);
out_free:
	free(taken);
	free(next);
	return ctx;
}

static void checkpoint(struct mount *mp, struct cil_ctx *ctx)
{
	struct log *log = &mp->m_log;
	uint64_t lsn, items = ctx->nr_items > 0;
	bool abort = is_shutdown(mp);

	spin_lock(&log->l_lock);
	lsn = log->l_head;
	log->l_head += ctx->bytes + BLOCK_SIZE * items;
	log->l_forces += items;
	spin_unlock(&log->l_lock);

	point_block(mp, POINT_CHECKPOINT, UINT64_MAX);
	if (!abort && (items || ctx->nr_roots) && write_record(mp, ctx)) {
		force_shutdown(mp);
		abort = true;
	}
	ctx_committed(mp, ctx, lsn, abort);

	spin_lock(&log->l_lock);
	WRITE_ONCE(log->l_done_seq, ctx->seq);
	spin_unlock(&log->l_lock);
	free(ctx->taken);
	free(ctx);
	wake_up_all(&log->l_done_wait);
}

static void log_worker(void *arg)
{
	struct mount *mp = arg;
	struct log *log = &mp->m_log;
	uint64_t sync_at = now_ns() + log->l_sync_ns;

	for (;;) {
		struct cil_ctx *ctx;
		uint64_t now;

		set_current_state(TASK_SLEEPING);
		if (task_should_stop())
			break;
		ctx = ctx_take(log);
		if (ctx) {
			WRITE_ONCE(current->state, TASK_RUNNING);
			checkpoint(mp, ctx);
			continue;
		}
		now = now_ns();
		if (now < sync_at) {
			schedule_timeout(sync_at - now, WAIT_IDLE, log);
			continue;
		}
		WRITE_ONCE(current->state, TASK_RUNNING);
		sync_at = now + log->l_sync_ns;
		log_flush(mp);
		ail_push_all(mp);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
}

/* --- the others' side ----------------------------------------------- */

static uint64_t log_push(struct log *log)
{
	uint64_t seq;

	spin_lock(&log->l_lock);
	seq = log->l_seq;
	/* Nothing collected: wait only for what is being written. */
	if (list_empty(&log->l_ctx->items) && list_empty(&log->l_ctx->busy))
		seq--;
	if (log->l_push_seq < seq)
		log->l_push_seq = seq;
	spin_unlock(&log->l_lock);
	wake_up_process(log->l_thread.task);
	return seq;
}

void log_flush(struct mount *mp)
{
	log_push(&mp->m_log);
}

void log_force(struct mount *mp)
{
	struct log *log = &mp->m_log;
	uint64_t seq = log_push(log);

	COUNT(current->events.log_forces++);
	wait_event(&log->l_done_wait, READ_ONCE(log->l_done_seq) >= seq,
		   WAIT_LOG, log);
}

/* What the AIL still needs, plus what is collected, is less than the log. */
static bool log_has_space(struct mount *mp)
{
	struct log *log = &mp->m_log;
	uint64_t tail = ail_min_lsn(mp), used;

	spin_lock(&log->l_lock);
	used = log->l_ctx->bytes + (tail ? log->l_head - tail : 0);
	spin_unlock(&log->l_lock);
	return used < log->l_size;
}

void log_reserve(struct mount *mp)
{
	if (likely(log_has_space(mp)))
		return;
	log_flush(mp);
	ail_push_all(mp);
	wait_event(&mp->m_log.l_space_wait,
		   is_shutdown(mp) || log_has_space(mp), WAIT_LOG,
		   &mp->m_log);
}

int log_start(struct mount *mp, uint64_t bytes, uint32_t syncd_ms)
{
	struct log *log = &mp->m_log;
	int error;

	log->l_size = bytes;
	log->l_sync_ns = (syncd_ms ? syncd_ms : 30000) * 1000000ull;
	spin_lock_init(&log->l_lock);
	log->l_seq = 1;
	log->l_head = BLOCK_SIZE;	/* an LSN of 0 means none */
	wait_queue_init(&log->l_done_wait);
	wait_queue_init(&log->l_space_wait);
	wait_queue_init(&log->l_push_wait);
	log->l_ctx = ctx_alloc(log->l_seq);
	log->l_iclogs = aligned_alloc(BLOCK_SIZE, ICLOG_BLOCKS * BLOCK_SIZE);
	if (!log->l_ctx || !log->l_iclogs) {
		error = -ENOMEM;
		goto out_free;
	}
	memset(log->l_iclogs, 0, ICLOG_BLOCKS * BLOCK_SIZE);
	error = task_start(&log->l_thread, "log", -1, log_worker, mp);
	if (!error)
		return 0;
out_free:
	free(log->l_iclogs);
	free(log->l_ctx);
	return error;
}

void log_stop(struct mount *mp)
{
	task_stop(&mp->m_log.l_thread);
	task_join(&mp->m_log.l_thread);
	free(mp->m_log.l_iclogs);
	free(mp->m_log.l_ctx);
}
