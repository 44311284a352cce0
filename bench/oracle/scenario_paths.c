// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sleeps for a link: each path that FIX_WAITS says nothing of is taken
 * with a block that is on somebody else's list, whose owner does nothing.
 */
#include "scenarios.h"

#include <errno.h>

struct path {
	enum waits waits;
	const char *what;
	unsigned int after;	/* enum waits: what it does before */
	int (*take)(const struct fix *fix, struct buf *bp,
		    struct delwri_list *own);
};

struct
try {
	const struct path *path;
	struct delwri_list *own;
	uint64_t bno;
};

static int take_bload(const struct fix *fix, struct buf *bp,
		      struct delwri_list *own)
{
	int error = fix->delwri_queue_bload(bp, own);

	/* A wrong fix: others say so. */
	return error == -EALREADY ? 0 : error;
}

static int take_queue(const struct fix *fix, struct buf *bp,
		      struct delwri_list *own)
{
	fix->delwri_queue(bp, own);
	return 0;
}

static int take_stale(const struct fix *fix, struct buf *bp,
		      struct delwri_list *own)
{
	(void)own;
	fix->buf_stale(bp);
	return 0;
}

static int take_bwrite(const struct fix *fix, struct buf *bp,
		       struct delwri_list *own)
{
	(void)own;
	return fix->buf_bwrite(bp);
}

/* That somebody else has written it leaves it linked, without its flag. */
static const struct path paths[] = {
	{ WAITS_BLOAD, "the bulk loader's queueing", WAITS_BWRITE, take_bload },
	{ WAITS_LOOKUP, "a lookup of what is stale", WAITS_STALE, NULL },
	{ WAITS_STALE, "staling", 0, take_stale },
	{ WAITS_QUEUE, "queueing", WAITS_BWRITE, take_queue },
	{ WAITS_BWRITE, "a synchronous write", 0, take_bwrite },
};
#define PATHS	(sizeof(paths) / sizeof(paths[0]))

static void actor_path(struct actor *actor)
{
	const struct try *try = (void *)(uintptr_t)actor->arg;
	const struct path *path = try->path;
	struct stage *s = actor->stage;
	const struct fix *fix = s->fix;
	struct buf *bp;
	int error;

	error = fix->buf_get(s->mp, try->bno, 1, 0, &bp);
	if (!error && path->after) {
		if (path->after == WAITS_STALE)
			fix->buf_stale(bp);
		else
			error = fix->buf_bwrite(bp);
		fix->buf_relse(bp);
		if (!error)
			error = fix->buf_get(s->mp, try->bno, 1, 0, &bp);
	}
	if (!error && path->take) {
		fix->buf_fill(bp);
		error = path->take(fix, bp, try->own);
	}
	actor->error = error;
	if (!error)
		fix->buf_relse(bp);
}

/* False: it has said why the scenario ends. */
static bool take_path(struct stage *s, const struct path *path, uint64_t bno)
{
	struct try try = { .path = path, .bno = bno };
	struct delwri_list *foreign = s->fix->delwri_alloc(s->mp);
	struct actor *actor;
	struct buf *bp;

	try.own = s->fix->delwri_alloc(s->mp);
	if (!foreign || !try.own || s->fix->buf_get(s->mp, bno, 1, 0, &bp)) {
		stage_verdict(s, VERDICT_UNTESTED, "out of memory");
		return false;
	}
	s->fix->buf_fill(bp);
	s->fix->delwri_queue(bp, foreign);
	s->fix->buf_relse(bp);
	actor = stage_start(s, "Path", actor_path, (uintptr_t)&try);
	if (stage_until_waits(s, actor, WAIT_LIST)) {
		stage_verdict(s, VERDICT_UNTESTED,
			      "%s waits for a list, and FIX_WAITS does not "
			      "say so: what it claims was passed over",
			      path->what);
		return false;
	}
	if (!stage_join(s, actor) || stage_failed(s, actor))
		return false;
	s->fix->delwri_cancel(foreign);
	s->fix->delwri_cancel(try.own);
	s->fix->delwri_free(foreign);
	s->fix->delwri_free(try.own);
	return true;
}

void scenario_lost_wakeup_paths(struct stage *s)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < PATHS; i++) {
		const struct path *path = &paths[i];

		if (s->fix->waits & ((unsigned int)path->waits | path->after))
			continue;
		if (!take_path(s, path, s->block + i))
			return;
		taken++;
	}
	stage_verdict(s, VERDICT_HOLDS,
		      "nobody waited for a list on %u of %u paths, as it says",
		      taken, (unsigned int)PATHS);
}
