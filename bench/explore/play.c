// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage of a scenario on fibers: a small file system on a memory device,
 * and actors.
 */
#include "play.h"

#include "cache/format.h"

#include <stdarg.h>
#include <stdio.h>

/*
 * A header and two trees of four: so small that freed blocks come back, which
 * is what everything here is about.
 */
#define AG_BLOCKS	9u
#define DELAY_NS	1000u		/* I/O is not over when submitted */

struct play *play;

static void reached(void *ctx, enum point point, const struct buf_state *state)
{
	(void)ctx;
	witness_reached(point, state);
}

/* --- verdicts -------------------------------------------------------- */

void play_violated(struct play *p, enum hazard hazard, const char *fmt, ...)
{
	va_list ap;

	p->violated = true;
	p->hazard = hazard;
	va_start(ap, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, ap);
	va_end(ap);
	fibers_end();
}

void play_error(struct play *p, int error)
{
	if (error && !p->error)
		p->error = error;
}

static void root_commit(void *ctx, const struct tree_blocks *t)
{
	struct play *p = ctx;

	if (!p->started_ns)
		return;
	for (unsigned int i = 0; i < t->nr; i++) {
		uint64_t gen = device_generation(p->dev, t->bno[i]);

		if (gen != t->gen)
			play_violated(p, HAZARD_ORDERING,
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

static void play_main(void *arg)
{
	const struct device_options dopt = {
		.nblocks = AG_BLOCKS + LOG_BLOCKS,
		.delay_ns = DELAY_NS,
		.generations = true,
	};
	struct play *p = arg;
	struct mount_options opt = {
		.ag_count = 1,
		.ag_blocks = AG_BLOCKS,
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
	p->scenario->setup(p);
	p->started_ns = world->now;
	fibers_pause();
	p->scenario->play(p);
	play_join(p);
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
	play->points = (struct point_ops){ .reached = reached };
	play->watch = (struct repair_watch){
		.root_commit = root_commit,
		.ctx = play,
	};
	f->arg = play;
	return f;
}
