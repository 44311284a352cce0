/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one fix, compiled together with its own copy of the cache, shows to
 * the outside: one table.  Harness and oracle reach every copy through it
 * and know no structure of the cache.  Functions named bench_* run a whole
 * batch per call; nothing else may appear in a timed region.
 *
 * Each fix is there twice: as a timed copy, which counts nothing for any
 * report, and as an instrumented one, ->counting: see count.h.
 */
#ifndef CACHE_FIX_H
#define CACHE_FIX_H

#include "cache/device.h"
#include "cache/point.h"

/* What an implementation is judged by; names in hazard_name(). */
enum hazard {
	HAZARD_ORDERING,
	HAZARD_LOST_ERROR,
	HAZARD_REREAD,
	HAZARD_STALE_WRITE,
	HAZARD_FLAG_LEAK,
	HAZARD_DEADLOCK,
	HAZARD_COLLATERAL_STALL,
	HAZARD_UNBOUNDED_WAIT,
	HAZARD_LOST_WAKEUP,
	HAZARD_LIST_CORRUPTION,
	HAZARD_LEAK,
	HAZARDS
};

#define HAZARD(h)	(1u << HAZARD_##h)
#define HAZARD_ALL	((1u << HAZARDS) - 1)

/*
 * Paths on which a fix sleeps until a link clears, FIX_WAITS.
 * What it says nothing of is checked: bench/oracle/scenario_paths.c.
 */
enum waits {
	WAITS_BLOAD = 1 << 0,	/* the bulk loader, queueing its block */
	WAITS_LOOKUP = 1 << 1,	/* whoever looks up a stale block */
	WAITS_STALE = 1 << 2,	/* whoever stales a block */
	WAITS_QUEUE = 1 << 3,	/* whoever else queues a block */
	WAITS_BWRITE = 1 << 4,	/* whoever writes a block synchronously */
};
/* An online repair does both. */
#define WAITS_REPAIR	(WAITS_BLOAD | WAITS_LOOKUP)

struct mount;
struct buf;
struct trans;
struct inode;
struct delwri_list;

/* The most trees that a repair rebuilds: of all inodes, of free ones. */
#define TREES_MAX	2u

/* Lookup flags, as the kernel's xfs_buf_flags_t arguments. */
#define BUF_GET_TRYLOCK		(1u << 30)
#define BUF_GET_INCORE		(1u << 29)
#define BUF_GET_LIVESCAN	(1u << 28)

struct mount_options {
	struct device *device;
	unsigned int ag_count;
	uint32_t ag_blocks;	/* blocks per allocation group */
	uint64_t log_bytes;	/* decides when the AIL is pushed */
	uint32_t syncd_ms;	/* log worker's period; 0: the kernel's 30 s */
	uint64_t bload_max_dirty; /* bytes; 0: the kernel's 256 KiB */
	uint32_t hash_hint;	/* buffers expected per AG; 0: unknown */
	unsigned int trees;	/* that a repair rebuilds: 0 or 1: one, or 2 */
	bool headers_only;	/* buffers without data: lookups only */
	const struct point_ops *points;	/* NULL: nobody watches */
	const struct repair_watch *watch; /* NULL: nobody watches */
};

/* What a bulk load or a repair did. */
struct repair_result {
	uint64_t gen;		/* generation of the new tree */
	uint64_t loads;		/* trees: more than one with .trees = 2 */
	uint64_t blocks;	/* of the new trees */
	/* Queued, and on somebody else's list; 0 from a timed copy. */
	uint64_t misqueued;
	uint64_t load_ns;	/* a floor's only */
	bool committed;
};

struct tree_blocks {
	unsigned int agno;
	uint64_t gen;
	unsigned int nr;
	const uint64_t *bno;	/* leaves first, root last */
};

/* Called by repair, AG header locked. */
struct repair_watch {
	/* Right before the transaction that names the new root commits. */
	void (*root_commit)(void *ctx, const struct tree_blocks *tree);
	void *ctx;
};

/* What a cache counted since it was asked last. */
struct cache_stat {
	uint64_t lookups;	/* by transactions and read-ahead */
	uint64_t meetings;	/* lookups of a buffer stale and on a list */
	uint64_t meetings_trylock; /* of these, by who does not wait for it */
	uint64_t held_ag;	/* of these, by who had an AG's header, */
	uint64_t held_inode;	/* an inode, */
	uint64_t held_bufs;	/* other buffers of a transaction */
	uint64_t ail_pushes;	/* submits of the AIL daemon's list */
	uint64_t ail_list_max;	/* buffers on it at one of them, at most */
	uint64_t rehashes;	/* tables that were moved to another */
};

/* What was still there when everything should have been gone. */
struct teardown {
	uint64_t buffers;	/* with holds nobody owns */
	uint64_t pins;
	uint64_t log_items;	/* counted by instrumented copies only */
	uint64_t list_entries;	/* buffers linked; and, counted so, entries */
	uint64_t flag_leaks;	/* DELWRI_Q on no list, seen at any check */
	uint64_t busy_extents;
};

/* A buffer as an onlooker may see it; a hint unless it is locked. */
struct buf_state {
	uint64_t bno;
	unsigned int len;
	bool stale, delwri_q, done, linked, locked, write_fail;
	int hold;		/* holds but the LRU's own */
	int pin;
	uint64_t gen;		/* of the cached contents */
	const void *lock;	/* its semaphore, as tasks name it */
	const void *link;	/* its list link, as tasks name it */
};

struct fix {
	const char *name;
	const char *cache;	/* generation of the cache that it is of */
	/* The instrumented copy, maybe this; NULL: nothing counts (a floor). */
	const struct fix *counting;
	const char *summary;
	unsigned int claims;	/* HAZARD() bits it says it holds */
	bool does_nothing;	/* null: the harness's floor */
	unsigned int waits;	/* enum waits: where it sleeps for a link */
	bool locks;		/* it has added locks: counted_lock() */
	bool lru_holds;		/* 6.12: so does the LRU, what it has */
	size_t buf_bytes;	/* of a cached buffer, without contents */

	/* 0 or -errno; mount starts daemons, unmount reports what leaked. */
	int (*mount)(const struct mount_options *opt, struct mount **mpp);
	void (*unmount)(struct mount *mp, struct teardown *left);
	/* Give up on everything in memory, as after power loss. */
	void (*shutdown)(struct mount *mp);

	/* --- whole batches: the timed region ---------------------------- */

	/* Fill the cache with @nr one-block buffers from @bno on. */
	int (*bench_fill)(struct mount *mp, uint64_t bno, uint64_t nr);
	/* Get and release each of @bnos once; returns 0 or -errno. */
	int (*bench_lookup)(struct mount *mp, const uint64_t *bnos,
			    uint64_t nr);
	/*
	 * The same where each buffer holds the number of the next one, so
	 * that lookups cannot overlap; @bno is where to start and stop.
	 */
	int (*bench_lookup_chain)(struct mount *mp, uint64_t *bno,
				  uint64_t nr);
	/* Make the cached buffers from @bnos[0] on such a chain. */
	int (*bench_chain)(struct mount *mp, const uint64_t *bnos,
			   uint64_t nr);

	/* --- operations: the oracle's and the workloads' steps ---------- */

	int (*buf_get)(struct mount *mp, uint64_t bno, unsigned int len,
		       unsigned int flags, struct buf **bpp);
	int (*buf_read)(struct mount *mp, uint64_t bno, unsigned int len,
			unsigned int flags, struct buf **bpp);
	void (*buf_readahead)(struct mount *mp, uint64_t bno,
			      unsigned int len);
	void (*buf_relse)(struct buf *bp);
	/* One more hold of a locked buffer, and its end, locked or not. */
	void (*buf_hold)(struct buf *bp);
	void (*buf_rele)(struct buf *bp);
	void (*buf_stale)(struct buf *bp);
	int (*buf_bwrite)(struct buf *bp);
	void (*buf_state)(struct buf *bp, struct buf_state *state);
	/* The cached buffer's state without touching it; false: not cached. */
	bool (*buf_peek)(struct mount *mp, uint64_t bno, struct buf_state *s);
	/* Stamp the contents with a new generation, which is returned. */
	uint64_t (*buf_fill)(struct buf *bp);

	struct delwri_list *(*delwri_alloc)(struct mount *mp);
	void (*delwri_free)(struct delwri_list *list);
	bool (*delwri_queue)(struct buf *bp, struct delwri_list *list);
	/* As the bulk loader queues: 0 or -errno. */
	int (*delwri_queue_bload)(struct buf *bp, struct delwri_list *list);
	int (*delwri_submit)(struct delwri_list *list);
	int (*delwri_submit_nowait)(struct delwri_list *list);
	void (*delwri_cancel)(struct delwri_list *list);
	/* Entries linked; -EUCLEAN if the links disagree. */
	int (*delwri_check)(struct delwri_list *list);

	/* The waiter's and the waker's half of a wait for a link to clear. */
	void (*litmus_link)(struct buf *bp, struct delwri_list *list);
	void (*litmus_unlink)(struct buf *bp, struct delwri_list *list);
	bool (*litmus_linked)(struct buf *bp);
	/* Where waiters sleep; *@var: for which address, NULL: for any. */
	struct wait_queue_head *(*litmus_queue)(struct buf *bp,
						const void **var);

	int (*trans_alloc)(struct mount *mp, struct trans **tpp);
	int (*trans_get_buf)(struct trans *tp, uint64_t bno, unsigned int len,
			     struct buf **bpp);
	int (*trans_read_buf)(struct trans *tp, uint64_t bno,
			      unsigned int len, struct buf **bpp);
	void (*trans_log_buf)(struct trans *tp, struct buf *bp);
	void (*trans_binval)(struct trans *tp, struct buf *bp);
	int (*trans_commit)(struct trans *tp);

	/* Transaction that locks, and dirties, the AG's header. */
	int (*trans_lock_ag)(struct trans *tp, unsigned int agno);
	/*
	 * Change @nr blocks from @bno on, which the caller has allocated, in
	 * as many transactions as it takes.
	 */
	int (*dirty)(struct mount *mp, uint64_t bno, uint64_t nr);
	/* Under that lock. */
	int (*space_alloc)(struct trans *tp, unsigned int agno,
			   unsigned int len, uint64_t *bno);
	void (*space_free)(struct trans *tp, uint64_t bno, unsigned int len);
	/*
	 * The same for @min to @max blocks near block @near of the file
	 * system: how many, or -ENOSPC.
	 */
	int (*space_near)(struct trans *tp, uint64_t near, unsigned int min,
			  unsigned int max, uint64_t *bno);

	/* Wait until everything committed so far is on disk. */
	void (*log_force)(struct mount *mp);
	/* Ask the AIL daemon to push everything; does not wait. */
	void (*ail_push_all)(struct mount *mp);
	void (*ail_push_all_sync)(struct mount *mp);
	/* Items in the AIL, buffers on its list: hints. */
	uint64_t (*ail_items)(struct mount *mp);
	uint64_t (*ail_passes)(struct mount *mp);
	/* The daemon's own list: for its thread only, at a point. */
	struct delwri_list *(*ail_list)(struct mount *mp);

	/* NULL: a timed copy. */
	void (*stat_take)(struct mount *mp, struct cache_stat *stat);

	/* Build the tree of an AG anew: load, commit the root, free the old. */
	int (*repair)(struct mount *mp, unsigned int agno, uint64_t nr_records,
		      struct repair_result *res);
	/* Only the load: claim, fill, write @nr_records' worth of blocks. */
	int (*bulkload)(struct mount *mp, unsigned int agno,
			uint64_t nr_records, struct repair_result *res);
	/* Change one leaf of an AG's tree, picked by @pick. */
	int (*tree_modify)(struct mount *mp, unsigned int agno, uint64_t pick);
	/* Walk from the root to a leaf; -EUCLEAN if a block is an old one. */
	int (*tree_walk)(struct mount *mp, unsigned int agno, uint64_t pick);

	/* Inode clusters and directory blocks: see inode.h. */
	int (*inode_create)(struct mount *mp, unsigned int agno,
			    struct inode **ipp);
	int (*inode_touch)(struct inode *ip);
	int (*inode_unlink)(struct inode *ip);
	uint64_t (*inode_block)(const struct inode *ip);
	int (*dir_churn)(struct mount *mp, unsigned int agno, uint64_t pick);

	/* Rotate up to @nr buffers through the shrinker; how many went. */
	uint64_t (*shrink)(struct mount *mp, uint64_t nr);
	/* Tell where everything is, @what by the name of its structure. */
	void (*objects)(struct mount *mp,
			void (*tell)(void *ctx, const char *what,
				     const void *at, size_t size),
			void *ctx);
};

/* The fixes of one generation of the cache: impl/cache/generation/NAME. */
struct generation {
	const char *name;
	const struct fix *const *fixes;
};

/* Made by the build, the newest first; the last has no name. */
extern const struct generation generations[];
/* Of the generation that was chosen: by name, the last NULL. */
extern const struct fix *const *fixes;
const char *hazard_name(enum hazard hazard);

#endif
