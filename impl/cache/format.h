/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands in blocks on the device: all that survives a crash, and so
 * all that the oracle may look at after one.
 */
#ifndef CACHE_FORMAT_H
#define CACHE_FORMAT_H

#include "cache/device.h"

/* Behind the last AG: checkpoint records, and what they are written after. */
#define LOG_RECORDS	64u
#define NR_ICLOGS	8u	/* kernel: XLOG_MAX_ICLOGS, in flight at most */
#define BLOCKS_PER_ICLOG 8u	/* kernel: XLOG_BIG_RECORD_BSIZE, 32 KiB */
#define LOG_BLOCKS	(LOG_RECORDS + NR_ICLOGS * BLOCKS_PER_ICLOG)
#define LOG_ROOTS	64u	/* new roots that one record can name */

/* A new root, as the log carries it. */
struct root_record {
	uint32_t agno;
	uint32_t level;
	uint64_t bno;
	uint64_t gen;
};

/* One checkpoint; it is committed when this block is durable. */
struct log_record {
	struct block_header h;
	uint64_t seq;
	uint32_t nr_roots;
	uint32_t pad;
	struct root_record roots[LOG_ROOTS];
};
_Static_assert(sizeof(struct log_record) <= BLOCK_SIZE, "one block");

/* Behind the header of a tree's leaf, and of a node. */
struct bload_record {
	uint64_t key;
	uint64_t value;
};

struct bload_entry {
	uint32_t key;
	uint32_t bno;
};

#endif
