// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table: fix by workload, what was not measured with its reason, and
 * beside it which hazards each fix does not hold.
 */
#include "bench/run.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "bench/oracle/oracle.h"

#define COLUMNS		100
#define NOTES		8
#define BASELINE	"none"

/* --- notes under a table ------------------------------------------------ */

struct notes {
	unsigned int nr;
	char text[NOTES][384];
};

static void note(struct notes *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct notes *n, const char *fmt, ...)
{
	char text[384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (unsigned int i = 0; i < n->nr; i++)
		if (!strcmp(n->text[i], text))
			return;
	if (n->nr < NOTES)
		strcpy(n->text[n->nr++], text);
}

/*
 * Words of @text, the first at @column where the caller has left off; lines
 * after that begin at @indent and none is longer than COLUMNS.
 */
static void print_wrapped(FILE *out, const char *text, int column, int indent)
{
	bool first = true;

	while (*text) {
		int len = strcspn(text, " ");

		if (!first && column + 1 + len > COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		first = false;
		fprintf(out, "%.*s", len, text);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

/* --- cells -------------------------------------------------------------- */

static void format_time(char *cell, size_t size, double ns,
			const struct workload *w)
{
	double value = w->microseconds ? ns / 1000 : ns;

	snprintf(cell, size, value < 100000 ? "%.1f" : "%.0f", value);
}

static void format_waits(char *cell, size_t size, const struct wait_stat *w)
{
	double ms = w->total_ns / 1e6;
	char count[16];

	if (!w->count) {
		snprintf(cell, size, "0");
		return;
	}
	if (w->count < 100000)
		snprintf(count, sizeof(count), "%llu",
			 (unsigned long long)w->count);
	else
		snprintf(count, sizeof(count), "%.1fM", w->count / 1e6);
	snprintf(cell, size, ms < 100 ? "%s/%.1f" : "%s/%.0f", count, ms);
}

static void print_waits(const struct summary *s, FILE *out)
{
	for (int k = WAIT_LOCK; k <= WAIT_IO; k++) {
		char cell[32];

		format_waits(cell, sizeof(cell), &s->waits[k]);
		fprintf(out, " %12s", cell);
	}
	fputc('\n', out);
}

static void print_times(const struct pair *p, const struct summary *s,
			bool base_violated, FILE *out, struct notes *notes)
{
	char median[32], p99[33], ratio[32] = "-";

	format_time(median, sizeof(median), s->median, p->workload);
	format_time(p99, sizeof(p99) - 1, s->p99, p->workload);
	if (s->p99_is_max) {
		strcat(p99, "^");
		note(notes, "^ fewer than 100 values: the largest instead of "
			    "a 99th percentile");
	}
	if (base_violated)
		note(notes, "- no ratio: " BASELINE " was violated, and the "
			    "time of a wrong result is no measure");
	else if (!s->has_ratio)
		note(notes, "- no ratio: " BASELINE " was not measured in the "
			    "same rounds");
	else
		snprintf(ratio, sizeof(ratio), "%.3f", s->ratio);
	fprintf(out, " %8s %7s %8s", median, ratio, p99);
	print_waits(s, out);
}

static void print_row(const struct pair *p, const struct summary *s,
		      bool base_violated, FILE *out, struct notes *notes)
{
	char cell[64];

	fprintf(out, "%-20s", p->fix->name);
	if (!s->measured) {
		fputs(" not measured: ", out);
		print_wrapped(out, s->reason, 35, 35);
	} else if (s->violated) {
		snprintf(cell, sizeof(cell), "VIOLATED %llu/%llu",
			 (unsigned long long)s->violated,
			 (unsigned long long)s->checked);
		fprintf(out, " %-25s", cell);
		print_waits(s, out);
		note(notes, "VIOLATED n/m: at n of m root commits a block of "
		     "the new tree was not on the device; no time is shown "
		     "for a wrong result");
	} else {
		print_times(p, s, base_violated, out, notes);
	}
	if (s->misqueued)
		note(notes,
		     "%s: %llu blocks were queued on somebody else's "
		     "list",
		     p->fix->name, (unsigned long long)s->misqueued);
	if (s->left)
		note(notes,
		     "%s: %llu things were left at unmount (see "
		     "left_at_unmount in the block files)",
		     p->fix->name, (unsigned long long)s->left);
}

/* --- tables ------------------------------------------------------------- */

static void print_heading(const struct workload *w, const struct bench *bench,
			  const struct summary *first, unsigned int nr_blocks,
			  FILE *out)
{
	char how[256] = "", text[512];
	int n;

	w->describe(bench, how, sizeof(how));
	n = snprintf(text, sizeof(text),
		     "%s, %s per %s: %s; median and p99 of %s; %u batches",
		     w->name, w->microseconds ? "us" : "ns", w->operation, how,
		     "batches",
		     first ? first->nr_batches : 0);
	if (first && first->ops_per_batch)
		n += snprintf(text + n, sizeof(text) - n, " of %llu",
			      (unsigned long long)first->ops_per_batch);
	else
		n += snprintf(text + n, sizeof(text) - n, " of %g s",
			      w->batch_ns / 1e9);
	snprintf(text + n, sizeof(text) - n, " in %u block%s", nr_blocks,
		 nr_blocks == 1 ? "" : "s");
	fputc('\n', out);
	print_wrapped(out, text, 0, 2);
	fprintf(out, "%-20s %8s %7s %8s %s\n", "", "", "ratio", "",
		" waits (count/ms, of all operations together)");
	fprintf(out, "%-20s %8s %7s %8s", "fix", "median", "to " BASELINE,
		"p99");
	for (int k = WAIT_LOCK; k <= WAIT_IO; k++)
		fprintf(out, " %12s", wait_kind_name(k));
	fputc('\n', out);
}

static void print_workload(const struct pairs *pairs,
			   const struct summary *summaries, unsigned int from,
			   unsigned int to, const struct bench *bench,
			   unsigned int nr_blocks, FILE *out)
{
	const struct summary *measured = NULL;
	struct notes notes = { 0 };
	bool base_violated = false;
	unsigned int i;

	for (i = from; i < to; i++) {
		if (!measured && summaries[i].measured)
			measured = &summaries[i];
		if (!strcmp(pairs->pair[i].fix->name, BASELINE))
			base_violated = summaries[i].violated > 0;
	}
	print_heading(pairs->pair[from].workload, bench, measured, nr_blocks,
		      out);
	for (i = from; i < to; i++)
		if (pairs->pair[i].selected)
			print_row(&pairs->pair[i], &summaries[i],
				  base_violated, out, &notes);
	for (i = 0; i < notes.nr; i++) {
		fputs("  ", out);
		print_wrapped(out, notes.text[i], 2, 2);
	}
}

static bool any_selected(const struct pairs *pairs, unsigned int from,
			 unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		if (pairs->pair[i].selected)
			return true;
	return false;
}

void run_table(const struct pairs *pairs, const struct summary *summaries,
	       const struct bench *bench, unsigned int nr_blocks, FILE *out)
{
	unsigned int from, to;

	for (from = 0; from < pairs->nr; from = to) {
		to = from;
		while (to < pairs->nr &&
		       pairs->pair[to].workload == pairs->pair[from].workload)
			to++;
		if (any_selected(pairs, from, to))
			print_workload(pairs, summaries, from, to, bench,
				       nr_blocks, out);
	}
}

int run_matrix(const struct cli *cli, FILE *out)
{
	fprintf(out, "\nhazards that a fix does not hold (lost-wakeup is not "
		     "tried here; scripts/verify\nshows why):\n");
	for (unsigned int i = 0; i < cli->nr_fixes; i++) {
		const struct fix *fix = cli->fixes[i];
		char text[512] = "";
		int error = 0;

		if (fix->does_nothing || fix_is_twin(fix))
			snprintf(text, sizeof(text), "not checked: a control "
				 "of the measurement");
		else
			error = oracle_matrix_brief(fix, text, sizeof(text));
		fprintf(out, "%-20s ", fix->name);
		print_wrapped(out,
			      text[0] ? text :
					"not checked: run "
					"scripts/verify",
			      21, 21);
		fflush(out);
		if (error && !strcmp(text, "interrupted"))
			return -EINTR;
	}
	return 0;
}
