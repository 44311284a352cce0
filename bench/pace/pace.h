/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scripts/pace: the storms of a run of scripts/kernel again, in the model, at
 * the pace of the guest that they ran in: as many loads, syncs and passes of
 * the AIL per second, repairs as long, the lane's own knobs.  What either
 * side met, misqueued and waited for per load can then be compared.
 */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include <jansson.h>

#include "bench/result.h"
#include "cache/fix.h"

/* What one fix did in one storm of the guest, all its steps together. */
struct guest {
	char scenario[32];
	char fix[64];
	/* The lane's settings: bench/linux/lane.py, STORMS. */
	unsigned int changes, in_a_row, loaders, delay_us, others, chunks;
	unsigned int sync_us;		/* it sleeps between two syncs */
	unsigned int block;		/* bytes */
	unsigned int types;		/* trees whose repair it asks for */
	bool eager;
	/* What it measured. */
	double seconds;
	double step_seconds;		/* the longest step */
	double repair_ns;		/* half of its repairs took less */
	/*
	 * A cycle of its AIL, in the mean: until all is on its list, and that
	 * list's submit, the lane's delay between them left out.
	 */
	double queueing_ns, submitting_ns;
	uint64_t repairs, loads, blocks, files, load_ops, syncs, ail_submits;
	uint64_t lookups, met_claim, met_lookup, misqueued;
	uint64_t waits, wait_total_ns, wait_max_ns;
};

/* What a round of the model did; the names of pace.json. */
struct pace_row {
	uint64_t loads, blocks, met, misqueued, waits;
	uint64_t wait_total_ns, wait_max_ns;
	uint64_t repairs, repair_total_ns, syncs, frees, ail_cycles, lookups;
	/* Sums over the AIL's cycles of the square of each one's count. */
	uint64_t met_squares, misqueued_squares, waits_squares;
	double seconds;
	/* For whoever looks for a mechanism. */
	uint64_t met_lookup, staled_linked, windows, window_total_ns;
	uint64_t met_alloc;
};

/* How the model is to go. */
struct pace_options {
	const struct fix *fix;
	const struct guest *guest;
	double seconds;
	bool own_pace;			/* repairs and AIL as fast as here */
	uint64_t seed;
};

/* --- what the guest did: pace_guest.c -------------------------------- */

#define GUESTS_MAX	256

/* All storms in @json, a kernel.json: how many, or -1 and a line in @why. */
int guest_read(const json_t *json, struct guest guests[GUESTS_MAX], char *why,
	       size_t why_size);

/* --- what the guest's probe counts: pace_probe.c --------------------- */

/*
 * Blocks staled while on the AIL's list, as bench/linux/dwb_probe.c marks
 * them: by what is seen at the points, never by what a fix maintains.
 */
struct probe;

/* For @nr blocks.  NULL: no memory. */
struct probe *probe_new(const struct pace_options *o, uint64_t nr);
void probe_free(struct probe *p);
const struct point_ops *probe_points(struct probe *p);
/*
 * Once it is mounted; before that nobody waits at a point.  @others: where the
 * blocks are that the AIL has on its list beside its own.
 */
void probe_start(struct probe *p, struct mount *mp, uint64_t others);
/* Count nothing, hold nobody any more. */
void probe_stop(struct probe *p);
/* The calling thread's repair began now: it reads inodes for a while. */
void probe_repair(struct probe *p, uint64_t start);
/* So many blocks were misqueued, so many waits have ended, just now. */
void probe_events(struct probe *p, uint64_t misqueued, uint64_t waits);
void probe_take(struct probe *p, struct pace_row *row);

/* --- a storm: pace_storm.c ------------------------------------------- */

/* 0 or -errno; @why gets a line. */
int pace_storm(const struct pace_options *o, struct pace_row *row, char *why,
	       size_t why_size);

/* --- both together: pace_print.c ------------------------------------- */

/* Model and kernel per load, and whether they agree. */
void pace_print(const struct guest *g, const struct pace_row *row);

/* --- pace.json: pace_file.c ------------------------------------------- */

struct pace_file {
	char path[RESULT_PATH_MAX + 16];
	json_t *json, *rows;
};

/*
 * Read @f->path, if it is there.  0, or -errno; a line on stderr if it is
 * another's, -EEXIST.
 */
int pace_file_open(struct pace_file *f, const char *kernel_run);
/* Is this fix's part of the storm in it? */
bool pace_file_has(const struct pace_file *f, const struct pace_options *o);
void pace_file_add(struct pace_file *f, const struct pace_options *o,
		   const struct pace_row *row);
/* All that was added.  0, or -EIO after a line on stderr. */
int pace_file_save(const struct pace_file *f);

int pace_main(int argc, char **argv);

#endif
