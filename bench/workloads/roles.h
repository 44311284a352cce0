/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads beside those whose operations are measured: one that others can
 * delay, one that keeps the AIL busy.  And what several workloads claim
 * and count.
 */
#ifndef BENCH_WORKLOADS_ROLES_H
#define BENCH_WORKLOADS_ROLES_H

#include "bench/workload.h"

/*
 * Short transactions that take an AG's header, and changes of an inode,
 * with pauses: what a list wait can hold up.
 */
struct victim {
	struct instance *in;
	unsigned int agno;
	struct inode *ip;
	struct thread thread;
	struct wait_stat stall;		/* by it, read after join */
	uint64_t operations;
	int error;
};

/* Before the first batch.  0 or -errno. */
int victim_init(struct victim *v, struct instance *in, unsigned int agno);
/* After the last. */
void victim_destroy(struct victim *v);
int victim_start(struct victim *v);
/* Wait for its end; what it saw goes to @rec, if any.  Its error. */
int victim_stop(struct victim *v, struct record *rec);

/*
 * Changes blocks of its own, and has directory blocks of AGs come and go,
 * and has the AIL daemon write them.
 */
struct dirtier {
	struct instance *in;
	uint64_t bno, nr;		/* its own blocks, always dirty */
	unsigned int ags;		/* with directories */
	uint64_t random;
	struct thread thread;
	struct wait_stat stall;
	uint64_t rounds;
	int error;
};

/* Cached at once because of it, at most, in @ags AGs. */
uint64_t role_dirtier_buffers(unsigned int ags);
/*
 * What the allocator keeps where buffers with contents come and go, among
 * @blocks blocks, by many threads: glibc cuts aligned memory out of more,
 * and finds no use for what is freed of it, so that its arenas grow beyond
 * what all the blocks would take, seen up to 2.6 times that, and stay there.
 * In bytes.
 */
uint64_t role_kept(uint64_t blocks);

int dirtier_init(struct dirtier *d, struct instance *in, unsigned int ags);
int dirtier_start(struct dirtier *d);
int dirtier_stop(struct dirtier *d, struct record *rec);

/* Allocate @nr blocks in a row.  0 or -errno. */
int role_claim(struct instance *in, unsigned int agno, uint64_t nr,
	       uint64_t *bno);
/* The processor of the second worker, which is idle; -1: any daemon's. */
int role_cpu(const struct bench *b);
/* Of who stales: the plan's, or the same. */
int role_staler_cpu(const struct bench *b);
/* The calling thread is it. */
void role_staler_seen(const struct bench *b);
/* The worker that loads: one of its own if the plan places it, or the first. */
unsigned int role_loader(const struct bench *b);

/* 0, or -EOPNOTSUPP and why: a floor copies to memory and to no device. */
int role_check_floor(struct instance *in);

/* Begin to count anew; floors count nothing. */
struct role_counts {
	struct lock_stat locks;
};

void role_count_start(struct instance *in, struct role_counts *before);
/*
 * Add to @rec what happened since: meetings with buffers stale and still on
 * a list, the most that were on the AIL daemon's, the locks that the fix has
 * added; and, if @lookups, who met and of how many.
 */
void role_count(struct instance *in, const struct role_counts *before,
		bool lookups, struct record *rec);
void role_add_stall(struct record *rec, const struct wait_stat *stall);

#endif
