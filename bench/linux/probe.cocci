// SPDX-License-Identifier: GPL-2.0-only
// Put the hooks of dwb_probe.h into a patched fs/xfs.  A rule looks for what
// the code does (a tracepoint, a semaphore, a flag), in whatever function and
// file it is: a fix may rename and move what it likes.  Every rule stands
// alone: a fix that removes what one looks for loses that figure and no other.
// Where a name is looked for as well, it is because a fix may take the other.

// The hook looks whether a buffer is linked: before a fix takes it off, if the
// function stales whatever it is given; else just before it is staled.
@stales@
identifier f, bp;
position p;
@@
 f(..., struct xfs_buf *bp, ...)
 {
 	... when strict
 	    when any
 	bp->b_flags@p |= <+... XBF_STALE ...+>;
 	... when any
 }

@stale_some@
expression bp;
position p != stales.p;
@@
+	dwb_stale(bp);
 	bp->b_flags@p |= <+... XBF_STALE ...+>;

@stale@
identifier stales.f, stales.bp;
@@
 f(..., struct xfs_buf *bp, ...)
 {
+	dwb_stale(bp);
 	...
 }

@stale_named depends on !stale && !stale_some@
identifier bp;
@@
 xfs_buf_stale(struct xfs_buf *bp)
 {
+	dwb_stale(bp);
 	...
 }

@unlock@
expression bp;
@@
+	dwb_unlock(bp);
 	up(&bp->b_sema);

// A fix may wait for a list in the function that locks.
@lock@
identifier f;
expression bp;
@@
 f(...)
 {
 	<+...
+	{
+	dwb_locking();
 	down(&bp->b_sema);
+	}
+	dwb_locked(bp);
 	...+>
 }

@lock_forces@
identifier lock.f;
@@
 f(...)
 {
 	<+...
+	{
+	dwb_locking();
 	xfs_log_force(...);
+	}
 	...+>
 }

@trylock@
expression bp;
@@
-	down_trylock(&bp->b_sema)
+	dwb_trylock(bp)

@queue@
expression bp;
@@
+	dwb_queue(bp);
 	trace_xfs_buf_delwri_queue(bp, ...);

// With a barrier between the two, or anything else, there is no such place.
@late@
expression list;
@@
-	list_del_init(list);
-	wake_up_var(list);
+	dwb_late_off(list);

@late_wait@
expression list, e;
@@
+	dwb_late_wait(list);
 	wait_var_event(list, e);
+	dwb_late_woken(list);

@found@
identifier f, bp, flags;
statement S1, S2;
@@
 f(..., struct xfs_buf *bp, ...)
 {
 	<+...
 	if (<+... flags & XBF_TRYLOCK ...+>) S1 else S2
+	dwb_found(bp);
 	...+>
 }

@submit@
expression bp;
@@
 	trace_xfs_buf_submit(bp, ...);
+	dwb_submit(bp);

@ioend@
expression bp;
@@
 	trace_xfs_buf_iodone(bp, ...);
+	dwb_ioend(bp);

@bio@
identifier f, bp;
expression bio;
@@
 f(..., struct xfs_buf *bp, ...)
 {
 	<...
-	submit_bio(bio);
+	dwb_submit_bio(bp, bio);
 	...>
 }

@lookup@
identifier f;
expression bp;
@@
 f(...)
 {
+	dwb_watch_lookup();
 	<+...
 	trace_xfs_buf_get(bp, ...);
 	...+>
 }

@freed@
expression len;
@@
+	dwb_freed(len);
 	trace_xfs_extent_busy(..., len);

@repairing@
identifier f;
@@
 f(...)
 {
+	dwb_repairing();
 	<+...
 	trace_xchk_start(...);
 	...+>
 }

@eager@
expression e;
@@
-	test_and_clear_bit(XFS_AIL_OPSTATE_PUSH_ALL, e)
+	(dwb_ail_eager() || test_and_clear_bit(XFS_AIL_OPSTATE_PUSH_ALL, e))

@ail@
identifier f !~ "^list_";
expression ailp;
statement S;
@@
+	dwb_ail_before_submit(ailp);
 	if (<+... f(&ailp->ail_buf_list, ...) ...+>) S
+	dwb_ail_after_submit();

@ail_assigned depends on !ail@
identifier f !~ "^list_";
expression ailp, e;
assignment operator op;
@@
+	dwb_ail_before_submit(ailp);
 	e op <+... f(&ailp->ail_buf_list, ...) ...+>;
+	dwb_ail_after_submit();

@load@
identifier f;
expression cur, bbl;
@@
 f(...)
 {
+	dwb_watch_load();
 	<+...
 	cur->bc_nlevels = bbl->btree_height;
 	...+>
 }

@loaded@
identifier load.f;
expression e;
@@
 f(...)
 {
 	<+...
-	return e;
+	return dwb_bload_end(e);
 	...+>
 }

@claim@
expression bbl, cur, ptr, priv;
identifier ret;
@@
+	{
+	dwb_caller();
 	ret = bbl->claim_block(cur, ptr, priv);
+	}
+	dwb_bload_claim(cur, ptr, ret);

@records@
typedef xfs_btree_bload_get_records_fn;
identifier f, ret, get_records;
@@
 f(..., xfs_btree_bload_get_records_fn get_records, ...)
 {
 	<+...
+	{
+	dwb_caller();
 	ret = get_records(...);
+	}
 	...+>
 }
