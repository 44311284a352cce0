// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables: one per group of workloads, a row per fix, what was not
 * measured with its reason.
 */
#include "bench/run/run.h"

#include <string.h>

#define NAME_WIDTH	22

/* --- cells -------------------------------------------------------------- */

/* At most six characters. */
static void format_value(char cell[16], double value, struct notes *notes)
{
	if (value >= 1e5)
		run_note(notes, "k, M: thousands and millions");
	if (value <= 0)
		strcpy(cell, "0");
	else if (value < 0.05)
		strcpy(cell, "<0.1");
	else if (value < 1e3)
		snprintf(cell, 16, "%.1f", value);
	else if (value < 1e5)
		snprintf(cell, 16, "%.0f", value);
	else if (value < 1e8)
		snprintf(cell, 16, "%.0fk", value / 1e3);
	else
		snprintf(cell, 16, "%.0fM", value / 1e6);
}

static void print_time(const struct workload *w, double ns, FILE *out,
		       struct notes *notes)
{
	char cell[16];

	format_value(cell, w->microseconds ? ns / 1000 : ns, notes);
	fprintf(out, " %6s", cell);
}

static void print_missing(unsigned int columns, FILE *out)
{
	while (columns--)
		fprintf(out, " %6s", "-");
}

static void print_cost(const struct pair *p, const struct summary *s,
		       FILE *out, struct notes *notes)
{
	fputc(' ', out);
	print_time(p->workload, s->median, out, notes);
	fputc(' ', out);
	if (s->base) {
		fprintf(out, " %6.3f", s->ratio);
		if (strcmp(s->base, BASELINE))
			run_note(notes,
				 "%s: ratios are to %s: of " BASELINE
				 " there are no times to compare with",
				 p->workload->name, s->base);
		return;
	}
	print_missing(1, out);
	run_note(notes, "- no ratio: there are no two fixes with times of "
			"the same rounds");
}

static void print_latencies(const struct pair *p, const struct summary *s,
			    FILE *out, struct notes *notes)
{
	if (!s->nr_latencies) {
		print_missing(3, out);
		run_note(notes, "- no p50, p99 and max: %s", s->latency_reason);
		return;
	}
	print_time(p->workload, s->p50, out, notes);
	if (s->p99 < 0) {
		print_missing(1, out);
		run_note(notes, "- no p99: fewer than 100 operations were "
				"timed; max is the largest of them");
	} else {
		print_time(p->workload, s->p99, out, notes);
	}
	print_time(p->workload, s->max, out, notes);
}

static void print_waits(const struct pair *p, const struct summary *s,
			bool stalls, FILE *out, struct notes *notes)
{
	if (!s->counted_ops) {
		print_missing(WAIT_IO - WAIT_LOCK + 1 + stalls, out);
		run_note(notes, "- no waits: no operation was counted");
		return;
	}
	for (int k = WAIT_LOCK; k <= WAIT_IO; k++)
		print_time(p->workload,
			   (double)s->waits[k].total_ns / s->counted_ops, out,
			   notes);
	if (stalls && s->has_stall) {
		print_time(p->workload,
			   (double)s->stall.total_ns / s->counted_ops, out,
			   notes);
	} else if (stalls) {
		print_missing(1, out);
		run_note(notes, "- no stall: %s", s->stall_reason);
	}
}

/* --- rows --------------------------------------------------------------- */

/* With a mark, if it is known to be incorrect. */
static void print_name(const struct table *t, const struct fix *fix, FILE *out,
		       struct notes *notes)
{
	char name[64], hazards[256];

	snprintf(name, sizeof(name), "%s", fix->name);
	for (unsigned int i = 0; t->hazards && i < t->cli->nr_fixes; i++) {
		if (t->cli->fixes[i] != fix ||
		    !run_incorrect(&t->hazards[i], hazards, sizeof(hazards)))
			continue;
		snprintf(name, sizeof(name), "%s !", fix->name);
		run_note(notes, "! %s is incorrect: %s", fix->name, hazards);
	}
	fprintf(out, "%-*s", NAME_WIDTH, name);
}

static void print_row(const struct table *t, unsigned int at, bool stalls,
		      FILE *out, struct notes *notes)
{
	const struct pair *p = &t->pairs->pair[at];
	const struct summary *s = &t->summaries[at];
	char cell[64];

	print_name(t, p->fix, out, notes);
	if (!s->measured) {
		fputs(" not measured: ", out);
		run_print_wrapped(out, s->reason, NAME_WIDTH + 15,
				  NAME_WIDTH + 15);
		return;
	}
	if (s->violated) {
		snprintf(cell, sizeof(cell), "VIOLATED %llu/%llu",
			 (unsigned long long)s->violated,
			 (unsigned long long)s->checked);
		fprintf(out, "  %-35s", cell);
		run_note(notes, "VIOLATED n/m: at n of m root commits a block "
				"of the new tree was not on the device; no "
				"time is shown for a wrong result");
	} else {
		print_cost(p, s, out, notes);
		print_latencies(p, s, out, notes);
	}
	print_waits(p, s, stalls, out, notes);
	fputc('\n', out);
	if (s->skipped)
		run_note(notes, "%s: not in every block: skipped where it did "
				"not fit in memory",
			 p->workload->name);
	if (s->misqueued)
		run_note(notes,
			 "%s, %s: in %llu operations %llu blocks were queued on somebody else's list",
			 p->workload->name, p->fix->name,
			 (unsigned long long)s->counted_ops,
			 (unsigned long long)s->misqueued);
	if (s->left)
		run_note(notes,
			 "%s, %s: %llu things were left at unmount (see left_at_unmount in the block files)",
			 p->workload->name, p->fix->name,
			 (unsigned long long)s->left);
}

/* --- cases -------------------------------------------------------------- */

static void print_case(const struct table *t, unsigned int from,
		       unsigned int to, FILE *out)
{
	const struct workload *w = t->pairs->pair[from].workload;
	const struct run_point *at = t->pairs->pair[from].point;
	const char *comma = "", *placement = "";
	const struct summary *measured = NULL;
	struct bench bench = *t->bench;
	char how[256] = "", text[640];
	int n;

	for (unsigned int i = from; i < to && !measured; i++)
		if (t->summaries[i].measured)
			measured = &t->summaries[i];
	if (at) {
		bench.threads = at->threads;
		comma = at->placed ? ", " : "";
		placement = at->placement;
	}
	w->describe(&bench, how, sizeof(how));
	n = snprintf(text, sizeof(text), "%s, %s per %s%s%s: %s", w->name,
		     w->microseconds ? "us" : "ns", w->operation, comma,
		     placement, how);
	if (measured && measured->ops_per_batch)
		snprintf(text + n, sizeof(text) - n, "; %u batches of %llu",
			 measured->nr_batches,
			 (unsigned long long)measured->ops_per_batch);
	else if (measured)
		snprintf(text + n, sizeof(text) - n, "; %u batches of %g s",
			 measured->nr_batches, w->batch_ns / 1e9);
	run_print_wrapped(out, text, 0, 2);
}

/* NULL, or why none of a case was measured: said once, not fix by fix. */
static const char *all_skipped(const struct table *t, unsigned int from,
			       unsigned int to)
{
	const char *why = NULL;

	for (unsigned int i = from; i < to; i++) {
		const struct summary *s = &t->summaries[i];

		if (!t->pairs->pair[i].selected)
			continue;
		if (s->measured || !s->skipped)
			return NULL;
		why = s->reason;
	}
	return why;
}

static void print_rows(const struct table *t, unsigned int from,
		       unsigned int to, bool stalls, FILE *out,
		       struct notes *notes)
{
	const char *skipped = all_skipped(t, from, to);

	if (skipped) {
		fputs("SKIPPED: ", out);
		run_print_wrapped(out, skipped, 9, 9);
		return;
	}
	for (unsigned int i = from; i < to; i++)
		if (t->pairs->pair[i].selected)
			print_row(t, i, stalls, out, notes);
}

/* --- groups ------------------------------------------------------------- */

static bool any_selected(const struct pairs *pairs, unsigned int from,
			 unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		if (pairs->pair[i].selected)
			return true;
	return false;
}

/* Said once for all workloads, before. */
static bool is_skipped(const struct pair *p)
{
	return p->point && p->point->skipped[0];
}

static void print_heading(const struct workload *w, bool stalls, FILE *out)
{
	fprintf(out, "\n%-*s %7s %7s %20s %27s\n", NAME_WIDTH, "", "", "ratio",
		"--single operation--", "---- mean wait for the ----");
	fprintf(out, "%-*.*s %7s %7s %6s %6s %6s", NAME_WIDTH,
		cli_group_length(w->name), w->name, "cost", "to " BASELINE,
		"p50", "p99", "max");
	for (int k = WAIT_LOCK; k <= WAIT_IO; k++)
		fprintf(out, " %6s", wait_kind_name(k));
	fprintf(out, "%s\n", stalls ? "  stall" : "");
}

static void print_group(const struct table *t, unsigned int from,
			unsigned int to, FILE *out)
{
	struct notes notes = { 0 };
	unsigned int next, group = from;
	bool stalls = false, first = true;

	for (unsigned int i = from; i < to; i++)
		stalls |= t->pairs->pair[i].selected &&
			  t->pairs->pair[i].workload->stalls;
	print_heading(t->pairs->pair[from].workload, stalls, out);
	for (; from < to; from = next) {
		next = run_workload_end(t->pairs, from);
		if (!any_selected(t->pairs, from, next) ||
		    is_skipped(&t->pairs->pair[from]))
			continue;
		fputs(first ? "" : "\n", out);
		first = false;
		print_case(t, from, next, out);
		print_rows(t, from, next, stalls, out, &notes);
		run_print_counters(t, from, next, out);
	}
	run_note_counters(&notes, t, group, to);
	run_print_notes(&notes, out);
}

void run_table(const struct table *t, FILE *out)
{
	struct notes notes = { 0 };
	unsigned int from, to;

	for (from = 0; from < t->pairs->nr; from = to) {
		const char *group = t->pairs->pair[from].workload->name;
		size_t len = cli_group_length(group);

		for (to = from; to < t->pairs->nr; to++) {
			const char *name = t->pairs->pair[to].workload->name;

			if (strncmp(name, group, len) ||
			    (name[len] && name[len] != '/'))
				break;
		}
		if (any_selected(t->pairs, from, to))
			print_group(t, from, to, out);
	}
	/* The same in every group. */
	run_note_perf(&notes, t, 0, t->pairs->nr);
	if (!notes.nr)
		return;
	fputs("\ncounters\n", out);
	run_print_notes(&notes, out);
}
