// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text under and between tables: wrapped at 100 columns, each note once.
 */
#include "bench/run/run.h"

#include <stdarg.h>
#include <string.h>

#include "bench/machine/machine.h"

/* From so much on it is worth a note. */
#define BUSY_SHARE	0.05		/* of all processors, by others */
#define STEAL_SHARE	0.01

void run_note(struct notes *n, const char *fmt, ...)
{
	char text[sizeof(n->text[0])];
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

void run_print_notes(const struct notes *n, FILE *out)
{
	for (unsigned int i = 0; i < n->nr; i++) {
		fputs("  ", out);
		run_print_wrapped(out, n->text[i], 2, 4);
	}
}

void run_print_wrapped(FILE *out, const char *text, int column, int indent)
{
	bool first = true;

	while (*text) {
		int len = strcspn(text, " ");

		if (!first && column + 1 + len > RUN_COLUMNS) {
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

/* --- the machine -------------------------------------------------------- */

/* How much @key grew while a block was measured; -1: unknown. */
static double growth(const json_t *block, const char *key)
{
	const json_t *a = json_object_get(json_object_get(block, "before"),
					  key);
	const json_t *b = json_object_get(json_object_get(block, "after"),
					  key);

	if (!json_is_number(a) || !json_is_number(b))
		return -1;
	return json_number_value(b) - json_number_value(a);
}

static double load_after(const json_t *block)
{
	const json_t *load = json_object_get(json_object_get(block, "after"),
					     "load");

	return json_number_value(json_array_get(load, 0));
}

void run_note_machine(struct notes *n, json_t *const *blocks,
		      unsigned int nr_blocks)
{
	double seconds = 0, others = 0, stolen = 0, load = 0;
	unsigned int processors = 1;

	for (unsigned int i = 0; i < nr_blocks; i++) {
		const json_t *b = blocks[i];

		if (!b || growth(b, "busy_s") < 0 || growth(b, "own_s") < 0 ||
		    growth(b, "clock_s") < 0)
			continue;
		seconds += growth(b, "clock_s");
		others += growth(b, "busy_s") - growth(b, "own_s");
		stolen += growth(b, "steal_s");
		if (load_after(b) > load)
			load = load_after(b);
		processors = json_integer_value(json_object_get(
			json_object_get(b, "after"), "processors"));
	}
	if (machine_is_emulated())
		run_note(n, "EMULATED: no time of it means anything, and no comparison takes it");
	if (!seconds) {
		run_note(n, "whether the machine was busy is not known: /proc/stat does not tell");
		return;
	}
	others /= seconds;
	stolen /= seconds;
	if (others > BUSY_SHARE * processors)
		run_note(n,
			 "THE MACHINE WAS BUSY: others used %.1f of its %u processor%s (load %.1f with ours): expect noise",
			 others, processors, processors == 1 ? "" : "s", load);
	if (stolen > STEAL_SHARE * processors)
		run_note(n,
			 "THE MACHINE WAS SHARED: its host took away %.0f %% of the time: expect noise",
			 100 * stolen / processors);
}
