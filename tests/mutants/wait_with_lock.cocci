// SPDX-License-Identifier: GPL-2.0-only
// wait_with_lock: for scripts/kernel hunt to find, a lookup that hangs.
// Subject: [PATCH] xfs: wait for the list with the stale buffer locked
//
// Not for merging.  The AIL drops a stale buffer from its list only if it can
// lock it, and whoever waits in this way does not let go of the lock.

@@
identifier bp, flags;
expression e;
@@
 xfs_buf_find_lock(struct xfs_buf *bp, xfs_buf_flags_t flags)
 {
 	<...
 	bp->b_flags &= e;
+	wait_var_event(&bp->b_list, list_empty(&bp->b_list));
 	...>
 }
