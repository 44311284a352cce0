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
#include "bench/gbench_replay.h"
#include "bench/result.h"

#define EXIT_INTERRUPTED	130
/* Most fixes and floors of a workload. */
#define RUN_FIELD		(CLI_FIXES + 16)

#define RUN_POINTS	512u
#define PLACEMENT_MAX	128

/* How many threads look up, and where: each point has its own workers. */
struct run_point {
	bool placed;			/* by ->req; else one per core first */
	struct plan_request req;
	unsigned int threads;
	char placement[PLACEMENT_MAX];	/* ->req's name; "": not placed */
	char skipped[PLAN_SKIPPED];	/* why it is not measured; "": it is */
};

struct run_point_list {
	struct run_point *point;
	unsigned int nr;
	unsigned int processors;	/* that we may use */
};

/* One fix under one workload at one point: a benchmark. */
struct pair {
	struct workload *workload;
	const struct fix *fix;
	char name[256];
	bool selected;
	const struct run_point *point;	/* NULL: the only one, not placed */
};

struct pairs {
	struct pair *pair;		/* by workload, point, then fix */
	unsigned int nr;
	const struct run_point_list *points;
};

/* What @cli asks for.  Exit status, after a line; free(->point). */
int run_points(const struct cli *cli, struct run_point_list *points);
/* The most threads of any point. */
unsigned int run_points_threads(const struct run_point_list *points);

/* What the matrix said of one fix. */
struct hazards {
	bool checked;
	unsigned int broken;		/* HAZARD() bits */
	char text[512];			/* the same in words, or why not */
};

struct run {
	struct cli cli;
	struct bench bench;		/* for headings: no pool */
	struct run_point_list points;
	struct pairs pairs;
	char **child_argv;		/* behind child_argc: one block's */
	int child_argc;
	char dir[RESULT_PATH_MAX];
	int lock;			/* on dir; -1: not held */
	char run_id[20];		/* in each file of the run */
	json_t *machine;		/* machine.json */
	json_t **blocks;		/* by number - 1; NULL: not finished */
	unsigned int finished;
	struct hazards hazards[CLI_FIXES]; /* as in cli.fixes */
};

/* delwribench run */
int run_main(int argc, char **argv);

/* --- run_resume.c, run_blocks.c: exit status, after a line -------------- */

#define RUN_BLOCK_SCHEMA	"delwribench-block-1"

/* Draw ->run_id and write ->machine as machine.json to ->dir. */
int run_record(struct run *r);
/* "memory", or what @device is: "file" or "disk". */
const char *run_device_kind(const char *device);
/* Go by the machine.json of ->cli.resume: ->dir, ->cli, ->child_argv. */
int run_resume(struct run *r);
/* Read what ->dir has of finished blocks; then tidy it up. */
int run_load_blocks(struct run *r);
/* Measure those that are missing. */
int run_blocks(struct run *r);
/* Processes of blocks get @argv ("run" first) too.  0 or -ENOMEM. */
int run_child_argv(struct run *r, int argc, char **argv);

/* --- blocks that may be mixed with the others: run_sound.c -------------- */

/*
 * Was @block measured with other parts of the machine than the run began
 * with, or not where it was to be?  If so, a line in @why.
 */
bool run_block_unsound(const struct run *r, const json_t *block, char *why,
		       size_t why_size);
/*
 * Keep @block, the @number-th, as discarded-NNNN-N.json with @reason in it,
 * and say so.  Exit status, after a line.
 */
int run_set_aside(const struct run *r, unsigned int number, json_t *block,
		  const char *reason);
/* Until the run's conditions are here, some seconds at most.  Exit status. */
int run_await_conditions(const struct run *r);

/* Show what the finished blocks say.  Exit status. */
int run_report(struct run *r);

/* --- the process that measures one block -------------------------------- */

/* Measure, and write the block's file.  Exit status. */
int run_block(const struct cli *cli, const struct pairs *pairs);
/* One workload's part at @at: appends to @rows.  0 or -errno. */
int run_workload(struct bench *b, struct workload *w, const struct cli *cli,
		 const struct pairs *pairs, const struct run_point *at,
		 json_t *rows);
/* Of each fix in a block. */
unsigned int run_rounds_of(const struct workload *w, const struct cli *cli);
/* Does @w fit in memory at @at?  If not, *@why says so. */
bool run_workload_fits(struct bench *b, const struct workload *w,
		       const struct cli *cli, const struct pairs *pairs,
		       const struct run_point *at, char *why, size_t size);
/* Batches of that; 0: nothing of it is selected. */
unsigned int run_workload_batches(const struct workload *w,
				  const struct cli *cli,
				  const struct pairs *pairs,
				  const struct run_point *at);
/*
 * The workers of @at, where they and whatever they start belong; b->threads,
 * ->pool and ->place.  Exit status, after a line.
 */
int run_stage_open(struct bench *b, const struct run_point *at);
/* What was found of that, for the block; also if it is not placed. */
json_t *run_stage_to_json(const struct bench *b, const struct run_point *at);
void run_stage_close(struct bench *b);
/* Is all of it where it belongs? */
bool run_stage_ok(const struct bench *b, const struct run_point *at);
/* A line per thread or kind of object that is not where it belongs. */
unsigned int run_stage_complain(const json_t *stage, const char *placement);
/*
 * Mount for @in->workload, fill, settle.  0, or -errno and why in
 * @in->record.reason.
 */
int instance_open(struct instance *in);
/*
 * One batch, cache and all, in a process of its own; "max_process_kb" is
 * the most memory that it had.  No thread may be running here.  0, or -errno
 * and why in @in->record.reason.
 */
int run_alone(struct instance *in, double *ns);
/* The same in this process, which has its threads. */
int run_batch(struct instance *in, uint64_t ops, double *ns);
/*
 * Of @in's instrumented copy, if that is another: one more batch of @ops, to
 * @in->counts; @in is not mounted.  0 or -errno, and why in @in->counts.
 */
int run_count(struct instance *in, uint64_t ops);
/* Where @in's counts are. */
const struct record *run_counts_of(const struct instance *in);
/* How lookups ended, and what the batch's operations did that costs time. */
void run_count_events(struct instance *in, uint64_t ail_passes, uint64_t ops,
		      struct record *rec);
/* Wait until its daemons have nothing to do.  0 or -EBUSY. */
int instance_park(struct instance *in);
/* Unmount; adds to @in->record.left. */
void instance_close(struct instance *in);
/* Blocks that a device must have for @w. */
uint64_t workload_device_blocks(const struct workload *w,
				const struct bench *b);
/* As its caches are mounted, but for device and watch. */
void workload_mount_options(const struct workload *w, const struct bench *b,
			    struct mount_options *opt);

/*
 * Order of @nr fixes in every round: each once per round, and at each
 * place once in @nr rounds.  @order has @rounds * @nr entries.
 */
void run_order(unsigned int nr, unsigned int rounds, uint64_t seed,
	       unsigned int *order);
/* The same, for processes of their own: ABBA, BAAB, ... of any number. */
void run_order_abba(unsigned int nr, unsigned int rounds, uint64_t seed,
		    unsigned int *order);

/* Times of @in->record; counts of run_counts_of(). */
json_t *record_to_json(const struct instance *in);
void record_free(struct record *rec);

/* --- statistics and the table: run_stat.c, run_table.c ---------------- */

/* What they say of one of the processor's or the kernel's counters. */
struct perf_total {
	const char *name, *mode;	/* the blocks'; NULL: no more */
	double per_operation;		/* summed over ->blocks */
	unsigned int blocks;
	double share;			/* the least; of the time counted */
	const char *reason;		/* a block's that has none */
};

/* What all blocks say of one pair. */
struct summary {
	bool measured;
	bool skipped;			/* it does not fit: no failure */
	char reason[160];		/* if not ->measured */
	double median;			/* of medians of batches, ns */
	const char *base;		/* fix that ->ratio is to; NULL: none */
	double ratio;			/* of batches of the same rounds */
	uint64_t nr_ops;
	/* In these were waits, stall, counters and misqueued counted. */
	uint64_t counted_ops;
	struct wait_stat waits[WAIT_KINDS];
	/* Single operations; without any, why. */
	uint64_t nr_latencies;
	double p50, p99, max;		/* ns; p99 < 0: too few for one */
	char latency_reason[160];
	bool has_stall;
	struct wait_stat stall;
	char stall_reason[160];
	struct counter counters[COUNTERS]; /* names are the blocks' */
	struct perf_total perf[PERF_COUNTERS];
	uint64_t checked, violated, misqueued;
	uint64_t left;			/* not gone at unmount */
	double *batch_ns;		/* of all blocks, for the replay */
	unsigned int nr_batches;
	uint64_t ops_per_batch;		/* 0: by the clock */
};

/* Sorts @v. */
double stat_median(double *v, size_t nr);
double stat_quantile(double *v, size_t nr, double q);
/* A block's row, or NULL. */
const json_t *run_find_row(const json_t *block, const struct pair *p);
/*
 * What @blocks, some of which may be NULL, say of each of @pairs.  Ratios
 * are to BASELINE; where that was violated or not measured, to the first fix
 * of which there are times.  0 or -errno.
 */
int run_summarise(json_t *const *blocks, unsigned int nr_blocks,
		  const struct pairs *pairs, struct summary *summaries);
void summary_free(struct summary *summaries, unsigned int nr);

/*
 * At most 100 columns.  @hazards, by the order of cli->fixes, marks those
 * that are incorrect; NULL: not known.
 */
struct table {
	const struct pairs *pairs;
	const struct summary *summaries;
	const struct bench *bench;
	const struct cli *cli;
	const struct hazards *hazards;
	unsigned int nr_blocks;		/* finished */
};

void run_table(const struct table *table, FILE *out);
/* The first index behind @from whose pair is of another case. */
unsigned int run_workload_end(const struct pairs *pairs, unsigned int from);

/* --- hazards: run_hazards.c --------------------------------------------- */

/*
 * Check the fixes of a run against all hazards but lost-wakeup, and keep the
 * matrix in its folder as verify.json.  0, -EINTR, or -errno: no memory, no
 * process, or it could not be written.
 */
int run_hazards(const struct run *r, struct hazards *hazards);
/* A line or more per fix: the hazards that it does not hold. */
void run_print_hazards(const struct cli *cli, const struct hazards *hazards,
		       FILE *out);
/* Wrong results or no end, as opposed to waits; NULL: it is correct. */
const char *run_incorrect(const struct hazards *h, char *text, size_t size);

/* --- notes under a table: run_notes.c, run_counters.c ------------------ */

#define RUN_COLUMNS	100

/* Words of @text, wrapped: first at @column, then at @indent. */
void run_print_wrapped(FILE *out, const char *text, int column, int indent);

#define NOTES		16

struct notes {
	unsigned int nr;
	char text[NOTES][640];
};

/* One more, if it is not there yet. */
void run_note(struct notes *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void run_print_notes(const struct notes *n, FILE *out);
/* A case's counters, fix by fix; a group's that say how it was measured. */
void run_print_counters(const struct table *t, unsigned int from,
			unsigned int to, FILE *out);
void run_note_counters(struct notes *n, const struct table *t,
		       unsigned int from, unsigned int to);
/* Which of the processor's and the kernel's counters there are not, and why. */
void run_note_perf(struct notes *n, const struct table *t, unsigned int from,
		   unsigned int to);
/* What else the machine did while the blocks were measured. */
void run_note_machine(struct notes *n, json_t *const *blocks,
		      unsigned int nr_blocks);

#endif
