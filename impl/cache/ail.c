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

uint64_t ail_min_lsn(struct mount *mp)
{
	struct ail *ail = &mp->m_ail;
	struct log_item *lip;
	uint64_t lsn;

	spin_lock(&ail->ail_lock);
	lip = ail_first(ail);
	lsn = lip ? lip->li_lsn : 0;
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

/* After a change, AIL lock dropped: the tail may have moved. */
static void ail_update_finish(struct mount *mp, bool now_empty)
{
	/* The lock just dropped does not order the look for sleepers. */
	smp_mb();	/* pairs with prepare_to_wait() in log_reserve() */
	if (wait_queue_active(&mp->m_log.l_space_wait))
		wake_up_all(&mp->m_log.l_space_wait);
	if (now_empty)
		wake_up_all(&mp->m_ail.ail_empty);
}

void ail_update(struct mount *mp, struct log_item **items, int nr,
		uint64_t lsn)
{
	struct ail *ail = &mp->m_ail;
	struct list_head *at;
	bool was_empty;
	int i;

	spin_lock(&ail->ail_lock);
	was_empty = list_empty(&ail->ail_head);
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
	spin_unlock(&ail->ail_lock);
	if (was_empty)
		wake_up_process(ail->ail_thread.task);
	ail_update_finish(mp, false);
}

void ail_delete(struct log_item *lip)
{
	struct mount *mp = lip->li_mount;
	struct ail *ail = &mp->m_ail;
	bool tail, empty;

	spin_lock(&ail->ail_lock);
	if (!li_test(lip, LI_IN_AIL)) {
		spin_unlock(&ail->ail_lock);
		return;
	}
	li_clear(lip, LI_IN_AIL | LI_FAILED);
	tail = ail_first(ail) == lip;
	ail_remove(ail, lip);
	WRITE_ONCE(lip->li_lsn, 0);
	empty = list_empty(&ail->ail_head);
	spin_unlock(&ail->ail_lock);
	if (tail)
		ail_update_finish(mp, empty);
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
	if (ail->ail_push_all) {
		ail->ail_push_all = false;
		return max;
	}
	if (ail->ail_empty_waiters)
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
		push_item(mp, lip, count);
		if (count->stuck > AIL_STUCK_MAX)
			break;
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
	stat_ail_push(mp, ail->ail_buf_list->nr_walked);

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
			schedule_timeout(sleep_ms * 1000000ull, WAIT_IDLE,
					 ail);
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

	spin_lock(&ail->ail_lock);
	if (!list_empty(&ail->ail_head))
		ail->ail_push_all = true;
	spin_unlock(&ail->ail_lock);
	wake_up_process(ail->ail_thread.task);
}

static bool ail_is_empty(struct mount *mp)
{
	return !READ_ONCE(mp->m_ail.ail_nr);
}

void ail_push_all_sync(struct mount *mp)
{
	struct ail *ail = &mp->m_ail;

	spin_lock(&ail->ail_lock);
	ail->ail_empty_waiters++;
	spin_unlock(&ail->ail_lock);
	wake_up_process(ail->ail_thread.task);
	wait_event(&ail->ail_empty, ail_is_empty(mp), WAIT_LOG, ail);
	spin_lock(&ail->ail_lock);
	ail->ail_empty_waiters--;
	spin_unlock(&ail->ail_lock);
}

int ail_start(struct mount *mp)
{
	struct ail *ail = &mp->m_ail;

	spin_lock_init(&ail->ail_lock);
	list_init(&ail->ail_head);
	wait_queue_init(&ail->ail_empty);
	ail->ail_buf_list = malloc(sizeof(*ail->ail_buf_list));
	if (!ail->ail_buf_list)
		return -ENOMEM;
	delwri_list_init(ail->ail_buf_list);
	return task_start(&ail->ail_thread, "ail", -1, ail_daemon, mp);
}

void ail_stop(struct mount *mp)
{
	task_stop(&mp->m_ail.ail_thread);
	task_join(&mp->m_ail.ail_thread);
	free(mp->m_ail.ail_buf_list);
	mp->m_ail.ail_buf_list = NULL;
}
