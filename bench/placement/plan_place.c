// SPDX-License-Identifier: GPL-2.0-only
/*
 * One loop takes the best place for thread after thread, by a test of
 * where it may go and an order of preference, so that all policies treat
 * missing levels and used processors alike.
 */
#include "bench/placement/plan_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- what is in use ----------------------------------------------------- */

int place_init(struct place *p, const struct topology *t)
{
	*p = (struct place){ .t = t };
	p->nr_uses = (size_t)t->nr_pus + t->nr_cores + t->nr_l3s + t->nr_nodes +
		     t->nr_packages + t->nr_cores + t->nr_l3s;
	p->allowed = calloc(t->nr_pus, sizeof(*p->allowed));
	p->candidate = calloc(t->nr_pus, sizeof(*p->candidate));
	p->pu = calloc(p->nr_uses, sizeof(*p->pu));
	if (!p->allowed || !p->candidate || !p->pu) {
		place_free(p);
		return -ENOMEM;
	}
	p->core = p->pu + t->nr_pus;
	p->l3 = p->core + t->nr_cores;
	p->node = p->l3 + t->nr_l3s;
	p->package = p->node + t->nr_nodes;
	p->core_left = p->package + t->nr_packages;
	p->l3_left = p->core_left + t->nr_cores;
	return 0;
}

void place_free(struct place *p)
{
	free(p->allowed);
	free(p->candidate);
	free(p->pu);
}

void place_reset(struct place *p)
{
	memset(p->pu, 0, p->nr_uses * sizeof(*p->pu));
}

void place_no_candidates(struct place *p)
{
	memset(p->candidate, 0, p->t->nr_pus * sizeof(*p->candidate));
	memset(p->core_left, 0, p->t->nr_cores * sizeof(*p->core_left));
	memset(p->l3_left, 0, p->t->nr_l3s * sizeof(*p->l3_left));
}

void place_candidate(struct place *p, unsigned int pu)
{
	const struct topology_pu *at = &p->t->pu[pu];

	p->candidate[pu] = true;
	if (p->pu[pu])
		return;
	p->core_left[at->core]++;
	if (at->l3 != TOPOLOGY_NONE)
		p->l3_left[at->l3]++;
}

/* No thread was on @pu, and one will be. */
static void take(struct place *p, unsigned int pu)
{
	const struct topology_pu *at = &p->t->pu[pu];

	if (!p->candidate[pu] || p->pu[pu])
		return;
	p->core_left[at->core]--;
	if (at->l3 != TOPOLOGY_NONE)
		p->l3_left[at->l3]--;
}

static void use_level(unsigned int *level, unsigned int index)
{
	if (index != TOPOLOGY_NONE)
		level[index]++;
}

static void use(struct place *p, unsigned int pu)
{
	const struct topology_pu *at = &p->t->pu[pu];
	unsigned int first = pu, end = pu + 1;

	/* Threads of a core are neighbours; all of them are taken with it. */
	while (p->cores_only && first &&
	       p->t->pu[first - 1].core == at->core)
		first--;
	while (p->cores_only && end < p->t->nr_pus &&
	       p->t->pu[end].core == at->core)
		end++;
	for (unsigned int i = first; i < end; i++)
		take(p, i);
	p->pu[pu]++;
	use_level(p->core, at->core);
	use_level(p->l3, at->l3);
	use_level(p->node, at->node);
	use_level(p->package, at->package);
}

/* --- the loop ----------------------------------------------------------- */

static bool less(const unsigned int *a, const unsigned int *b)
{
	unsigned int i = 0;

	while (i < PLACE_KEYS - 1 && a[i] == b[i])
		i++;
	return a[i] < b[i];
}

/* TOPOLOGY_NONE: nowhere. */
static unsigned int best(struct place *p, place_test fits, place_key key)
{
	unsigned int found = TOPOLOGY_NONE, least[PLACE_KEYS];

	p->looked_at += p->t->nr_pus;
	for (unsigned int i = 0; i < p->t->nr_pus; i++) {
		unsigned int k[PLACE_KEYS] = { 0 };

		if (!p->candidate[i] || !fits(p, i))
			continue;
		key(p, i, k);
		if (found == TOPOLOGY_NONE || less(k, least)) {
			found = i;
			memcpy(least, k, sizeof(least));
		}
	}
	return found;
}

bool place_threads(struct place *p, unsigned int nr, place_test fits,
		   place_key key, unsigned int *pus)
{
	for (p->thread = 0; p->thread < nr; p->thread++) {
		unsigned int pu = best(p, fits, key);

		if (pu == TOPOLOGY_NONE)
			return false;
		p->last = pus[p->thread] = pu;
		use(p, pu);
	}
	return true;
}
