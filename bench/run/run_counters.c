// SPDX-License-Identifier: GPL-2.0-only
/*
 * What workloads counted besides times: a line per counter and case, but for
 * those that say how it was measured, which become notes.
 */
#include "bench/run/run.h"

#include <string.h>

/*
 * What a reading of the clock took, summed over timed operations; what of
 * the process's memory is its own, and how much of that is in huge pages.
 */
static const char *const how_measured[] = {
	"clock_ns",
	"anonymous_kb",
	"huge_pages_kb",
};

static bool is_shown(const char *name)
{
	for (unsigned int i = 0;
	     i < sizeof(how_measured) / sizeof(*how_measured); i++)
		if (!strcmp(name, how_measured[i]))
			return false;
	return true;
}

/* NULL: not counted. */
static const struct counter *find(const struct summary *s, const char *name)
{
	for (int k = 0; k < COUNTERS && s->counters[k].name; k++)
		if (!strcmp(s->counters[k].name, name))
			return &s->counters[k];
	return NULL;
}

/* "meetings: none 3, other 4" */
static void print_counter(const struct table *t, unsigned int from,
			  unsigned int to, const char *name, FILE *out)
{
	char text[2048];
	size_t at = snprintf(text, sizeof(text), "%s:", name);
	const char *comma = "";

	for (unsigned int i = from; i < to && at < sizeof(text); i++) {
		const struct counter *c = find(&t->summaries[i], name);

		if (!c)
			continue;
		at += snprintf(text + at, sizeof(text) - at, "%s %s %.10g",
			       comma, t->pairs->pair[i].fix->name, c->value);
		comma = ",";
	}
	fputs("  ", out);
	run_print_wrapped(out, text, 2, 4);
}

static bool counted_before(const struct table *t, unsigned int from,
			   unsigned int at, const char *name)
{
	for (unsigned int i = from; i < at; i++)
		if (find(&t->summaries[i], name))
			return true;
	return false;
}

void run_print_counters(const struct table *t, unsigned int from,
			unsigned int to, FILE *out)
{
	for (unsigned int i = from; i < to; i++) {
		const struct counter *c = t->summaries[i].counters;

		for (int k = 0; k < COUNTERS && c[k].name; k++)
			if (is_shown(c[k].name) &&
			    !counted_before(t, from, i, c[k].name))
				print_counter(t, from, to, c[k].name, out);
	}
}

/* The smaller of @least, if it is known (not -1), and @a / @b. */
static double smaller(double least, double a, double b)
{
	return b > 0 && (least < 0 || a / b < least) ? a / b : least;
}

void run_note_counters(struct notes *n, const struct table *t,
		       unsigned int from, unsigned int to)
{
	double clock = -1, huge = -1;

	for (unsigned int i = from; i < to; i++) {
		const struct summary *s = &t->summaries[i];
		const struct counter *ns = find(s, "clock_ns");
		const struct counter *all = find(s, "anonymous_kb");
		const struct counter *in_huge = find(s, "huge_pages_kb");

		if (ns)
			clock = smaller(clock, ns->value, s->nr_latencies);
		if (all && in_huge)
			huge = smaller(huge, in_huge->value, all->value);
	}
	if (clock >= 0)
		run_note(n, "p50, p99 and max include a reading of the clock: %.0f ns or more",
			 clock);
	if (huge >= 0)
		run_note(n, "memory in huge pages: %s%.0f %%",
			 huge < 0.9 ? "NO MORE THAN " : "", 100 * huge);
}
