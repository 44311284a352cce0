// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the hooks of dwb_probe.h do.  Verdicts rest on who issued a write and
 * when it completed, never on a flag or a link that a fix maintains:
 * misqueued: the load returned success, yet did not issue a block itself;
 * not durable: the load returned success before a block's write completed.
 *
 * Parameters, under /sys/module/xfs/parameters: dwb_counters (reading gives
 * all figures, times in ns; writing forgets everything), and the knobs, some
 * of them in dwb_hit.c.
 */
#include "xfs.h"
#include "xfs_shared.h"
#include "xfs_bit.h"
#include "xfs_format.h"
#include "xfs_log_format.h"
#include "xfs_trans_resv.h"
#include "xfs_mount.h"
#include "xfs_ag.h"
#include "xfs_btree.h"
#include "xfs_buf_mem.h"
#include "dwb_probe.h"
#include "dwb_names.h"	/* written by modules.py */
#include <linux/hashtable.h>

static unsigned int ail_eager;		/* push the whole AIL each pass */
static unsigned int ail_delay_us;	/* sleep before the AIL submits */
static unsigned int hold_marks;		/* hold it for so many, see below */
module_param_named(dwb_ail_eager, ail_eager, uint, 0644);
module_param_named(dwb_ail_delay_us, ail_delay_us, uint, 0644);
module_param_named(dwb_hold_marks, hold_marks, uint, 0644);

struct length {
	u64	count;
	u64	total_ns;
	u64	max_ns;
};

/*
 * Events come in clusters: what stays linked is met until the AIL's next
 * submit.  Squares of how many there were between two submits.
 */
struct clusters {
	u64	before;		/* the last submit */
	u64	squares;
};

/* dwb_lock guards all of these but the atomics. */
static struct {
	u64		loads;		/* that succeeded */
	u64		loads_failed;
	u64		blocks;		/* given to the loads */
	u64		misqueued;
	u64		not_durable;
	u64		staled_linked;	/* staled while on a list */
	u64		met_lookup;	/* lookups that found such a buffer */
	u64		met_claim;	/* claims by a bulk load of its block */
	u64		met_load;	/* ... one when the load began */
	u64		met_before;	/* met_load at the AIL's last submit */
	u64		ail_passes;	/* looks at what there is to push */
	u64		ail_submits;	/* started */
	u64		ail_queued;	/* by the AIL since its last submit */
	u64		ail_queued_max;	/* ... the most */
	u64		superseded;	/* exposed until freed, never written */
	struct clusters	of_met_lookup;
	struct clusters	of_misqueued;
	struct length	window;		/* unlocked stale until next submit */
	struct length	exposed;	/* load's return until block written */
	struct length	ail_queueing;	/* a look until all is on its list */
	struct length	ail_submitting;	/* its list, without the delays */
} c;
static bool ail_in_submit;		/* dwb_lock */
static u64 ail_began;			/* its look, its submit; dwb_lock */
static atomic64_t lookups;		/* of cached buffers */

/* A block that a bulk load was given. */
struct block {
	struct hlist_node	node;
	struct list_head	list;
	xfs_daddr_t		daddr;
	struct task_struct	*owner;	/* NULL once the load has returned */
	u64			returned;
	bool			locked;	/* what it held before is no matter */
	bool			own;	/* issued by the load itself */
	bool			durable;
};

/*
 * A buffer staled while linked: open from its unlock until the AIL's next
 * submit has ended.  What was open when a load began it meets, whether or not
 * a wait for another block has closed it meanwhile: so it stays for a while.
 */
struct mark {
	struct hlist_node	node;
	struct list_head	list;
	xfs_daddr_t		daddr;
	bool			open;
	u64			opened;
	u64			closed;	/* ns, or 0 */
	u64			submits; /* started before it was opened */
};

enum { KEPT_SUBMITS = 16 };	/* so long is a mark of use, once closed */
enum { HOLD_MARKS_MS = 2000 };

static DEFINE_SPINLOCK(dwb_lock);
static DEFINE_HASHTABLE(blocks, 10);
static DEFINE_HASHTABLE(marks, 10);
static LIST_HEAD(block_list);
static LIST_HEAD(mark_list);

static void length_add(struct length *l, u64 ns)
{
	l->count++;
	l->total_ns += ns;
	l->max_ns = max(l->max_ns, ns);
}

static u64 squares(const struct clusters *k, u64 count)
{
	return k->squares + (count - k->before) * (count - k->before);
}

static void cluster_end(struct clusters *k, u64 count)
{
	k->squares = squares(k, count);
	k->before = count;
}

static struct block *block_find(xfs_daddr_t daddr)
{
	struct block *b;

	hash_for_each_possible(blocks, b, node,
			       daddr) if (b->daddr == daddr) return b;
	return NULL;
}

static struct block *block_alloc(xfs_daddr_t daddr)
{
	struct block *b;

	dwb_caller();	/* a sleep for memory is for no list */
	b = kzalloc(sizeof(*b), GFP_NOFS | __GFP_NOFAIL);
	b->daddr = daddr;
	b->owner = current;
	return b;
}

static void block_free(struct block *b)
{
	hash_del(&b->node);
	list_del(&b->list);
	kfree(b);
}

static struct mark *mark_find(xfs_daddr_t daddr)
{
	struct mark *m;

	hash_for_each_possible(marks, m, node,
			       daddr) if (m->daddr == daddr) return m;
	return NULL;
}

static void mark_free(struct mark *m)
{
	hash_del(&m->node);
	list_del(&m->list);
	kfree(m);
}

/* A fix may put more into b_list, after the link. */
static bool linked(struct xfs_buf *bp)
{
	return !list_empty((struct list_head *)&bp->b_list);
}

static bool ignored(struct xfs_buf *bp)
{
	return xfs_buftarg_is_mem(bp->b_target) ||
	       xfs_buf_daddr(bp) == XFS_BUF_DADDR_NULL;
}

void dwb_locked(struct xfs_buf *bp)
{
	struct block *b;

	dwb_held_add(bp);
	if (list_empty(&block_list) || ignored(bp))
		return;
	spin_lock(&dwb_lock);
	b = block_find(xfs_buf_daddr(bp));
	if (b && b->owner == current)
		b->locked = true;
	spin_unlock(&dwb_lock);
}

int dwb_trylock(struct xfs_buf *bp)
{
	int busy = down_trylock(&bp->b_sema);

	if (!busy)
		dwb_locked(bp);
	return busy;
}

void dwb_queue(struct xfs_buf *bp)
{
	if (strncmp(current->comm, "xfsaild", 7))
		return;
	spin_lock(&dwb_lock);
	c.ail_queued++;
	c.ail_queued_max = max(c.ail_queued_max, c.ail_queued);
	spin_unlock(&dwb_lock);
}

void dwb_stale(struct xfs_buf *bp)
{
	struct mark *m, *new;

	/* A failing synchronous write stales what is in flight: no matter. */
	if (bp->b_error || ignored(bp))
		return;
	if (!linked(bp)) {
		/* Used since, and freed once more: nobody can meet it now. */
		spin_lock(&dwb_lock);
		m = mark_find(xfs_buf_daddr(bp));
		if (m)
			mark_free(m);
		spin_unlock(&dwb_lock);
		return;
	}
	new = kzalloc(sizeof(*new), GFP_ATOMIC | __GFP_NOWARN);
	spin_lock(&dwb_lock);
	c.staled_linked++;
	m = mark_find(xfs_buf_daddr(bp));
	if (m) {
		m->open = false;
		m->closed = 0;
	} else if (new) {
		new->daddr = xfs_buf_daddr(bp);
		hash_add(marks, &new->node, new->daddr);
		list_add(&new->list, &mark_list);
		new = NULL;
	}
	spin_unlock(&dwb_lock);
	kfree(new);
}

void dwb_unlock(struct xfs_buf *bp)
{
	struct mark *m;

	dwb_held_del(bp);
	if (!(bp->b_flags & XBF_STALE) || ignored(bp))
		return;
	spin_lock(&dwb_lock);
	m = mark_find(xfs_buf_daddr(bp));
	if (m && !m->open && !m->closed) {
		m->open = true;
		m->opened = ktime_get_ns();
		m->submits = c.ail_submits;
	}
	spin_unlock(&dwb_lock);
}

void dwb_found(struct xfs_buf *bp)
{
	struct mark *m;

	atomic64_inc(&lookups);
	dwb_watch_found();
	if (!(bp->b_flags & XBF_STALE) || ignored(bp))
		return;
	spin_lock(&dwb_lock);
	m = mark_find(xfs_buf_daddr(bp));
	if (m && m->open)
		c.met_lookup++;
	spin_unlock(&dwb_lock);
}

void dwb_submit(struct xfs_buf *bp)
{
	struct block *b;
	bool own;

	if (!(bp->b_flags & XBF_WRITE) || ignored(bp))
		return;
	spin_lock(&dwb_lock);
	b = block_find(xfs_buf_daddr(bp));
	own = b && b->owner == current;
	if (own)
		b->own = true;
	spin_unlock(&dwb_lock);
	if (own)
		dwb_watch_submit();
}

void dwb_ioend(struct xfs_buf *bp)
{
	struct block *b;

	if (!(bp->b_flags & XBF_WRITE) || bp->b_error || bp->b_io_error ||
	    ignored(bp))
		return;
	spin_lock(&dwb_lock);
	dwb_hit_written(xfs_buf_daddr(bp));
	b = block_find(xfs_buf_daddr(bp));
	if (b && b->owner)
		b->durable = b->locked || b->own;
	else if (b) {
		length_add(&c.exposed, ktime_get_ns() - b->returned);
		block_free(b);
	}
	spin_unlock(&dwb_lock);
}

void dwb_submit_bio(struct xfs_buf *bp, struct bio *bio)
{
	dwb_submit(bp);	/* a fix may submit by a function of its own */
	if (dwb_hit_fails(bp)) {
		bio_io_error(bio);
		return;
	}
	submit_bio(bio);
}

bool dwb_ail_eager(void)
{
	spin_lock(&dwb_lock);
	c.ail_passes++;
	ail_began = ktime_get_ns();
	spin_unlock(&dwb_lock);
	return READ_ONCE(ail_eager);
}

u64 dwb_ail_submits(void)
{
	u64 submits;

	spin_lock(&dwb_lock);
	submits = c.ail_submits;
	spin_unlock(&dwb_lock);
	return submits;
}

static unsigned int nr_open(void)
{
	unsigned int nr = 0;
	struct mark *m;

	lockdep_assert_held(&dwb_lock);
	list_for_each_entry(m, &mark_list, list)
		nr += m->open;
	return nr;
}

void dwb_ail_before_submit(struct xfs_ail *ailp)
{
	unsigned int us = READ_ONCE(ail_delay_us);
	u64 end;

	dwb_others_queue(ailp);
	spin_lock(&dwb_lock);
	length_add(&c.ail_queueing, ktime_get_ns() - ail_began);
	spin_unlock(&dwb_lock);
	if (us)
		usleep_range(us, us + us / 10 + 1);
	spin_lock(&dwb_lock);
	/* With so many open, until a load has met its first, or in vain. */
	end = ktime_get_ns() + HOLD_MARKS_MS * NSEC_PER_MSEC;
	while (dwb_hit_holds() ||
	       (hold_marks && nr_open() >= hold_marks &&
		c.met_load == c.met_before && ktime_get_ns() < end)) {
		spin_unlock(&dwb_lock);
		usleep_range(900, 1100);
		spin_lock(&dwb_lock);
	}
	c.ail_submits++;
	cluster_end(&c.of_met_lookup, c.met_lookup);
	cluster_end(&c.of_misqueued, c.misqueued);
	dwb_waits_cluster_end();
	c.ail_queued = 0;
	ail_in_submit = true;
	ail_began = ktime_get_ns();
	spin_unlock(&dwb_lock);
}

void dwb_ail_after_submit(void)
{
	u64 now = ktime_get_ns();
	struct mark *m, *n;

	spin_lock(&dwb_lock);
	ail_in_submit = false;
	length_add(&c.ail_submitting, now - ail_began);
	c.met_before = c.met_load;
	list_for_each_entry_safe(m, n, &mark_list, list) {
		if (m->closed && c.ail_submits - m->submits > KEPT_SUBMITS)
			mark_free(m);
		if (!m->open)
			continue;
		/* Opened while this ran: dropped by it or not, who knows. */
		if (m->submits != c.ail_submits)
			length_add(&c.window, now - m->opened);
		m->open = false;
		m->closed = now;
	}
	spin_unlock(&dwb_lock);
}

static void load_end(struct task_struct *task, int error)
{
	u64 now = ktime_get_ns();
	struct block *b, *n;

	lockdep_assert_held(&dwb_lock);
	list_for_each_entry_safe(b, n, &block_list, list) {
		if (b->owner != task)
			continue;
		if (!error && !b->own)
			c.misqueued++;
		if (error || b->durable) {
			block_free(b);
			continue;
		}
		c.not_durable++;
		dwb_hit_not_durable(b->daddr);
		b->owner = NULL;
		b->returned = now;
	}
}

void dwb_bload_claim(struct xfs_btree_cur *cur, union xfs_btree_ptr *ptr,
		     int error)
{
	struct xfs_mount *mp = cur->bc_mp;
	struct block *b, *old;
	xfs_daddr_t daddr;
	struct mark *m;
	unsigned int nth;
	u64 began = 0, submits = 0;
	bool met;

	if (error || cur->bc_ops->type == XFS_BTREE_TYPE_MEM)
		return;
	if (cur->bc_ops->ptr_len == XFS_BTREE_LONG_PTR_LEN)
		daddr = XFS_FSB_TO_DADDR(mp, be64_to_cpu(ptr->l));
	else
		daddr = XFS_AGB_TO_DADDR(mp, cur->bc_ag.pag->pag_agno,
					 be32_to_cpu(ptr->s));
	nth = dwb_watch_claim(&began, &submits);
	b = block_alloc(daddr);

	spin_lock(&dwb_lock);
	c.blocks++;
	old = block_find(daddr);
	if (old) {
		c.superseded += !old->owner;
		block_free(old);
	}
	hash_add(blocks, &b->node, b->daddr);
	list_add(&b->list, &block_list);
	dwb_hit_claim(nth, cur->bc_ops == &xfs_finobt_ops);
	m = mark_find(daddr);
	/* A submit that ran when the load began may have dropped it before. */
	met = m && began && m->submits == submits &&
	      (m->open || m->closed > began);
	c.met_load += met;
	if (m && m->open && m->submits == c.ail_submits && !ail_in_submit) {
		c.met_claim++;
		dwb_hit_met(cur->bc_ops->name, daddr);
	}
	spin_unlock(&dwb_lock);
	if (met)
		dwb_watch_met();
}

int dwb_bload_end(int error)
{
	if (!error)
		dwb_watch_loaded();
	spin_lock(&dwb_lock);
	if (error)
		c.loads_failed++;
	else
		c.loads++;
	dwb_hit_load_end();
	load_end(current, error);
	spin_unlock(&dwb_lock);
	return error;
}

#define PRINT(x)	n += sysfs_emit_at(buf, n, #x "=%llu ", c.x)
#define PRINT_LENGTH(x)	\
	n += sysfs_emit_at(buf, n, #x "_count=%llu " #x "_total_ns=%llu " \
			   #x "_max_ns=%llu ", c.x.count, c.x.total_ns, \
			   c.x.max_ns)

static int counters_get(char *buf, const struct kernel_param *kp)
{
	int n = 0;

	spin_lock(&dwb_lock);
	PRINT(loads);
	PRINT(loads_failed);
	PRINT(blocks);
	PRINT(misqueued);
	PRINT(not_durable);
	PRINT(staled_linked);
	PRINT(met_lookup);
	PRINT(met_claim);
	PRINT(met_load);
	PRINT(ail_passes);
	PRINT(ail_submits);
	PRINT(ail_queued);
	PRINT(ail_queued_max);
	PRINT(superseded);
	PRINT_LENGTH(window);
	PRINT_LENGTH(exposed);
	PRINT_LENGTH(ail_queueing);
	PRINT_LENGTH(ail_submitting);
	n += sysfs_emit_at(buf, n, "met_lookup_squares=%llu "
			   "misqueued_squares=%llu ",
			   squares(&c.of_met_lookup, c.met_lookup),
			   squares(&c.of_misqueued, c.misqueued));
	n = dwb_waits_show(buf, n);
	n = dwb_repairs_show(buf, n);
	n = dwb_hit_show(buf, n);
	n = dwb_late_show(buf, n);
	n += sysfs_emit_at(buf, n, "lookups=%lld\n", atomic64_read(&lookups));
	spin_unlock(&dwb_lock);
	return n;
}

static int counters_set(const char *val, const struct kernel_param *kp)
{
	struct block *b, *nb;
	struct mark *m, *nm;

	spin_lock(&dwb_lock);
	list_for_each_entry_safe(b, nb, &block_list, list)
		block_free(b);
	list_for_each_entry_safe(m, nm, &mark_list, list)
		mark_free(m);
	memset(&c, 0, sizeof(c));
	dwb_waits_forget();
	dwb_repairs_forget();
	dwb_hit_forget();
	dwb_late_forget();
	atomic64_set(&lookups, 0);
	spin_unlock(&dwb_lock);
	return 0;
}

static const struct kernel_param_ops counters_ops = {
	.get = counters_get,
	.set = counters_set,
};
module_param_cb(dwb_counters, &counters_ops, NULL, 0644);
