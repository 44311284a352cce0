// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making a plan: lookers by the policy, the other roles on the node asked
 * for, the memory of each, and for every line why it is so.
 */
#include "bench/placement/plan_private.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void skip(struct plan *plan, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void skip(struct plan *plan, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(plan->skipped, sizeof(plan->skipped), fmt, ap);
	va_end(ap);
}

static void say(struct plan_entry *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends to the line's reason, which has room for all that is said. */
static void say(struct plan_entry *e, const char *fmt, ...)
{
	size_t len = strlen(e->why);
	va_list ap;

	va_start(ap, fmt);
	len += vsnprintf(e->why + len, sizeof(e->why) - len, fmt, ap);
	va_end(ap);
	assert(len < sizeof(e->why));
}

/* --- why: what a line has in common with one before --------------------- */

static void say_node(const struct topology *t, unsigned int from,
		     unsigned int to, struct plan_entry *e)
{
	unsigned int d = topology_distance(t, from, to);

	if (to == TOPOLOGY_NONE)
		say(e, "on no node");
	else
		say(e, "node %u", t->node[to].os);
	if (d)
		say(e, ", distance %u", d);
	else
		say(e, ", distance unknown");
}

static void say_other_node(const struct topology *t, unsigned int from,
			   unsigned int to, const char *whom,
			   struct plan_entry *e)
{
	say_node(t, from, to, e);
	say(e, " from %s", whom);
}

static void say_place(const struct place *p, unsigned int prev,
		      unsigned int pu, const char *whom, struct plan_entry *e)
{
	const struct topology *t = p->t;
	const struct topology_pu *a = &t->pu[prev], *b = &t->pu[pu];

	if (pu == prev)
		say(e, "the same processor as %s", whom);
	else if (a->core == b->core)
		say(e, "the same core as %s", whom);
	else if (a->node != b->node)
		say_other_node(t, a->node, b->node, whom, e);
	else if (a->package != b->package)
		say(e, "another package of the node of %s", whom);
	else if (a->l3 != b->l3)
		say(e, "another L3 of the node of %s", whom);
	else if (a->l3 != TOPOLOGY_NONE)
		say(e, "another core under the L3 of %s", whom);
	else
		say(e, "another core of the node of %s", whom);
}

/* Not only the previous one: an earlier one may be a sibling. */
static void say_shared_core(const struct topology *t, const unsigned int *pus,
			    unsigned int thread, struct plan_entry *e)
{
	for (unsigned int i = 0; i + 1 < thread; i++)
		if (t->pu[pus[i]].core == t->pu[pus[thread]].core) {
			say(e, "; on the core of number %u", i);
			return;
		}
}

/* --- memory ------------------------------------------------------------- */

/*
 * Of nodes away from @pu, but for @except, the nearest or, if @far, farthest
 * one, or one at @distance.
 */
static unsigned int away_from(const struct topology *t, unsigned int pu,
			      unsigned int except, bool far,
			      unsigned int distance)
{
	unsigned int found = TOPOLOGY_NONE, best = 0;

	for (unsigned int n = 0; n < t->nr_nodes; n++) {
		unsigned int d = topology_distance(t, t->pu[pu].node, n);

		if (!t->node[n].has_memory || topology_is_around(t, n, pu) ||
		    n == except || (distance && d != distance))
			continue;
		if (found == TOPOLOGY_NONE || (far ? d > best : d < best)) {
			found = n;
			best = d;
		}
	}
	return found;
}

static unsigned int local_node(const struct topology *t, unsigned int pu)
{
	unsigned int node = t->pu[pu].memory;

	return node != TOPOLOGY_NONE ?
		       node :
		       away_from(t, pu, TOPOLOGY_NONE, false, 0);
}

/* Remote memory is not to be had: skipped. */
static void skip_remote(const struct topology_pu *pu, unsigned int distance,
			struct plan *plan)
{
	if (distance)
		skip(plan, "remote memory: no other node at distance %u from processor %u has any",
		     distance, pu->os);
	else
		skip(plan, "remote memory: every node that has memory is local to processor %u",
		     pu->os);
}

/* False: not to be had, and said so in @plan. */
static bool add_remote(const struct topology *t, unsigned int pu,
		       unsigned int distance, struct plan *plan,
		       struct plan_entry *e)
{
	unsigned int node = away_from(t, pu, local_node(t, pu), true, distance);

	if (node == TOPOLOGY_NONE) {
		skip_remote(&t->pu[pu], distance, plan);
		return false;
	}
	e->node = t->node[node].os;
	say(e, "; memory on ");
	say_node(t, t->pu[pu].node, node, e);
	return true;
}

/* The same. */
static bool add_local(const struct topology *t, unsigned int pu,
		      struct plan *plan, struct plan_entry *e)
{
	unsigned int own = t->pu[pu].node, node = local_node(t, pu);

	plan->not_local += t->pu[pu].memory == TOPOLOGY_NONE;
	if (node == TOPOLOGY_NONE) {
		skip(plan, "no node has memory that may be used");
		return false;
	}
	e->node = t->node[node].os;
	if (node == own)
		return true;
	say(e, own == TOPOLOGY_NONE ?
		       "; no node of its own that may be used, nearest is " :
		       "; its node has no memory, nearest is ");
	say_node(t, own, node, e);
	return true;
}

/* The same. */
static bool add_memory(const struct topology *t, const struct plan_request *req,
		       unsigned int pu, struct plan *plan,
		       struct plan_entry *e)
{
	switch (req->memory) {
	case PLAN_REMOTE:
		return add_remote(t, pu, req->memory_distance, plan, e);
	case PLAN_INTERLEAVED:
		e->node = -1;
		say(e, "; memory over all nodes by turns");
		return true;
	default:
		return add_local(t, pu, plan, e);
	}
}

/* --- roles -------------------------------------------------------------- */

/* Lines of one role, on processors @pus by index; false: skipped. */
static bool add_role(const struct place *p, const struct plan_request *req,
		     enum plan_role role, const unsigned int *pus,
		     unsigned int looker, unsigned int *uses,
		     struct plan *plan)
{
	const struct topology *t = p->t;

	for (unsigned int i = 0; i < req->role[role].nr; i++) {
		struct plan_entry *e = &plan->entry[plan->nr++];
		const struct topology_pu *pu = &t->pu[pus[i]];
		char whom[32];

		*e = (struct plan_entry){ .role = role,
					  .thread = i,
					  .pu = pu->os };
		if (role == PLAN_LOOKER && i == 0) {
			say(e, "the first");
		} else {
			unsigned int prev = role == PLAN_LOOKER ? pus[i - 1] :
								  looker;

			snprintf(whom, sizeof(whom), "looker %u",
				 role == PLAN_LOOKER ? i - 1 : 0);
			say_place(p, prev, pus[i], whom, e);
		}
		say_shared_core(t, pus, i, e);
		if (t->nr_kinds > 1)
			say(e, "; core kind %u of %u",
			    pu->kind + 1, t->nr_kinds);
		if (uses[pus[i]]++) {
			say(e, "; all processors there are in use, this one again");
			plan->shared++;
		}
		if (!add_memory(t, req, pus[i], plan, e))
			return false;
	}
	return true;
}

static bool has_lookers(const struct topology *t, const unsigned int *lookers,
			unsigned int nr, unsigned int node)
{
	for (unsigned int i = 0; i < nr; i++)
		if (t->pu[lookers[i]].node == node)
			return true;
	return false;
}

/* Where @group is to go; TOPOLOGY_NONE: nowhere, and said so in @plan. */
static unsigned int node_of_group(const struct topology *t,
				  const struct plan_group *group,
				  enum plan_role role,
				  const unsigned int *lookers, unsigned int nr,
				  struct plan *plan)
{
	unsigned int home = t->pu[lookers[0]].node, found = TOPOLOGY_NONE;
	unsigned int best = 0;

	if (group->where == PLAN_SAME) {
		found = home;
	} else if (group->where == PLAN_NODE) {
		found = topology_node_index(t, group->node);
		if (found != TOPOLOGY_NONE && !t->node[found].nr_pus)
			found = TOPOLOGY_NONE;
	}
	for (unsigned int n = 0; group->where == PLAN_OTHER && n < t->nr_nodes;
	     n++) {
		unsigned int d = topology_distance(t, home, n);

		if (!t->node[n].nr_pus || has_lookers(t, lookers, nr, n) ||
		    (found != TOPOLOGY_NONE && d <= best))
			continue;
		found = n;
		best = d;
	}
	if (found != TOPOLOGY_NONE)
		return found;
	if (group->where == PLAN_NODE)
		skip(plan, "%s: no node %u with processors that may be used",
		     plan_role_name(role), group->node);
	else if (group->where == PLAN_OTHER)
		skip(plan, "%s: every node with processors has lookers",
		     plan_role_name(role));
	else
		skip(plan, "%s: the lookers are on no node",
		     plan_role_name(role));
	return TOPOLOGY_NONE;
}

static bool allow_lookers(struct place *p, const struct plan_group *lookers,
			  struct plan *plan)
{
	unsigned int node = TOPOLOGY_NONE;

	if (lookers->where == PLAN_NODE) {
		node = topology_node_index(p->t, lookers->node);
		if (node == TOPOLOGY_NONE || !p->t->node[node].nr_pus) {
			skip(plan, "looker: no node %u with processors that may be used",
			     lookers->node);
			return false;
		}
	}
	for (unsigned int i = 0; i < p->t->nr_pus; i++)
		p->allowed[i] = lookers->where != PLAN_NODE ||
				p->t->pu[i].node == node;
	return true;
}

/* 1, or 0: skipped, or -ENOMEM. */
static int make(struct place *p, const struct plan_request *req,
		unsigned int *pus, unsigned int *uses, struct plan *plan)
{
	unsigned int nr = req->role[PLAN_LOOKER].nr, node;
	unsigned int *more = pus + nr;
	int met;

	if (!allow_lookers(p, &req->role[PLAN_LOOKER], plan))
		return false;
	met = place_policy(p, req, pus, plan->skipped, sizeof(plan->skipped));
	if (met <= 0)
		return met;
	if (!add_role(p, req, PLAN_LOOKER, pus, 0, uses, plan))
		return false;
	for (int role = PLAN_LOOKER + 1; role < PLAN_ROLES; role++) {
		const struct plan_group *group = &req->role[role];

		if (!group->nr)
			continue;
		node = node_of_group(p->t, group, role, pus, nr, plan);
		if (node == TOPOLOGY_NONE)
			return false;
		place_on_node(p, node, group->nr, more);
		if (!add_role(p, req, role, more, pus[0], uses, plan))
			return false;
	}
	return true;
}

int plan_make(const struct topology *t, const struct plan_request *req,
	      struct plan *plan)
{
	unsigned int total = 0, *pus, *uses;
	struct place p = { 0 };
	int error = -ENOMEM;

	*plan = (struct plan){ 0 };
	for (int role = 0; role < PLAN_ROLES; role++)
		total += req->role[role].nr;
	plan->entry = calloc(total, sizeof(*plan->entry));
	pus = calloc(total, sizeof(*pus));
	uses = calloc(t->nr_pus, sizeof(*uses));
	if (!plan->entry || !pus || !uses)
		goto out;
	error = place_init(&p, t);
	if (error)
		goto out;
	error = make(&p, req, pus, uses, plan);
	if (!error)
		plan->nr = plan->shared = plan->not_local = 0;
	plan->looked_at = p.looked_at;
	place_free(&p);
	error = error < 0 ? error : 0;
out:
	free(pus);
	free(uses);
	if (error)
		plan_free(plan);
	return error;
}

void plan_free(struct plan *plan)
{
	free(plan->entry);
	*plan = (struct plan){ 0 };
}
