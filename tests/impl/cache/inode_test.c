// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inodes on their cluster's buffer: written through the AIL, freed while
 * they are in it, and directory blocks that come and go.
 */
#include "tests/impl/cache/cache_test.h"

#include "cache/inode.h"

static void for_each_fix(void (*test)(struct fs *fs))
{
	for (int i = 0; fixes[i]; i++) {
		struct fs fs = { 0 };

		if (!is_real(fixes[i]))
			continue;
		/* The first chunk: behind the header, aligned. */
		fs.block = CHUNK_BLOCKS;
		fs_open(&fs, fixes[i], 0, 0);
		test(&fs);
		fs_close(&fs);
	}
}

static void create(struct fs *fs, struct inode **ip, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(fs->fix->inode_create(fs->mp, 0, &ip[i]), 0);
}

static void unlink_all(struct fs *fs, struct inode **ip, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(fs->fix->inode_unlink(ip[i]), 0);
}

/* The daemon sleeps for good once it has nothing left. */
static void wait_passes(struct fs *fs, unsigned int nr)
{
	uint64_t from = fs->fix->ail_passes(fs->mp);

	wait_until(fs->fix->ail_passes(fs->mp) >= from + nr ||
		   !fs->fix->ail_items(fs->mp));
}

/* A change is on disk once the AIL was pushed, with all of its cluster's. */
static void written(struct fs *fs)
{
	struct inode *ip[CLUSTER_INODES];
	uint64_t gen, writes;

	create(fs, ip, CLUSTER_INODES);
	fs->fix->log_force(fs->mp);
	/* Header, the chunk's clusters, and each inode. */
	assert_int_equal(fs->fix->ail_items(fs->mp), 3 + CLUSTER_INODES);
	fs->fix->ail_push_all_sync(fs->mp);
	gen = device_generation(fs->dev, fs->block);
	assert_true(gen > 0);
	writes = device_stat(fs->dev).writes;
	for (unsigned int i = 0; i < CLUSTER_INODES; i++)
		assert_int_equal(fs->fix->inode_touch(ip[i]), 0);
	fs->fix->log_force(fs->mp);
	assert_int_equal(fs->fix->ail_items(fs->mp), CLUSTER_INODES);
	assert_int_equal(device_generation(fs->dev, fs->block), gen);
	fs->fix->ail_push_all_sync(fs->mp);
	assert_true(device_generation(fs->dev, fs->block) > gen);
	/* The log's items, their record, and one cluster. */
	assert_int_equal(device_stat(fs->dev).writes, writes + 3);
	unlink_all(fs, ip, CLUSTER_INODES);
}

static void test_written(void **state)
{
	(void)state;
	for_each_fix(written);
}

/* Freed while its inodes are in the AIL: teardown finds nothing. */
static void freed_in_ail(struct fs *fs)
{
	struct inode *ip[CHUNK_INODES];
	uint64_t writes;

	create(fs, ip, CHUNK_INODES);
	fs->fix->log_force(fs->mp);
	assert_int_equal(fs->fix->ail_items(fs->mp), 3 + CHUNK_INODES);
	unlink_all(fs, ip, CHUNK_INODES - 1);
	assert_false(peek(fs, fs->block).stale);
	unlink_all(fs, &ip[CHUNK_INODES - 1], 1);
	assert_true(peek(fs, fs->block).stale);
	assert_true(peek(fs, fs->block + CLUSTER_BLOCKS).stale);
	writes = device_stat(fs->dev).writes;
	fs->fix->log_force(fs->mp);
	/* Only the header is left, and nothing but the log was written. */
	assert_int_equal(fs->fix->ail_items(fs->mp), 1);
	/* The items of so many inodes are two writes, their record is one. */
	assert_int_equal(device_stat(fs->dev).writes, writes + 3);
	assert_int_equal(device_generation(fs->dev, fs->block), 0);
	assert_int_equal(device_generation(fs->dev, fs->block + CLUSTER_BLOCKS),
			 0);
	/* Another chunk goes behind it. */
	fs_watch(fs, fs->block + CHUNK_BLOCKS);
	create(fs, ip, 1);
	fs->fix->log_force(fs->mp);
	fs->fix->ail_push_all_sync(fs->mp);
	assert_true(device_generation(fs->dev, fs->block) > 0);
	unlink_all(fs, ip, 1);
}

static void test_freed_in_ail(void **state)
{
	(void)state;
	for_each_fix(freed_in_ail);
}

/* A file gets the first free inode, so that chunks seldom become free. */
static void first_free(struct fs *fs)
{
	struct inode *ip[2 * CHUNK_INODES], *first = NULL;
	const struct fix *fix = fs->fix;

	create(fs, ip, 2 * CHUNK_INODES);
	for (unsigned int i = 0; i < 2 * CHUNK_INODES; i++)
		assert_int_equal(fix->inode_block(ip[i]),
				 fs->block + i / BLOCK_INODES);
	/* Of the second chunk, then of the first: two chunks have some. */
	unlink_all(fs, &ip[CHUNK_INODES + 9], 2);
	unlink_all(fs, &ip[17], 1);
	create(fs, &first, 1);
	assert_int_equal(fix->inode_block(first), fs->block + 2);
	create(fs, &ip[CHUNK_INODES + 9], 2);
	assert_int_equal(fix->inode_block(ip[CHUNK_INODES + 9]),
			 fs->block + CHUNK_BLOCKS + 1);
	ip[17] = first;
	unlink_all(fs, ip, CHUNK_INODES);
	assert_true(peek(fs, fs->block).stale);
	unlink_all(fs, &ip[CHUNK_INODES], CHUNK_INODES);
}

static void test_first_free(void **state)
{
	(void)state;
	for_each_fix(first_free);
}

/* Freed when the daemon has the cluster on its list, or is writing it. */
static void freed_while_pushed(struct fs *fs)
{
	struct inode *ip[CLUSTER_INODES];

	for (int round = 0; round < 20; round++) {
		create(fs, ip, CLUSTER_INODES);
		fs->fix->log_force(fs->mp);
		if (round % 2) {
			/* Queued, then left there: logged again meanwhile. */
			fs->fix->inode_touch(ip[round]);
			fs->fix->ail_push_all(fs->mp);
			wait_passes(fs, 1);
		} else {
			fs->fix->ail_push_all(fs->mp);
		}
		unlink_all(fs, ip, CLUSTER_INODES);
	}
}

static void test_freed_while_pushed(void **state)
{
	(void)state;
	for_each_fix(freed_while_pushed);
}

static uint64_t block_behind;	/* constant while anybody looks */
static uint64_t pass_of_cluster, pass_of_block;	/* by the AIL daemon */

static void note_pass(struct fs *fs, enum point point,
		      const struct buf_state *state)
{
	uint64_t passes = fs_seen(fs, POINT_AIL_SUBMIT);

	if (point == POINT_QUEUE && state->bno == READ_ONCE(fs->block))
		WRITE_ONCE(pass_of_cluster, passes);
	if (point == POINT_QUEUE && state->bno == READ_ONCE(block_behind))
		WRITE_ONCE(pass_of_block, passes);
}

#define MANY_INODES	(34 * CLUSTER_INODES)

/*
 * A cluster's inodes are flushed with the first of them.  The others are
 * passed over, uncounted: else a thousand of them would end the pass.
 */
static void flushing_not_counted(struct fs *fs)
{
	static struct inode *ip[MANY_INODES];

	WRITE_ONCE(pass_of_block, UINT64_MAX);
	create(fs, ip, MANY_INODES);
	fs->fix->log_force(fs->mp);
	WRITE_ONCE(block_behind, make_block(fs));
	fs->fix->log_force(fs->mp);
	smp_store_release(&fs->hook, note_pass);
	fs->fix->ail_push_all(fs->mp);
	wait_until(READ_ONCE(pass_of_block) != UINT64_MAX);
	assert_int_equal(READ_ONCE(pass_of_block),
			 READ_ONCE(pass_of_cluster));
	unlink_all(fs, ip, MANY_INODES);
}

static void test_flushing_not_counted(void **state)
{
	(void)state;
	for_each_fix(flushing_not_counted);
}

struct toucher {
	struct fs *fs;
	struct inode *ip;
	int done;			/* atomic */
};

static void touch(void *arg)
{
	struct toucher *t = arg;

	if (!t->fs->fix->inode_touch(t->ip))
		smp_store_release(&t->done, 1);
}

/* Changing one whose cluster is being written does not wait for that. */
static void touch_in_flight(struct fs *fs)
{
	static struct toucher toucher;	/* outlives a failure */
	struct thread thread;
	struct inode *ip[2];

	create(fs, ip, 2);
	fs->fix->log_force(fs->mp);
	device_hold(fs->dev, fs->block);
	fs->fix->ail_push_all(fs->mp);
	wait_until(fs_at(fs, POINT_SUBMIT_ISSUED) == 1);
	toucher = (struct toucher){ .fs = fs, .ip = ip[0] };
	assert_int_equal(task_start(&thread, "toucher", -1, touch, &toucher),
			 0);
	wait_until(smp_load_acquire(&toucher.done));
	assert_int_equal(device_generation(fs->dev, fs->block), 0);
	device_hold(fs->dev, UINT64_MAX);
	task_join(&thread);
	unlink_all(fs, ip, 2);
}

static void test_touch_in_flight(void **state)
{
	(void)state;
	for_each_fix(touch_in_flight);
}

static uint64_t failed_gen, written_gen;	/* by completion threads */

static void note_gen(struct fs *fs, enum point point,
		     const struct buf_state *state)
{
	if (!state || state->bno != READ_ONCE(fs->block))
		return;
	if (point == POINT_IO_ERROR)
		WRITE_ONCE(failed_gen, state->gen);
	if (point == POINT_IO_DONE && !READ_ONCE(written_gen))
		WRITE_ONCE(written_gen, state->gen);
}

/*
 * A write that fails for good marks every inode on the cluster, also one
 * that was changed too late to be in it, and whose turn comes first: what
 * failed is written again, before anything is added to it.
 */
static void fails_for_all(struct fs *fs)
{
	struct inode *ip[2];

	create(fs, ip, 2);
	fs->fix->log_force(fs->mp);
	fs->fix->ail_push_all_sync(fs->mp);
	assert_int_equal(fs->fix->inode_touch(ip[0]), 0);
	fs->fix->log_force(fs->mp);
	/* Pinned, so that it is not flushed with the other. */
	assert_int_equal(fs->fix->inode_touch(ip[1]), 0);
	fs_watch(fs, fs->block);
	WRITE_ONCE(failed_gen, 0);
	WRITE_ONCE(written_gen, 0);
	smp_store_release(&fs->hook, note_gen);
	device_fail_writes(fs->dev, fs->block, CLUSTER_BLOCKS, EIO);
	device_hold(fs->dev, fs->block);
	fs->fix->ail_push_all(fs->mp);
	wait_until(fs_at(fs, POINT_SUBMIT_ISSUED) > 1);
	/* In the AIL the late one comes first now. */
	fs->fix->log_force(fs->mp);
	assert_int_equal(fs->fix->inode_touch(ip[0]), 0);
	fs->fix->log_force(fs->mp);
	device_hold(fs->dev, UINT64_MAX);
	wait_until(fs_at(fs, POINT_IO_ERROR) == 2);
	device_fail_writes(fs->dev, fs->block, CLUSTER_BLOCKS, 0);
	fs->fix->ail_push_all_sync(fs->mp);
	assert_int_equal(READ_ONCE(written_gen), READ_ONCE(failed_gen));
	assert_true(device_generation(fs->dev, fs->block) >
		    READ_ONCE(failed_gen));
	unlink_all(fs, ip, 2);
}

static void test_fails_for_all(void **state)
{
	(void)state;
	for_each_fix(fails_for_all);
}

/* A cluster's failed write is retried from its inodes' items. */
static void write_fails(struct fs *fs)
{
	struct inode *ip[3];
	uint64_t gen;

	create(fs, ip, 3);
	fs->fix->log_force(fs->mp);
	fs->fix->ail_push_all_sync(fs->mp);
	gen = device_generation(fs->dev, fs->block);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fs->fix->inode_touch(ip[i]), 0);
	fs->fix->log_force(fs->mp);
	device_fail_writes(fs->dev, fs->block, CLUSTER_BLOCKS, EIO);
	fs->fix->ail_push_all(fs->mp);
	wait_until(fs_at(fs, POINT_IO_ERROR) >= 2);
	wait_passes(fs, 2);
	assert_int_equal(fs->fix->ail_items(fs->mp), 3);
	assert_int_equal(fs_at(fs, POINT_ERROR_DROPPED), 0);
	assert_int_equal(device_generation(fs->dev, fs->block), gen);
	device_fail_writes(fs->dev, fs->block, CLUSTER_BLOCKS, 0);
	fs->fix->ail_push_all_sync(fs->mp);
	assert_true(device_generation(fs->dev, fs->block) > gen);
	unlink_all(fs, ip, 3);
}

static void test_write_fails(void **state)
{
	(void)state;
	for_each_fix(write_fails);
}

/* Its mount dies with inodes logged, in the AIL, and freed. */
static void dies(struct fs *fs)
{
	struct inode *ip[40];

	create(fs, ip, 40);
	fs->fix->log_force(fs->mp);
	unlink_all(fs, ip, CLUSTER_INODES);
	for (unsigned int i = CLUSTER_INODES; i < 36; i++)
		assert_int_equal(fs->fix->inode_touch(ip[i]), 0);
	device_crash(fs->dev);
	fs->fix->shutdown(fs->mp);
	for (unsigned int i = CLUSTER_INODES; i < 40; i++)
		assert_int_equal(fs->fix->inode_unlink(ip[i]), -EIO);
}

static void test_dies(void **state)
{
	(void)state;
	for_each_fix(dies);
}

static void dir_blocks(struct fs *fs)
{
	uint64_t pick = 1;

	for (int i = 0; i < 3000; i++) {
		int error;

		pick = pick * 6364136223846793005u + 1442695040888963407u;
		error = fs->fix->dir_churn(fs->mp, i % AGS, pick >> 33);
		assert_int_equal(error, 0);
		if (i % 100 == 0)
			fs->fix->ail_push_all(fs->mp);
		if (i % 250 == 0)
			fs->fix->log_force(fs->mp);
	}
}

static void test_dir_blocks(void **state)
{
	(void)state;
	for_each_fix(dir_blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_freed_in_ail),
		cmocka_unit_test(test_first_free),
		cmocka_unit_test(test_freed_while_pushed),
		cmocka_unit_test(test_flushing_not_counted),
		cmocka_unit_test(test_touch_in_flight),
		cmocka_unit_test(test_fails_for_all),
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_dies),
		cmocka_unit_test(test_dir_blocks),
	};

	task_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
