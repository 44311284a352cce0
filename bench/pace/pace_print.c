// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model beside kernel: per load, with the exact 95 % interval of their ratio.
 */
#include "bench/pace/pace.h"

#include <math.h>
#include <stdio.h>

#define APART		3.0	/* rates that agree differ by less */
#define FEW		30	/* events, of either side, that say little */
#define ZERO_AGREES	3.0	/* so many expected where none was seen */

/* P(X <= k) of @n trials with probability @p. */
static double binomial_at_most(uint64_t k, uint64_t n, double p)
{
	double sum = 0;

	for (uint64_t i = 0; i <= k; i++)
		sum += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) +
			   i * log(p) + (n - i) * log1p(-p));
	return sum;
}

/* The p at which P(X <= k) is @want; it falls as p grows. */
static double binomial_p(uint64_t k, uint64_t n, double want)
{
	double low = 0, high = 1;

	for (int i = 0; i < 60; i++) {
		double p = (low + high) / 2;

		if (binomial_at_most(k, n, p) > want)
			low = p;
		else
			high = p;
	}
	return (low + high) / 2;
}

/* Of @a events in @x loads over @b in @y, given their sum (Clopper-Pearson). */
static void ratio_interval(uint64_t a, double x, uint64_t b, double y,
			   double *low, double *high)
{
	uint64_t n = a + b;
	double p;

	p = a ? binomial_p(a - 1, n, 0.975) : 0;
	*low = p / (1 - p) * y / x;
	p = b ? binomial_p(a, n, 0.025) : 1;
	*high = b ? p / (1 - p) * y / x : INFINITY;
}

static const char *verdict(uint64_t model, double x, uint64_t kernel, double y,
			   double low, double high)
{
	if (!kernel)
		return model * y / x <= ZERO_AGREES ? "agrees" : "NO";
	if (low >= 1 / APART && high <= APART)
		return "agrees";
	if (high < 1 / APART || low > APART)
		return "NO";
	return model < FEW || kernel < FEW ? "few" : "apart";
}

static void line(const char *what, uint64_t model, double x, uint64_t kernel,
		 double y)
{
	double low = 0, high = INFINITY;

	if (model + kernel)
		ratio_interval(model, x, kernel, y, &low, &high);
	printf("  %-10s %7llu %7llu %9.5f %9.5f", what,
	       (unsigned long long)model, (unsigned long long)kernel,
	       model / x, kernel / y);
	if (model && kernel)
		printf(" %7.2f [%.2f, %.2f]", model / x / (kernel / y), low,
		       high);
	printf("  %s\n", verdict(model, x, kernel, y, low, high));
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
