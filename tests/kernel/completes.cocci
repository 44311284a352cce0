// SPDX-License-Identifier: GPL-2.0-only
// The stock fix, which waits for a completion that nobody completes, a tick
// each time, instead of an event.
@@
@@
 xfs_buf_delwri_queue_here(...)
 {
 <...
-wait_var_event(...);
+wait_for_completion_timeout(&never, 1);
 ...>
 }

@@
@@
 xfs_buf_delwri_queue_here(...)
 {
+DECLARE_COMPLETION_ONSTACK(never);
+
 ...
 }
