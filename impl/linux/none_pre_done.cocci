// SPDX-License-Identifier: GPL-2.0-only
// none_pre_done: `none`, and as before 6.8 finished blocks are not marked
// up to date.
// # Has-no: wait_var_event
// Subject: [PATCH] xfs: let the bulk loader queue as before Linux 6.8
//
// Not for merging: this takes back the wait for other delayed write lists,
// and the XBF_DONE that keeps a reader from reading an older version of a
// block that is still in memory only.

@@
identifier bp;
@@
 xfs_btree_bload_drop_buf(...)
 {
 ...
- bp->b_flags |= XBF_DONE;
 ...
 }

// SPDX-License-Identifier: GPL-2.0-only
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
