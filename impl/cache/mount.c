// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mount, unmount, and what must not be left after unmount.
 */
#include "cache/mount.h"
#include "cache/bload.h"
#include "cache/delwri.h"
#include "cache/format.h"
#include "cache/hooks.h"
#include "cache/inode.h"
#include "cache/ops.h"

#include <stdlib.h>
#include <string.h>

static int ag_init(struct mount *mp, struct ag *pag, unsigned int agno)
{
	pag->agno = agno;
	pag->first = (uint64_t)agno * mp->m_ag_blocks;
	pag->blocks = mp->m_ag_blocks;
	return space_init(pag);
}

/* @hint: buffers of an AG. */
static int hashes_init(struct mount *mp, uint64_t hint)
{
	hint = hint * mp->m_ag_count / hash_nr(mp);
	hash_locks_init(mp);
	for (unsigned int i = 0; i < hash_nr(mp); i++) {
		int error = hash_init(hash_nth(mp, i), hint,
				      &mp->m_hash_thread);

		if (error)
			return error;
	}
	return 0;
}

static bool has_work(struct mount *mp)
{
	for (unsigned int i = 0; i < hash_nr(mp); i++)
		if (READ_ONCE(hash_nth(mp, i)->work))
			return true;
	return false;
}

static void do_work(struct mount *mp)
{
	for (unsigned int i = 0; i < hash_nr(mp); i++) {
		unsigned int rehashes = hash_work(hash_nth(mp, i));

		COUNT(stat_rehashes(mp, rehashes));
		(void)rehashes;
	}
}

/* Kernel: rht_deferred_worker, which each hash queues for itself. */
static void hash_worker(void *arg)
{
	struct mount *mp = arg;

	for (;;) {
		/* Before the tests: a wake-up after them is not lost. */
		set_current_state(TASK_SLEEPING);
		if (task_should_stop())
			break;
		if (!has_work(mp)) {
			schedule_timeout(SLEEP_FOREVER, WAIT_IDLE, mp);
			continue;
		}
		WRITE_ONCE(current->state, TASK_RUNNING);
		do_work(mp);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
}

static void hash_worker_stop(struct mount *mp)
{
	task_stop(&mp->m_hash_thread);
	task_join(&mp->m_hash_thread);
}

static void ags_free(struct mount *mp)
{
	for (unsigned int i = 0; i < mp->m_ag_count; i++) {
		struct ag *pag = &mp->m_ag[i];
		struct ichunk *chunk, *n;

		list_for_each_entry_safe(chunk, n, &pag->chunks, all)
			free(chunk);
		for (unsigned int j = 0; j < TREES_MAX; j++)
			tree_destroy(&pag->tree[j]);
		space_destroy(pag);
	}
	for (unsigned int i = 0; i < hash_nr(mp); i++)
		hash_destroy(hash_nth(mp, i));
	free(mp->m_ag);
}

static int check_options(const struct mount_options *opt)
{
	uint64_t blocks = (uint64_t)opt->ag_count * opt->ag_blocks;

	if (!opt->ag_count || opt->ag_blocks < 8 || !opt->log_bytes ||
	    opt->trees > TREES_MAX ||
	    blocks > UINT64_MAX / opt->ag_blocks)
		return -EINVAL;
	if (!opt->headers_only &&
	    device_blocks(opt->device) < blocks + LOG_BLOCKS)
		return -ENOSPC;
	return 0;
}

int mount_fs(const struct mount_options *opt, struct mount **mpp)
{
	uint64_t max_dirty = opt->bload_max_dirty;
	size_t size = (sizeof(struct mount) + 127) / 128 * 128;
	struct mount *mp;
	unsigned int i;
	int error;

	error = check_options(opt);
	if (!error)
		error = rcu_start();
	if (error)
		return error;
	mp = aligned_alloc(128, size);
	if (!mp)
		return -ENOMEM;
	memset(mp, 0, size);
	mp->m_device = opt->device;
	mp->m_points = opt->points;
	mp->m_watch = opt->watch;
	mp->m_ag_count = opt->ag_count;
	mp->m_ag_blocks = opt->ag_blocks;
	mp->m_blocks = (uint64_t)opt->ag_count * opt->ag_blocks;
	mp->m_ag_inverse = ag_inverse(opt->ag_blocks);
	mp->m_max_dirty = (max_dirty ? max_dirty : BLOAD_MAX_DIRTY) /
			  BLOCK_SIZE;
	mp->m_trees = opt->trees ? opt->trees : 1;
	mp->m_headers_only = opt->headers_only;
	lru_init(mp);

	error = -ENOMEM;
	mp->m_ag = aligned_alloc(128, opt->ag_count * sizeof(struct ag));
	if (!mp->m_ag)
		goto out_free;
	memset(mp->m_ag, 0, opt->ag_count * sizeof(struct ag));
	for (i = 0; i < opt->ag_count; i++) {
		list_init(&mp->m_ag[i].chunks);
		list_init(&mp->m_ag[i].with_free);
	}
	for (i = 0; i < opt->ag_count; i++) {
		error = ag_init(mp, &mp->m_ag[i], i);
		if (error)
			goto out_ags;
	}
	error = hashes_init(mp, opt->hash_hint);
	if (error)
		goto out_ags;
	error = task_start(&mp->m_hash_thread, "hash", -1, hash_worker, mp);
	if (error)
		goto out_ags;
	error = log_start(mp, opt->log_bytes, opt->syncd_ms);
	if (error)
		goto out_hash;
	error = ail_start(mp);
	if (error)
		goto out_log;
	*mpp = mp;
	return 0;

out_log:
	log_stop(mp);
out_hash:
	hash_worker_stop(mp);
out_ags:
	ags_free(mp);
out_free:
	free(mp);
	return error;
}

void force_shutdown(struct mount *mp)
{
	WRITE_ONCE(mp->m_shutdown, 1);
	smp_mb();	/* pairs with prepare_to_wait() in log_reserve() */
	wake_up_all(&mp->m_log.l_space_wait);
	wake_up_all(&mp->m_log.l_push_wait);
	/* What was never sent is completed all the same: aborted. */
	wake_up_process(mp->m_log.l_io_thread.task);
}

/* A buffer that outlived its cache: say what still hangs on it, free it. */
static void count_leftover(struct buf *bp, struct teardown *left)
{
	left->buffers++;
	left->pins += buf_ispinned(bp);
	left->list_entries += fix_linked(bp);
	if ((bp->b_flags & BUF_DELWRI_Q) && !fix_linked(bp))
		left->flag_leaks++;
	free(bp->b_addr);
	free(bp);
}

static void count_chain(const uintptr_t *bucket, struct teardown *left)
{
	struct hash_node *node = hash_first(bucket);

	while (!hash_is_end(node)) {
		struct hash_node *next = node->next;

		count_leftover(container_of(node, struct buf, b_hash), left);
		node = next;
	}
}

static void count_hash(struct hash *hash, struct teardown *left)
{
	struct hash_table *t = hash_walk_start(hash);

	for (; t; t = hash_future(t))
		for (uint32_t i = 0; i < t->size; i++)
			count_chain(&t->bucket[i], left);
	hash_walk_stop(hash);
}

void unmount_fs(struct mount *mp, struct teardown *left)
{
	*left = (struct teardown){ 0 };
	WRITE_ONCE(mp->m_unmounting, 1);
	log_force(mp);
	ail_push_all_sync(mp);
	log_force(mp);
	ail_stop(mp);
	log_stop(mp);
	device_drain(mp->m_device);	/* kernel: xfs_buftarg_wait */
	lru_drain(mp);
	hash_worker_stop(mp);
	rcu_drain();

	for (unsigned int i = 0; i < hash_nr(mp); i++)
		count_hash(hash_nth(mp, i), left);
	for (unsigned int i = 0; i < mp->m_ag_count; i++)
		left->busy_extents += mp->m_ag[i].space.nr_busy;
	left->log_items = atomic_read(&mp->m_log_items);
	left->list_entries += atomic_read(&mp->m_entries);
	left->flag_leaks += mp->m_flag_leaks;
	ags_free(mp);
	free(mp);
}
