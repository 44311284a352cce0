// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one symbol that a fix and its copy of the cache export.
 */
#include "cache/bench.h"
#include "cache/bload.h"
#include "cache/delwri.h"
#include "cache/dir.h"
#include "cache/hooks.h"
#include "cache/inode.h"
#include "cache/mount.h"
#include "cache/ops.h"

#include <stdlib.h>

#if !defined(FIX_NAME) || !defined(FIX_COPY) || !defined(FIX_COUNTING)
#error "these come from the build: see cmake/Fixes.cmake"
#endif
#ifndef FIX_WAITS
#define FIX_WAITS 0
#endif
#ifndef FIX_LOCKS
#define FIX_LOCKS false
#endif

#define TO_STRING(x)	#x
#define NAME_OF(x)	TO_STRING(x)
#define GLUE(a, b)	a##b
#define SYMBOL_OF(x)	GLUE(fix_, x)

#ifndef CACHE_NAME
#error "CACHE_NAME comes from the build: the folder of its generation"
#endif

#define STEP_LOG_BYTES	256u
#define DIRTY_PER_TRANS	16u

static void peek_at(struct hash_node *node, void *state)
{
	buf_state_get(container_of(node, struct buf, b_hash), state);
}

static bool op_peek(struct mount *mp, uint64_t bno, struct buf_state *state)
{
	return hash_peek(hash_of(mp, bno), bno, peek_at, state);
}

static uint64_t op_fill(struct buf *bp)
{
	struct block_header *h = bp->b_addr;

	h->magic = BLOCK_MAGIC;
	h->bno = bp->b_bno;
	WRITE_ONCE(h->gen, next_gen(bp->b_mount));
	buf_set(bp, BUF_DONE);
	return h->gen;
}

static struct delwri_list *op_delwri_alloc(struct mount *mp)
{
	struct delwri_list *list = malloc(sizeof(*list));

	(void)mp;
	if (list)
		delwri_list_init(list);
	return list;
}

static void op_delwri_free(struct delwri_list *list)
{
	free(list);
}

static bool op_delwri_queue(struct buf *bp, struct delwri_list *list)
{
	enum queued queued = delwri_queue(bp, list);

	return queued == QUEUED_HERE || queued == QUEUED_ELSEWHERE;
}

/* As many steps forwards as backwards, and every link agrees. */
static int op_delwri_check(struct delwri_list *list)
{
	struct list_head *at;
	int n = 0;

	for (at = list->head.next; at != &list->head; at = at->next, n++)
		if (at->next->prev != at || at->prev->next != at)
			return -EUCLEAN;
	return n;
}

static void op_litmus_link(struct buf *bp, struct delwri_list *list)
{
	buf_hold(bp);
	fix_link(bp, list);
}

static void op_litmus_unlink(struct buf *bp, struct delwri_list *list)
{
	(void)list;
	fix_unlink(bp);
	buf_unhold(bp);
}

static bool op_litmus_linked(struct buf *bp)
{
	return fix_linked(bp);
}

static struct wait_queue_head *op_litmus_queue(struct buf *bp, const void **var)
{
	struct wait_queue_head *wq = fix_waitqueue(bp);

	*var = wq == var_waitqueue(buf_link(bp)) ? buf_link(bp) : NULL;
	return wq;
}

static void op_log_buf(struct trans *tp, struct buf *bp)
{
	trans_log_buf(tp, bp, STEP_LOG_BYTES);
}

static int op_lock_ag(struct trans *tp, unsigned int agno)
{
	struct buf *agbp;

	return trans_lock_ag(tp, agno, &agbp);
}

static int dirty_some(struct mount *mp, uint64_t bno, uint64_t nr)
{
	struct trans *tp = NULL;
	struct buf *bp;
	int error, error2;

	error = trans_alloc(mp, &tp);
	for (uint64_t i = 0; i < nr && !error; i++) {
		error = trans_get_buf(tp, bno + i, 1, &bp);
		if (error)
			break;
		op_fill(bp);
		trans_log_buf(tp, bp, STEP_LOG_BYTES);
	}
	error2 = tp ? trans_commit(tp) : 0;
	return error ? error : error2;
}

static int op_dirty(struct mount *mp, uint64_t bno, uint64_t nr)
{
	int error = 0;

	for (uint64_t n; nr && !error; nr -= n, bno += n) {
		n = nr < DIRTY_PER_TRANS ? nr : DIRTY_PER_TRANS;
		error = dirty_some(mp, bno, n);
	}
	return error;
}

static void op_space_free(struct trans *tp, uint64_t bno, unsigned int len)
{
	space_free(tp, bno, len);
}

static int op_space_near(struct trans *tp, uint64_t near, unsigned int min,
			 unsigned int max, uint64_t *bno)
{
	struct ag *pag = ag_of(tp->t_mount, near);
	const struct space_want want = {
		.near = near - pag->first,
		.minlen = min,
		.maxlen = max,
		.align = 1,
	};

	return space_alloc_near(tp, pag->agno, &want, bno);
}

static uint64_t op_ail_items(struct mount *mp)
{
	return READ_ONCE(mp->m_ail.ail_nr);
}

static uint64_t op_ail_passes(struct mount *mp)
{
	return READ_ONCE(mp->m_ail.ail_passes);
}

static struct delwri_list *op_ail_list(struct mount *mp)
{
	return mp->m_ail.ail_buf_list;
}

/* What the fix's copies of the other sources know as extern. */
#ifdef FIX_OBJECTS
FIX_OBJECTS
#endif

extern const struct fix SYMBOL_OF(FIX_COUNTING);

const struct fix SYMBOL_OF(FIX_COPY) = {
	.name = NAME_OF(FIX_NAME),
	.cache = NAME_OF(CACHE_NAME),
	.counting = &SYMBOL_OF(FIX_COUNTING),
	.summary = FIX_SUMMARY,
	.claims = FIX_CLAIMS,
	.waits = FIX_WAITS,
	.locks = FIX_LOCKS,
	.buf_bytes = sizeof(struct buf),

	.mount = mount_fs,
	.unmount = unmount_fs,
	.shutdown = force_shutdown,

	.bench_fill = bench_fill,
	.bench_chain = bench_chain,
	.bench_lookup = bench_lookup,
	.bench_lookup_chain = bench_lookup_chain,

	.buf_get = buf_get,
	.buf_read = buf_read,
	.buf_readahead = buf_readahead,
	.buf_relse = buf_relse,
	.buf_hold = buf_hold,
	.buf_rele = buf_rele,
	.buf_stale = buf_stale,
	.buf_bwrite = buf_bwrite,
	.buf_state = buf_state_get,
	.buf_peek = op_peek,
	.buf_fill = op_fill,

	.delwri_alloc = op_delwri_alloc,
	.delwri_free = op_delwri_free,
	.delwri_queue = op_delwri_queue,
	.delwri_queue_bload = delwri_queue_bload,
	.delwri_submit = delwri_submit,
	.delwri_submit_nowait = delwri_submit_nowait,
	.delwri_cancel = delwri_cancel,
	.delwri_check = op_delwri_check,

	.litmus_link = op_litmus_link,
	.litmus_unlink = op_litmus_unlink,
	.litmus_linked = op_litmus_linked,
	.litmus_queue = op_litmus_queue,

	.trans_alloc = trans_alloc,
	.trans_get_buf = trans_get_buf,
	.trans_read_buf = trans_read_buf,
	.trans_log_buf = op_log_buf,
	.trans_binval = trans_binval,
	.trans_commit = trans_commit,
	.trans_lock_ag = op_lock_ag,
	.dirty = op_dirty,
	.space_alloc = space_alloc,
	.space_free = op_space_free,
	.space_near = op_space_near,

	.log_force = log_force,
	.ail_push_all = ail_push_all,
	.ail_push_all_sync = ail_push_all_sync,
	.ail_items = op_ail_items,
	.ail_passes = op_ail_passes,
	.ail_list = op_ail_list,

	.stat_take = COUNTED(stat_take),

	.repair = repair,
	.bulkload = bulkload,
	.tree_modify = tree_modify,
	.tree_walk = tree_walk,

	.inode_create = inode_create,
	.inode_touch = inode_touch,
	.inode_unlink = inode_unlink,
	.inode_block = inode_block,
	.dir_churn = dir_churn,

	.shrink = lru_shrink,
	.objects = cache_objects,
#ifndef HOLDS_IN_LOCKREF
	.lru_holds = true,
#endif
#ifdef fix_does_nothing
	.does_nothing = true,
#endif
};
