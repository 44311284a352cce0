// SPDX-License-Identifier: GPL-2.0-only
/*
 * What bulk loads and repairs took, by how many blocks each met: blocks whose
 * buffers had been staled while linked, and which the AIL had not come by yet
 * when the load began.  And how many blocks repairs and others freed: each is
 * busy until the transaction is on disk.
 */
#include "xfs.h"
#include "xfs_shared.h"
#include "xfs_format.h"
#include "xfs_log_format.h"
#include "xfs_trans_resv.h"
#include "xfs_mount.h"
#include "dwb_probe.h"
#include <linux/list.h>

enum { MET_KINDS = 5 };		/* 0, 1, 2, 3, 4 and more */

/* Guards all of these. */
static DEFINE_SPINLOCK(repair_lock);
static LIST_HEAD(repairs);	/* those that run now */
static struct {
	u64	load_met[MET_KINDS];	/* loads */
	u64	load_cycles[MET_KINDS];	/* submits that the AIL began */
	u64	load_waits[MET_KINDS];	/* sleeps for a list */
	u64	load_ns[MET_KINDS];
	u64	repair_met[MET_KINDS];	/* repairs */
	u64	repair_met_ns[MET_KINDS];
	u64	repair_met_max_ns[MET_KINDS];
	u64	frees;			/* blocks */
	u64	frees_repair;		/* ... by repairs */
	u64	freed_extents;
} sums;

static struct dwb_repair *mine(void)
{
	struct dwb_repair *r;

	lockdep_assert_held(&repair_lock);
	list_for_each_entry(r, &repairs, node)
		if (r->task == current)
			return r;
	return NULL;
}

void dwb_repair_begin(struct dwb_repair *r)
{
	r->task = current;
	r->began = ktime_get_ns();
	r->met = 0;
	spin_lock(&repair_lock);
	list_add(&r->node, &repairs);
	spin_unlock(&repair_lock);
}

void dwb_repair_end(struct dwb_repair *r)
{
	unsigned int kind = min_t(unsigned int, r->met, MET_KINDS - 1);
	u64 ns = ktime_get_ns() - r->began;

	spin_lock(&repair_lock);
	list_del(&r->node);
	sums.repair_met[kind]++;
	sums.repair_met_ns[kind] += ns;
	sums.repair_met_max_ns[kind] = max(sums.repair_met_max_ns[kind], ns);
	spin_unlock(&repair_lock);
}

void dwb_load_took(const struct dwb_watch *w, u64 waits, u64 ns)
{
	unsigned int kind = min_t(unsigned int, w->met, MET_KINDS - 1);
	u64 cycles = dwb_ail_submits() - w->submits;
	struct dwb_repair *r;

	spin_lock(&repair_lock);
	sums.load_met[kind]++;
	sums.load_cycles[kind] += cycles;
	sums.load_waits[kind] += waits;
	sums.load_ns[kind] += ns;
	r = mine();
	if (r)
		r->met += w->met;
	spin_unlock(&repair_lock);
}

void dwb_freed(unsigned int len)
{
	spin_lock(&repair_lock);
	sums.frees += len;
	sums.freed_extents++;
	if (mine())
		sums.frees_repair += len;
	spin_unlock(&repair_lock);
}

static int kinds_show(char *buf, int n, const char *name, const u64 *of)
{
	int i;

	n += sysfs_emit_at(buf, n, "%s=", name);
	for (i = 0; i < MET_KINDS; i++)
		n += sysfs_emit_at(buf, n, "%llu%c", of[i],
				   i < MET_KINDS - 1 ? ',' : ' ');
	return n;
}

#define SHOW(x)	n = kinds_show(buf, n, #x, sums.x)

int dwb_repairs_show(char *buf, int n)
{
	spin_lock(&repair_lock);
	SHOW(load_met);
	SHOW(load_cycles);
	SHOW(load_waits);
	SHOW(load_ns);
	SHOW(repair_met);
	SHOW(repair_met_ns);
	SHOW(repair_met_max_ns);
	n += sysfs_emit_at(buf, n,
			   "frees=%llu frees_repair=%llu freed_extents=%llu ",
			   sums.frees, sums.frees_repair, sums.freed_extents);
	spin_unlock(&repair_lock);
	return n;
}

void dwb_repairs_forget(void)
{
	spin_lock(&repair_lock);
	memset(&sums, 0, sizeof(sums));
	spin_unlock(&repair_lock);
}
