// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delayed-write lists around the fix's hooks (kernel: xfs_buf_delwri_*).
 */
#include "cache/hooks.h"
#include "cache/mount.h"

void delwri_list_init(struct delwri_list *list)
{
	list_init(&list->head);
	COUNT(list->nr_walked = 0);
	fix_list_init(list);
}

bool delwri_list_empty(struct delwri_list *list)
{
	return fix_list_empty(list);
}

int delwri_cmp(const struct list_head *a, const struct list_head *b)
{
	const struct buf *ap = list_entry(a, struct buf, b_list);
	const struct buf *bp = list_entry(b, struct buf, b_list);

	return ap->b_bno < bp->b_bno ? -1 : ap->b_bno > bp->b_bno;
}

static const enum point queued_point[] = {
	[QUEUED_HERE] = POINT_QUEUE,
	[QUEUED_BEFORE] = POINT_QUEUE_AGAIN,
	[QUEUED_ELSEWHERE] = POINT_QUEUE_ELSEWHERE,
};

enum queued delwri_queue(struct buf *bp, struct delwri_list *list)
{
	enum queued queued;

	ASSERT(buf_islocked(bp));
	ASSERT(!(bp->b_flags & BUF_READ));
	queued = fix_queue(bp, list);
	if (queued != QUEUED_NOT)
		point(bp, queued_point[queued]);
	return queued;
}

int delwri_queue_bload(struct buf *bp, struct delwri_list *list)
{
	int queued;

	ASSERT(buf_islocked(bp));
	queued = fix_queue_bload(bp, list);
	ASSERT(buf_islocked(bp));
	if (queued < 0)
		return queued;
	if (queued == QUEUED_NOT)
		return -ENOMEM;
	if (queued == QUEUED_WRITTEN)
		return 0;
	point(bp, queued_point[queued]);
	return queued == QUEUED_HERE ? 0 : -EALREADY;
}

void delwri_issue(struct buf *bp, bool async)
{
	ASSERT(buf_islocked(bp));
	point(bp, POINT_SUBMIT_ISSUED);
	buf_set(bp, BUF_WRITE);
	if (async)
		buf_set(bp, BUF_ASYNC);
	else
		buf_clear(bp, BUF_ASYNC);
	buf_submit(bp);
}

int delwri_submit_nowait(struct delwri_list *list)
{
	struct device_plug plug;
	int pinned;

	device_plug_start(&plug);
	pinned = fix_submit(list, NULL);
	device_plug_finish(&plug);
	return pinned;
}

int delwri_submit(struct delwri_list *list)
{
	struct list_head wait_list = LIST_HEAD_INIT(wait_list);
	struct device_plug plug;
	int error = 0, error2;

	device_plug_start(&plug);
	fix_submit(list, &wait_list);
	device_plug_finish(&plug);
	while (!list_empty(&wait_list)) {
		struct buf *bp = fix_wait_pop(&wait_list);

		error2 = buf_iowait(bp);
		buf_relse(bp);
		if (!error)
			error = error2;
	}
	return error;
}

void delwri_cancel(struct delwri_list *list)
{
	fix_cancel(list);
}
