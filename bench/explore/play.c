// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage of a scenario on fibers: a small file system on a memory device,
 * and actors.
 */
#include "play.h"

#include "cache/format.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/*
 * A header and two trees of four: so small that freed blocks come back, which
 * is what everything here is about.
 */
#define AG_BLOCKS	9u
/* The kernel's 30 s are more than anybody has here: COURSE_HOPELESS_NS. */
#define SYNCD_MS	5000u
#define DELAY_NS	1000u		/* I/O is not over when submitted */

struct play *play;

extern const struct play_scenario *const __start_play_scenarios[];
extern const struct play_scenario *const __stop_play_scenarios[];

const struct play_scenario *play_scenario(unsigned int nr)
{
	const struct play_scenario *const *at = __start_play_scenarios + nr;

	return at < __stop_play_scenarios ? *at : NULL;
}

/* --- points ---------------------------------------------------------- */

/* Who is to be waited for: stuck.c. */
static void note_block(struct play_block *b, enum point point,
		       const struct buf_state *state)
{
	b->lock = state->lock;
	b->link = state->link;
	if (point == POINT_LOOKUP || point == POINT_LOCKED)
		b->locker = current;
	else if (point == POINT_QUEUE)
		b->queuer = current;
}

static void reached(void *ctx, enum point point, const struct buf_state *state)
{
	struct play *p = ctx;

	if (point == POINT_FLAG_LEAK && p->started_ns)
		play_violated(p, HAZARD_FLAG_LEAK,
			      "DELWRI_Q is set on block %llu, on no list",
			      (unsigned long long)state->bno);
	if (state && state->lock && state->bno < PLAY_BLOCKS)
		note_block(&p->blocks[state->bno], point, state);
	if (p->started_ns && p->scenario->at)
		p->scenario->at(p, point, state);
	witness_reached(point, state);
}

/* --- verdicts -------------------------------------------------------- */

void play_violated(struct play *p, enum hazard hazard, const char *fmt, ...)
{
	va_list ap;

	if (p->scenario->ignores & 1u << hazard)
		return;
	p->violated = true;
	p->hazard = hazard;
	va_start(ap, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, ap);
	va_end(ap);
	fibers_end();
}

void play_error(struct play *p, int error)
{
	if (error && !p->error && !(p->scenario->fails && error == -EIO))
		p->error = error;
}

static void root_commit(void *ctx, const struct tree_blocks *t)
{
	struct play *p = ctx;

	if (!p->started_ns || p->scenario->only_crashes)
		return;
	for (unsigned int i = 0; i < t->nr; i++) {
		uint64_t gen = device_generation(p->dev, t->bno[i]);

		if (gen != t->gen)
			play_violated(p,
				      t->bno[i] == p->failing ?
					      HAZARD_LOST_ERROR :
					      HAZARD_ORDERING,
				      "the root of tree %llu is committed, and "
				      "block %llu has generation %llu on disk",
				      (unsigned long long)t->gen,
				      (unsigned long long)t->bno[i],
				      (unsigned long long)gen);
	}
}

/* --- actors ---------------------------------------------------------- */

void play_start(struct play *p, const char *name, void (*fn)(void *arg))
{
	if (p->nr_actors == PLAY_ACTORS) {
		fprintf(stderr, "explore: %s has too many actors\n",
			p->scenario->name);
		abort();
	}
	task_start(&p->actor[p->nr_actors++], name, -1, fn, p);
}

void play_join(struct play *p)
{
	for (unsigned int i = 0; i < p->nr_actors; i++)
		task_join(&p->actor[i]);
}

static void judge_leftovers(struct play *p)
{
	struct teardown left;

	p->fix->unmount(p->mp, &left);
	if (left.flag_leaks)
		play_violated(p, HAZARD_FLAG_LEAK,
			      "DELWRI_Q was set on a buffer on no list, %llu "
			      "times",
			      (unsigned long long)left.flag_leaks);
	if (left.buffers || left.pins || left.list_entries || left.busy_extents)
		play_violated(p, HAZARD_LEAK,
			      "left at unmount: %llu buffers, %llu pins, %llu "
			      "list entries, %llu busy blocks",
			      (unsigned long long)left.buffers,
			      (unsigned long long)left.pins,
			      (unsigned long long)left.list_entries,
			      (unsigned long long)left.busy_extents);
}

static void play_main(void *arg)
{
	const struct play_scenario *sc = ((struct play *)arg)->scenario;
	uint32_t blocks = sc->ag_blocks ? sc->ag_blocks : AG_BLOCKS;
	const struct device_options dopt = {
		.nblocks = blocks + LOG_BLOCKS,
		.delay_ns = DELAY_NS,
		.generations = true,
	};
	struct play *p = arg;
	struct mount_options opt = {
		.ag_count = 1,
		.ag_blocks = blocks,
		.syncd_ms = SYNCD_MS,
		.log_bytes = 16 << 20,
		.points = &p->points,
		.watch = &p->watch,
	};
	char why[256];

	if (!p->scenario->play)
		oracle_play(p);
	if (device_open(&dopt, &p->dev, why, sizeof(why))) {
		fprintf(stderr, "explore: %s\n", why);
		abort();
	}
	opt.device = p->dev;
	if (p->fix->mount(&opt, &p->mp)) {
		fputs("explore: the scenario's file system cannot be mounted\n",
		      stderr);
		abort();
	}
	sc->setup(p);
	if (p->error) {
		fprintf(stderr, "explore: %s: its beginning failed with %d\n",
			sc->name, p->error);
		abort();
	}
	crash_watch(p);
	p->started_ns = world->now;
	fibers_pause();
	p->scenario->play(p);
	play_join(p);
	/* What they have left says something only if each has done its part. */
	p->over = true;
	if (p->scenario->end && !p->error)
		p->scenario->end(p);
	if (p->scenario->unmounts && !p->error)
		judge_leftovers(p);
	fibers_end();
}

struct fiber *play_open(const struct play_scenario *sc, const struct fix *fix)
{
	struct fiber *f = fiber_new("main", play_main, NULL);

	/* 0 is "not started". */
	world->now = 1;
	/* It is the first fiber's, as all that it allocates. */
	fibers.cur = f;
	play = arena_zalloc(1, sizeof(*play));
	play->scenario = sc;
	play->fix = fix;
	play->block = 1;
	play->points = (struct point_ops){ .reached = reached, .ctx = play };
	play->watch = (struct repair_watch){
		.root_commit = root_commit,
		.ctx = play,
	};
	f->arg = play;
	return f;
}
