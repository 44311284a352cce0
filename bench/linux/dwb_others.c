// SPDX-License-Identifier: GPL-2.0-only
/*
 * A long list: buffers that the AIL daemon queues beside its own in each pass.
 * Queueing, sorting and writing them is the kernel's own work; their blocks
 * are a file's that nobody reads.
 *
 * Parameters: dwb_others_daddr, the first of their sectors, and dwb_others, how
 * many, one sector each.  0 lets go of them; do that before the unmount.
 */
#include "xfs.h"
#include "xfs_shared.h"
#include "xfs_format.h"
#include "xfs_log_format.h"
#include "xfs_trans_resv.h"
#include "xfs_mount.h"
#include "xfs_trans.h"
#include "xfs_trans_priv.h"
#include "xfs_log_priv.h"
#include "dwb_probe.h"
#include "dwb_names.h"	/* written by modules.py */

static unsigned long long others_daddr;
module_param_named(dwb_others_daddr, others_daddr, ullong, 0644);

/* Guards all of these. */
static DEFINE_MUTEX(others_lock);
static unsigned int wanted;
static unsigned int nr_others;
static struct xfs_buf **others;	/* a reference of ours to each */

static void others_get(struct xfs_buftarg *target)
{
	lockdep_assert_held(&others_lock);
	others = kvcalloc(wanted, sizeof(*others), GFP_KERNEL);
	while (others && nr_others < wanted) {
		struct xfs_buf *bp;

		if (xfs_buf_get_uncached(target, 1, 0, &bp))
			break;
		bp->b_maps[0].bm_bn = others_daddr + nr_others;
		xfs_buf_unlock(bp);
		others[nr_others++] = bp;
	}
	if (nr_others < wanted)
		pr_warn("dwb: memory for %u of %u others\n", nr_others, wanted);
	wanted = nr_others;
}

static void others_put(void)
{
	lockdep_assert_held(&others_lock);
	/* A list or an I/O that has one has a reference, too. */
	while (nr_others)
		xfs_buf_rele(others[--nr_others]);
	kvfree(others);
	others = NULL;
}

void dwb_others_queue(struct xfs_ail *ailp)
{
	unsigned int i;

	mutex_lock(&others_lock);
	if (wanted && !others)
		others_get(ailp->ail_log->l_mp->m_ddev_targp);
	for (i = 0; i < nr_others; i++) {
		/* From the pass before, it may still be in flight. */
		if (!xfs_buf_trylock(others[i]))
			continue;
		xfs_buf_delwri_queue(others[i], &ailp->ail_buf_list);
		xfs_buf_unlock(others[i]);
	}
	mutex_unlock(&others_lock);
}

static int others_set(const char *val, const struct kernel_param *kp)
{
	unsigned int n;
	int error = kstrtouint(val, 0, &n);

	if (error)
		return error;
	/* The superblock's sector is nobody's room. */
	if (n && !others_daddr)
		return -EINVAL;
	mutex_lock(&others_lock);
	others_put();
	wanted = n;
	mutex_unlock(&others_lock);
	return 0;
}

static int others_show(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(nr_others));
}

static const struct kernel_param_ops others_ops = {
	.get = others_show,
	.set = others_set,
};
module_param_cb(dwb_others, &others_ops, NULL, 0644);
