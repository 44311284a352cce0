// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times the buffer cache's operations from inside the module, one caller, on
 * a cached buffer; linked into the modules whose cost is measured, which have
 * no probes.  Under an emulator that counts instructions a ns is one of them.
 * Then steps through one of each and counts what every function executes.
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
#include "dwb_names.h"	/* written by modules.py */
#include <linux/kallsyms.h>
#include <linux/kdebug.h>
#include <linux/namei.h>
#include <linux/sort.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>

#define BATCHES		101
#define PER_BATCH	1000
#define MAX_STEPS	8192
#define TEXT_SIZE	1200

struct cost {
	const char	*name;
	int		(*op)(struct xfs_buftarg *target, xfs_daddr_t daddr);
	u64		min_ps;		/* of the batches, per operation */
	u64		median_ps;
	char		functions[TEXT_SIZE];	/* NAME:INSTRUCTIONS,... */
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

/* --- by function: a trap after every instruction ---------------------- */

static unsigned long step_ip[MAX_STEPS];
static int nr_steps;
static struct task_struct *stepped;

static int on_step(struct notifier_block *nb, unsigned long what, void *data)
{
	struct die_args *args = data;
	unsigned long *dr6 = (unsigned long *)args->err;

	if (what != DIE_DEBUG || current != stepped || !(*dr6 & DR_STEP))
		return NOTIFY_DONE;
	*dr6 &= ~DR_STEP;
	if (nr_steps < MAX_STEPS)
		step_ip[nr_steps++] = args->regs->ip;
	return NOTIFY_STOP;
}

static struct notifier_block step_block = { .notifier_call = on_step };

/* Interrupts clear the flag for as long as they take, so they do not count. */
static noinline int dwb_step(struct cost *c, struct xfs_buftarg *target,
			     xfs_daddr_t daddr)
{
	int error;

	preempt_disable();
	nr_steps = 0;
	stepped = current;
	asm volatile("pushfq; orq %0, (%%rsp); popfq" ::"i"(X86_EFLAGS_TF)
		     : "memory", "cc");
	error = c->op(target, daddr);
	asm volatile("pushfq; andq %0, (%%rsp); popfq" ::"i"(~X86_EFLAGS_TF)
		     : "memory", "cc");
	stepped = NULL;
	preempt_enable();
	return error;
}

static int ip_cmp(const void *a, const void *b)
{
	return u64_cmp(a, b);
}

/* The addresses, sorted, run through each function once. */
static void describe(struct cost *c)
{
	static char name[KSYM_SYMBOL_LEN], last[KSYM_SYMBOL_LEN];
	int i, count = 0, n = 0;

	last[0] = 0;
	sort(step_ip, nr_steps, sizeof(*step_ip), ip_cmp, NULL);
	c->functions[0] = 0;
	for (i = 0; i <= nr_steps; i++) {
		if (i < nr_steps) {
			sprint_symbol_no_offset(name, step_ip[i]);
			name[strcspn(name, " ")] = 0;	/* of what module */
		}
		if (i < nr_steps && !strcmp(name, last)) {
			count++;
			continue;
		}
		if (count && strcmp(last, "dwb_step"))
			n += scnprintf(c->functions + n, TEXT_SIZE - n,
				       "%s%s:%d", n ? "," : "", last, count);
		strscpy(last, name, sizeof(last));
		count = 1;
	}
}

static int profile(struct cost *c, struct xfs_buftarg *target,
		   xfs_daddr_t daddr)
{
	int error;

	/* Step through what measure() repeats: the one before may differ. */
	error = c->op(target, daddr);
	if (error)
		return error;
	error = register_die_notifier(&step_block);
	if (error)
		return error;
	error = dwb_step(c, target, daddr);
	unregister_die_notifier(&step_block);
	if (!error && nr_steps == MAX_STEPS)
		error = -E2BIG;
	if (!error)
		describe(c);
	return error;
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
	for (i = 0; !error && i < ARRAY_SIZE(costs); i++)
		error = profile(&costs[i], mp->m_ddev_targp, daddr);
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
	for (i = 0; i < ARRAY_SIZE(costs); i++)
		n += sysfs_emit_at(buf, n, "%s_functions=%s ", costs[i].name,
				   costs[i].functions);
	return n + sysfs_emit_at(buf, n, "\n");
}

static const struct kernel_param_ops cost_ops = {
	.get = cost_get,
	.set = cost_set,
};
module_param_cb(dwb_cost, &cost_ops, NULL, 0644);
