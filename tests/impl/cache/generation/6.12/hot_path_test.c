// SPDX-License-Identifier: GPL-2.0-only
/* A hit and its release in Linux 6.12: see hot_path.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/impl/cache/generation/hot_path.h"

#ifdef FIELD

#define CACHE	"6.12"

/* xfs_buf_get_map(), xfs_buf_unlock(), xfs_buf_rele() of Linux 6.12. */
static const struct locked_op kernel_hit[] = {
	{ "pag_ref", OP_ADD, "xfs_perag_get: atomic_inc(pag_ref)" },
	{ "b_hold", OP_CMPXCHG, "xfs_buf_lookup: atomic_inc_not_zero(b_hold)" },
	{ "b_sema.lock", OP_CMPXCHG, "xfs_buf_lock, down(): raw spinlock" },
	{ "pag_ref", OP_ADD, "xfs_perag_put: atomic_dec(pag_ref)" },
	{ "b_sema.lock", OP_CMPXCHG, "xfs_buf_unlock, up(): raw spinlock" },
	{ "b_lock", OP_CMPXCHG, "xfs_buf_rele_cached: spin_lock(b_lock)" },
	{ "b_hold", OP_CMPXCHG, "xfs_buf_rele_cached: atomic_dec_and_lock" },
};
/* The LRU has a hold in any case: another one changes nothing. */
#define kernel_held	kernel_hit

/*
 * Lines of struct xfs_buf that they, the semaphore's count and xfs_buf_get_
 * map()'s resetting of b_error write.
 */
static const unsigned int kernel_lines =
	1u << (offsetof(struct buf, b_hold) / LINE) |
	1u << (offsetof(struct buf, b_sema) / LINE) |
	1u << (offsetof(struct buf, b_lock) / LINE) |
	1u << (offsetof(struct buf, b_error) / LINE);

/* Loads of b_mount for the LRU, which are not the oracle's. */
#define LRU_LOADS	0

#define PLACES(b, p, m)							\
	FIELD(p, struct ag, pag_ref),					\
	FIELD(p, struct ag, pag_bcache.bc_lock),			\
	FIELD(b, struct buf, b_hold),					\
	FIELD(b, struct buf, b_lock),					\
	FIELD(b, struct buf, b_state)

#include "tests/impl/cache/generation/hot_path.h"

#endif
