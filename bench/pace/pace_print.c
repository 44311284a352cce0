// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model beside kernel: how many, per load, and their ratio.  Its interval is
 * the report's to say (bench/report/pace.py).
 */
#include "bench/pace/pace.h"

#include <stdio.h>

static void line(const char *what, uint64_t model, double x, uint64_t kernel,
		 double y)
{
	printf("  %-10s %7llu %7llu %9.5f %9.5f", what,
	       (unsigned long long)model, (unsigned long long)kernel,
	       model / x, kernel / y);
	if (model && kernel)
		printf(" %7.2f", model / x / (kernel / y));
	printf("\n");
}

void pace_print(const struct guest *g, const struct pace_row *row)
{
	double x = row->loads, y = g->loads;
	const char *per = "load";

	/* With no repairs, by what was looked up. */
	if (!g->loads) {
		x = row->seconds;
		y = g->seconds;
		per = "second";
	}
	printf("%s, %s: per %s, model | kernel; %.1f | %.1f per AIL cycle of "
	       "%.1f | %.1f ms, %.1f | %.1f syncs\n",
	       g->scenario, g->fix, per, x / row->ail_cycles,
	       y / g->ail_submits, row->seconds * 1e3 / row->ail_cycles,
	       g->seconds * 1e3 / g->ail_submits,
	       (double)row->syncs / row->ail_cycles,
	       (double)g->syncs / g->ail_submits);
	line("met", row->met_lookup, x, g->met_lookup, y);
	if (g->loads) {
		line("claimed", row->met, x, g->met_claim, y);
		line("misqueued", row->misqueued, x, g->misqueued, y);
	}
	line("waits", row->waits, x, g->waits, y);
	if (row->waits && g->waits)
		printf("  mean wait %7.1f | %.1f ms, ratio %.2f\n",
		       row->wait_total_ns / 1e6 / row->waits,
		       g->wait_total_ns / 1e6 / g->waits,
		       (double)row->wait_total_ns / row->waits /
			       ((double)g->wait_total_ns / g->waits));
	printf("  staled on the list %llu, windows %llu of %.1f ms, "
	       "allocated %llu; repairs %.2f | %.2f ms\n",
	       (unsigned long long)row->staled_linked,
	       (unsigned long long)row->windows,
	       row->windows ? row->window_total_ns / 1e6 / row->windows : 0,
	       (unsigned long long)row->met_alloc,
	       row->repairs ? row->repair_total_ns / 1e6 / row->repairs : 0,
	       g->repair_ns / 1e6);
	fflush(stdout);
}
