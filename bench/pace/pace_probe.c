// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest's probe counts and where its knobs hold the AIL, at the
 * cache's points.  The AIL queues and submits for as long as the guest's did:
 * a slow processor does both slowly, and sleeps as long as ever.  Its submit
 * is slow at each write, so that whoever waits for a buffer goes on while the
 * AIL has others to write.
 */
#include "bench/pace/pace.h"

#include <stdlib.h>

/* Others that are written between two stretches of a pass. */
#define OTHERS_A_STRETCH	1000u
/* What is less is made up for later. */
#define SHORTEST_STRETCH_NS	500000

/* Of one block. */
struct mark {
	bool on_list;		/* the AIL's */
	bool was_on_list;	/* until a fix took it off, not the AIL */
	bool marked;		/* staled while on it; not submitted since */
	bool open;		/* unlocked */
	uint64_t opened;
	uint64_t submits;	/* begun before it was opened */
};

/* What one cycle of the AIL has of an event: such come in clusters. */
struct cluster {
	uint64_t now;
	uint64_t squares;	/* of the cycles before */
};

struct probe {
	const struct pace_options *o;
	struct point_ops points;
	struct mount *mp;	/* NULL: not started; smp_store_release */
	bool stopped;		/* WRITE_ONCE */
	uint64_t sync_ns;	/* so long its syncs take */
	uint64_t nr;
	uint64_t others;	/* blocks for nobody else, from here on */

	spinlock_t lock;	/* guards all below but the AIL's own */
	struct mark *marks;
	uint64_t *marked;	/* blocks with a mark */
	uint64_t nr_marked;
	uint64_t submits;
	bool in_submit;
	struct pace_row c;
	struct cluster met, misqueued, waits;

	/* The AIL's daemon alone. */
	struct task *ail;
	uint64_t pass, submit;	/* when they began */
	uint64_t last_submit;	/* so long, but for the stretches */
	uint64_t issued;	/* of the others, in this pass */
	uint64_t written;	/* of its own, in this submit */
	uint64_t last_written;	/* and in the last */
	uint64_t stretched;	/* so long, since its submit */
};

/* When the thread's repair began; 0: it repairs nothing. */
static __thread uint64_t repair_start;

/* The lane's usleep_range(us, us + us / 10 + 1) ends between the two. */
static uint64_t delay_ns(const struct probe *p)
{
	uint64_t us = p->o->guest->delay_us;

	return (us + us / 20) * 1000;
}

/* The AIL's daemon: this part of its pass takes so much longer. */
static void stretch(struct probe *p, double ns)
{
	uint64_t start = now_ns();

	if (ns < 1 || p->o->own_pace)
		return;
	sleep_ns(ns, WAIT_IDLE);
	p->stretched += now_ns() - start;
}

static void drop_open_marks(struct probe *p)
{
	uint64_t now = now_ns(), kept = 0;

	for (uint64_t i = 0; i < p->nr_marked; i++) {
		struct mark *m = &p->marks[p->marked[i]];

		if (!m->open) {
			p->marked[kept++] = p->marked[i];
			continue;
		}
		/* Opened while the AIL submitted: dropped by it, who knows. */
		if (m->submits != p->submits) {
			p->c.windows++;
			p->c.window_total_ns += now - m->opened;
		}
		m->marked = false;
		m->open = false;
	}
	p->nr_marked = kept;
}

static void ail_pass(struct probe *p)
{
	p->ail = current;
	p->pass = now_ns();
	if (p->o->guest->eager)
		p->o->fix->ail_push_all(p->mp);
}

/* Beside its own, as bench/linux/dwb_others.c does. */
static void queue_others(struct probe *p)
{
	const struct fix *fix = p->o->fix;
	struct delwri_list *list = fix->ail_list(p->mp);
	struct buf *bp;

	for (unsigned int i = 0; i < p->o->guest->others; i++) {
		/* From the pass before, it may still be in flight. */
		if (fix->buf_get(p->mp, p->others + i, 1, BUF_GET_TRYLOCK,
				 &bp))
			continue;
		fix->delwri_queue(bp, list);
		fix->buf_relse(bp);
	}
}

static uint64_t squares(const struct cluster *c)
{
	return c->squares + c->now * c->now;
}

static void cluster_end(struct cluster *c)
{
	c->squares = squares(c);
	c->now = 0;
}

static void ail_submit(struct probe *p)
{
	queue_others(p);
	stretch(p, p->o->guest->queueing_ns - (now_ns() - p->pass));
	if (delay_ns(p))
		sleep_ns(delay_ns(p), WAIT_IDLE);
	spin_lock(&p->lock);
	p->submits++;
	cluster_end(&p->met);
	cluster_end(&p->misqueued);
	cluster_end(&p->waits);
	p->in_submit = true;
	spin_unlock(&p->lock);
	p->submit = now_ns();
	p->stretched = 0;
	p->issued = 0;
	p->last_written = p->written;
	p->written = 0;
}

/* So much longer a submit takes in the guest. */
static double longer_submit(const struct probe *p)
{
	return p->o->guest->submitting_ns - p->last_submit;
}

/*
 * A buffer is written: the guest is slow at each of them, and drops those that
 * were staled, next to each other in the list, at once.
 */
static void one_written(struct probe *p)
{
	double due;

	if (++p->written > p->last_written)
		return;
	due = longer_submit(p) * p->written / p->last_written - p->stretched;
	if (due > SHORTEST_STRETCH_NS)
		stretch(p, due);
}

/* One of the others is written: the guest is slow at each of them. */
static void other_issued(struct probe *p)
{
	if (++p->issued % OTHERS_A_STRETCH)
		return;
	stretch(p, longer_submit(p) * OTHERS_A_STRETCH / p->o->guest->others);
}

static void ail_sleep(struct probe *p)
{
	p->last_submit = now_ns() - p->submit - p->stretched;
	stretch(p, longer_submit(p) - p->stretched);
	spin_lock(&p->lock);
	p->in_submit = false;
	drop_open_marks(p);
	spin_unlock(&p->lock);
}

static void staled(struct probe *p, const struct buf_state *s)
{
	struct mark *m = &p->marks[s->bno];

	if (!s->linked && !m->on_list && !m->was_on_list)
		return;
	p->c.staled_linked++;
	if (!m->marked)
		p->marked[p->nr_marked++] = s->bno;
	m->marked = true;
	m->open = false;
	m->was_on_list = false;
}

static bool met(const struct probe *p, const struct mark *m)
{
	return m->marked && m->open && m->submits == p->submits &&
	       !p->in_submit;
}

static void at_block(struct probe *p, enum point point,
		     const struct buf_state *s)
{
	struct mark *m = &p->marks[s->bno];

	switch (point) {
	case POINT_QUEUE:
		m->was_on_list = false;
		m->on_list = current == p->ail;
		break;
	case POINT_UNLINK:
		m->was_on_list = m->on_list && current != p->ail;
		m->on_list = false;
		break;
	case POINT_SUBMIT_ISSUED:
	case POINT_SUBMIT_DROPPED:
		m->on_list = false;
		break;
	case POINT_STALE:
		staled(p, s);
		break;
	case POINT_FREED_UNLOCKED:
		if (!m->marked || m->open)
			break;
		m->open = true;
		m->opened = now_ns();
		m->submits = p->submits;
		break;
	case POINT_LOOKUP:
		/* Twice, as dwb_found() does, by one who waits there. */
		if (s->stale && m->marked && m->open) {
			p->c.met_lookup++;
			p->met.now++;
		}
		break;
	case POINT_ALLOC:
		p->c.met_alloc += met(p, m);
		break;
	case POINT_CLAIM:
		p->c.met += met(p, m);
		break;
	case POINT_BUSY_CLEARED:
		p->c.frees++;
		break;
	default:
		break;
	}
}

static void reached(void *ctx, enum point point, const struct buf_state *s)
{
	struct probe *p = ctx;
	uint64_t until;

	if (!smp_load_acquire(&p->mp) || READ_ONCE(p->stopped))
		return;
	switch (point) {
	case POINT_AIL_PASS:
		ail_pass(p);
		return;
	case POINT_AIL_SUBMIT:
		ail_submit(p);
		return;
	case POINT_AIL_SLEEP:
		ail_sleep(p);
		return;
	case POINT_CHECKPOINT:
		if (!p->o->own_pace && p->sync_ns)
			sleep_ns(p->sync_ns, WAIT_IDLE);
		return;
	case POINT_REPAIR:
		/* Half of it: xrep_ibt_find_inodes, before the claims. */
		until = repair_start + p->o->guest->repair_ns / 2;
		if (repair_start && !p->o->own_pace && until > now_ns())
			sleep_ns(until - now_ns(), WAIT_IDLE);
		return;
	default:
		break;
	}
	if (!s || s->bno >= p->nr)
		return;
	/* They are nobody else's. */
	if (s->bno - p->others < p->o->guest->others) {
		if (point == POINT_SUBMIT_ISSUED && current == p->ail)
			other_issued(p);
		return;
	}
	spin_lock(&p->lock);
	at_block(p, point, s);
	spin_unlock(&p->lock);
	/* With no lock but the buffer's. */
	if (point == POINT_SUBMIT_ISSUED && current == p->ail &&
	    !p->o->guest->others)
		one_written(p);
}

struct probe *probe_new(const struct pace_options *o, uint64_t nr)
{
	struct probe *p = calloc(1, sizeof(*p));
	double sync;

	if (!p)
		return NULL;
	p->o = o;
	p->nr = nr;
	p->points = (struct point_ops){ .reached = reached, .ctx = p };
	sync = o->guest->seconds * 1e9 / o->guest->syncs -
	       o->guest->sync_us * 1e3;
	p->sync_ns = sync > 0 ? sync : 0;
	spin_lock_init(&p->lock);
	p->marks = calloc(nr, sizeof(*p->marks));
	p->marked = calloc(nr, sizeof(*p->marked));
	if (p->marks && p->marked)
		return p;
	probe_free(p);
	return NULL;
}

void probe_free(struct probe *p)
{
	if (!p)
		return;
	free(p->marks);
	free(p->marked);
	free(p);
}

const struct point_ops *probe_points(struct probe *p)
{
	return &p->points;
}

void probe_start(struct probe *p, struct mount *mp, uint64_t others)
{
	p->others = others;
	/* Pairs with the load in reached(). */
	smp_store_release(&p->mp, mp);
}

void probe_stop(struct probe *p)
{
	WRITE_ONCE(p->stopped, true);
}

void probe_repair(struct probe *p, uint64_t start)
{
	(void)p;
	repair_start = start;
}

void probe_events(struct probe *p, uint64_t misqueued, uint64_t waits)
{
	spin_lock(&p->lock);
	p->misqueued.now += misqueued;
	p->waits.now += waits;
	spin_unlock(&p->lock);
}

void probe_take(struct probe *p, struct pace_row *row)
{
	spin_lock(&p->lock);
	*row = p->c;
	row->ail_cycles = p->submits;
	row->met_squares = squares(&p->met);
	row->misqueued_squares = squares(&p->misqueued);
	row->waits_squares = squares(&p->waits);
	spin_unlock(&p->lock);
}
