// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times the buffer cache's operations from inside the module, one caller, on
 * a cached buffer; linked into the modules whose cost is measured, which have
 * no probes.  Under an emulator that counts instructions a ns is one of them.
 *
 *   echo /mnt > /sys/module/xfs/parameters/dwb_cost   # any path on the mount
 *   cat /sys/module/xfs/parameters/dwb_cost           # picoseconds each
 */
#include "xfs.h"
#include "xfs_shared.h"
#include "xfs_format.h"
#include "xfs_log_format.h"
#include "xfs_trans_resv.h"
#include "xfs_mount.h"
#include "xfs_ag.h"
#include <linux/namei.h>
#include <linux/sort.h>

#define BATCHES		101
#define PER_BATCH	1000

struct cost {
	const char	*name;
	int		(*op)(struct xfs_buftarg *target, xfs_daddr_t daddr);
	u64		min_ps;		/* of the batches, per operation */
	u64		median_ps;
};

/* Look a cached buffer up, lock it, let go of it. */
static int op_lookup(struct xfs_buftarg *target, xfs_daddr_t daddr)
{
	struct xfs_buf *bp;
	int error;

	error = xfs_buf_get(target, daddr, 8, &bp);
	if (!error)
		xfs_buf_relse(bp);
	return error;
}

/* The same, put on a delayed write list and taken off it. */
static int op_queue(struct xfs_buftarg *target, xfs_daddr_t daddr)
{
	LIST_HEAD(list);
	struct xfs_buf *bp;
	int error;

	error = xfs_buf_get(target, daddr, 8, &bp);
	if (error)
		return error;
	xfs_buf_delwri_queue(bp, &list);
	xfs_buf_relse(bp);
	xfs_buf_delwri_cancel(&list);
	return 0;
}

/* The same as the first, marked stale while on no list. */
static int op_stale(struct xfs_buftarg *target, xfs_daddr_t daddr)
{
	struct xfs_buf *bp;
	int error;

	error = xfs_buf_get(target, daddr, 8, &bp);
	if (error)
		return error;
	xfs_buf_stale(bp);
	xfs_buf_relse(bp);
	return 0;
}

static struct cost costs[] = {
	{ "lookup", op_lookup },
	{ "queue", op_queue },
	{ "stale", op_stale },
};

static int u64_cmp(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int measure(struct cost *c, struct xfs_buftarg *target,
		   xfs_daddr_t daddr)
{
	static u64 ns[BATCHES];
	int i, j, error;

	for (i = 0; i < BATCHES; i++) {
		u64 begin = ktime_get_ns();

		for (j = 0; j < PER_BATCH; j++) {
			error = c->op(target, daddr);
			if (error)
				return error;
		}
		ns[i] = ktime_get_ns() - begin;
		cond_resched();
	}
	sort(ns, BATCHES, sizeof(*ns), u64_cmp, NULL);
	c->min_ps = ns[0] * 1000 / PER_BATCH;
	c->median_ps = ns[BATCHES / 2] * 1000 / PER_BATCH;
	return 0;
}

static int cost_set(const char *val, const struct kernel_param *kp)
{
	struct xfs_buf *pinned;		/* keeps the buffer cached */
	struct xfs_mount *mp;
	xfs_daddr_t daddr;
	struct path path;
	char name[64];
	int i, error;

	strscpy(name, val, sizeof(name));
	error = kern_path(strim(name), LOOKUP_FOLLOW, &path);
	if (error)
		return error;
	if (path.dentry->d_sb->s_magic != XFS_SB_MAGIC) {
		path_put(&path);
		return -EINVAL;
	}
	mp = XFS_M(path.dentry->d_sb);

	/* A block in the middle of the device, which nobody else looks at. */
	daddr = XFS_FSB_TO_BB(mp, mp->m_sb.sb_agblocks / 2);
	error = xfs_buf_get(mp->m_ddev_targp, daddr, 8, &pinned);
	if (!error)
		xfs_buf_unlock(pinned);
	for (i = 0; !error && i < ARRAY_SIZE(costs); i++)
		error = measure(&costs[i], mp->m_ddev_targp, daddr);
	if (!error) {
		xfs_buf_lock(pinned);
		xfs_buf_stale(pinned);
		xfs_buf_relse(pinned);
	}
	path_put(&path);
	return error;
}

static int cost_get(char *buf, const struct kernel_param *kp)
{
	int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(costs); i++)
		n += sysfs_emit_at(buf, n, "%s_min_ps=%llu %s_median_ps=%llu ",
				   costs[i].name, costs[i].min_ps,
				   costs[i].name, costs[i].median_ps);
	return n + sysfs_emit_at(buf, n, "\n");
}

static const struct kernel_param_ops cost_ops = {
	.get = cost_get,
	.set = cost_set,
};
module_param_cb(dwb_cost, &cost_ops, NULL, 0644);
