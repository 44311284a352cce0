// SPDX-License-Identifier: GPL-2.0-only
// delwri_queue_here_mb: the stock fix with the barrier before its wake-up.
// Subject: [PATCH] xfs: order unlinking a delwri buffer before waking
//
// wake_up_var() looks for sleepers without a barrier.  Taking a buffer off
// its list may become visible only after that look, so that a bulk loader
// that found the buffer still linked goes to sleep and nobody wakes it.
// Put the full barrier between them that wait_var_event() expects.

@@
expression bp;
@@
 xfs_buf_list_del(...)
 {
 	list_del_init(&bp->b_list);
+	/* Pairs with prepare_to_wait_event(). */
+	smp_mb();
 	wake_up_var(&bp->b_list);
 }
