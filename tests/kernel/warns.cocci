// SPDX-License-Identifier: GPL-2.0-only
// The stock fix, which warns at a bulk load.
@@
@@
 xfs_btree_bload(...)
 {
 ...
 INIT_LIST_HEAD(&buffers_list);
+WARN_ON_ONCE(1);
 ...
 }
