// SPDX-License-Identifier: GPL-2.0-only
/* A hit and its release in Linux 7.3: see hot_path.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/impl/cache/generation/hot_path.h"

#ifdef FIELD

#define CACHE	"7.3"

/* xfs_buf_get_map(), xfs_buf_unlock(), xfs_buf_rele() of Linux 7.3. */
static const struct locked_op kernel_hit[] = {
	{ "b_lockref", OP_CMPXCHG, "xfs_buf_lookup: lockref_get_not_dead" },
	{ "b_sema.lock", OP_CMPXCHG, "xfs_buf_lock, down(): raw spinlock" },
	{ "b_sema.lock", OP_CMPXCHG, "xfs_buf_unlock, up(): raw spinlock" },
	{ "b_lockref", OP_CMPXCHG,
	  "xfs_buf_rele: lockref_put_or_lock, last hold: spinlock" },
	{ "lock", OP_CMPXCHG,
	  "xfs_buf_rele: list_lru_add_obj, on it or not: the list's spinlock" },
};
/* Its release is not the last one: no spinlock, no LRU. */
static const struct locked_op kernel_held[] = {
	{ "b_lockref", OP_CMPXCHG, "xfs_buf_lookup: lockref_get_not_dead" },
	{ "b_sema.lock", OP_CMPXCHG, "xfs_buf_lock, down(): raw spinlock" },
	{ "b_sema.lock", OP_CMPXCHG, "xfs_buf_unlock, up(): raw spinlock" },
	{ "b_lockref", OP_CMPXCHG, "xfs_buf_rele: lockref_put_or_lock" },
};

/*
 * Lines of struct xfs_buf that they, the semaphore's count and xfs_buf_get_
 * map()'s resetting of b_error write.
 */
static const unsigned int kernel_lines =
	1u << (offsetof(struct buf, b_lockref) / LINE) |
	1u << (offsetof(struct buf, b_sema) / LINE) |
	1u << (offsetof(struct buf, b_error) / LINE);

/* Loads of b_mount for the LRU, which are not the oracle's. */
#define LRU_LOADS	1

#define PLACES(b, p, m)							\
	FIELD(p, struct ag, pag_ref),					\
	FIELD((uint64_t)&((struct mount *)(m))				\
		      ->m_lru[((struct buf *)(b))->b_nid],		\
	      struct lru_node, lock),					\
	FIELD(b, struct buf, b_lockref),				\
	FIELD(b, struct buf, b_lru)

#include "tests/impl/cache/generation/hot_path.h"

#endif
