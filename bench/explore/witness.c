// SPDX-License-Identifier: GPL-2.0-only
/*
 * A witness as kernel developers draw it: three columns, and the state of the
 * one block that it is about.  Only what makes the defect gets a line: not what
 * the task's next step says as well, and not what is said twice.
 */
#include "play.h"

#include "bench/oracle/stage.h"

#include <stdio.h>

#define EVENTS		4096u
#define LINES		12u
#define COLUMNS		3
#define WIDTH		15

struct event_seen {
	uint64_t access;
	enum point point;	/* POINTS: it is preempted */
	char actor[12];
	bool has_state;
	struct buf_state state;
	char buffer[24];	/* what it keeps back */
	unsigned int times;
};

/* Not in the arena: a snapshot does not forget them. */
static struct event_seen events[EVENTS];
static unsigned int nr_events;
static uint64_t last_access;
static bool recording;

void play_record(bool on)
{
	recording = on;
	if (on)
		nr_events = 0;
}

static struct event_seen *new_event(enum point point, const struct task *t)
{
	struct event_seen *e;

	if (!recording || !play->started_ns || nr_events == EVENTS)
		return NULL;
	e = &events[nr_events++];
	*e = (struct event_seen){
		.access = fibers.points,
		.point = point,
		.times = 1,
	};
	snprintf(e->actor, sizeof(e->actor), "%.*s",
		 (int)strcspn(t->name, "-"), t->name);
	return e;
}

void witness_reached(enum point point, const struct buf_state *state)
{
	struct event_seen *e;

	if (state && state->bno != play->block && point != POINT_ROOT_COMMIT)
		return;
	e = new_event(point, current);
	if (!e || !state || !state->lock)
		return;
	e->has_state = true;
	e->state = *state;
}

/* What it has stored to X, and how many stores to elsewhere. */
void witness_preempted(const struct fiber *f)
{
	const struct buf_state *x = NULL;
	struct event_seen *e = new_event(POINTS, &f->task);
	bool link = false, lock = false;
	unsigned int others = 0;

	if (!e)
		return;
	for (unsigned int i = nr_events; i-- > 0 && !x;)
		x = events[i].has_state ? &events[i].state : NULL;
	for (unsigned int i = 0; i < f->nr_stores; i++) {
		uintptr_t at = f->stores[i].addr;

		if (x && at - (uintptr_t)x->link < sizeof(struct list_head))
			link = true;
		else if (x && at == (uintptr_t)x->lock)
			lock = true;
		else
			others++;
	}
	snprintf(e->buffer, sizeof(e->buffer), "buffer:%s%s",
		 link ? " link" : "", lock ? " lock" : "");
	if (others)
		snprintf(e->buffer + strlen(e->buffer),
			 sizeof(e->buffer) - strlen(e->buffer), " +%u",
			 others % 100);
}

/* --- what is worth a line --------------------------------------------- */

static bool worth_a_line(const struct event_seen *e, bool last)
{
	if (e->point == POINTS)
		return true;
	if (!timeline_step(e->point) || e->point == POINT_AIL_SLEEP)
		return false;
	/* Those of earlier trees are no part of it. */
	return last || (e->point != POINT_ROOT_COMMIT &&
			e->point != POINT_LOAD_DONE);
}

static bool same_actor(const struct event_seen *a, const struct event_seen *b)
{
	return !strcmp(a->actor, b->actor);
}

/* Who does @next has done @e. */
static bool says_as_well(const struct event_seen *next,
			 const struct event_seen *e)
{
	if (!same_actor(e, next) || next->point == POINTS)
		return false;
	switch (e->point) {
	case POINT_LOOKUP:
		return next->point != POINT_LOOKUP;
	case POINT_STALE:
		return next->point == POINT_BINVAL;
	case POINT_UNPIN:
		return next->point == POINT_FREED_UNLOCKED ||
		       next->point == POINT_BUSY_CLEARED;
	case POINT_FREED_UNLOCKED:
		return next->point == POINT_BUSY_CLEARED;
	default:
		return false;
	}
}

static bool same_state(const struct buf_state *a, const struct buf_state *b)
{
	return a->delwri_q == b->delwri_q && a->stale == b->stale &&
	       !a->pin == !b->pin && a->linked == b->linked &&
	       a->locked == b->locked;
}

static bool repeats(const struct event_seen *e, const struct event_seen *next)
{
	return same_actor(e, next) && e->point == next->point &&
	       e->has_state == next->has_state &&
	       same_state(&e->state, &next->state) && !e->buffer[0];
}

/* The last queueing before X was freed: what was before is no part of it. */
static unsigned int story_begins(void)
{
	unsigned int begin = 0;

	for (unsigned int i = 0; i < nr_events; i++) {
		if (events[i].point == POINT_BINVAL)
			break;
		if (events[i].point == POINT_QUEUE &&
		    !strcmp(events[i].actor, "ail"))
			begin = i;
	}
	return begin;
}

/* Those of a line each, first to last, to the end of @line; their number. */
static unsigned int choose(struct event_seen **line)
{
	unsigned int at = EVENTS, begin = story_begins();

	for (unsigned int i = nr_events; i-- > begin;) {
		struct event_seen *e = &events[i];
		struct event_seen *next = at < EVENTS ? line[at] : NULL;

		if (!worth_a_line(e, i == nr_events - 1))
			continue;
		if (next && repeats(e, next)) {
			e->times += next->times;
			line[at] = e;
		} else if (next && says_as_well(next, e)) {
			if (!next->has_state) {
				next->has_state = e->has_state;
				next->state = e->state;
			}
		} else {
			line[--at] = e;
		}
	}
	return EVENTS - at;
}

/* --- lines ------------------------------------------------------------ */

/* The daemons in the first column, the first two others in theirs. */
static void name_columns(struct event_seen *const *line, unsigned int nr,
			 const char **column)
{
	column[0] = "ail";
	column[1] = column[2] = "";
	for (unsigned int i = 0; i < nr; i++) {
		const char *who = line[i]->actor;

		if (!strncmp(who, "ail", 3) || !strcmp(who, "log") ||
		    !strcmp(who, "io") || !strcmp(column[1], who) ||
		    !strcmp(column[2], who))
			continue;
		for (int c = 1; c < COLUMNS; c++) {
			if (!*column[c]) {
				column[c] = who;
				break;
			}
		}
	}
	if (*column[2] && strcmp(column[1], column[2]) > 0) {
		const char *other = column[1];

		column[1] = column[2];
		column[2] = other;
	}
}

static void print_line(FILE *out, const struct event_seen *e,
		       const char *const *column)
{
	const struct buf_state *b = &e->state;
	char text[48], times[8] = "";
	int at = 0;

	for (int c = 1; c < COLUMNS; c++)
		if (!strcmp(e->actor, column[c]))
			at = c;
	if (e->times > 1)
		snprintf(times, sizeof(times), " x%u", e->times % 1000);
	snprintf(text, sizeof(text), "%s%s%s%s",
		 at || !strcmp(e->actor, column[0]) ? "" : e->actor,
		 at || !strcmp(e->actor, column[0]) ? "" : ": ",
		 e->point == POINTS ? "is preempted" : timeline_step(e->point),
		 times);
	fprintf(out, "%6llu %*s%-*s", (unsigned long long)e->access, at * WIDTH,
		"", (COLUMNS - at) * WIDTH, text);
	if (e->buffer[0])
		fputs(e->buffer, out);
	else if (e->has_state)
		fprintf(out, "%c%c%c %-6s %s", b->delwri_q ? 'Q' : '-', b->stale ? 'S' : '-',
			b->pin ? 'P' : '-', b->linked ? "linked" : "-",
			b->locked ? "locked" : "-");
	fputc('\n', out);
}

void play_timeline(FILE *out)
{
	static struct event_seen *line[EVENTS];
	const char *column[COLUMNS];
	unsigned int nr, at;

	last_access = 0;
	if (!play->scenario->play) {
		oracle_timeline(out);
		return;
	}
	nr = choose(line);
	at = EVENTS - nr;
	name_columns(line + at, nr, column);
	fprintf(out, "X is block %llu; Q: queued, S: stale, P: pinned%s\n"
		     "access %-*s%-*s%-*sX   link   lock\n",
		(unsigned long long)play->block,
		fibers.tso ? "; buffer: stores kept back" : "", WIDTH, "AIL",
		WIDTH, column[1], WIDTH, column[2]);
	if (nr > LINES) {
		fprintf(out, "   ... after %u more\n", nr - LINES + 1);
		at = EVENTS - LINES + 1;
	}
	for (; at < EVENTS; at++) {
		print_line(out, line[at], column);
		/* Where one is preempted is no event of its own. */
		if (line[at]->point != POINTS)
			last_access = line[at]->access;
	}
}

uint64_t witness_access(void)
{
	return last_access;
}
