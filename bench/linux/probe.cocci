// SPDX-License-Identifier: GPL-2.0-only
// Put the hooks of dwb_probe.h into a patched fs/xfs.  Every rule stands alone:
// a fix that removes what one looks for loses that figure and no other.

@stale@
identifier bp;
@@
 xfs_buf_stale(struct xfs_buf *bp)
 {
+	dwb_stale(bp);
 	...
 }

@unlock@
identifier bp;
@@
 xfs_buf_unlock(struct xfs_buf *bp)
 {
 	...
+	dwb_unlock(bp);
 	up(&bp->b_sema);
 	...
 }

@lock@
identifier bp;
@@
 xfs_buf_lock(struct xfs_buf *bp)
 {
 	...
 	down(&bp->b_sema);
+	dwb_locked(bp);
 	...
 }

@trylock@
identifier bp;
@@
 xfs_buf_trylock(struct xfs_buf *bp)
 {
 	<...
+	dwb_locked(bp);
 	trace_xfs_buf_trylock(bp, _RET_IP_);
 	...>
 }

@queue@
expression bp;
@@
+	dwb_queue(bp);
 	trace_xfs_buf_delwri_queue(bp, _RET_IP_);

@found@
identifier bp, flags;
statement S1, S2;
@@
 xfs_buf_find_lock(struct xfs_buf *bp, xfs_buf_flags_t flags)
 {
 	if (flags & XBF_TRYLOCK) S1 else S2
+	dwb_found(bp);
 	...
 }

@submit@
identifier bp, wait;
@@
 __xfs_buf_submit(struct xfs_buf *bp, bool wait)
 {
 	...
 	trace_xfs_buf_submit(bp, _RET_IP_);
+	dwb_submit(bp);
 	...
 }

@ioend@
identifier bp;
statement S;
@@
 xfs_buf_ioend(struct xfs_buf *bp)
 {
 	...
 	if (!bp->b_error && bp->b_io_error) S
+	dwb_ioend(bp);
 	...
 }

@bio@
identifier bp;
expression bio;
@@
 xfs_buf_ioapply_map(struct xfs_buf *bp, ...)
 {
 	<...
-	submit_bio(bio);
+	dwb_submit_bio(bp, bio);
 	...>
 }

@wait@
expression list, e;
@@
+{
+	u64 dwb_begin = dwb_wait_begin();
 	wait_var_event(&list, e);
+	dwb_wait_end(dwb_begin);
+}

@eager@
expression lip;
identifier max_lsn;
@@
 xfs_ail_calc_push_target(...)
 {
 	...
 	max_lsn = lip->li_lsn;
+	if (dwb_ail_eager())
+		return max_lsn;
 	...
 }

@ail@
identifier ailp;
statement S;
expression list;
@@
 xfsaild_push(struct xfs_ail *ailp)
 {
 	<...
+	dwb_ail_before_submit(ailp);
 	if (xfs_buf_delwri_submit_nowait(list)) S
+	dwb_ail_after_submit();
 	...>
 }

@claim@
expression cur, ptr, block, bp;
identifier ret;
@@
 xfs_btree_bload_prep_block(...)
 {
 	<...
+	dwb_bload_claim(cur, ptr);
 	ret = xfs_btree_get_buf_block(cur, ptr, block, bp);
 	...>
 }

@block@
identifier bp;
@@
 xfs_btree_bload_drop_buf(...)
 {
 	...
 	if (!bp)
 		return 0;
+	dwb_bload_block(bp);
 	...
 }

@begin@
expression list;
@@
 xfs_btree_bload(...)
 {
 	...
 	INIT_LIST_HEAD(list);
+	dwb_bload_begin();
 	...
 }

@end@
expression list;
symbol ret;
@@
 xfs_btree_bload(...)
 {
 	<...
 	xfs_buf_delwri_cancel(list);
+	dwb_bload_end(ret);
 	...>
 }
