/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the cases of lookup share: a thread that looks up, the buffers it
 * has, the latencies it sampled.
 */
#ifndef BENCH_WORKLOADS_LOOKUP_H
#define BENCH_WORKLOADS_LOOKUP_H

#include "bench/workload.h"

#define LOOKUP_KI	1024u
/* So many buffers of one thread are in its L2, on any machine of today. */
#define LOOKUP_SMALL	LOOKUP_KI
/* Single operations timed by each thread after a batch. */
#define LOOKUP_SAMPLES	64u

/* Of one thread; by it alone, read by others between batches. */
struct looker {
	struct instance *in;
	uint64_t first, nr;		/* its cached buffers */
	uint64_t at;			/* dependent keys: where to go on */
	uint64_t *keys;			/* others: an array; NULL: dependent */
	uint64_t nr_keys, next_key;
	struct buf **held;		/* of keys; NULL: nothing is held */
	struct wait_stat waits[WAIT_KINDS];
	uint64_t ns[LOOKUP_SAMPLES];	/* each with one reading of the clock */
	uint64_t clock_ns;		/* what those readings took, together */
	int error;			/* first one */
} __attribute__((aligned(128)));

/*
 * The blocks from @first on in an order drawn from @seed; the caller frees
 * it.  NULL: no memory.
 */
uint64_t *looker_order(uint64_t first, uint64_t nr, uint64_t seed);
/* Cache ->first and ->nr, each naming the next.  0 or -errno. */
int looker_fill(struct looker *me, uint64_t seed);
/* ->keys: numbers below @nr, the smaller the likelier.  0 or -ENOMEM. */
int looker_zipf(struct looker *me, size_t nr, double exponent, size_t nr_keys,
		uint64_t seed);
/* @ops lookups, from where the last ones ended. */
void looker_look(struct looker *me, uint64_t ops);
/* LOOKUP_SAMPLES lookups, each timed. */
void looker_sample(struct looker *me);
/* Add what looker_sample() left; "clock_ns" is the sum over its latencies. */
void looker_record_sample(const struct looker *me, struct record *rec);
/* Add how much of this process's memory is in huge pages, if known. */
void record_huge_pages(struct record *rec);
/* Why a floor does not run a case that is more than hits. */
const char *lookup_more_than_hits(const struct fix *fix);

#endif
