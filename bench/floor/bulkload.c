// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor under bulkload and repair_storm: the tree's blocks filled, sealed
 * with CRC32C, copied to an image in memory, by one thread, in the order in
 * which they are built; and for a repair what names the new root copied to
 * the log.  Frozen: see README.md.
 */
#include "bench/workload.h"

#include <errno.h>
#include <isa-l/crc.h>
#include <stdlib.h>
#include <string.h>

#include "cache/format.h"

#define LEAF_RECORDS	189u		/* three quarters full */
#define HEADER_LOG_BYTES 128u		/* one chunk of it changes */
#define MAX_LEAVES	504u		/* a root has no room for more */

/* An AG's: leaves first, the root behind them. */
struct floor_ag {
	char *block[MAX_LEAVES + 1];	/* NULL: not used yet */
	char *image;
};

struct mount {
	unsigned int nr;
	uint64_t gen;
	struct log_record log;
	char header[HEADER_LOG_BYTES];	/* of an AG, as logged */
	struct floor_ag ag[];
};

static void floor_unmount(struct mount *mp, struct teardown *left)
{
	*left = (struct teardown){ 0 };
	for (unsigned int i = 0; i < mp->nr; i++) {
		for (unsigned int b = 0; b <= MAX_LEAVES; b++)
			free(mp->ag[i].block[b]);
		free(mp->ag[i].image);
	}
	free(mp);
}

static int floor_mount(const struct mount_options *opt, struct mount **mpp)
{
	struct mount *mp = calloc(1, sizeof(*mp) +
					     opt->ag_count * sizeof(mp->ag[0]));
	struct teardown left;

	if (!mp)
		return -ENOMEM;
	for (; mp->nr < opt->ag_count; mp->nr++) {
		struct floor_ag *ag = &mp->ag[mp->nr];

		ag->image = aligned_alloc(BLOCK_SIZE,
					  (MAX_LEAVES + 1) * BLOCK_SIZE);
		if (!ag->image) {
			floor_unmount(mp, &left);
			return -ENOMEM;
		}
	}
	*mpp = mp;
	return 0;
}

static void *get_block(struct floor_ag *ag, unsigned int nr)
{
	if (unlikely(!ag->block[nr]))
		ag->block[nr] = aligned_alloc(BLOCK_SIZE, BLOCK_SIZE);
	return ag->block[nr];
}

static void init_block(struct block_header *h, uint64_t gen, unsigned int bno,
		       unsigned int level, unsigned int nr)
{
	*h = (struct block_header){
		.magic = BLOCK_MAGIC,
		.bno = bno,
		.gen = gen,
		.owner = gen,
		.level = level,
		.numrecs = nr,
	};
}

static void clear_rest(struct block_header *h, void *end)
{
	memset(end, 0, (char *)h + BLOCK_SIZE - (char *)end);
}

static void write_block(struct floor_ag *ag, unsigned int nr)
{
	struct block_header *h = (void *)ag->block[nr];

	h->crc = ~crc32_iscsi((unsigned char *)h, BLOCK_SIZE, ~0u);
	memcpy(ag->image + nr * BLOCK_SIZE, h, BLOCK_SIZE);
}

static int floor_bulkload(struct mount *mp, unsigned int agno,
			  uint64_t nr_records, struct repair_result *res)
{
	unsigned int leaves = (nr_records + LEAF_RECORDS - 1) / LEAF_RECORDS;
	struct floor_ag *ag = &mp->ag[agno];
	uint64_t gen = ++mp->gen, key = 0, start = now_ns();
	struct block_header *root = get_block(ag, leaves);
	struct bload_entry *entry = (void *)(root + 1);

	if (leaves > MAX_LEAVES || !root)
		return -EINVAL;
	for (unsigned int i = 0; i < leaves; i++) {
		struct block_header *h = get_block(ag, i);
		struct bload_record *rec = (void *)(h + 1);
		unsigned int n = nr_records - key < LEAF_RECORDS ?
					 nr_records - key :
					 LEAF_RECORDS;

		if (!h)
			return -ENOMEM;
		init_block(h, gen, i, 0, n);
		h->left = i ? i - 1 : 0;
		h->right = i + 1 < leaves ? i + 1 : 0;
		entry[i] = (struct bload_entry){ .key = key, .bno = i };
		for (unsigned int r = 0; r < n; r++, key++)
			rec[r] = (struct bload_record){ key, gen ^ key };
		clear_rest(h, rec + n);
		write_block(ag, i);
	}
	init_block(root, gen, leaves, 1, leaves);
	clear_rest(root, entry + leaves);
	write_block(ag, leaves);
	*res = (struct repair_result){
		.gen = gen,
		.blocks = leaves + 1,
		.load_ns = now_ns() - start,
	};
	return 0;
}

static int floor_repair(struct mount *mp, unsigned int agno,
			uint64_t nr_records, struct repair_result *res)
{
	struct floor_ag *ag = &mp->ag[agno];
	int error = floor_bulkload(mp, agno, nr_records, res);

	if (error)
		return error;
	mp->log.roots[0] = (struct root_record){
		.agno = agno,
		.level = 1,
		.bno = res->blocks - 1,
		.gen = res->gen,
	};
	memcpy(mp->header, ag->block[res->blocks - 1], HEADER_LOG_BYTES);
	/* Both are to be written: the compiler may not leave them out. */
	__asm__ volatile("" : : "r"(mp) : "memory");
	res->committed = true;
	return 0;
}

static int floor_modify(struct mount *mp, unsigned int agno, uint64_t pick)
{
	(void)mp;
	(void)agno;
	(void)pick;
	return 0;
}

static void floor_nothing(struct mount *mp)
{
	(void)mp;
}

static uint64_t floor_none(struct mount *mp)
{
	(void)mp;
	return 0;
}

static const struct fix fix_floor = {
	.name = "floor",
	.summary = "fill, CRC32C, copy, by one thread",
	.mount = floor_mount,
	.unmount = floor_unmount,
	.log_force = floor_nothing,
	.ail_push_all = floor_nothing,
	.ail_push_all_sync = floor_nothing,
	.ail_items = floor_none,
	.bulkload = floor_bulkload,
	.repair = floor_repair,
	.tree_modify = floor_modify,
};

static struct floor bulkload_floor = {
	.group = "bulkload/",
	.fix = &fix_floor,
	.sha256 = FLOOR_SHA256,
};

static struct floor repair_floor = {
	.group = "repair_storm/",
	.fix = &fix_floor,
	.sha256 = FLOOR_SHA256,
};

FLOOR(bulkload_floor)
FLOOR(repair_floor)
