// SPDX-License-Identifier: GPL-2.0-only
/*
 * A storm of the guest's in the model: who does what, and when, is
 * bench/linux/drive.c's cmd_storm(); how long it takes is the guest's.
 */
#include "bench/pace/pace_storm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/format.h"

enum { AGS = 2, MAX_LOADERS = 8 };

#define LOG_BYTES		(16u << 20)	/* lane.py: "log" */
#define SYNCD_MS		1000u	/* init: xfssyncd_centisecs */
#define AG_BLOCKS		(280u << 8)	/* lane.py: half of "size" */
#define LEAF_RECORDS		189u	/* as the bulk loader fills them */

static void add_waits(struct wait_stat *to, const struct wait_stat *w)
{
	to->count += w->count;
	to->total_ns += w->total_ns;
	if (w->max_ns > to->max_ns)
		to->max_ns = w->max_ns;
}

/* For lists, by the calling thread, since it was asked last. */
static struct wait_stat take_waits(void)
{
	struct wait_stat waits[WAIT_KINDS];

	task_take_waits(waits);
	return waits[WAIT_LIST];
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

static void load_often(void *arg)
{
	struct loader *l = arg;
	const struct guest *g = l->s->g;
	uint64_t period = g->seconds * 1e9 * g->loaders / g->load_ops;
	uint64_t next = now_ns();
	struct wait_stat waited;

	while (!task_should_stop() && !l->error) {
		l->error = storm_load(l);
		waited = take_waits();
		add_waits(&l->waits, &waited);
		probe_events(l->s->probe, 0, waited.count);
		next += period;
		if (next < now_ns())
			next = now_ns();
		wait_until(next);
	}
}

/* --- the thread that repairs ------------------------------------------ */

static int repair_once(struct storm *s, unsigned int agno)
{
	struct repair_result res = { 0 };
	uint64_t start = now_ns();
	struct wait_stat waited = take_waits();
	int error;

	add_waits(&s->waits, &waited);
	probe_events(s->probe, 0, waited.count);
	probe_repair(s->probe, start);
	error = s->fix->repair(s->mp, agno, s->records, &res);
	probe_repair(s->probe, 0);
	s->row.repair_total_ns += now_ns() - start;
	s->row.repairs++;
	s->row.loads += res.loads;
	s->row.blocks += res.blocks;
	s->row.misqueued += res.misqueued;
	/* What comes after a wait takes as long as without one. */
	waited = take_waits();
	add_waits(&s->waits, &waited);
	probe_events(s->probe, res.misqueued, waited.count);
	if (!s->o->own_pace)
		wait_until(start + s->g->repair_ns + waited.total_ns);
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
			error = storm_churn(s, ns);
			for (unsigned int i = 0; i < s->g->changes && !error;
			     i++)
				error = storm_relink(s, ns);
		}
		for (unsigned int i = 0; i < n && !error && now_ns() < s->end;
		     i++) {
			error = storm_churn(s, ns);
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
	int error;

	error = storm_begin(s, agno, &tp);
	if (error)
		return error;
	error = fix->space_alloc(tp, agno, 23, &bno);
	if (!error) {
		fix->space_free(tp, bno + 2, 2);
		fix->space_free(tp, bno + 12, 3);
	}
	error = storm_end(s, tp, error);
	fix->log_force(s->mp);
	return error;
}

/* A file in one piece, near the first inodes, that the AIL may write over. */
static int make_room_for_others(struct storm *s)
{
	struct trans *tp;
	int error, got;

	error = storm_begin(s, 0, &tp);
	if (error)
		return error;
	got = s->fix->space_near(tp, ROOT_INODES, s->g->others, s->g->others,
				 &s->others);
	return storm_end(s, tp, got < 0 ? got : 0);
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
	struct wait_stat waits;
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
	waits = take_waits();
	add_waits(&waits, &s->waits);
	for (unsigned int i = 0; i < nr; i++) {
		task_stop(&loaders[i].thread);
		task_join(&loaders[i].thread);
		add_waits(&waits, &loaders[i].waits);
		if (!error)
			error = loaders[i].error;
	}
	task_stop(&syncer);
	task_join(&syncer);
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
	storm_inactivate(s);
	for (unsigned int i = 0; i < LINKS; i++)
		if (s->link[i].ip)
			s->fix->inode_unlink(s->link[i].ip);
	for (unsigned int i = 0; i < FILES_MAX; i++)
		if (s->files[i])
			s->fix->inode_unlink(s->files[i]);
}

static int mounted(struct storm *s)
{
	struct loader *loaders = calloc(s->g->loaders + 1, sizeof(*loaders));
	struct cache_stat stat;
	struct pace_row seen;
	uint64_t start;
	int error;

	if (!loaders)
		return -ENOMEM;
	error = prepare(s);
	take_waits();
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
