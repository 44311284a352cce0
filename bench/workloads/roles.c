// SPDX-License-Identifier: GPL-2.0-only
/*
 * Roles, and what several workloads count.
 */
#include "bench/workloads/roles.h"

#include <errno.h>
#include <stdio.h>

#define VICTIM_PAUSE_NS		200000u
#define DIRTIER_PAUSE_NS	1000000u
#define DIRTIER_BLOCKS		256u
#define DIRTIER_STEPS		64u	/* of directories, after each push */

int role_claim(struct instance *in, unsigned int agno, uint64_t nr,
	       uint64_t *bno)
{
	const struct fix *fix = in->fix;
	struct trans *tp;
	int error, error2;

	error = fix->trans_alloc(in->mp, &tp);
	if (error)
		return error;
	error = fix->trans_lock_ag(tp, agno);
	if (!error)
		error = fix->space_alloc(tp, agno, nr, bno);
	error2 = fix->trans_commit(tp);
	return error ? error : error2;
}

int role_cpu(const struct bench *b)
{
	return b->threads > 1 ? pool_cpu(b->pool, 1) : -1;
}

int role_staler_cpu(const struct bench *b)
{
	int cpu = b->place ? plan_run_cpu(b->place, PLAN_STALER) : -1;

	return cpu >= 0 ? cpu : role_cpu(b);
}

void role_staler_seen(const struct bench *b)
{
	if (b->place)
		plan_run_seen(b->place, PLAN_STALER, 0);
}

unsigned int role_loader(const struct bench *b)
{
	return pool_workers(b->pool) > b->threads ? b->threads : 0;
}

/* --- who can be delayed -------------------------------------------------- */

static int lock_ag(struct instance *in, unsigned int agno)
{
	struct trans *tp;
	int error, error2;

	error = in->fix->trans_alloc(in->mp, &tp);
	if (error)
		return error;
	error = in->fix->trans_lock_ag(tp, agno);
	error2 = in->fix->trans_commit(tp);
	return error ? error : error2;
}

static void victim_main(void *arg)
{
	struct victim *v = arg;

	while (!task_should_stop() && !v->error) {
		v->error = lock_ag(v->in, v->agno);
		if (!v->error)
			v->error = v->in->fix->inode_touch(v->ip);
		v->operations += 2;
		sleep_ns(VICTIM_PAUSE_NS, WAIT_IDLE);
	}
	v->stall = task_take_stall();
}

int victim_init(struct victim *v, struct instance *in, unsigned int agno)
{
	*v = (struct victim){ .in = in, .agno = agno };
	return in->fix->inode_create(in->mp, agno, &v->ip);
}

void victim_destroy(struct victim *v)
{
	if (v->ip)
		v->in->fix->inode_unlink(v->ip);
}

int victim_start(struct victim *v)
{
	v->operations = 0;
	v->error = 0;
	return task_start(&v->thread, "victim", role_cpu(v->in->bench),
			  victim_main, v);
}

int victim_stop(struct victim *v, struct record *rec)
{
	task_stop(&v->thread);
	task_join(&v->thread);
	if (rec) {
		role_add_stall(rec, &v->stall);
		record_count(rec, "victim_operations", v->operations);
	}
	return v->error;
}

/* --- who keeps the AIL busy ---------------------------------------------- */

static void dirtier_main(void *arg)
{
	struct dirtier *d = arg;
	struct instance *in = d->in;

	while (!task_should_stop() && !d->error) {
		d->error = in->fix->dirty(in->mp, d->bno, d->nr);
		in->fix->log_force(in->mp);
		in->fix->ail_push_all(in->mp);
		/* Some of them while the daemon is at it. */
		for (unsigned int i = 0; i < DIRTIER_STEPS && !d->error; i++)
			d->error = in->fix->dir_churn(in->mp, i % d->ags,
						      bench_random(&d->random));
		d->rounds++;
		sleep_ns(DIRTIER_PAUSE_NS, WAIT_IDLE);
	}
	d->stall = task_take_stall();
	role_staler_seen(in->bench);
}

uint64_t role_dirtier_buffers(unsigned int ags)
{
	return DIRTIER_BLOCKS + (uint64_t)ags * DIRTIER_STEPS;
}

uint64_t role_kept(uint64_t blocks)
{
	return 3 * blocks * 2 * BLOCK_SIZE;
}

int dirtier_init(struct dirtier *d, struct instance *in, unsigned int ags)
{
	*d = (struct dirtier){
		.in = in,
		.nr = DIRTIER_BLOCKS,
		.ags = ags,
		.random = in->bench->seed,
	};
	return role_claim(in, 0, d->nr, &d->bno);
}

int dirtier_start(struct dirtier *d)
{
	d->rounds = 0;
	d->error = 0;
	return task_start(&d->thread, "dirtier", role_staler_cpu(d->in->bench),
			  dirtier_main, d);
}

int dirtier_stop(struct dirtier *d, struct record *rec)
{
	task_stop(&d->thread);
	task_join(&d->thread);
	if (rec) {
		role_add_stall(rec, &d->stall);
		record_count(rec, "dirtier_rounds", d->rounds);
	}
	return d->error;
}

int role_check_floor(struct instance *in)
{
	if (!floor_of(in->fix) || !in->bench->device)
		return 0;
	snprintf(in->record.reason, sizeof(in->record.reason),
		 "it copies to memory: nothing to compare a device with");
	return -EOPNOTSUPP;
}

/* --- counters ------------------------------------------------------------ */

void role_add_stall(struct record *rec, const struct wait_stat *stall)
{
	rec->stall.count += stall->count;
	rec->stall.total_ns += stall->total_ns;
	if (stall->max_ns > rec->stall.max_ns)
		rec->stall.max_ns = stall->max_ns;
}

void role_count_start(struct instance *in, struct role_counts *before)
{
	struct cache_stat stat;

	before->locks = lock_stat_sum();
	if (in->fix->stat_take)
		in->fix->stat_take(in->mp, &stat);
}

static void count_meetings(const struct cache_stat *stat, struct record *rec)
{
	record_count(rec, "lookups", stat->lookups);
	record_count(rec, "met_by_readahead", stat->meetings_trylock);
	record_count(rec, "met_with_ag_header", stat->held_ag);
	record_count(rec, "met_with_inode", stat->held_inode);
	record_count(rec, "met_with_buffers", stat->held_bufs);
}

void role_count(struct instance *in, const struct role_counts *before,
		bool lookups, struct record *rec)
{
	struct lock_stat now = lock_stat_sum();
	struct cache_stat stat;

	if (!in->fix->stat_take)
		return;
	in->fix->stat_take(in->mp, &stat);
	record_count(rec, "meetings", stat.meetings);
	if (lookups)
		count_meetings(&stat, rec);
	record_count(rec, "max_ail_list", stat.ail_list_max);
	if (!in->fix->locks)
		return;
	record_count(rec, "fix_lock_taken", now.taken - before->locks.taken);
	record_count(rec, "fix_lock_contended",
		     now.contended - before->locks.contended);
	record_count(rec, "fix_lock_hold_ns",
		     now.held_ns - before->locks.held_ns);
}
