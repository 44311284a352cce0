/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks that probe.cocci puts into fs/xfs: counters, delays that widen the
 * race window, and crash points.  Only the instrumented modules have them.
 */
#ifndef DWB_PROBE_H
#define DWB_PROBE_H

#include <linux/types.h>

struct bio;
struct xfs_ail;
struct xfs_buf;
struct xfs_btree_cur;
union xfs_btree_ptr;

/* Of the buffer cache; all but dwb_trylock() with the buffer locked. */
void dwb_locked(struct xfs_buf *bp);
void dwb_queue(struct xfs_buf *bp);
void dwb_stale(struct xfs_buf *bp);
void dwb_unlock(struct xfs_buf *bp);
void dwb_found(struct xfs_buf *bp);
void dwb_submit(struct xfs_buf *bp);
void dwb_ioend(struct xfs_buf *bp);
/* Instead of down_trylock(). */
int dwb_trylock(struct xfs_buf *bp);
/* Instead of submit_bio(): or fail it, with nothing written. */
void dwb_submit_bio(struct xfs_buf *bp, struct bio *bio);

/*
 * What a task sleeps for in a bulk load or in a lookup that finds its buffer
 * (dwb_wait.c).  A watch and a kind last from such a line to the end of the
 * block that it is in.
 */
#define dwb_watch_load()						\
	struct dwb_watch dwb_w __cleanup(dwb_watch_end);		\
	dwb_watch_begin(&dwb_w, true)
#define dwb_watch_lookup()						\
	struct dwb_watch dwb_w __cleanup(dwb_watch_end);		\
	dwb_watch_begin(&dwb_w, false)
/* Before a buffer's lock is waited for. */
#define dwb_locking()							\
	int dwb_k __cleanup(dwb_kind_end) = dwb_kind_begin(DWB_LOCK)
/* Before the bulk loader's caller is asked for a block, for records. */
#define dwb_caller()							\
	int dwb_k __cleanup(dwb_kind_end) = dwb_kind_begin(DWB_CALLER)

enum dwb_kind { DWB_LIST, DWB_LOCK, DWB_IO, DWB_CALLER, DWB_NR_KINDS };

/* Its own task's alone but for the node. */
struct dwb_watch {
	struct list_head	node;
	struct task_struct	*task;
	bool			load;		/* else a lookup */
	bool			found;		/* its buffer in the cache */
	unsigned int		claims;		/* blocks given to the load */
	unsigned int		met;		/* ... that it met */
	u64			began;		/* of a load: ns */
	u64			submits;	/* ... the AIL's then */
	u64			inner;		/* its lookups' such sleeps */
	unsigned long		switches;	/* the task's own, at since */
	u64			since;		/* ns */
	unsigned long		hook;		/* ... the last one's place */
	enum dwb_kind		kind;		/* of a sleep since then */
	unsigned long		first_from;	/* of a sleep for a list */
	unsigned long		first_to;
	struct dwb_sleep {
		u64		count;
		u64		total_ns;
		u64		max_ns;
	} sleeps[DWB_NR_KINDS], busy;
	u64			held[4];	/* AGF, AGI, others, none */
};

void dwb_watch_begin(struct dwb_watch *w, bool load);
void dwb_watch_end(struct dwb_watch *w);
/* Returns what dwb_kind_end() puts back. */
int dwb_kind_begin(enum dwb_kind kind);
void dwb_kind_end(int *before);
/* The caller's lookup has found a buffer in the cache. */
void dwb_watch_found(void);
/*
 * The caller's load submits a block; is given its nth, from 1, returned, with
 * when the load began, ns, and how many submits of the AIL had; meets it; and
 * has succeeded.
 */
void dwb_watch_submit(void);
unsigned int dwb_watch_claim(u64 *began, u64 *submits);
void dwb_watch_met(void);
void dwb_watch_loaded(void);
/* All that ended, as name=value from buf + n on; or back to nothing. */
int dwb_waits_show(char *buf, int n);
void dwb_waits_forget(void);
/* The AIL submits: what ends from now on is another cluster. */
void dwb_waits_cluster_end(void);

/*
 * What loads and repairs took, by how many blocks they met, and who frees
 * blocks (dwb_repair.c).  A repair lasts from such a line to the end of the
 * block that it is in.
 */
#define dwb_repairing()							\
	struct dwb_repair dwb_r __cleanup(dwb_repair_end);		\
	dwb_repair_begin(&dwb_r)

/* Its own task's alone but for the node. */
struct dwb_repair {
	struct list_head	node;
	struct task_struct	*task;
	u64			began;		/* ns */
	unsigned int		met;		/* blocks, by its loads */
};

void dwb_repair_begin(struct dwb_repair *r);
void dwb_repair_end(struct dwb_repair *r);
/* By the caller: an extent of so many blocks. */
void dwb_freed(unsigned int len);
/* The caller's load has succeeded; @ns: how long it took. */
void dwb_load_took(const struct dwb_watch *w, u64 waits, u64 ns);
/* As dwb_waits_show() and dwb_waits_forget(). */
int dwb_repairs_show(char *buf, int n);
void dwb_repairs_forget(void);

/*
 * A trial's hit (dwb_hit.c).  All but dwb_hit_fails() with dwb_probe.c's lock
 * held.
 *
 * A load is given its nth block, from 1, of a finobt or not; meets the block
 * that it was just given; and ends.
 */
void dwb_hit_claim(unsigned int nth, bool finobt);
void dwb_hit_met(const char *tree, u64 daddr);
void dwb_hit_load_end(void);
/* A write of the block succeeded; a load returned before that. */
void dwb_hit_written(u64 daddr);
void dwb_hit_not_durable(u64 daddr);
/* Is the AIL to be held now? */
bool dwb_hit_holds(void);
/* Is this write to fail? */
bool dwb_hit_fails(struct xfs_buf *bp);
/* As dwb_waits_show() and dwb_waits_forget(). */
int dwb_hit_show(char *buf, int n);
void dwb_hit_forget(void);

/*
 * Wake-ups that come before their store (dwb_late.c).  Instead of a
 * list_del_init() and the wake_up_var() behind it; and around a
 * wait_var_event() for that.
 */
void dwb_late_off(struct list_head *list);
void dwb_late_wait(void *list);
void dwb_late_woken(void *list);
/* As dwb_waits_show() and dwb_waits_forget(). */
int dwb_late_show(char *buf, int n);
void dwb_late_forget(void);

/* What buffers the caller has locked, as far as dwb_held.c knows. */
enum dwb_held {
	DWB_HELD_AGF	= 1 << 0,
	DWB_HELD_AGI	= 1 << 1,
	DWB_HELD_OTHER	= 1 << 2,
};
unsigned int dwb_held(void);
void dwb_held_add(struct xfs_buf *bp);
void dwb_held_del(struct xfs_buf *bp);

/* The AIL daemon, around the submission of its list. */
bool dwb_ail_eager(void);	/* asked once in each pass */
/* How many submissions have started. */
u64 dwb_ail_submits(void);
void dwb_ail_before_submit(struct xfs_ail *ailp);
void dwb_ail_after_submit(void);
void dwb_others_queue(struct xfs_ail *ailp);

/* The bulk loader.  A load belongs to the task whose function this is. */
void dwb_bload_claim(struct xfs_btree_cur *cur, union xfs_btree_ptr *ptr,
		     int error);
/* Returns @error. */
int dwb_bload_end(int error);

#endif
