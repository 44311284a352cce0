// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hit of a trial: a block that a bulk load meets while a knob is armed.
 * From then on the AIL is held, so that it cannot drop the block's buffer, or
 * writes of the block fail; and what becomes of the block is counted.
 */
#include "xfs.h"
#include "xfs_shared.h"
#include "xfs_format.h"
#include "xfs_log_format.h"
#include "xfs_trans_resv.h"
#include "xfs_mount.h"
#include "dwb_probe.h"
#include "dwb_names.h"	/* written by modules.py */

static unsigned int hold_arm_ms;	/* at a hit, hold the AIL so long */
static unsigned int fail_arm;		/* at a hit, fail that many writes */
static int hit_nth;	/* hit only that of a load; -1: its last; 0: any */
module_param_named(dwb_hold_arm_ms, hold_arm_ms, uint, 0644);
module_param_named(dwb_fail_arm, fail_arm, uint, 0644);
module_param_named(dwb_hit_nth, hit_nth, int, 0644);

/* The caller's lock guards these (dwb_probe.c's). */
static struct {
	u64		hits;		/* 0 or 1 */
	u64		daddr;
	u64		nth;		/* leaves first, from the left */
	u64		blocks;		/* of its load: the root is the last */
	u64		writes;		/* of that block that succeeded */
	u64		not_durable;	/* load returned before its write */
	const char	*tree;
	u64		hold_until;	/* ns, or 0 */
} hit;
/* What bulk loads have claimed; the caller's lock. */
static struct {
	u64		now;		/* so far, by the one that runs */
	bool		finobt;		/* ... which is of it */
	u64		before[2];	/* by the last one; [1]: of a finobt */
} claims;

static u64 fail_daddr;			/* READ_ONCE, WRITE_ONCE */
static atomic_t fails_left;
static atomic_t failed_async;
static atomic_t failed_sync;

void dwb_hit_claim(unsigned int nth, bool finobt)
{
	claims.now = nth;
	claims.finobt = finobt;
}

/* Is the block that is now claimed one of those to be hit? */
static bool wanted(void)
{
	u64 all = claims.before[claims.finobt];

	return !hit_nth ||
	       claims.now == (hit_nth > 0 ? hit_nth : all + 1 + hit_nth);
}

void dwb_hit_met(const char *tree, u64 daddr)
{
	if ((!hold_arm_ms && !fail_arm) || hit.hits || !wanted())
		return;
	hit.hits = 1;
	hit.nth = claims.now;
	hit.tree = tree;
	hit.daddr = daddr;
	WRITE_ONCE(fail_daddr, daddr);
	atomic_set(&fails_left, fail_arm);
	if (hold_arm_ms)
		hit.hold_until = ktime_get_ns() + hold_arm_ms * NSEC_PER_MSEC;
}

void dwb_hit_load_end(void)
{
	claims.before[claims.finobt] = claims.now;
	if (hit.hits && !hit.blocks)
		hit.blocks = claims.now;
}

void dwb_hit_written(u64 daddr)
{
	if (hit.hits && hit.daddr == daddr)
		hit.writes++;
}

void dwb_hit_not_durable(u64 daddr)
{
	if (hit.hits && hit.daddr == daddr)
		hit.not_durable++;
}

bool dwb_hit_holds(void)
{
	return ktime_get_ns() < hit.hold_until;
}

bool dwb_hit_fails(struct xfs_buf *bp)
{
	if (!(bp->b_flags & XBF_WRITE) || !atomic_read(&fails_left) ||
	    READ_ONCE(fail_daddr) != xfs_buf_daddr(bp) ||
	    atomic_dec_if_positive(&fails_left) < 0)
		return false;
	atomic_inc(bp->b_flags & XBF_ASYNC ? &failed_async : &failed_sync);
	return true;
}

int dwb_hit_show(char *buf, int n)
{
	return n + sysfs_emit_at(buf, n,
				 "hits=%llu hit_daddr=%llu hit_nth=%llu "
				 "hit_blocks=%llu hit_writes=%llu "
				 "hit_not_durable=%llu held=%d failed_async=%d "
				 "failed_sync=%d load_blocks=%llu hit_tree=%s ",
				 hit.hits, hit.daddr, hit.nth, hit.blocks,
				 hit.writes, hit.not_durable, dwb_hit_holds(),
				 atomic_read(&failed_async),
				 atomic_read(&failed_sync), claims.before[0],
				 hit.hits ? hit.tree : "-");
}

void dwb_hit_forget(void)
{
	memset(&hit, 0, sizeof(hit));
	atomic_set(&fails_left, 0);
	atomic_set(&failed_async, 0);
	atomic_set(&failed_sync, 0);
}
