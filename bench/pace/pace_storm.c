// SPDX-License-Identifier: GPL-2.0-only
/*
 * A storm of the guest's in the model: who does what, and when, is
 * bench/linux/drive.c's cmd_storm(); how long it takes is the guest's.
 */
#include "bench/workload.h"
#include "bench/pace/pace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/format.h"

enum { AGS = 2, MAX_LOADERS = 8 };

#define LOG_BYTES		(16u << 20)	/* lane.py: "log" */
#define SYNCD_MS		1000u	/* init: xfssyncd_centisecs */
#define AG_BLOCKS		(280u << 8)	/* lane.py: half of "size" */
#define KEPT_FILES		600u	/* drive_load.c: churn() */
#define UNLINKED_AT_ONCE	64u
#define FILES_MAX		(2 * KEPT_FILES + UNLINKED_AT_ONCE)
#define NAMES_PER_DIR_BLOCK	170u	/* of 24 bytes each in 4 KiB */
#define LEAF_RECORDS		189u	/* as the bulk loader fills them */
#define ROOT_INODES		16u	/* their first block, see layout() */
#define INODES_PER_BLOCK	8u	/* of 512 bytes */
#define GC_BATCH		32u	/* inodes of a cluster */
#define GC_MAX			(GC_BATCH + 1)
#define GC_DELAY_NS		4000000ull	/* a tick at HZ 250 */
#define LOADER_FILES		400u	/* drive_load.c: load() */
#define LOADER_BLOCKS		16u
#define LINKS			12u	/* drive_load.c: churn_links() */

/* A file of a loader: blocks of data, every other one punched out. */
struct file {
	struct inode *ip;
	uint64_t bno;
	unsigned int nr;
};

/* Somebody's who has unlinked it: an inode, or a link's block. */
struct inactive {
	struct inode *ip;
	uint64_t bno;
	unsigned int agno;
};

struct storm {
	const struct pace_options *o;
	const struct guest *g;
	const struct fix *fix;
	struct probe *probe;
	struct device *dev;
	struct mount *mp;
	uint64_t ag_blocks;
	uint64_t records;		/* of each tree */
	uint64_t others;		/* the first of their blocks */
	uint64_t random;
	uint64_t end;
	/* The thread that repairs. */
	struct inode *files[FILES_MAX];	/* a ring */
	uint64_t made, gone;
	uint64_t link[LINKS];		/* blocks; 0: none */
	/* Unlinked, and not inactivated yet. */
	struct inactive inactive[GC_MAX];
	unsigned int nr_inactive;
	uint64_t queued;		/* when the last of them was */
	struct pace_row row;
	int error;
};

struct loader {
	struct storm *s;
	struct thread thread;
	unsigned int agno;
	uint64_t random;
	struct file files[LOADER_FILES];
	struct wait_stat waits;
	int error;
};

static void wait_until(uint64_t when)
{
	uint64_t now = now_ns();

	if (when > now)
		sleep_ns(when - now, WAIT_IDLE);
}

static void add_waits(struct wait_stat *to)
{
	struct wait_stat waits[WAIT_KINDS];
	const struct wait_stat *w = &waits[WAIT_LIST];

	task_take_waits(waits);
	to->count += w->count;
	to->total_ns += w->total_ns;
	if (w->max_ns > to->max_ns)
		to->max_ns = w->max_ns;
}

/* --- files that come and go ------------------------------------------ */

/* dir_churn()'s picks: see impl/cache/dir.c. */
enum { DIR_ADD = 0, DIR_DELETE = 3, DIR_LOG = 6 };

static int directory(struct storm *s, unsigned int agno, unsigned int what,
		     unsigned int at)
{
	/* Not by way of the free list. */
	return s->fix->dir_churn(s->mp, agno,
				 what + 8 * (at + 64ull));
}

/* Filled directories are dealt to the AGs in turn; else all is in the root. */
static unsigned int ag_of_file(const struct storm *s, uint64_t n)
{
	return s->g->chunks ? n * 7919 % 2 : 0;
}

static int create(struct storm *s)
{
	unsigned int agno = ag_of_file(s, s->made);
	struct inode **ip = &s->files[s->made % FILES_MAX];
	uint64_t pick = bench_random(&s->random);
	int error;

	error = s->fix->inode_create(s->mp, agno, ip);
	if (!error)
		error = s->fix->tree_modify(s->mp, agno, pick);
	if (!error)
		error = directory(s, agno,
				  s->made % NAMES_PER_DIR_BLOCK ? DIR_LOG :
								  DIR_ADD,
				  0);
	s->made++;
	return error;
}

/* The block of a link. */
static int free_block(struct storm *s, unsigned int agno, uint64_t bno)
{
	const struct fix *fix = s->fix;
	struct trans *tp;
	struct buf *bp;
	int error, error2;

	error = fix->trans_alloc(s->mp, &tp);
	if (error)
		return error;
	error = fix->trans_lock_ag(tp, agno);
	if (!error)
		error = fix->trans_get_buf(tp, bno, 1, &bp);
	if (!error) {
		fix->trans_binval(tp, bp);
		fix->space_free(tp, bno, 1);
	}
	error2 = fix->trans_commit(tp);
	return error ? error : error2;
}

static int inactivate_all(struct storm *s)
{
	int error = 0;

	for (unsigned int i = 0; i < s->nr_inactive; i++) {
		struct inactive *in = &s->inactive[i];
		int failed;

		if (in->bno)
			failed = free_block(s, in->agno, in->bno);
		else
			failed = s->fix->inode_unlink(in->ip);
		if (!failed)
			failed = s->fix->tree_modify(s->mp, in->agno,
						     bench_random(&s->random));
		error = error ? error : failed;
	}
	s->nr_inactive = 0;
	return error;
}

/*
 * What was unlinked is inactivated later, all at once: when nothing more has
 * come for a tick, or when too much has (kernel: xfs_inodegc_queue).
 */
static int unlinked(struct storm *s, struct inactive in)
{
	s->inactive[s->nr_inactive++] = in;
	s->queued = now_ns();
	return s->nr_inactive > GC_BATCH ? inactivate_all(s) : 0;
}

/* The next system call returns at @when; 0 or what inactivating brought. */
static int until(struct storm *s, uint64_t when)
{
	int error = 0;

	if (s->nr_inactive && when >= s->queued + GC_DELAY_NS) {
		wait_until(s->queued + GC_DELAY_NS);
		error = inactivate_all(s);
	}
	wait_until(when);
	return error;
}

static int unlink_oldest(struct storm *s)
{
	unsigned int agno = ag_of_file(s, s->gone);
	struct inode **ip = &s->files[s->gone % FILES_MAX];
	int error;

	/* Onto the list of unlinked inodes. */
	error = s->fix->inode_touch(*ip);
	if (!error)
		error = unlinked(s, (struct inactive){ .ip = *ip,
						       .agno = agno });
	*ip = NULL;
	if (!error)
		error = directory(s, agno,
				  (s->gone + 1) % NAMES_PER_DIR_BLOCK ?
					  DIR_LOG :
					  DIR_DELETE,
				  0);
	s->gone++;
	return error;
}

/* So many changes, each of which takes @ns. */
static int churn(struct storm *s, uint64_t ns)
{
	uint64_t next = now_ns();
	int error = 0;

	for (unsigned int i = 0; i < s->g->changes && !error; i++) {
		error = create(s);
		if (!error)
			error = until(s, next += ns);
	}
	while (!error && s->made - s->gone >
				 KEPT_FILES +
					 bench_random(&s->random) % KEPT_FILES)
		for (unsigned int i = 0; i < UNLINKED_AT_ONCE && !error; i++) {
			error = unlink_oldest(s);
			if (!error)
				error = until(s, next += ns);
		}
	return error;
}

/*
 * A free inode lies anywhere among those of the files, whose blocks are one
 * behind the other (kernel: xfs_dialloc_ag_finobt_near, xfs_ialloc_ag_alloc).
 */
static uint64_t inode_block(struct storm *s)
{
	uint64_t blocks = (s->made - s->gone) / INODES_PER_BLOCK + 1;

	return ROOT_INODES + bench_random(&s->random) % blocks;
}

/*
 * A link too long for its inode: a block of metadata of its own goes, and
 * another comes, each in @ns.
 */
static int relink(struct storm *s, uint64_t ns)
{
	const struct fix *fix = s->fix;
	uint64_t *bno = &s->link[bench_random(&s->random) % LINKS];
	uint64_t next = now_ns();
	struct trans *tp;
	struct buf *bp;
	int error, error2;

	error = *bno ? unlinked(s, (struct inactive){ .bno = *bno }) : 0;
	*bno = 0;
	if (!error)
		error = until(s, next += ns);
	if (error)
		return error;
	error = fix->trans_alloc(s->mp, &tp);
	if (error)
		return error;
	error = fix->trans_lock_ag(tp, 0);
	/* Near its inode. */
	if (!error && fix->space_near(tp, inode_block(s), 1, 1, bno) < 0)
		error = -ENOSPC;
	if (!error)
		error = fix->trans_get_buf(tp, *bno, 1, &bp);
	if (!error) {
		fix->buf_fill(bp);
		fix->trans_log_buf(tp, bp);
	}
	error2 = fix->trans_commit(tp);
	error = error ? error : error2;
	return error ? error : until(s, next += ns);
}

/* --- threads beside the one that repairs ------------------------------ */

static void sync_often(void *arg)
{
	struct storm *s = arg;
	uint64_t period = s->g->seconds * 1e9 / s->g->syncs, next = now_ns();

	while (!task_should_stop()) {
		s->fix->log_force(s->mp);
		s->row.syncs++;
		next += period;
		/* A sync that took longer is not made up for. */
		if (next < now_ns())
			next = now_ns();
		wait_until(next);
	}
}

/* Blocks of data come, every other one is punched out, all go. */
static int load_file(struct loader *l, struct file *f)
{
	const struct fix *fix = l->s->fix;
	struct trans *tp;
	int error, error2, got;

	error = fix->trans_alloc(l->s->mp, &tp);
	if (error)
		return error;
	error = fix->trans_lock_ag(tp, l->agno);
	if (!error && f->nr) {
		for (unsigned int i = 1; i < f->nr; i += 2)
			fix->space_free(tp, f->bno + i, 1);
		f->nr = 0;
	} else if (!error) {
		got = fix->space_near(
			tp, l->agno * l->s->ag_blocks + ROOT_INODES, 1,
			1 + bench_random(&l->random) % LOADER_BLOCKS, &f->bno);
		f->nr = got > 0 ? got : 0;
		for (unsigned int i = 0; i < f->nr; i += 2)
			fix->space_free(tp, f->bno + i, 1);
	}
	error2 = fix->trans_commit(tp);
	return error ? error : error2;
}

static int load_once(struct loader *l)
{
	struct storm *s = l->s;
	struct file *f =
		&l->files[bench_random(&l->random) % LOADER_FILES];
	int error = 0;

	if (bench_random(&l->random) % 3 == 0) {
		if (!f->ip)
			return 0;
		if (f->nr)
			error = load_file(l, f);
		if (!error)
			error = s->fix->inode_unlink(f->ip);
		f->ip = NULL;
	} else if (f->ip) {
		return s->fix->inode_touch(f->ip);
	} else {
		error = s->fix->inode_create(s->mp, l->agno, &f->ip);
		if (!error)
			error = load_file(l, f);
	}
	if (!error)
		error = s->fix->tree_modify(s->mp, l->agno,
					    bench_random(&l->random));
	if (!error)
		error = directory(s, l->agno, DIR_LOG, 0);
	return error;
}

static void load_often(void *arg)
{
	struct loader *l = arg;
	const struct guest *g = l->s->g;
	uint64_t period = g->seconds * 1e9 * g->loaders / g->load_ops;
	uint64_t next = now_ns();

	while (!task_should_stop() && !l->error) {
		l->error = load_once(l);
		next += period;
		if (next < now_ns())
			next = now_ns();
		wait_until(next);
	}
	add_waits(&l->waits);
}

/* --- the thread that repairs ------------------------------------------ */

static int repair_once(struct storm *s, unsigned int agno)
{
	struct repair_result res = { 0 };
	uint64_t start = now_ns();
	int error;

	probe_repair(s->probe, start);
	error = s->fix->repair(s->mp, agno, s->records, &res);
	probe_repair(s->probe, 0);
	s->row.repair_total_ns += now_ns() - start;
	s->row.repairs++;
	s->row.loads += res.loads;
	s->row.blocks += res.blocks;
	s->row.misqueued += res.misqueued;
	if (!s->o->own_pace)
		wait_until(start + s->g->repair_ns);
	return error;
}

/*
 * So long the guest took for a change: what it did between two repairs, or two
 * rounds of changes.  As many files go as come.
 */
static uint64_t change_ns(const struct storm *s)
{
	const struct guest *g = s->g;
	double rounds = g->repairs ? g->repairs :
				     (double)g->files / g->changes;
	double all = (g->seconds * 1e9 - (g->repairs ? g->wait_total_ns : 0)) /
		     rounds;

	/* Without repairs as many links go and come. */
	double changes = (g->repairs ? 2 : 4) * g->changes;

	return all > g->repair_ns ? (all - g->repair_ns) / changes : 0;
}

static int rounds(struct storm *s)
{
	unsigned int n = AGS * s->g->types * s->g->in_a_row;
	uint64_t ns = change_ns(s);
	int error = 0;

	while (!error && now_ns() < s->end) {
		if (!n) {
			error = churn(s, ns);
			for (unsigned int i = 0; i < s->g->changes && !error;
			     i++)
				error = relink(s, ns);
		}
		for (unsigned int i = 0; i < n && !error && now_ns() < s->end;
		     i++) {
			error = churn(s, ns);
			if (!error)
				error = repair_once(
					s, i / s->g->types / s->g->in_a_row);
		}
	}
	return error;
}

/*
 * What mkfs.xfs has laid out before the first free blocks: two heads of btrees
 * before those of the inodes' (3 and 4), two behind, the AGFL's six blocks,
 * and from 16 to 23 the root's inodes (AG 0).
 */
static int layout(struct storm *s, unsigned int agno)
{
	const struct fix *fix = s->fix;
	struct trans *tp;
	uint64_t bno;
	int error, error2;

	error = fix->trans_alloc(s->mp, &tp);
	if (error)
		return error;
	error = fix->trans_lock_ag(tp, agno);
	if (!error)
		error = fix->space_alloc(tp, agno, 23, &bno);
	if (!error) {
		fix->space_free(tp, bno + 2, 2);
		fix->space_free(tp, bno + 12, 3);
	}
	error2 = fix->trans_commit(tp);
	fix->log_force(s->mp);
	return error ? error : error2;
}

/* A file in one piece, near the first inodes, that the AIL may write over. */
static int make_room_for_others(struct storm *s)
{
	struct trans *tp;
	int error, error2, got;

	error = s->fix->trans_alloc(s->mp, &tp);
	if (error)
		return error;
	error = s->fix->trans_lock_ag(tp, 0);
	if (!error) {
		got = s->fix->space_near(tp, ROOT_INODES, s->g->others,
					 s->g->others, &s->others);
		error = got < 0 ? got : 0;
	}
	error2 = s->fix->trans_commit(tp);
	return error ? error : error2;
}

static int prepare(struct storm *s)
{
	struct repair_result res;
	int error = 0;

	for (unsigned int i = 0; i < AGS && !error; i++) {
		error = layout(s, i);
		if (!error && !i && s->g->others)
			error = make_room_for_others(s);
		if (!error)
			error = s->fix->repair(s->mp, i, s->records, &res);
	}
	s->fix->log_force(s->mp);
	s->fix->ail_push_all_sync(s->mp);
	return error;
}

static int with_threads(struct storm *s, struct loader *loaders)
{
	struct thread syncer;
	struct wait_stat waits = { 0 };
	unsigned int nr = 0;
	int error;

	error = task_start(&syncer, "sync", -1, sync_often, s);
	if (error)
		return error;
	for (; nr < s->g->loaders && !error; nr++) {
		loaders[nr] = (struct loader){
			.s = s,
			.agno = nr % AGS,
			.random = s->o->seed + nr + 1,
		};
		error = task_start(&loaders[nr].thread, "load", -1, load_often,
				   &loaders[nr]);
		if (error)
			break;
	}
	if (!error)
		error = rounds(s);
	for (unsigned int i = 0; i < nr; i++) {
		task_stop(&loaders[i].thread);
		task_join(&loaders[i].thread);
		waits.count += loaders[i].waits.count;
		waits.total_ns += loaders[i].waits.total_ns;
		if (loaders[i].waits.max_ns > waits.max_ns)
			waits.max_ns = loaders[i].waits.max_ns;
		if (!error)
			error = loaders[i].error;
	}
	task_stop(&syncer);
	task_join(&syncer);
	add_waits(&waits);
	s->row.waits = waits.count;
	s->row.wait_total_ns = waits.total_ns;
	s->row.wait_max_ns = waits.max_ns;
	return error;
}

static void let_go(struct storm *s, struct loader *loaders)
{
	for (unsigned int i = 0; i < s->g->loaders; i++)
		for (unsigned int j = 0; j < LOADER_FILES; j++)
			if (loaders[i].files[j].ip)
				s->fix->inode_unlink(loaders[i].files[j].ip);
	inactivate_all(s);
	for (unsigned int i = 0; i < FILES_MAX; i++)
		if (s->files[i])
			s->fix->inode_unlink(s->files[i]);
}

static int mounted(struct storm *s)
{
	struct loader *loaders = calloc(s->g->loaders + 1, sizeof(*loaders));
	struct wait_stat waits = { 0 };
	struct cache_stat stat;
	struct pace_row seen;
	uint64_t start;
	int error;

	if (!loaders)
		return -ENOMEM;
	error = prepare(s);
	add_waits(&waits);
	s->fix->stat_take(s->mp, &stat);
	start = now_ns();
	s->end = start + s->o->seconds * 1e9;
	probe_start(s->probe, s->mp, s->others);
	if (!error)
		error = with_threads(s, loaders);
	s->row.seconds = (now_ns() - start) / 1e9;
	probe_stop(s->probe);
	s->fix->stat_take(s->mp, &stat);
	probe_take(s->probe, &seen);
	seen.loads = s->row.loads;
	seen.blocks = s->row.blocks;
	seen.misqueued = s->row.misqueued;
	seen.waits = s->row.waits;
	seen.wait_total_ns = s->row.wait_total_ns;
	seen.wait_max_ns = s->row.wait_max_ns;
	seen.repairs = s->row.repairs;
	seen.repair_total_ns = s->row.repair_total_ns;
	seen.syncs = s->row.syncs;
	seen.seconds = s->row.seconds;
	seen.lookups = stat.lookups;
	s->row = seen;
	let_go(s, loaders);
	free(loaders);
	return error;
}

static int with_device(struct storm *s, struct device_options *dopt)
{
	struct mount_options opt = {
		.ag_count = AGS,
		.ag_blocks = s->ag_blocks,
		.log_bytes = LOG_BYTES,
		.syncd_ms = SYNCD_MS,
		.trees = s->g->loads > s->g->repairs ? 2 : 1,
		.points = probe_points(s->probe),
	};
	struct teardown left;
	char why[200];
	int error;

	dopt->nblocks = AGS * s->ag_blocks + LOG_BLOCKS;
	error = device_open(dopt, &s->dev, why, sizeof(why));
	if (error)
		return error;
	opt.device = s->dev;
	error = s->fix->mount(&opt, &s->mp);
	if (!error) {
		error = mounted(s);
		s->fix->unmount(s->mp, &left);
	}
	device_close(s->dev);
	return error;
}

/* As many as make trees of the guest's size. */
static uint64_t records(const struct guest *g)
{
	uint64_t blocks = g->loads ? (g->blocks + g->loads / 2) / g->loads : 1;

	return blocks < 3 ? 1 : (blocks - 1) * LEAF_RECORDS;
}

int pace_storm(const struct pace_options *o, struct pace_row *row, char *why,
	       size_t why_size)
{
	struct device_options dopt = { .seed = o->seed };
	struct storm *s = calloc(1, sizeof(*s));
	int error = -ENOMEM;

	if (!s)
		goto out;
	s->o = o;
	s->g = o->guest;
	s->fix = o->fix;
	s->records = records(o->guest);
	s->random = o->seed;
	/* The others are a block each here, not a sector. */
	s->ag_blocks = AG_BLOCKS + o->guest->others;
	s->probe = probe_new(o, AGS * s->ag_blocks);
	if (s->probe)
		error = with_device(s, &dopt);
	*row = s->row;
	probe_free(s->probe);
	free(s);
out:
	if (error)
		snprintf(why, why_size, "%s", strerror(-error));
	return error;
}
