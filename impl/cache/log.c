// SPDX-License-Identifier: GPL-2.0-only
/*
 * What commits collect in, who asks for it to be pushed and who waits for
 * that, the log worker, log space (kernel: xfs_log_cil.c, xfs_log.c).
 */
#include "cache/log.h"
#include "cache/checkpoint.h"
#include "cache/mount.h"
#include "cache/trans.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_OVERHEAD	64u		/* operation headers and format */
#define ICLOG_BYTES	(BLOCKS_PER_ICLOG * BLOCK_SIZE)

static struct cil_ctx *ctx_alloc(struct log *log, uint64_t seq)
{
	struct cil_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->log = log;
	ctx->seq = seq;
	list_init(&ctx->committing);
	list_init(&ctx->items);
	list_init(&ctx->busy);
	return ctx;
}

/* Kernel: XLOG_CIL_SPACE_LIMIT, and the cap on it for any iclog's size. */
#define CIL_LIMIT_MAX	(32u << 20)

/* Beyond it the next commit has the checkpoint pushed in the background. */
static uint64_t cil_limit(const struct log *log)
{
	uint64_t limit = log->l_size / 8;

	return limit < CIL_LIMIT_MAX ? limit : CIL_LIMIT_MAX;
}

struct cil_ctx *log_commit(struct mount *mp, struct trans *tp)
{
	struct log *log = &mp->m_log;
	struct cil_ctx *ctx;
	struct log_item *lip;

	spin_lock(&log->l_lock);
	ctx = log->l_ctx;
	WRITE_ONCE(ctx->committers, ctx->committers + 1);
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
	spin_unlock(&log->l_lock);
	return ctx;
}

/* l_lock held: is @ctx full enough to be pushed, and nobody has asked? */
static bool ask_for_push(struct log *log, const struct cil_ctx *ctx)
{
	bool full = ctx->bytes >= cil_limit(log) || ctx->nr_roots == LOG_ROOTS;

	if (ctx != log->l_ctx || !full || log->l_push_seq >= ctx->seq)
		return false;
	log->l_push_seq = ctx->seq;
	return true;
}

void log_committed(struct mount *mp, struct cil_ctx *ctx)
{
	struct log *log = &mp->m_log;
	bool last, push, wait;
	uint64_t seq;

	spin_lock(&log->l_lock);
	WRITE_ONCE(ctx->committers, ctx->committers - 1);
	last = !ctx->committers && ctx != log->l_ctx;
	push = ask_for_push(log, ctx);
	/*
	 * Kernel: xlog_cil_over_hard_limit.  Once somebody waits everybody
	 * does.  Without it one checkpoint could fill the log: all its items
	 * have one sequence number, by which the AIL takes it for empty.
	 */
	wait = (ctx == log->l_ctx && ctx->bytes >= 2 * cil_limit(log)) ||
	       wait_queue_active(&log->l_push_wait);
	seq = log->l_seq;
	spin_unlock(&log->l_lock);
	/* @ctx may be gone from here on. */
	if (last)
		wake_up_all(&log->l_idle_wait);
	if (push)
		wake_up_process(log->l_thread.task);
	if (unlikely(wait))
		wait_event(&log->l_push_wait,
			   is_shutdown(mp) || READ_ONCE(log->l_seq) != seq,
			   WAIT_LOG, log);
}

/* --- the pusher ------------------------------------------------------- */

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
				next = ctx_alloc(log, 0);
			if (!taken || !next)
				goto out_free;
			spin_lock(&log->l_lock);
			continue;
		}
		ctx = log->l_ctx;
		ctx->taken = taken;
		ctx_detach(ctx);
		list_add_tail(&ctx->committing, &log->l_committing);
		next->seq = log->l_seq + 1;
		WRITE_ONCE(log->l_seq, next->seq);
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

/* Its transactions have it half unlocked: they are about to be done. */
static void wait_for_committers(struct log *log, struct cil_ctx *ctx)
{
	wait_event(&log->l_idle_wait, !READ_ONCE(ctx->committers), WAIT_LOG,
		   log);
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
			wait_for_committers(log, ctx);
			checkpoint_push(mp, ctx);
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

/*
 * Have everything so far pushed and its end not left in an iclog; the number
 * of the last checkpoint that is.  *@empty: none is left to be pushed.
 */
static uint64_t log_push(struct log *log, bool *empty)
{
	uint64_t seq;

	spin_lock(&log->l_lock);
	seq = log->l_seq;
	*empty = list_empty(&log->l_ctx->items) &&
		 list_empty(&log->l_ctx->busy);
	if (*empty)
		seq--;
	if (log->l_push_seq < seq)
		log->l_push_seq = seq;
	if (log->l_stable_seq < seq)
		log->l_stable_seq = seq;
	spin_unlock(&log->l_lock);
	wake_up_process(*empty ? log->l_io_thread.task : log->l_thread.task);
	return seq;
}

/* Kernel: xlog_cil_force_seq. */
static void wait_pushed(struct log *log, uint64_t seq)
{
	wait_event(&log->l_pushed_wait, READ_ONCE(log->l_pushed_seq) >= seq,
		   WAIT_LOG, log);
}

void log_flush(struct mount *mp)
{
	struct log *log = &mp->m_log;
	uint64_t seq;
	bool empty;

	seq = log_push(log, &empty);
	if (empty)
		wait_pushed(log, seq);
}

void log_force_start(struct mount *mp)
{
	struct log *log = &mp->m_log;
	uint64_t seq;
	bool empty;

	seq = log_push(log, &empty);
	COUNT(current->events.log_forces++);
	wait_pushed(log, seq);
}

void log_force(struct mount *mp)
{
	struct log *log = &mp->m_log;
	uint64_t seq;
	bool empty;

	seq = log_push(log, &empty);
	COUNT(current->events.log_forces++);
	wait_event(&log->l_done_wait, READ_ONCE(log->l_done_seq) >= seq,
		   WAIT_LOG, log);
}

/*
 * What the AIL still needs, what is not yet in it, and what is collected, is
 * less than the log.
 */
static bool log_has_space(struct mount *mp)
{
	struct log *log = &mp->m_log;
	uint64_t tail = ail_min_lsn(mp), used;

	spin_lock(&log->l_lock);
	used = log->l_ctx->bytes + log->l_head -
	       (tail ? tail : log->l_done_lsn);
	spin_unlock(&log->l_lock);
	return used < log->l_size;
}

/* Whoever goes to sleep has all of the AIL pushed (xlog_grant_head_wait). */
static bool space_or_push(struct mount *mp)
{
	if (log_has_space(mp))
		return true;
	ail_push_all(mp);
	return false;
}

void log_reserve(struct mount *mp)
{
	if (likely(log_has_space(mp)))
		return;
	wait_event(&mp->m_log.l_space_wait,
		   is_shutdown(mp) || space_or_push(mp), WAIT_LOG,
		   &mp->m_log);
}

void log_space_wake(struct mount *mp)
{
	struct log *log = &mp->m_log;

	/* The lock just dropped does not order the look for sleepers. */
	smp_mb();	/* pairs with prepare_to_wait() in log_reserve() */
	if (wait_queue_active(&log->l_space_wait))
		wake_up_all(&log->l_space_wait);
}

int log_start(struct mount *mp, uint64_t bytes, uint32_t syncd_ms)
{
	struct log *log = &mp->m_log;
	int error;

	log->l_size = bytes;
	log->l_sync_ns = (syncd_ms ? syncd_ms : 30000) * 1000000ull;
	spin_lock_init(&log->l_lock);
	log->l_seq = 1;
	log->l_head = log->l_done_lsn = BLOCK_SIZE; /* an LSN of 0: none */
	list_init(&log->l_committing);
	wait_queue_init(&log->l_idle_wait);
	wait_queue_init(&log->l_pushed_wait);
	wait_queue_init(&log->l_iclog_wait);
	wait_queue_init(&log->l_done_wait);
	wait_queue_init(&log->l_space_wait);
	wait_queue_init(&log->l_push_wait);
	for (unsigned int i = 0; i < NR_ICLOGS; i++)
		log->l_iclog[i].log = log;
	error = -ENOMEM;
	log->l_ctx = ctx_alloc(log, log->l_seq);
	log->l_zeros = aligned_alloc(BLOCK_SIZE, ICLOG_BYTES);
	if (!log->l_ctx || !log->l_zeros)
		goto out_free;
	memset(log->l_zeros, 0, ICLOG_BYTES);
	error = task_start(&log->l_io_thread, "log-io", -1, checkpoint_daemon,
			   mp);
	if (error)
		goto out_free;
	error = task_start(&log->l_thread, "log", -1, log_worker, mp);
	if (!error)
		return 0;
	task_stop(&log->l_io_thread);
	task_join(&log->l_io_thread);
out_free:
	free(log->l_zeros);
	free(log->l_ctx);
	return error;
}

void log_stop(struct mount *mp)
{
	struct log *log = &mp->m_log;

	task_stop(&log->l_thread);
	task_join(&log->l_thread);
	task_stop(&log->l_io_thread);
	task_join(&log->l_io_thread);
	ASSERT(list_empty(&log->l_committing));
	free(log->l_zeros);
	free(log->l_ctx);
}
