// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a task sleeps for in a bulk load, or in a lookup that finds its buffer
 * in the cache.  A sleep is seen by the task's count of voluntary context
 * switches, so whatever a fix waits with is seen: an event, a completion, a
 * timer, an I/O.  Sleeps are told apart by the hooks that they lie between:
 * for a buffer's lock; for I/O that the load itself has submitted; in the
 * bulk loader's caller, which commits and allocates; and the rest, which only
 * a fix has: for a list.
 * A task that spins does not sleep: where it has been on a processor for long
 * in such a place is counted apart, as busy.
 *
 * A sleep is as long as the time from the hook before it to the hook after.
 */
#include "xfs.h"
#include "xfs_shared.h"
#include "xfs_format.h"
#include "xfs_log_format.h"
#include "xfs_trans_resv.h"
#include "xfs_mount.h"
#include "dwb_probe.h"
#include <linux/list.h>

/* Guards the list: of tasks that are in a watch now, so a short one. */
static DEFINE_SPINLOCK(watch_lock);
static LIST_HEAD(watches);

/* Guards these. */
static DEFINE_SPINLOCK(ended_lock);
static struct dwb_sleep ended[DWB_NR_KINDS];
static u64 ended_held[4];
static u64 ended_in_load;	/* of those for a list */
/* Of the same: up to the AIL's last submit, and see dwb_probe.c's clusters. */
static u64 ended_before, ended_squares;
static struct dwb_sleep ended_busy;

/* Far more than any of fs/xfs takes from one hook to the next. */
#define BUSY_NS		(5 * NSEC_PER_MSEC)

/* The innermost of the caller's, or NULL. */
static struct dwb_watch *mine(void)
{
	struct dwb_watch *w, *found = NULL;

	if (list_empty(&watches))
		return NULL;
	spin_lock(&watch_lock);
	list_for_each_entry(w, &watches, node) {
		if (w->task == current) {
			found = w;
			break;
		}
	}
	spin_unlock(&watch_lock);
	return found;
}

static void sleep_add(struct dwb_sleep *s, u64 count, u64 total_ns, u64 max_ns)
{
	s->count += count;
	s->total_ns += total_ns;
	s->max_ns = max(s->max_ns, max_ns);
}

static void renew(struct dwb_watch *w, unsigned long here)
{
	w->hook = here;
	w->switches = current->nvcsw;
	w->since = ktime_get_ns();
}

/* Has it slept since the last hook?  This one lies in the caller, at @here. */
static void look(struct dwb_watch *w, unsigned long here)
{
	struct dwb_sleep *s = &w->sleeps[w->kind];
	u64 ns = ktime_get_ns() - w->since;
	unsigned int held;

	if (current->nvcsw != w->switches) {
		sleep_add(s, 1, ns, ns);
		if (w->kind == DWB_LIST) {
			held = dwb_held();
			w->held[0] += !!(held & DWB_HELD_AGF);
			w->held[1] += !!(held & DWB_HELD_AGI);
			w->held[2] += !!(held & DWB_HELD_OTHER);
			w->held[3] += !held;
			w->first_from = w->first_from ?: w->hook;
			w->first_to = w->first_to ?: here;
		}
	} else if (w->kind == DWB_LIST && ns > BUSY_NS) {
		sleep_add(&w->busy, 1, ns, ns);
	}
	renew(w, here);
}

void dwb_watch_begin(struct dwb_watch *w, bool load)
{
	struct dwb_watch *outer = mine();

	if (outer)
		look(outer, _RET_IP_);
	memset(w, 0, sizeof(*w));
	w->task = current;
	w->load = load;
	if (load) {
		w->began = ktime_get_ns();
		w->submits = dwb_ail_submits();
	}
	w->kind = DWB_LIST;
	renew(w, _RET_IP_);
	/* At the head: mine() finds it before the outer one. */
	spin_lock(&watch_lock);
	list_add(&w->node, &watches);
	spin_unlock(&watch_lock);
}

void dwb_watch_end(struct dwb_watch *w)
{
	struct dwb_sleep *list = &w->sleeps[DWB_LIST];
	struct dwb_watch *outer;
	bool first;
	int i;

	look(w, _RET_IP_);
	spin_lock(&watch_lock);
	list_del(&w->node);
	spin_unlock(&watch_lock);
	outer = mine();
	if (outer) {
		renew(outer, _RET_IP_);
		if (w->found)
			outer->inner += list->count;
	}
	/* A lookup that finds nothing sleeps for memory. */
	if (!w->load && !w->found)
		return;

	spin_lock(&ended_lock);
	first = list->count && !ended[DWB_LIST].count;
	for (i = 0; i < DWB_NR_KINDS; i++)
		sleep_add(&ended[i], w->sleeps[i].count, w->sleeps[i].total_ns,
			  w->sleeps[i].max_ns);
	sleep_add(&ended_busy, w->busy.count, w->busy.total_ns, w->busy.max_ns);
	for (i = 0; i < ARRAY_SIZE(ended_held); i++)
		ended_held[i] += w->held[i];
	if (w->load)
		ended_in_load += list->count;
	spin_unlock(&ended_lock);
	if (first) {
		pr_info("dwb: first wait, %llu ns, between %pS and %pS, by:\n",
			list->max_ns, (void *)w->first_from,
			(void *)w->first_to);
		dump_stack();
	}
}

int dwb_kind_begin(enum dwb_kind kind)
{
	struct dwb_watch *w = mine();
	int before;

	if (!w)
		return -1;
	look(w, _RET_IP_);
	before = w->kind;
	w->kind = kind;
	return before;
}

void dwb_kind_end(int *before)
{
	struct dwb_watch *w = *before < 0 ? NULL : mine();

	if (!w)
		return;
	look(w, _RET_IP_);
	w->kind = *before;
}

void dwb_watch_found(void)
{
	struct dwb_watch *w = mine();

	if (w)
		w->found = true;
}

void dwb_watch_submit(void)
{
	struct dwb_watch *w = mine();

	if (!w || !w->load)
		return;
	look(w, _RET_IP_);
	w->kind = DWB_IO;
}

unsigned int dwb_watch_claim(u64 *began, u64 *submits)
{
	struct dwb_watch *w = mine();

	if (!w || !w->load)
		return 0;
	look(w, _RET_IP_);
	w->kind = DWB_LIST;
	*began = w->began;
	*submits = w->submits;
	return ++w->claims;
}

void dwb_watch_met(void)
{
	struct dwb_watch *w = mine();

	if (w && w->load)
		w->met++;
}

void dwb_watch_loaded(void)
{
	struct dwb_watch *w = mine();

	if (!w || !w->load)
		return;
	look(w, _RET_IP_);
	dwb_load_took(w, w->sleeps[DWB_LIST].count + w->inner,
		      ktime_get_ns() - w->began);
}

static int sleep_show(char *buf, int n, const char *name,
		      const struct dwb_sleep *s)
{
	return sysfs_emit_at(buf, n,
			     "%s_count=%llu %s_total_ns=%llu "
			     "%s_max_ns=%llu ",
			     name, s->count, name, s->total_ns, name,
			     s->max_ns);
}

static u64 squares(void)
{
	u64 now = ended[DWB_LIST].count - ended_before;

	lockdep_assert_held(&ended_lock);
	return ended_squares + now * now;
}

void dwb_waits_cluster_end(void)
{
	spin_lock(&ended_lock);
	ended_squares = squares();
	ended_before = ended[DWB_LIST].count;
	spin_unlock(&ended_lock);
}

int dwb_waits_show(char *buf, int n)
{
	spin_lock(&ended_lock);
	n += sleep_show(buf, n, "wait", &ended[DWB_LIST]);
	n += sleep_show(buf, n, "lock_wait", &ended[DWB_LOCK]);
	n += sleep_show(buf, n, "io_wait", &ended[DWB_IO]);
	n += sleep_show(buf, n, "caller_wait", &ended[DWB_CALLER]);
	n += sleep_show(buf, n, "busy", &ended_busy);
	n += sysfs_emit_at(buf, n, "wait_with_agf=%llu wait_with_agi=%llu "
			   "wait_with_other=%llu wait_with_none=%llu "
			   "wait_in_load=%llu wait_count_squares=%llu ",
			   ended_held[0], ended_held[1], ended_held[2],
			   ended_held[3], ended_in_load, squares());
	spin_unlock(&ended_lock);
	return n;
}

void dwb_waits_forget(void)
{
	spin_lock(&ended_lock);
	memset(ended, 0, sizeof(ended));
	memset(&ended_busy, 0, sizeof(ended_busy));
	memset(ended_held, 0, sizeof(ended_held));
	ended_in_load = 0;
	ended_before = 0;
	ended_squares = 0;
	spin_unlock(&ended_lock);
}
