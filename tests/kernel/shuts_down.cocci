// SPDX-License-Identifier: GPL-2.0-only
// The stock fix, which shuts the file system down when a bulk load fails.
@@
identifier cur;
expression list, e;
@@
 xfs_btree_bload(struct xfs_btree_cur *cur, ...)
 {
 <...
 e = xfs_buf_delwri_submit(list);
+if (e)
+	xfs_force_shutdown(cur->bc_mp, SHUTDOWN_META_IO_ERROR);
 ...>
 }
