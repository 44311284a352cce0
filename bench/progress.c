// SPDX-License-Identifier: GPL-2.0-only
/*
 * The line of progress, with the time that is left.
 */
#include "bench/progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sync/sync.h"

#define REDRAW_NS	200000000ull
#define SILENCE_NS	30000000000ull	/* at most, without a terminal */
/* What a workload takes beyond its batches, until one has shown it. */
#define GUESS_S		2

static struct {
	struct progress_plan plan;
	unsigned int block, blocks, workload;
	const char *name;		/* of the workload that runs */
	uint64_t mark, shown;		/* when last called, when last shown */
	double done;			/* of the plan, seconds */
	unsigned int batches;		/* that was */
	double batches_s, other_s;	/* what they took, and all else */
} now;

static bool on_terminal(void)
{
	return isatty(STDERR_FILENO);
}

void progress_clear(void)
{
	if (on_terminal())
		fputs("\r\033[K", stderr);
}

static double since_mark(void)
{
	uint64_t then = now.mark;

	now.mark = now_ns();
	return (now.mark - then) / 1e9;
}

/* On top of the plan as much per batch and per workload as so far. */
static void format_left(char *text, size_t size)
{
	const struct progress_plan *p = &now.plan;
	unsigned int blocks = 1 + p->blocks_after;
	double per_batch = 0, per_workload = GUESS_S, left;
	int s;

	if (now.batches) {
		per_batch = (now.batches_s - now.done) / now.batches;
		per_workload = now.other_s / now.workload;
	}
	left = p->seconds * blocks - now.done +
	       per_batch * ((double)p->batches * blocks - now.batches) +
	       per_workload * (p->workloads * blocks - now.workload);
	s = left > 0 ? left + 1 : 1;
	if (s < 100)
		snprintf(text, size, "%d s", s);
	else
		snprintf(text, size, "%d min %d s", s / 60, s % 60 / 10 * 10);
}

static void show(void)
{
	char left[32], block[32] = "";

	format_left(left, sizeof(left));
	if (now.blocks > 1)
		snprintf(block, sizeof(block), "block %u of %u, ", now.block,
			 now.blocks);
	fprintf(stderr, "%s%s%s %u/%u, %s left%s",
		on_terminal() ? "\r" : "  ", block, now.name, now.workload,
		now.plan.workloads, left, on_terminal() ? "\033[K" : "\n");
	fflush(stderr);
	now.shown = now_ns();
}

void progress_start(const struct progress_plan *plan, unsigned int block,
		    unsigned int blocks)
{
	memset(&now, 0, sizeof(now));
	now.plan = *plan;
	now.block = block;
	now.blocks = blocks;
	now.mark = now_ns();
}

void progress_workload(const char *name)
{
	now.other_s += since_mark();
	now.name = name;
	now.workload++;
	show();
}

static void show_again(void)
{
	if (now_ns() - now.shown > (on_terminal() ? REDRAW_NS : SILENCE_NS))
		show();
}

void progress_prepared(void)
{
	now.other_s += since_mark();
	show_again();
}

void progress_add(double seconds)
{
	now.batches_s += since_mark();
	now.done += seconds;
	now.batches++;
	show_again();
}

void progress_say(const char *fmt, ...)
{
	va_list ap;

	if (!on_terminal() && now_ns() - now.shown < SILENCE_NS)
		return;
	fputs(on_terminal() ? "\r" : "  ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(on_terminal() ? "\033[K" : "\n", stderr);
	fflush(stderr);
	now.shown = now_ns();
}
