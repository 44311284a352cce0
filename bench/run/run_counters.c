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

/* These are shown per operation, and only if there are some. */
static const char *const per_operation[] = {
	"hits",	      "misses",	    "found_stale",
	"log_forces", "futex_calls", "ail_passes",
};
#define LEAST_SHOWN	0.0005

static bool is_per_operation(const char *name)
{
	for (unsigned int i = 0;
	     i < sizeof(per_operation) / sizeof(*per_operation); i++)
		if (!strcmp(name, per_operation[i]))
			return true;
	return false;
}

/* Nothing but hits, or none of the others, needs no line. */
static bool is_expected(const char *name, double each)
{
	if (!strcmp(name, "hits"))
		each -= 1;
	return each > -LEAST_SHOWN && each < LEAST_SHOWN;
}

static void print_per_operation(const struct table *t, unsigned int from,
				unsigned int to, const char *name, FILE *out)
{
	char text[2048];
	size_t at = snprintf(text, sizeof(text), "%s per operation:", name);
	const char *comma = "";
	bool shown = false;

	for (unsigned int i = from; i < to && at < sizeof(text); i++) {
		const struct summary *s = &t->summaries[i];
		const struct counter *c = find(s, name);
		double each;

		if (!c || !s->counted_ops)
			continue;
		each = c->value / s->counted_ops;
		shown |= !is_expected(name, each);
		at += snprintf(text + at, sizeof(text) - at, "%s %s %.3g",
			       comma, t->pairs->pair[i].fix->name, each);
		comma = ",";
	}
	if (!shown)
		return;
	fputs("  ", out);
	run_print_wrapped(out, text, 2, 4);
}

/* "meetings: none 3, other 4" */
static void print_counter(const struct table *t, unsigned int from,
			  unsigned int to, const char *name, FILE *out)
{
	char text[2048];
	size_t at = snprintf(text, sizeof(text), "%s:", name);
	const char *comma = "";

	if (is_per_operation(name)) {
		print_per_operation(t, from, to, name, out);
		return;
	}

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

/* --- the processor's and the kernel's ------------------------------------ */

/* The cost column shows it. */
static bool is_time(const struct perf_total *p)
{
	return !strcmp(p->name, "task-clock-ns");
}

static void print_perf(const struct table *t, unsigned int from,
		       unsigned int to, int k, FILE *out)
{
	const char *name = NULL, *comma = "";
	double least = 1, most = 0;
	char text[2048];
	size_t at = 0;

	for (unsigned int i = from; i < to && at < sizeof(text); i++) {
		const struct perf_total *p = &t->summaries[i].perf[k];
		double each;

		if (!p->name || !p->blocks || is_time(p))
			continue;
		if (!name)
			at = snprintf(text, sizeof(text),
				      "%s (%s) per operation:", p->name,
				      p->mode);
		name = p->name;
		each = p->per_operation / p->blocks;
		most = each > most ? each : most;
		least = p->share < least ? p->share : least;
		at += snprintf(text + at, sizeof(text) - at, "%s %s %.3g",
			       comma, t->pairs->pair[i].fix->name, each);
		comma = ",";
	}
	if (!name || most < LEAST_SHOWN)
		return;
	if (least < 1 && at < sizeof(text))
		snprintf(text + at, sizeof(text) - at,
			 "; scaled: counted for %.0f %% of the time or more",
			 100 * least);
	fputs("  ", out);
	run_print_wrapped(out, text, 2, 4);
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
	for (int k = 0; k < PERF_COUNTERS; k++)
		print_perf(t, from, to, k, out);
}

/* A note per reason, with those that have it. */
void run_note_perf(struct notes *n, const struct table *t, unsigned int from,
		   unsigned int to)
{
	for (int k = 0; k < PERF_COUNTERS; k++) {
		const char *why = NULL, *same = NULL;
		char text[480];
		size_t at = 0;

		for (unsigned int i = from; i < to && !why; i++)
			if (t->summaries[i].perf[k].name)
				why = t->summaries[i].perf[k].reason;
		for (int m = 0; why && m < PERF_COUNTERS; m++) {
			const struct perf_total *p = NULL;

			for (unsigned int i = from; i < to && !p; i++)
				if (t->summaries[i].perf[m].reason)
					p = &t->summaries[i].perf[m];
			if (!p || strcmp(p->reason, why))
				continue;
			same = same ? same : "";
			if (at < sizeof(text))
				at += snprintf(text + at, sizeof(text) - at,
					       "%s%s (%s)", same, p->name,
					       p->mode);
			same = ", ";
		}
		if (at)
			run_note(n, "not counted: %s: %s", text, why);
	}
}

/* The smaller of @least, if it is known (not -1), and @a / @b. */
static double smaller(double least, double a, double b)
{
	return b > 0 && (least < 0 || a / b < least) ? a / b : least;
}

/* How many operations there are for each that was timed singly. */
static void note_rate(struct notes *n, const struct table *t,
		      unsigned int from, unsigned int to)
{
	double each = 0;

	for (unsigned int i = from; i < to; i++) {
		const struct summary *s = &t->summaries[i];

		if (s->measured && s->nr_latencies &&
		    (double)s->nr_ops / s->nr_latencies > each)
			each = (double)s->nr_ops / s->nr_latencies;
	}
	if (each > 1.5)
		run_note(n, "single operations are timed beside the batches: 1 for every %.0f in them, or more",
			 each);
	else if (each > 0)
		run_note(n, "every operation is timed singly");
}

void run_note_counters(struct notes *n, const struct table *t,
		       unsigned int from, unsigned int to)
{
	double clock = -1, huge = -1;

	note_rate(n, t, from, to);
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
