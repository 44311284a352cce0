// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recorded run as the review drew it: AIL | Repair0 | Repair1, and the
 * state of the one block that it is about after each step.
 */
#include "stage.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS		3
#define WIDTH		16
#define LINES_MAX	48

/* What a point means for somebody who reads the timeline; NULL: nothing. */
static const char *const steps[POINTS] = {
	[POINT_LOOKUP] = "locks X",
	[POINT_LOOKUP_STALE] = "resets stale X",
	[POINT_STALE] = "stales X",
	[POINT_QUEUE] = "queues X",
	[POINT_QUEUE_ELSEWHERE] = "flag set only!",
	[POINT_QUEUE_AGAIN] = "X queued before",
	[POINT_WAIT_BEGIN] = "waits for list",
	[POINT_WAIT_END] = "wait is over",
	[POINT_UNLINK] = "unlinks X",
	[POINT_SUBMIT_LOCKED] = "X locked: left",
	[POINT_SUBMIT_PINNED] = "X pinned: left",
	[POINT_SUBMIT_DROPPED] = "drops X",
	[POINT_SUBMIT_ISSUED] = "writes X",
	[POINT_SUBMIT_QUEUED] = "I/O with Q set!",
	[POINT_REREAD] = "reads X (disk)",
	[POINT_UNHELD] = "X has no hold",
	[POINT_IO_DONE] = "X written",
	[POINT_IO_ERROR] = "X I/O error",
	[POINT_ERROR_DROPPED] = "error lost!",
	[POINT_BINVAL] = "frees X",
	[POINT_UNPIN] = "unpins X",
	[POINT_FREED_UNLOCKED] = "unlocks X",
	[POINT_BUSY_CLEARED] = "X is free",
	[POINT_ALLOC] = "is given X",
	[POINT_AIL_SLEEP] = "sleeps",
	[POINT_LOAD_DONE] = "load: success",
	[POINT_LOAD_FAILED] = "load: error",
	[POINT_ROOT_COMMIT] = "COMMITS ROOT",
	[POINT_FLAG_LEAK] = "flag leaked!",
};

const char *timeline_step(enum point point)
{
	return steps[point];
}

static int column_of(const char *actor)
{
	if (!strcmp(actor, "Repair0"))
		return 1;
	if (!strncmp(actor, "Repair", 6))
		return 2;
	return 0;
}

/* Daemons other than the AIL's, and others, are named in the column. */
static void step_text(const struct event *e, char *buf, size_t size)
{
	if (!strcmp(e->actor, "ail") || !strncmp(e->actor, "Repair", 6))
		snprintf(buf, size, "%s", steps[e->point]);
	else
		snprintf(buf, size, "%.*s: %s",
			 (int)strcspn(e->actor, "-"), e->actor,
			 steps[e->point]);
}

static void state_text(const struct event *e, char *buf, size_t size)
{
	const struct buf_state *b = &e->state;

	if (!e->has_state || !b->lock) {
		buf[0] = '\0';
		return;
	}
	snprintf(buf, size, "%c%c%c   %-6s %-6s", b->delwri_q ? 'Q' : '-',
		 b->stale ? 'S' : '-', b->pin ? 'P' : '-',
		 b->linked ? "linked" : "-", b->locked ? "locked" : "-");
}

static bool worth_a_line(const struct event *e, const struct event *last)
{
	if (!steps[e->point])
		return false;
	if (e->point == POINT_ROOT_COMMIT || e->point == POINT_LOAD_DONE ||
	    e->point == POINT_LOAD_FAILED)
		return true;
	/* The daemon's empty passes say nothing. */
	if (e->point == POINT_AIL_SLEEP)
		return last && !strcmp(last->actor, "ail") &&
		       last->point != POINT_AIL_SLEEP;
	return e->has_state;
}

static void print_line(const struct event *e, FILE *out)
{
	char text[32], state[40], cell[COLUMNS][32] = { "", "", "" };

	step_text(e, text, sizeof(text));
	state_text(e, state, sizeof(state));
	snprintf(cell[column_of(e->actor)], sizeof(cell[0]), "%s", text);
	fprintf(out, "%7.1f %-*.*s%-*.*s%-*.*s%s\n", e->at_ns / 1e6, WIDTH,
		WIDTH, cell[0], WIDTH, WIDTH, cell[1], WIDTH, WIDTH, cell[2],
		state);
}

/* The first event worth showing: the last queueing before X was freed. */
static unsigned int story_begins(const struct stage *s, unsigned int n)
{
	unsigned int begin = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (s->events[i].point == POINT_BINVAL)
			break;
		if (s->events[i].point == POINT_QUEUE &&
		    !strcmp(s->events[i].actor, "ail"))
			begin = i;
	}
	return begin;
}

void timeline_print(const struct stage *s, FILE *out)
{
	unsigned int n = READ_ONCE(s->nr_events), lines = 0;
	const struct event *last = NULL;

	if (n > STAGE_EVENTS)
		n = STAGE_EVENTS;
	fprintf(out,
		"\nX is block %llu; Q: queued, S: stale, P: pinned\n"
		"%7s %-*s%-*s%-*s%s\n",
		(unsigned long long)s->block, "ms", WIDTH, "AIL", WIDTH,
		"Repair0", WIDTH, "Repair1", "flags link   lock");
	for (unsigned int i = story_begins(s, n); i < n; i++) {
		const struct event *e = &s->events[i];

		if (!worth_a_line(e, last))
			continue;
		if (lines++ == LINES_MAX) {
			fprintf(out, "%7s ... %u more events\n", "", n - i);
			return;
		}
		print_line(e, out);
		last = e;
	}
}
