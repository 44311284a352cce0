// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policies: where each lets a thread go, what it prefers there, in
 * which L3 or nodes it tries, and why it cannot be met.
 */
#include "bench/placement/plan_private.h"

#include <errno.h>
#include <stdlib.h>

/* More different distances than any machine has. */
#define DISTANCES	64

static unsigned int used(const unsigned int *level, unsigned int index)
{
	return index == TOPOLOGY_NONE ? 0 : level[index];
}

/* --- where a thread may go ---------------------------------------------- */

static bool anywhere(const struct place *p, unsigned int pu)
{
	(void)p;
	(void)pu;
	return true;
}

static bool unused(const struct place *p, unsigned int pu)
{
	return !p->pu[pu] &&
	       !(p->cores_only && p->core[p->t->pu[pu].core]);
}

static bool in_pairs(const struct place *p, unsigned int pu)
{
	if (p->pu[pu])
		return false;
	if (p->thread % 2)
		return p->t->pu[pu].core == p->t->pu[p->last].core;
	return p->core_left[p->t->pu[pu].core] >= 2;
}

static bool other_l3(const struct place *p, unsigned int pu)
{
	unsigned int l3 = p->t->pu[pu].l3;

	return unused(p, pu) && l3 != TOPOLOGY_NONE &&
	       (!p->thread || l3 != p->t->pu[p->last].l3);
}

static bool by_turns(const struct place *p, unsigned int pu)
{
	return unused(p, pu) && p->t->pu[pu].node == p->pair[p->thread % 2];
}

/* --- what is preferred there -------------------------------------------- */

static unsigned int far_from_first(const struct place *p, unsigned int pu)
{
	const struct topology_pu *a = &p->t->pu[p->first], *b = &p->t->pu[pu];
	unsigned int d;

	if (a->node == b->node)
		return 0;
	d = topology_distance(p->t, a->node, b->node);
	if (d)
		return d;
	return a->package == b->package ? 1 : UINT_MAX;
}

/* hwloc's order has neighbours side by side: the rest is up to it. */
static void compact_key(const struct place *p, unsigned int pu,
			unsigned int key[PLACE_KEYS])
{
	const struct topology_pu *at = &p->t->pu[pu];

	key[0] = p->pu[pu];
	key[1] = at->kind;
	key[2] = far_from_first(p, pu);
	key[3] = at->node;	/* equally far: one after the other */
}

static void cores_key(const struct place *p, unsigned int pu,
		      unsigned int key[PLACE_KEYS])
{
	const struct topology_pu *at = &p->t->pu[pu];

	key[0] = p->pu[pu];
	key[1] = p->core[at->core];
	key[2] = at->kind;
	key[3] = far_from_first(p, pu);
	key[4] = at->node;
}

static void spread_key(const struct place *p, unsigned int pu,
		       unsigned int key[PLACE_KEYS])
{
	const struct topology_pu *at = &p->t->pu[pu];

	key[0] = p->pu[pu];
	key[1] = p->core[at->core];
	key[2] = at->kind;
	key[3] = used(p->package, at->package);
	key[4] = used(p->node, at->node);
	key[5] = used(p->l3, at->l3);
}

/* From the L3 with most left, or the others run out too soon. */
static void cross_l3_key(const struct place *p, unsigned int pu,
			 unsigned int key[PLACE_KEYS])
{
	const struct topology_pu *at = &p->t->pu[pu];

	key[0] = p->t->nr_pus - p->l3_left[at->l3];
	key[1] = p->core[at->core];
	key[2] = at->kind;
}

/* --- domains: one L3, one node, two nodes ------------------------------- */

static bool in_l3(const struct place *p, unsigned int pu, unsigned int l3)
{
	return p->t->pu[pu].l3 == l3;
}

static bool in_node(const struct place *p, unsigned int pu, unsigned int node)
{
	return p->t->pu[pu].node == node;
}

static bool in_pair(const struct place *p, unsigned int pu, unsigned int any)
{
	(void)any;
	return in_node(p, pu, p->pair[0]) || in_node(p, pu, p->pair[1]);
}

static bool in_machine(const struct place *p, unsigned int pu, unsigned int any)
{
	(void)p;
	(void)pu;
	(void)any;
	return true;
}

typedef bool (*place_domain)(const struct place *p, unsigned int pu,
			     unsigned int domain);

static unsigned int restrict_to(struct place *p, place_domain in,
				unsigned int domain, unsigned int kind)
{
	unsigned int nr = 0;

	place_no_candidates(p);
	p->looked_at += p->t->nr_pus;
	for (unsigned int i = 0; i < p->t->nr_pus; i++) {
		if (!p->allowed[i] || p->t->pu[i].kind > kind ||
		    !in(p, i, domain))
			continue;
		place_candidate(p, i);
		if (!nr++)
			p->first = i;
	}
	return nr;
}

struct policy {
	place_domain in;
	place_test fits;
	place_key key;
};

/* In @domain, on cores of this kind or faster ones. */
static bool place_in(struct place *p, const struct policy *policy,
		     unsigned int domain, unsigned int kind, unsigned int nr,
		     unsigned int *pus)
{
	place_reset(p);
	if (restrict_to(p, policy->in, domain, kind) < nr)
		return false;
	return place_threads(p, nr, policy->fits, policy->key, pus);
}

/*
 * In the first domain that has room: rather on one kind of core than with
 * a core per thread, rather with a core per thread than in the first.
 */
static bool place_in_one(struct place *p, const struct policy *policy,
			 unsigned int nr_domains, unsigned int nr,
			 unsigned int *pus)
{
	for (unsigned int kind = 0; kind < p->t->nr_kinds; kind++)
		for (int siblings = 0; siblings <= 1; siblings++)
			for (unsigned int d = 0; d < nr_domains; d++) {
				p->cores_only = !siblings;
				if (place_in(p, policy, d, kind, nr, pus))
					return true;
			}
	return false;
}

/* --- the policies, and why they cannot be met --------------------------- */

static unsigned int largest(struct place *p, place_domain in, unsigned int nr)
{
	unsigned int most = 0;

	for (unsigned int d = 0; d < nr; d++) {
		unsigned int n = restrict_to(p, in, d, UINT_MAX);

		most = n > most ? n : most;
	}
	return most;
}

static unsigned int siblings_before(const struct place *p, unsigned int pu)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < pu; i++)
		nr += p->candidate[i] && p->t->pu[i].core == p->t->pu[pu].core;
	return nr;
}

static bool smt_pair(struct place *p, unsigned int nr, unsigned int *pus,
		     char *why, size_t size)
{
	static const struct policy policy = { in_machine, in_pairs, cores_key };
	unsigned int pairs = 0;

	if (nr % 2) {
		snprintf(why, size, "threads go in pairs, and %u is odd", nr);
		return false;
	}
	for (unsigned int kind = 0; kind < p->t->nr_kinds; kind++)
		if (place_in(p, &policy, 0, kind, nr, pus))
			return true;
	restrict_to(p, in_machine, 0, UINT_MAX);
	for (unsigned int i = 0; i < p->t->nr_pus; i++)
		pairs += p->candidate[i] && siblings_before(p, i) % 2;
	if (pairs)
		snprintf(why, size,
			 "%u pairs are asked for, and cores have %u", nr / 2,
			 pairs);
	else
		snprintf(why, size,
			 "no core has two processors that may be used");
	return false;
}

static bool same_l3(struct place *p, unsigned int nr, unsigned int *pus,
		    char *why, size_t size)
{
	static const struct policy policy = { in_l3, unused, cores_key };

	if (!p->t->nr_l3s)
		snprintf(why, size, "the topology shows no L3 cache");
	else if (place_in_one(p, &policy, p->t->nr_l3s, nr, pus))
		return true;
	else
		snprintf(why, size,
			 "%u threads, and the largest L3 serves %u processors that may be used",
			 nr, largest(p, in_l3, p->t->nr_l3s));
	return false;
}

static unsigned int l3s_in_node(const struct place *p, unsigned int node)
{
	unsigned int nr = 0, last = TOPOLOGY_NONE;

	for (unsigned int i = 0; i < p->t->nr_pus; i++)
		if (p->allowed[i] && in_node(p, i, node) &&
		    p->t->pu[i].l3 != last) {
			last = p->t->pu[i].l3;
			nr++;
		}
	return nr;
}

static bool cross_l3(struct place *p, unsigned int nr, unsigned int *pus,
		     char *why, size_t size)
{
	static const struct policy policy = { in_node, other_l3, cross_l3_key };
	unsigned int most = 0;

	for (unsigned int n = 0; n < p->t->nr_nodes; n++)
		most = l3s_in_node(p, n) > most ? l3s_in_node(p, n) : most;
	if (!p->t->nr_l3s)
		snprintf(why, size, "the topology shows no L3 cache");
	else if (most < 2)
		snprintf(why, size,
			 "no node has two L3 caches with processors that may be used");
	else if (nr < 2)
		snprintf(why, size, "one thread cannot cross anything");
	else if (place_in_one(p, &policy, p->t->nr_nodes, nr, pus))
		return true;
	else
		snprintf(why, size,
			 "no node has room for %u threads, neighbours under different L3 caches",
			 nr);
	return false;
}

/* Processors that may be used, of each node; NULL: no memory. */
static unsigned int *count_by_node(const struct place *p)
{
	unsigned int *room = calloc(p->t->nr_nodes + 1, sizeof(*room));

	for (unsigned int i = 0; room && i < p->t->nr_pus; i++)
		if (p->allowed[i] && p->t->pu[i].node != TOPOLOGY_NONE)
			room[p->t->pu[i].node]++;
	return room;
}

/*
 * Two nodes so far apart, 0 for unknown, with room for all by turns: rather
 * two that both have memory of their own.
 */
static bool pair_at(struct place *p, unsigned int distance, unsigned int nr,
		    const unsigned int *room, unsigned int *pus)
{
	static const struct policy policy = { in_pair, by_turns, cores_key };
	const struct topology *t = p->t;
	bool found = false;

	for (unsigned int a = 0; a < t->nr_nodes; a++) {
		if (room[a] < (nr + 1) / 2)
			continue;
		for (unsigned int b = 0; b < t->nr_nodes; b++) {
			bool memory = t->node[a].has_memory &&
				      t->node[b].has_memory;

			if (a == b || room[b] < nr / 2 || (found && !memory) ||
			    topology_distance(t, a, b) != distance)
				continue;
			p->pair[0] = a;
			p->pair[1] = b;
			found = true;
			if (memory)
				return place_in_one(p, &policy, 1, nr, pus);
		}
	}
	return found && place_in_one(p, &policy, 1, nr, pus);
}

static unsigned int nodes_with_room(const struct place *p,
				    const unsigned int *room)
{
	unsigned int nr = 0;

	for (unsigned int n = 0; n < p->t->nr_nodes; n++)
		nr += room[n] > 0;
	return nr;
}

/* At the distance that @req names, or the greatest that has room. */
static bool find_pair(struct place *p, const struct plan_request *req,
		      const unsigned int *room, unsigned int *pus,
		      const unsigned int *distance, unsigned int nr_distances)
{
	unsigned int nr = req->role[PLAN_LOOKER].nr;

	if (req->distance)
		return pair_at(p, req->distance, nr, room, pus);
	while (nr_distances--)
		if (pair_at(p, distance[nr_distances], nr, room, pus))
			return true;
	return pair_at(p, 0, nr, room, pus);
}

static bool cross_node(struct place *p, const struct plan_request *req,
		       const unsigned int *room, unsigned int *pus, char *why,
		       size_t size)
{
	unsigned int nr = req->role[PLAN_LOOKER].nr;
	unsigned int d[DISTANCES], n, at;

	if (nodes_with_room(p, room) < 2) {
		snprintf(why, size,
			 "fewer than two nodes have processors that may be used");
		return false;
	}
	if (nr < 2) {
		snprintf(why, size, "one thread cannot cross anything");
		return false;
	}
	n = topology_distances(p->t, d, DISTANCES);
	if (find_pair(p, req, room, pus, d, n))
		return true;
	at = snprintf(why, size, "no two nodes%s have room for %u threads by turns; distances:",
		      req->distance ? " at this distance" : "", nr);
	for (unsigned int i = 0; i < n; i++)
		at += snprintf(why + at, size - at, " %u", d[i]);
	if (!n)
		snprintf(why + at, size - at, " unknown");
	return false;
}

int place_policy(struct place *p, const struct plan_request *req,
		 unsigned int *pus, char *why, size_t size)
{
	static const struct policy spread = { in_machine, anywhere,
					      spread_key };
	static const struct policy compact = { in_machine, anywhere,
					       compact_key };
	const struct policy *rest = &compact;
	unsigned int nr = req->role[PLAN_LOOKER].nr, *room;
	bool met;

	switch (req->policy) {
	case PLAN_SMT_PAIR:
		return smt_pair(p, nr, pus, why, size);
	case PLAN_SAME_L3:
		return same_l3(p, nr, pus, why, size);
	case PLAN_CROSS_L3:
		return cross_l3(p, nr, pus, why, size);
	case PLAN_CROSS_NODE:
		room = count_by_node(p);
		if (!room)
			return -ENOMEM;
		met = cross_node(p, req, room, pus, why, size);
		free(room);
		return met;
	case PLAN_SPREAD:
		rest = &spread;
		break;
	default:
		break;
	}
	/* They take any number: a processor may get several. */
	restrict_to(p, rest->in, 0, UINT_MAX);
	return place_threads(p, nr, rest->fits, rest->key, pus);
}

bool place_on_node(struct place *p, unsigned int node, unsigned int nr,
		   unsigned int *pus)
{
	for (unsigned int i = 0; i < p->t->nr_pus; i++)
		p->allowed[i] = true;
	p->cores_only = false;
	restrict_to(p, in_node, node, UINT_MAX);
	return place_threads(p, nr, anywhere, cores_key, pus);
}
