// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the review is about: a root committed over a block that is not on
 * disk, an error that nobody returns, old contents read over new ones.
 */
#include "scenarios.h"

#include <errno.h>

/* How the block's buffer comes to its second life. */
enum path {
	PATH_PLAIN,		/* the bulk loader looks it up first */
	PATH_READAHEAD,		/* who does not wait has met it before */
	PATH_LIVESCAN,		/* a live scan has met it before */
	PATH_BWRITE,		/* it was written synchronously on the list */
	PATH_LOCKED,		/* a scan has it locked when it is submitted */
	PATH_LEFT_LOCKED,	/* it was left on the list for being locked */
	PATH_HELD,		/* the daemon does not come for long */
};

static bool before_reuse(struct stage *s, enum path path)
{
	struct buf *bp;

	switch (path) {
	case PATH_READAHEAD:
		lookups_by_trylock(s);
		break;
	case PATH_LIVESCAN:
		if (!s->fix->buf_get(s->mp, s->block, 1,
				     BUF_GET_INCORE | BUF_GET_LIVESCAN, &bp))
			s->fix->buf_relse(bp);
		break;
	default:
		break;
	}
	return true;
}

/* Written while it is on the daemon's list and not pinned any more. */
static bool write_on_list(struct stage *s)
{
	struct buf *bp;
	int error;

	s->fix->log_force(s->mp);
	error = s->fix->buf_get(s->mp, s->block, 1, 0, &bp);
	if (!error) {
		error = s->fix->buf_bwrite(bp);
		s->fix->buf_relse(bp);
	}
	if (error)
		stage_verdict(s, VERDICT_UNTESTED, "bwrite: error %d", error);
	return !error;
}

static void judge_ordering(struct stage *s, struct actor *repair1)
{
	uint64_t checked, damaged;

	if (repair1->error) {
		stage_verdict(s, VERDICT_UNTESTED, "Repair1: error %d",
			      repair1->error);
		return;
	}
	/* The root goes to disk, the power goes. */
	s->fix->log_force(s->mp);
	device_crash(s->dev);
	damaged = image_damaged(s, &checked);
	if (s->not_durable || damaged)
		stage_violated(s, "root committed, block %llu not durable: %llu"
			       " misqueued, %llu of %llu blocks not durable at"
			       " commit, %llu damaged by a crash after it\n",
			       (unsigned long long)s->first_not_durable,
			       (unsigned long long)repair1->result.misqueued,
			       (unsigned long long)s->not_durable,
			       (unsigned long long)s->blocks_checked,
			       (unsigned long long)damaged);
	else if (!s->commits || !checked)
		stage_verdict(s, VERDICT_UNTESTED, "no root was committed");
	else
		stage_verdict(s, VERDICT_HOLDS, "%llu blocks durable at the "
			      "root's commit, and after a crash; %llu waits "
			      "for a list",
			      (unsigned long long)s->blocks_checked,
			      (unsigned long long)stage_seen(s,
							     POINT_WAIT_BEGIN));
}

/*
 * Repair1 stands between queueing the block and submitting it, @queued; a
 * scan locks the block and keeps it until Repair1 sleeps for that lock.  The
 * AIL, @pass, goes on before only if Repair1 waits for it, else it meets the
 * scan's lock.
 */
static bool submit_while_locked(struct stage *s, struct actor *repair1,
				struct hold *queued, struct hold *pass)
{
	struct actor *scan;
	struct hold *look;

	if (!stage_until_held_releasing(s, queued, repair1, pass))
		return false;
	look = stage_hold(s, "Scan", POINT_LOOKUP, s->block);
	scan = stage_start(s, "Scan", actor_scan, 0);
	if (!stage_until_held(s, look))
		return false;
	stage_release(s, pass);
	stage_release(s, queued);
	stage_until_waits(s, repair1, WAIT_LOCK);
	stage_release(s, look);
	return stage_join(s, scan);
}

static void ordering(struct stage *s, enum path path)
{
	struct hold *pass, *queued = NULL;
	struct actor *repair0, *repair1;

	if (!(path == PATH_LEFT_LOCKED ? review_left_locked(s, &pass) :
					 review_left_on_list(s, &pass)))
		return;
	if (path == PATH_BWRITE && !write_on_list(s))
		return;
	repair0 = stage_start(s, "Repair0", actor_repair, 0);
	if (!stage_join_releasing(s, repair0, pass))
		return;
	s->fix->log_force(s->mp);
	if (!before_reuse(s, path))
		return;
	s->watching = true;
	/* Its root is the last of four blocks that it queues. */
	if (path == PATH_LOCKED)
		queued = stage_hold(s, "Repair1", POINT_QUEUE, s->block + 3);
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	if (queued && !submit_while_locked(s, repair1, queued, pass))
		return;
	if (path == PATH_HELD && stage_until_waits(s, repair1, WAIT_LIST))
		stage_settle(s, repair1);
	if (!stage_join_releasing(s, repair1, pass))
		return;
	judge_ordering(s, repair1);
}

void scenario_ordering(struct stage *s)
{
	ordering(s, PATH_PLAIN);
}

/* Who waits for the daemon must not lose patience. */
void scenario_ordering_held(struct stage *s)
{
	ordering(s, PATH_HELD);
}

/* A tree whose first leaf, the block, is not cached. */
static bool tree_not_cached(struct stage *s)
{
	struct actor *first = stage_start(s, "Repair0", actor_repair, 0);
	struct buf_state state = { 0 };

	if (!stage_join(s, first) || stage_failed(s, first))
		return false;
	s->fix->log_force(s->mp);
	s->fix->ail_push_all_sync(s->mp);
	while (s->fix->buf_peek(s->mp, s->block, &state))
		if (!s->fix->shrink(s->mp, UINT32_MAX) && state.hold)
			break;
	if (state.hold)
		stage_verdict(s, VERDICT_UNTESTED, "the block stays cached");
	return !state.hold;
}

/*
 * Read-ahead of the block ends while Repair0 reaps it.  In 6.12 the last
 * user's hold goes before the LRU has one: the reaper's live scan takes the
 * buffer for gone in between, and does not stale it (xfs_buf_rele_cached,
 * xreap_agextent_binval).  In 7.3 both change under one lock.
 */
static bool freed_unseen(struct stage *s)
{
	struct hold *commit, *read, *unheld = NULL;
	struct actor *repair0;

	commit = stage_hold(s, "Repair0", POINT_ROOT_COMMIT, STAGE_ANY_BLOCK);
	/* Until the submitter's own hold is gone: io-0 has the last one. */
	read = stage_hold(s, "io-0", POINT_IO_DONE, s->block);
	repair0 = stage_start(s, "Repair0", actor_repair, 0);
	if (!stage_until_held(s, commit))
		return false;
	s->fix->buf_readahead(s->mp, s->block, 1);
	if (!stage_until_held(s, read))
		return false;
	if (s->fix->lru_holds)
		unheld = stage_hold(s, "io-0", POINT_UNHELD, s->block);
	stage_release(s, read);
	if (unheld && !stage_until_held(s, unheld))
		return false;
	stage_release(s, commit);
	if (!stage_join(s, repair0) || stage_failed(s, repair0))
		return false;
	if (unheld)
		stage_release(s, unheld);
	if (stage_seen(s, POINT_BINVAL) != (unheld ? 0 : 1)) {
		stage_verdict(s, VERDICT_UNTESTED,
			      "the live scan saw the block: %llu times",
			      (unsigned long long)stage_seen(s, POINT_BINVAL));
		return false;
	}
	s->fix->log_force(s->mp);
	return true;
}

void scenario_ordering_unseen(struct stage *s)
{
	struct actor *repair1;

	if (!tree_not_cached(s) || !freed_unseen(s))
		return;
	s->watching = true;
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	if (stage_join(s, repair1))
		judge_ordering(s, repair1);
}

void scenario_ordering_readahead(struct stage *s)
{
	ordering(s, PATH_READAHEAD);
}

void scenario_ordering_livescan(struct stage *s)
{
	ordering(s, PATH_LIVESCAN);
}

void scenario_ordering_bwrite(struct stage *s)
{
	ordering(s, PATH_BWRITE);
}

void scenario_ordering_locked(struct stage *s)
{
	ordering(s, PATH_LOCKED);
}

void scenario_ordering_left_locked(struct stage *s)
{
	ordering(s, PATH_LEFT_LOCKED);
}

/* Who shuts the file system down returns errors too, to everybody. */
static bool works_again(struct stage *s)
{
	struct actor *next;

	device_fail_writes(s->dev, s->block, 1, 0);
	next = stage_start(s, "Repair2", actor_repair, 0);
	if (!stage_join(s, next))
		return false;
	if (next->error)
		stage_violated(s, "repair returned EIO, and so does all else: "
				  "the next one, with a device that works, "
				  "failed with %d\n",
			       next->error);
	return !next->error;
}

void scenario_lost_error(struct stage *s)
{
	struct actor *repair1;
	struct hold *pass;
	uint64_t errors;

	if (!review_freed(s, &pass))
		return;
	device_fail_writes(s->dev, s->block, 1, -EIO);
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	if (!stage_join_releasing(s, repair1, pass))
		return;
	/* Whoever has it on his list tries to write it now. */
	stage_release(s, pass);
	if (!stage_until_passes(s, 3))
		return;
	/* The daemon does not wait for the I/O that it has started. */
	stage_until_errors(s, 1);
	errors = device_stat(s->dev).errors;
	if (!errors)
		stage_verdict(s, VERDICT_UNTESTED,
			      "nobody tried to write the block");
	else if (repair1->result.committed)
		stage_violated(s, "repair returned success, its root is "
			       "committed; writing block %llu failed %llu "
			       "times, nobody was told\n",
			       (unsigned long long)s->block,
			       (unsigned long long)errors);
	else if (repair1->error != -EIO)
		stage_verdict(s, VERDICT_UNTESTED,
			      "repair failed with %d "
			      "instead of EIO",
			      repair1->error);
	else if (works_again(s))
		stage_verdict(s, VERDICT_HOLDS, "repair returned EIO and "
			      "committed nothing; the next one succeeded");
}

static void reread(struct stage *s, bool readahead)
{
	struct actor *repair1, *reader;
	struct hold *pass;

	if (!review_freed(s, &pass))
		return;
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	/* With the block filled, unlocked, and not yet written. */
	if (readahead && stage_until_waits(s, repair1, WAIT_LIST))
		s->fix->buf_readahead(s->mp, s->block, 1);
	if (!stage_join_releasing(s, repair1, pass))
		return;
	if (repair1->error == -EUCLEAN) {
		stage_violated(s, "the bulk loader met old contents in a "
				  "block that it had filled\n");
		return;
	}
	if (repair1->error) {
		stage_verdict(s, VERDICT_UNTESTED, "Repair1: error %d",
			      repair1->error);
		return;
	}
	/* Entry 0 of the root, a leaf: the block. */
	reader = stage_start(s, "Reader", actor_walk, 0);
	if (!stage_join(s, reader))
		return;
	if (reader->error)
		stage_violated(
			s,
			"a reader of the new tree met %s in block "
			"%llu; %s\n",
			reader->error == -EUCLEAN ? "old contents" :
						    "an unreadable block",
			(unsigned long long)s->block,
			stage_seen(s, POINT_SUBMIT_QUEUED) ?
				"the assertion before I/O submission, DELWRI_Q "
				"clear, would have fired first" :
				"no assertion would have fired");
	else
		stage_verdict(s, VERDICT_HOLDS, "the reader found what the "
			      "bulk loader had built");
}

void scenario_reread(struct stage *s)
{
	reread(s, false);
}

void scenario_reread_readahead(struct stage *s)
{
	reread(s, true);
}
