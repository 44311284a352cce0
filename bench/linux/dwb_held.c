// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has locked which buffer, so that a wait can say what is held meanwhile.
 * A table by address in which a newcomer replaces the one before: what it
 * forgets is missing in the answer, what it says was so.
 */
#include "xfs.h"
#include "xfs_shared.h"
#include "xfs_format.h"
#include "xfs_log_format.h"
#include "xfs_trans_resv.h"
#include "xfs_mount.h"
#include "dwb_probe.h"
#include <linux/hash.h>

#define BITS	14

/*
 * bp's slot is written with the buffer locked; two buffers of one slot may
 * race, which costs one of them its entry.
 */
static struct {
	struct xfs_buf		*bp;
	struct task_struct	*owner;
	unsigned int		what;
} slots[1 << BITS];

void dwb_held_add(struct xfs_buf *bp)
{
	unsigned int i = hash_ptr(bp, BITS), what = DWB_HELD_OTHER;

	/* The superblock's, and many others: they would push out the rest. */
	if (bp->b_rhash_key == XFS_BUF_DADDR_NULL)
		return;
	if (bp->b_ops == &xfs_agf_buf_ops)
		what = DWB_HELD_AGF;
	else if (bp->b_ops == &xfs_agi_buf_ops)
		what = DWB_HELD_AGI;
	WRITE_ONCE(slots[i].owner, NULL);
	WRITE_ONCE(slots[i].what, what);
	WRITE_ONCE(slots[i].bp, bp);
	WRITE_ONCE(slots[i].owner, current);
}

void dwb_held_del(struct xfs_buf *bp)
{
	unsigned int i = hash_ptr(bp, BITS);

	if (READ_ONCE(slots[i].bp) != bp)
		return;
	WRITE_ONCE(slots[i].owner, NULL);
	WRITE_ONCE(slots[i].bp, NULL);
}

unsigned int dwb_held(void)
{
	unsigned int i, held = 0;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		if (READ_ONCE(slots[i].owner) == current)
			held |= READ_ONCE(slots[i].what);
	return held;
}
