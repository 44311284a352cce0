// SPDX-License-Identifier: GPL-2.0-only
// none: the negative control, the bulk loader's queueing reverted.
// # Has-no: wait_var_event
// Subject: [PATCH] xfs: let the bulk loader queue like everybody else
//
// Not for merging: this takes back the wait for other delayed write lists.
// A block whose stale buffer is still linked on the AIL's list is then
// queued without moving to the bulk loader's list, and the root of the new
// btree is committed before that block is on disk.

@@
expression bp, list;
@@
- xfs_buf_delwri_queue_here(bp, list)
+ xfs_buf_delwri_queue(bp, list)

@@
expression bp;
@@
- xfs_buf_list_del(bp)
+ list_del_init(&bp->b_list)

@@
identifier bp;
@@
- static inline void xfs_buf_list_del(struct xfs_buf *bp) { ... }

@@
identifier bp, list;
@@
- void xfs_buf_delwri_queue_here(struct xfs_buf *bp, struct list_head *list)
- { ... }
