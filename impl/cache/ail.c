// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AIL and its daemon (kernel: xfs_trans_ail.c).
 */
#include "cache/ail.h"
#include "cache/delwri.h"
#include "cache/mount.h"
#include "cache/trans.h"

#include <stdlib.h>

static struct log_item *ail_first(struct ail *ail)
{
	if (list_empty(&ail->ail_head))
		return NULL;
	return list_first_entry(&ail->ail_head, struct log_item, li_ail);
}

static struct log_item *ail_last(struct ail *ail)
{
	if (list_empty(&ail->ail_head))
		return NULL;
	return list_entry(ail->ail_head.prev, struct log_item, li_ail);
}

static struct log_item *ail_next(struct ail *ail, struct log_item *lip)
{
	if (lip->li_ail.next == &ail->ail_head)
		return NULL;
	return list_entry(lip->li_ail.next, struct log_item, li_ail);
}

/* AIL lock held: what the log still needs begins here; 0: nothing does. */
static uint64_t min_lsn(struct ail *ail)
{
	struct log_item *lip = ail_first(ail);

	return lip ? lip->li_lsn : 0;
}

uint64_t ail_min_lsn(struct mount *mp)
{
	struct ail *ail = &mp->m_ail;
	uint64_t lsn;

	spin_lock(&ail->ail_lock);
	lsn = min_lsn(ail);
	spin_unlock(&ail->ail_lock);
	return lsn;
}

/* AIL lock held. */
static void ail_remove(struct ail *ail, struct log_item *lip)
{
	if (ail->ail_cursor == lip) {
		ail->ail_cursor = NULL;
		ail->ail_cursor_lost = true;
	}
	list_del_init(&lip->li_ail);
	WRITE_ONCE(ail->ail_nr, ail->ail_nr - 1);
}

/*
 * After a change, AIL lock held, dropped on return.  @tail was min_lsn()
 * before: those who sleep are woken only if that has moved, once however
 * many items were taken (kernel: xfs_ail_update_finish).
 */
static void ail_update_finish(struct mount *mp, uint64_t tail)
{
	struct ail *ail = &mp->m_ail;

	if (tail == min_lsn(ail)) {
		spin_unlock(&ail->ail_lock);
		return;
	}
	if (list_empty(&ail->ail_head))
		wake_up_all(&ail->ail_empty);
	spin_unlock(&ail->ail_lock);
	log_space_wake(mp);
}

void ail_update(struct mount *mp, struct log_item **items, int nr,
		uint64_t lsn)
{
	struct ail *ail = &mp->m_ail;
	struct list_head *at;
	uint64_t tail;
	int i;

	spin_lock(&ail->ail_lock);
	tail = min_lsn(ail);
	for (i = 0; i < nr; i++) {
		struct log_item *lip = items[i];

		if (li_test(lip, LI_IN_AIL)) {
			if (lip->li_lsn >= lsn)
				continue;
			ail_remove(ail, lip);
		}
		/* Behind the last one not newer; usually the very last. */
		at = ail->ail_head.prev;
		while (at != &ail->ail_head &&
		       list_entry(at, struct log_item, li_ail)->li_lsn > lsn)
			at = at->prev;
		WRITE_ONCE(lip->li_lsn, lsn);
		li_set(lip, LI_IN_AIL);
		list_add(&lip->li_ail, at);
		WRITE_ONCE(ail->ail_nr, ail->ail_nr + 1);
	}
	if (!tail)
		wake_up_process(ail->ail_thread.task);
	ail_update_finish(mp, tail);
}

/* AIL lock held (kernel: xfs_ail_delete_one). */
static void ail_delete_one(struct ail *ail, struct log_item *lip)
{
	ail_remove(ail, lip);
	li_clear(lip, LI_IN_AIL);
	WRITE_ONCE(lip->li_lsn, 0);
}

void ail_delete(struct log_item *lip)
{
	struct mount *mp = lip->li_mount;
	struct ail *ail = &mp->m_ail;
	uint64_t tail;

	spin_lock(&ail->ail_lock);
	tail = min_lsn(ail);
	if (li_test(lip, LI_IN_AIL)) {
		li_clear(lip, LI_FAILED);
		ail_delete_one(ail, lip);
	}
	ail_update_finish(mp, tail);
}

void ail_delete_flushed(struct mount *mp, struct list_head *items)
{
	struct ail *ail = &mp->m_ail;
	struct log_item *lip;
	uint64_t tail;

	spin_lock(&ail->ail_lock);
	tail = min_lsn(ail);
	list_for_each_entry(lip, items, li_bio_list) {
		li_clear(lip, LI_FAILED);
		/* Logged again since: the log still needs it. */
		if (lip->li_flush_lsn == lip->li_lsn &&
		    li_test(lip, LI_IN_AIL))
			ail_delete_one(ail, lip);
	}
	ail_update_finish(mp, tail);
}

/* --- the daemon ----------------------------------------------------- */

/* AIL lock held (kernel: xfs_ail_calc_push_target). */
static uint64_t push_target(struct mount *mp)
{
	struct ail *ail = &mp->m_ail;
	struct log_item *last = ail_last(ail);
	uint64_t size = mp->m_log.l_size, min, max, target;

	if (!last)
		return AIL_NO_TARGET;
	max = last->li_lsn;
	min = ail_first(ail)->li_lsn;
	/* It stays asked for while the AIL is empty: see above. */
	if (__atomic_exchange_n(&ail->ail_push_all, 0, __ATOMIC_SEQ_CST))
		return max;
	if (wait_queue_active(&ail->ail_empty))
		return max;
	/* A quarter of the log is free: leave the target where it is. */
	if (size - (max - min) >= size / 4)
		return ail->ail_target;
	target = min + size / 4;
	if (target > max)
		return max;
	return ail->ail_target >= target ? ail->ail_target : target;
}

enum push_result ail_queue(struct buf *bp)
{
	struct ail *ail = &bp->b_mount->m_ail;

	switch (delwri_queue(bp, ail->ail_buf_list)) {
	case QUEUED_BEFORE:
		return PUSH_FLUSHING;
	case QUEUED_NOT:
		return PUSH_LOCKED;
	default:
		return PUSH_SUCCESS;
	}
}

/* AIL lock held; its buffer's last write failed (xfsaild_resubmit_item). */
static enum push_result push_failed(struct log_item *lip)
{
	struct buf *bp = lip->li_buf;
	struct log_item *other;
	enum push_result result;

	if (!buf_trylock(bp))
		return PUSH_LOCKED;
	result = ail_queue(bp);
	if (result == PUSH_SUCCESS)
		list_for_each_entry(other, &bp->b_li_list, li_bio_list)
			li_clear(other, LI_FAILED);
	buf_unlock(bp);
	return result;
}

static struct log_item *cursor_first(struct ail *ail, uint64_t lsn)
{
	struct log_item *lip = ail_first(ail);

	while (lip && lip->li_lsn < lsn)
		lip = ail_next(ail, lip);
	ail->ail_cursor_lost = false;
	ail->ail_cursor = lip ? ail_next(ail, lip) : NULL;
	return lip;
}

static struct log_item *cursor_next(struct ail *ail)
{
	struct log_item *lip = ail->ail_cursor;

	if (ail->ail_cursor_lost) {
		ail->ail_cursor_lost = false;
		lip = ail_first(ail);
	}
	ail->ail_cursor = lip ? ail_next(ail, lip) : NULL;
	return lip;
}

struct push_count {
	int stuck, flushing, total;
	uint64_t lsn;			/* how far the walk came */
};

/* AIL lock held, perhaps dropped in between (kernel: xfsaild_push_item). */
static void push_item(struct mount *mp, struct log_item *lip,
		      struct push_count *count)
{
	struct ail *ail = &mp->m_ail;
	uint64_t lsn = lip->li_lsn;
	enum push_result result;

	/* The item may be gone afterwards. */
	result = li_test(lip, LI_FAILED) ? push_failed(lip) :
					   lip->li_ops->push(lip);
	switch (result) {
	case PUSH_SUCCESS:
		ail->ail_last_pushed = lsn;
		break;
	case PUSH_FLUSHING:
		count->flushing++;
		ail->ail_last_pushed = lsn;
		break;
	case PUSH_PINNED:
		count->stuck++;
		ail->ail_log_flush++;
		break;
	case PUSH_LOCKED:
		count->stuck++;
		break;
	}
	count->total++;
}

/* AIL lock held (the loop of xfsaild_push). */
static void push_items(struct mount *mp, struct push_count *count)
{
	struct ail *ail = &mp->m_ail;
	struct log_item *lip = cursor_first(ail, ail->ail_last_pushed);

	if (!lip)
		return;
	count->lsn = lip->li_lsn;
	while (lip->li_lsn <= ail->ail_target) {
		/* What is being flushed already counts as nothing at all. */
		if (!li_test(lip, LI_FLUSHING)) {
			push_item(mp, lip, count);
			if (count->stuck > AIL_STUCK_MAX)
				break;
		}
		lip = cursor_next(ail);
		if (!lip)
			break;
		if (lip->li_lsn != count->lsn && count->total > AIL_COUNT_MAX)
			break;
		count->lsn = lip->li_lsn;
	}
	ail->ail_cursor = NULL;
}

/* One pass; how long to sleep, in milliseconds (xfsaild_push). */
static unsigned int ail_push(struct mount *mp)
{
	struct ail *ail = &mp->m_ail;
	struct push_count count = { 0 };

	if (ail->ail_log_flush && !ail->ail_last_pushed &&
	    (!delwri_list_empty(ail->ail_buf_list) || ail_min_lsn(mp))) {
		ail->ail_log_flush = 0;
		log_flush(mp);
	}
	spin_lock(&ail->ail_lock);
	ail->ail_target = push_target(mp);
	if (ail->ail_target != AIL_NO_TARGET)
		push_items(mp, &count);
	spin_unlock(&ail->ail_lock);

	point_block(mp, POINT_AIL_SUBMIT, UINT64_MAX);
	if (delwri_submit_nowait(ail->ail_buf_list))
		ail->ail_log_flush++;
	COUNT(stat_ail_push(mp, ail->ail_buf_list->nr_walked));

	if (!count.total || count.lsn >= ail->ail_target) {
		ail->ail_last_pushed = 0;
		return AIL_SLEEP_IDLE_MS;
	}
	if ((count.stuck + count.flushing) * 100 / count.total >
	    AIL_STUCK_PERCENT) {
		ail->ail_last_pushed = 0;
		return AIL_SLEEP_STUCK_MS;
	}
	return 0;
}

/*
 * How long schedule_timeout(msecs_to_jiffies(@ms)) sleeps from @now on: whole
 * ticks, rounded up, and one more, because of the present one something is
 * gone and no timer may fire early (kernel: calc_index() in
 * kernel/time/timer.c).  50 ms are 52 to 56, 20 ms are 20 to 24.
 */
static uint64_t ticks_ns(uint64_t now, unsigned int ms)
{
	uint64_t ticks = (ms * KERNEL_HZ + 999) / 1000 + 1;

	return (now / TICK_NS + ticks) * TICK_NS - now;
}

static bool ail_idle(struct mount *mp)
{
	struct ail *ail = &mp->m_ail;
	bool idle;

	spin_lock(&ail->ail_lock);
	idle = list_empty(&ail->ail_head) &&
	       delwri_list_empty(ail->ail_buf_list);
	spin_unlock(&ail->ail_lock);
	return idle;
}

static void ail_daemon(void *arg)
{
	struct mount *mp = arg;
	struct ail *ail = &mp->m_ail;
	unsigned int sleep_ms = 0;

	for (;;) {
		/* Before the tests: a wake-up after them is not lost. */
		set_current_state(TASK_SLEEPING);
		if (task_should_stop())
			break;
		if (ail_idle(mp)) {
			schedule_timeout(SLEEP_FOREVER, WAIT_IDLE, ail);
			sleep_ms = 0;
			continue;
		}
		if (sleep_ms)
			schedule_timeout(ticks_ns(now_ns(), sleep_ms),
					 WAIT_IDLE, ail);
		WRITE_ONCE(current->state, TASK_RUNNING);
		point_block(mp, POINT_AIL_PASS, UINT64_MAX);
		sleep_ms = ail_push(mp);
		WRITE_ONCE(ail->ail_passes, ail->ail_passes + 1);
		point_block(mp, POINT_AIL_SLEEP, UINT64_MAX);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	/* After a shutdown buffers may be left that were always pinned. */
	delwri_cancel(ail->ail_buf_list);
}

void ail_push_all(struct mount *mp)
{
	struct ail *ail = &mp->m_ail;

	if (!__atomic_exchange_n(&ail->ail_push_all, 1, __ATOMIC_SEQ_CST))
		wake_up_process(ail->ail_thread.task);
}

void ail_push_all_sync(struct mount *mp)
{
	struct wait_queue_entry wait = { .task = current };
	struct ail *ail = &mp->m_ail;

	list_init(&wait.list);
	spin_lock(&ail->ail_lock);
	while (!list_empty(&ail->ail_head)) {
		prepare_to_wait(&ail->ail_empty, &wait);
		wake_up_process(ail->ail_thread.task);
		spin_unlock(&ail->ail_lock);
		schedule_timeout(SLEEP_FOREVER, WAIT_LOG, ail);
		spin_lock(&ail->ail_lock);
	}
	spin_unlock(&ail->ail_lock);
	finish_wait(&ail->ail_empty, &wait);
}

int ail_start(struct mount *mp)
{
	struct ail *ail = &mp->m_ail;
	int error;

	spin_lock_init(&ail->ail_lock);
	list_init(&ail->ail_head);
	wait_queue_init(&ail->ail_empty);
	ail->ail_buf_list = malloc(sizeof(*ail->ail_buf_list));
	if (!ail->ail_buf_list)
		return -ENOMEM;
	delwri_list_init(ail->ail_buf_list);
	error = task_start(&ail->ail_thread, "ail", -1, ail_daemon, mp);
	if (error) {
		free(ail->ail_buf_list);
		ail->ail_buf_list = NULL;
	}
	return error;
}

void ail_stop(struct mount *mp)
{
	task_stop(&mp->m_ail.ail_thread);
	task_join(&mp->m_ail.ail_thread);
	free(mp->m_ail.ail_buf_list);
	mp->m_ail.ail_buf_list = NULL;
}
