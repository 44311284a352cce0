/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of `run`: blocks in processes of their own, what one of them
 * measures, and the table of all.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <jansson.h>
#include <stdio.h>

#include "bench/cli.h"
#include "bench/gbench.h"
#include "bench/result.h"

#define EXIT_INTERRUPTED	130

/* One fix under one workload: a benchmark. */
struct pair {
	struct workload *workload;
	const struct fix *fix;
	char name[128];
	bool selected;
};

struct pairs {
	struct pair *pair;		/* by workload, then by fix */
	unsigned int nr;
};

struct run {
	struct cli cli;
	struct bench bench;		/* for headings: no pool */
	unsigned int processors;	/* that we may use */
	struct pairs pairs;
	char **child_argv;
	char dir[RESULT_PATH_MAX];
	json_t **blocks;		/* as read from their files */
	unsigned int nr_blocks;
};

/* delwribench run */
int run_main(int argc, char **argv);
/* Show what ->blocks say.  Exit status. */
int run_report(struct run *r, bool interrupted);

/* --- the process that measures one block: run_block.c ----------------- */

/* Measure, and write the block's file.  Exit status. */
int run_block(const struct cli *cli, const struct pairs *pairs);
/*
 * Mount for @in->workload, fill, settle.  0, or -errno and why in
 * @in->record.reason.
 */
int instance_open(struct instance *in);
/* Wait until its daemons have nothing to do.  0 or -EBUSY. */
int instance_park(struct instance *in);
/* Unmount; adds to @in->record.left. */
void instance_close(struct instance *in);
/* Blocks that a device must have for @w. */
uint64_t workload_device_blocks(const struct workload *w, struct bench *b);

/*
 * Order of @nr fixes in every round: each once per round, and at each
 * place once in @nr rounds.  @order has @rounds * @nr entries.
 */
void run_order(unsigned int nr, unsigned int rounds, uint64_t seed,
	       unsigned int *order);

json_t *record_to_json(const struct record *rec, const struct workload *w);
void record_free(struct record *rec);

/* --- statistics and the table: run_stat.c, run_table.c ---------------- */

/* What all blocks say of one pair. */
struct summary {
	bool measured;
	char reason[160];		/* if not */
	double median, p99;		/* ns */
	bool p99_is_max;		/* too few values for a percentile */
	bool has_ratio;
	double ratio;			/* to the baseline, of paired batches */
	struct wait_stat waits[WAIT_KINDS];
	uint64_t checked, violated, misqueued;
	uint64_t left;			/* not gone at unmount */
	double *batch_ns;		/* of all blocks, for the replay */
	unsigned int nr_batches;
	uint64_t ops_per_batch;		/* 0: by the clock */
};

/* Sorts @v. */
double stat_median(double *v, size_t nr);
double stat_quantile(double *v, size_t nr, double q);
/* What @blocks say of each of @pairs.  0 or -errno. */
int run_summarise(json_t *const *blocks, unsigned int nr_blocks,
		  const struct pairs *pairs, struct summary *summaries);
void summary_free(struct summary *summaries, unsigned int nr);

/* At most 100 columns. */
void run_table(const struct pairs *pairs, const struct summary *summaries,
	       const struct bench *bench, unsigned int nr_blocks, FILE *out);
/*
 * A line or more per fix: the hazards that it does not hold.  Forks: no
 * thread may be running.  0 or -EINTR.
 */
int run_matrix(const struct cli *cli, FILE *out);

#endif
