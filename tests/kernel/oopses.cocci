// SPDX-License-Identifier: GPL-2.0-only
// The stock fix, which writes through a null pointer when it mounts.
@@
identifier mp;
@@
 xfs_mountfs(struct xfs_mount *mp)
 {
 ...
 xfs_sb_mount_common(mp, ...);
+WRITE_ONCE(*(int *)8, 1);
 ...
 }
