// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting: for ever, for too long, and at other people's expense.
 */
#include "scenarios.h"

#include <errno.h>
#include <string.h>

/* --- deadlock -------------------------------------------------------- */

static void push_all(struct stage *s, void *actor)
{
	(void)actor;
	s->fix->ail_push_all(s->mp);
}

bool progresses(struct stage *s, struct actor *actor)
{
	uint64_t passes = s->fix->ail_passes(s->mp);
	bool done = stage_until_done(s, actor, push_all);
	const struct task *waiter = stage_waiter();
	char who[1024] = "";
	FILE *out;

	if (done || !waiter)
		return stage_join(s, actor);
	out = fmemopen(who, sizeof(who), "w");
	if (out) {
		stage_who(s, out);
		fclose(out);
	}
	stage_violated(
		s,
		"%s waits for block %llu to leave a list; the "
		"daemon came by %llu times, a list's owner found the "
		"block locked %llu times; who waits for whom:\n%s",
		waiter->name, (unsigned long long)s->block,
		(unsigned long long)(s->fix->ail_passes(s->mp) - passes),
		(unsigned long long)stage_seen(s, POINT_SUBMIT_LOCKED), who);
	return false;
}

/*
 * The review's interleaving.  The daemon is held until somebody waits for
 * its list, or a slow machine would have nobody wait; then everybody runs.
 */
void scenario_deadlock(struct stage *s)
{
	struct actor *repair0, *repair1;
	struct hold *pass;

	if (!review_left_on_list(s, &pass))
		return;
	repair0 = stage_start(s, "Repair0", actor_repair, 0);
	if (stage_until_waits(s, repair0, WAIT_LIST))
		stage_release(s, pass);
	if (!progresses(s, repair0) || stage_failed(s, repair0))
		return;
	s->fix->log_force(s->mp);
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	stage_until_waits(s, repair1, WAIT_LIST);
	stage_release(s, pass);
	if (!progresses(s, repair1) || stage_failed(s, repair1))
		return;
	stage_verdict(s, VERDICT_HOLDS, "both repairs ended with everybody "
		      "running; %llu waits for a list",
		      (unsigned long long)stage_seen(s, POINT_WAIT_BEGIN));
}

static void actor_lookup(struct actor *actor)
{
	struct stage *s = actor->stage;
	struct buf *bp;

	actor->error = s->fix->buf_get(s->mp, s->block, 1, 0, &bp);
	if (!actor->error)
		s->fix->buf_relse(bp);
}

/* A trylock caller that is turned away must leave no lock behind. */
void scenario_deadlock_readahead(struct stage *s)
{
	struct actor *lookup;
	struct hold *pass;

	if (!review_freed(s, &pass))
		return;
	lookups_by_trylock(s);
	stage_release(s, pass);
	lookup = stage_start(s, "Repair1", actor_lookup, 0);
	if (stage_join(s, lookup))
		stage_verdict(s, VERDICT_HOLDS,
			      "read-ahead met the freed block, and the next "
			      "lookup got its lock");
	else if (READ_ONCE(lookup->thread.task->wait_kind) == WAIT_LOCK)
		stage_violated(s, "read-ahead has left block %llu locked\n",
			       (unsigned long long)s->block);
}

struct two_blocks {
	int queued, finish;	/* actor_queue_two(): set by it; for it */
	struct delwri_list *list; /* of the owner: both blocks */
	struct actor *owner;
};

static void actor_submit_two(struct actor *actor)
{
	struct two_blocks *two = (void *)(uintptr_t)actor->arg;

	actor->error = actor->stage->fix->delwri_submit(two->list);
}

/* Look for the second block, the first locked and the owner asleep for it. */
static void actor_scan_two(struct actor *actor)
{
	struct two_blocks *two = (void *)(uintptr_t)actor->arg;
	struct stage *s = actor->stage;
	struct buf *first, *second;

	actor->error = s->fix->buf_get(s->mp, s->block, 1, 0, &first);
	if (actor->error)
		return;
	two->owner = stage_start(s, "Owner", actor_submit_two, actor->arg);
	stage_until_waits(s, two->owner, WAIT_LOCK);
	if (!s->fix->buf_get(s->mp, s->block + 1, 1,
			     BUF_GET_INCORE | BUF_GET_LIVESCAN, &second))
		s->fix->buf_relse(second);
	s->fix->buf_relse(first);
}

/*
 * A list's owner sleeps for a block that a scanning thread has locked: the
 * scan must be answered with the freed block still on that list.
 */
static void actor_queue_two(struct actor *actor)
{
	struct two_blocks *two = (void *)(uintptr_t)actor->arg;
	struct stage *s = actor->stage;

	for (unsigned int i = 0; i < 2; i++) {
		struct buf *bp;

		actor->error = s->fix->buf_get(s->mp, s->block + i, 1, 0, &bp);
		if (actor->error)
			return;
		s->fix->buf_fill(bp);
		s->fix->delwri_queue(bp, two->list);
		if (i)
			s->fix->buf_stale(bp);
		s->fix->buf_relse(bp);
	}
	/* Alive as long as the list is: a fix may know its owner by that. */
	smp_store_release(&two->queued, 1);
	stage_stand_until_set(s, &two->finish);
}

void scenario_deadlock_livescan(struct stage *s)
{
	struct two_blocks two = { .list = s->fix->delwri_alloc(s->mp) };
	struct actor *queue, *scan;

	if (!two.list) {
		stage_verdict(s, VERDICT_UNTESTED, "out of memory");
		return;
	}
	queue = stage_start(s, "Repair0", actor_queue_two, (uintptr_t)&two);
	if (!stage_until_set(s, &two.queued, queue)) {
		stage_verdict(s, VERDICT_UNTESTED,
			      "two blocks could not be queued, one of them "
			      "staled");
		return;
	}
	scan = stage_start(s, "Scan", actor_scan_two, (uintptr_t)&two);
	if (!progresses(s, scan))
		return;
	if (scan->error || !stage_join(s, two.owner)) {
		stage_verdict(s, VERDICT_UNTESTED, "error %d", scan->error);
		return;
	}
	smp_store_release(&two.finish, 1);
	if (!stage_join(s, queue))
		return;
	s->fix->delwri_free(two.list);
	stage_verdict(s, VERDICT_HOLDS,
		      "a live scan was answered before the freed block left "
		      "its list");
}

/* Queue a buffer on a list of one's own, stale it, look it up again. */
static void actor_own_list(struct actor *actor)
{
	struct stage *s = actor->stage;
	const struct fix *fix = s->fix;
	struct delwri_list *list = fix->delwri_alloc(s->mp);
	struct buf *bp;

	actor->error = -ENOMEM;
	if (!list)
		return;
	actor->error = fix->buf_get(s->mp, s->block, 1, 0, &bp);
	if (actor->error)
		return;
	fix->buf_fill(bp);
	fix->delwri_queue(bp, list);
	fix->buf_stale(bp);
	fix->buf_relse(bp);
	actor->error = fix->buf_get(s->mp, s->block, 1, 0, &bp);
	if (actor->error)
		return;
	fix->buf_fill(bp);
	fix->buf_relse(bp);
	fix->delwri_cancel(list);
	fix->delwri_free(list);
}

void scenario_deadlock_own_list(struct stage *s)
{
	struct actor *repair0;

	repair0 = stage_start(s, "Repair0", actor_own_list, 0);
	if (progresses(s, repair0) && repair0->error)
		stage_verdict(s, VERDICT_UNTESTED, "error %d",
			      repair0->error);
	else if (stage_is_done(repair0))
		stage_verdict(s, VERDICT_HOLDS, "the owner of a list met a "
			      "stale buffer of that list and went on");
}

/* A scan stales the block directly, without a transaction. */
static void actor_stale(struct actor *actor)
{
	struct stage *s = actor->stage;
	struct buf *bp;

	actor->error = s->fix->buf_get(s->mp, s->block, 1, 0, &bp);
	if (actor->error)
		return;
	s->fix->buf_stale(bp);
	s->fix->buf_relse(bp);
}

/* Of a list's owner, who submits it like the daemon. */
struct submits {
	struct delwri_list *list;
	struct actor *scan;
	unsigned int tried;	/* in vain: the scan slept for it */
};

static void submit_again(struct stage *s, void *on)
{
	struct submits *o = on;

	o->tried += stage_waiter() != NULL;
	s->fix->delwri_submit_nowait(o->list);
}

static bool submitted_enough(const struct stage *s, const void *on)
{
	const struct submits *o = on;

	(void)s;
	return stage_is_done(o->scan) || o->tried == STAGE_PASSES;
}

void scenario_deadlock_direct_stale(struct stage *s)
{
	struct submits o = { .list = s->fix->delwri_alloc(s->mp) };
	struct buf *bp;

	if (!o.list || s->fix->buf_get(s->mp, s->block, 1, 0, &bp)) {
		stage_verdict(s, VERDICT_UNTESTED, "out of memory");
		return;
	}
	s->fix->buf_fill(bp);
	s->fix->delwri_queue(bp, o.list);
	s->fix->buf_relse(bp);
	o.scan = stage_start(s, "Repair0", actor_stale, 0);
	/* Else the block has left the list before it is staled. */
	stage_until_waits(s, o.scan, WAIT_LIST);
	stage_until(s, submitted_enough, &o, submit_again);
	if (!stage_is_done(o.scan) && stage_waiter()) {
		stage_violated(s, "staling block %llu waits for its list while"
			       " holding its lock, which the list's owner "
			       "tried %u times\n",
			       (unsigned long long)s->block, o.tried);
		return;
	}
	if (!stage_join(s, o.scan))
		return;
	s->fix->delwri_cancel(o.list);
	s->fix->delwri_free(o.list);
	stage_verdict(s, VERDICT_HOLDS, "a direct staler and the list's owner "
		      "both went on");
}

/* --- collateral stall -------------------------------------------------- */

/* Wants only the AG's header, which a waiting repair has locked. */
static void actor_bystander(struct actor *actor)
{
	struct stage *s = actor->stage;
	struct trans *tp;

	actor->error = s->fix->trans_alloc(s->mp, &tp);
	if (actor->error)
		return;
	actor->error = s->fix->trans_lock_ag(tp, 0);
	s->fix->trans_commit(tp);
}

static const struct event *find_event(struct stage *s, enum point point)
{
	unsigned int nr = READ_ONCE(s->nr_events);

	for (unsigned int i = 0; i < nr && i < STAGE_EVENTS; i++)
		if (s->events[i].point == point)
			return &s->events[i];
	return NULL;
}

/*
 * The daemon sleeps as it pleases.  The bystander starts when the repair
 * begins to wait; what it is delayed until that wait ends is the fix's.
 */
void scenario_collateral_stall(struct stage *s)
{
	const struct event *begin, *end;
	struct actor *repair1, *bystander;
	double from, to;
	bool blocked;

	if (!review_freed(s, NULL))
		return;
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	if (!stage_until_waits(s, repair1, WAIT_LIST)) {
		if (!stage_join(s, repair1) || stage_failed(s, repair1))
			return;
		if (stage_seen(s, POINT_WAIT_BEGIN))
			stage_invalid(s, "the wait was over too soon");
		else if (s->fix->waits & WAITS_REPAIR)
			stage_invalid(s,
				      "the daemon was there before Repair1");
		else
			stage_verdict(s, VERDICT_HOLDS, "nobody waited for a "
				      "list with the AG header locked");
		return;
	}
	bystander = stage_start(s, "Bystander", actor_bystander, 0);
	/* Or it got its turn when the wait was over. */
	blocked = stage_until_waits(s, bystander, WAIT_LOCK);
	if (!stage_join(s, bystander) || !stage_join(s, repair1))
		return;
	begin = find_event(s, POINT_WAIT_BEGIN);
	end = find_event(s, POINT_WAIT_END);
	if (!begin || !end) {
		stage_verdict(s, VERDICT_UNTESTED, "the wait was not recorded");
		return;
	}
	from = bystander->started_ns - s->epoch_ns;
	to = bystander->ended_ns - s->epoch_ns;
	if (from < begin->at_ns)
		from = begin->at_ns;
	if (to < end->at_ns) {
		stage_verdict(s, VERDICT_HOLDS, "a transaction got the AG "
			      "header during the wait");
		return;
	}
	if (!blocked) {
		stage_invalid(s, "the wait was over before the transaction");
		return;
	}
	stage_violated(s, "Repair1 waited %.1f ms for a list with the AG's "
		       "header locked; a transaction that never touches the "
		       "block was delayed by %.1f ms of that\n",
		       (end->at_ns - begin->at_ns) / 1e6,
		       end->at_ns > from ? (end->at_ns - from) / 1e6 : 0.0);
}

/*
 * The daemon is held and cannot help: whoever is through did not wait for
 * its list, by whatever name.
 */
static struct actor *repair_without_daemon(struct stage *s, struct hold **pass)
{
	struct actor *repair1;

	if (!review_freed(s, pass))
		return NULL;
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	if (stage_until_waits(s, repair1, WAIT_LIST))
		return repair1;
	if (!stage_join(s, repair1) || stage_failed(s, repair1))
		return NULL;
	return repair1;
}

void scenario_collateral_stall_held(struct stage *s)
{
	struct actor *repair1, *bystander;
	struct hold *pass;

	repair1 = repair_without_daemon(s, &pass);
	if (!repair1)
		return;
	if (repair1->joined) {
		stage_verdict(s, VERDICT_HOLDS, "Repair1 was through with the "
			      "daemon held");
		return;
	}
	bystander = stage_start(s, "Bystander", actor_bystander, 0);
	if (stage_until_waits(s, bystander, WAIT_LOCK))
		stage_violated(s, "Repair1 waits for a list with the AG's "
				  "header locked, and a transaction that never "
				  "touches the block waits for that header\n");
	else if (stage_join(s, bystander))
		stage_verdict(s, VERDICT_HOLDS, "a transaction got the AG "
			      "header during the wait");
}

void scenario_lost_wakeup_nobody(struct stage *s)
{
	struct actor *repair1;
	struct hold *pass;

	if (s->fix->waits) {
		stage_verdict(s, VERDICT_HOLDS, "the litmus looks at it");
		return;
	}
	repair1 = repair_without_daemon(s, &pass);
	if (!repair1)
		return;
	if (!repair1->joined || READ_ONCE(pass->released))
		stage_verdict(s, VERDICT_UNTESTED, "says that nobody waits "
			      "(FIX_WAITS), and somebody waits for a list: "
			      "the litmus passed it over");
	else
		stage_verdict(s, VERDICT_HOLDS, "two repairs were through "
			      "with the daemon held");
}

/* --- unbounded wait ---------------------------------------------------- */

#define TRAFFIC_PASSES	8

/*
 * One pass of the daemon during which a scan has the block locked.  @pass
 * holds the daemon before, and is replaced by the next such hold.
 */
static bool pass_with_traffic(struct stage *s, struct hold **pass)
{
	uint64_t before = stage_seen(s, POINT_SUBMIT_LOCKED);
	struct hold *look, *next;
	struct actor *scan;

	if (!stage_until_held(s, *pass))
		return false;
	look = stage_hold(s, "Scan", POINT_LOOKUP, s->block);
	scan = stage_start(s, "Scan", actor_scan, 0);
	if (!stage_until_held(s, look))
		return false;
	next = stage_hold(s, "ail", POINT_AIL_PASS, STAGE_ANY_BLOCK);
	stage_release(s, *pass);
	*pass = next;
	if (!stage_until_held(s, next))
		return false;
	stage_release(s, look);
	return stage_join(s, scan) &&
	       stage_seen(s, POINT_SUBMIT_LOCKED) > before;
}

void scenario_unbounded_wait(struct stage *s)
{
	struct actor *repair1;
	uint64_t waited_from;
	struct hold *pass;
	int passes;

	if (!review_freed(s, &pass))
		return;
	repair1 = stage_start(s, "Repair1", actor_repair, 0);
	if (!stage_until_waits(s, repair1, WAIT_LIST)) {
		if (!stage_join(s, repair1) || stage_failed(s, repair1))
			return;
		stage_release(s, pass);
		if (s->fix->waits & WAITS_REPAIR)
			stage_verdict(s, VERDICT_UNTESTED,
				      "Repair1 did not wait");
		else
			stage_verdict(s, VERDICT_HOLDS,
				      "nobody waits for a list");
		return;
	}
	waited_from = now_ns();
	for (passes = 0; passes < TRAFFIC_PASSES; passes++)
		if (!pass_with_traffic(s, &pass) || stage_is_done(repair1))
			break;
	if (passes == TRAFFIC_PASSES && !stage_is_done(repair1))
		stage_violated(s, "a scan that locked the block during each "
			       "of the daemon's passes kept Repair1 waiting "
			       "for all %d of them, %.0f ms, and could have "
			       "gone on\n",
			       passes, (now_ns() - waited_from) / 1e6);
	else if (stage_is_done(repair1))
		stage_verdict(s, VERDICT_HOLDS,
			      "the wait ended after %d "
			      "passes in spite of the traffic",
			      passes);
	stage_release(s, pass);
	stage_join(s, repair1);
}
