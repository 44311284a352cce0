// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making a plan: lookers by the policy, the other roles on the node asked
 * for, the memory of each, and for every line why it is so.
 */
#include "bench/placement/plan_private.h"

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

static void say(char *why, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends. */
static void say(char *why, size_t size, const char *fmt, ...)
{
	size_t len = strlen(why);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why + len, size - len, fmt, ap);
	va_end(ap);
}

/* --- why: what a line has in common with one before --------------------- */

static void say_node(const struct topology *t, unsigned int from,
		     unsigned int to, char *why, size_t size)
{
	unsigned int d = topology_distance(t, from, to);

	if (to == TOPOLOGY_NONE)
		say(why, size, "on no node");
	else
		say(why, size, "node %u", t->node[to].os);
	if (d)
		say(why, size, ", distance %u", d);
	else
		say(why, size, ", distance unknown");
}

static void say_other_node(const struct topology *t, unsigned int from,
			   unsigned int to, const char *whom, char *why,
			   size_t size)
{
	say_node(t, from, to, why, size);
	say(why, size, " from %s", whom);
}

static void say_place(const struct place *p, unsigned int prev,
		      unsigned int pu, const char *whom, char *why, size_t size)
{
	const struct topology *t = p->t;
	const struct topology_pu *a = &t->pu[prev], *b = &t->pu[pu];

	if (pu == prev)
		say(why, size, "the same processor as %s", whom);
	else if (a->core == b->core)
		say(why, size, "the same core as %s", whom);
	else if (a->node != b->node)
		say_other_node(t, a->node, b->node, whom, why, size);
	else if (a->package != b->package)
		say(why, size, "another package of the node of %s", whom);
	else if (a->l3 != b->l3)
		say(why, size, "another L3 of the node of %s", whom);
	else if (a->l3 != TOPOLOGY_NONE)
		say(why, size, "another core under the L3 of %s", whom);
	else
		say(why, size, "another core of the node of %s", whom);
}

/* Not only the previous one: an earlier one may be a sibling. */
static void say_shared_core(const struct topology *t, const unsigned int *pus,
			    unsigned int thread, char *why, size_t size)
{
	for (unsigned int i = 0; i + 1 < thread; i++)
		if (t->pu[pus[i]].core == t->pu[pus[thread]].core) {
			say(why, size, "; on the core of number %u", i);
			return;
		}
}

/* --- memory ------------------------------------------------------------- */

/* The nearest or, if @far, farthest other one, or one at @distance. */
static unsigned int memory_node(const struct topology *t, unsigned int from,
				bool far, unsigned int distance)
{
	unsigned int found = TOPOLOGY_NONE, best = 0;

	for (unsigned int n = 0; n < t->nr_nodes; n++) {
		unsigned int d = topology_distance(t, from, n);

		if (!t->node[n].has_memory || n == from ||
		    (distance && d != distance))
			continue;
		if (found == TOPOLOGY_NONE || (far ? d > best : d < best)) {
			found = n;
			best = d;
		}
	}
	return found;
}

static unsigned int local_node(const struct topology *t, unsigned int node)
{
	if (node != TOPOLOGY_NONE && t->node[node].has_memory)
		return node;
	return memory_node(t, node, false, 0);
}

/* False: not to be had, and said so in @plan. */
static bool add_memory(const struct topology *t, const struct plan_request *req,
		       unsigned int from, struct plan *plan,
		       struct plan_entry *e)
{
	unsigned int local = local_node(t, from), node = local;

	e->node = -1;
	if (req->memory == PLAN_INTERLEAVED) {
		say(e->why, sizeof(e->why), "; memory over all nodes by turns");
		return true;
	}
	if (req->memory == PLAN_REMOTE)
		node = memory_node(t, local, true, req->memory_distance);
	if (node == TOPOLOGY_NONE) {
		if (req->memory == PLAN_LOCAL)
			skip(plan, "no node has memory that may be used");
		else if (req->memory_distance)
			skip(plan, "remote memory: no other node at distance %u from processor %u has any",
			     req->memory_distance, e->pu);
		else
			skip(plan, "remote memory: no other node has any");
		return false;
	}
	e->node = t->node[node].os;
	if (node == from)
		return true;
	say(e->why, sizeof(e->why), "; ");
	if (req->memory == PLAN_LOCAL)
		say(e->why, sizeof(e->why), "its node has no memory, nearest is ");
	else
		say(e->why, sizeof(e->why), "memory on ");
	say_node(t, from, node, e->why, sizeof(e->why));
	return true;
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
			say(e->why, sizeof(e->why), "the first");
		} else {
			unsigned int prev = role == PLAN_LOOKER ? pus[i - 1] :
								  looker;

			snprintf(whom, sizeof(whom), "looker %u",
				 role == PLAN_LOOKER ? i - 1 : 0);
			say_place(p, prev, pus[i], whom, e->why,
				  sizeof(e->why));
		}
		say_shared_core(t, pus, i, e->why, sizeof(e->why));
		if (t->nr_kinds > 1)
			say(e->why, sizeof(e->why), "; core kind %u of %u",
			    pu->kind + 1, t->nr_kinds);
		if (uses[pus[i]]++) {
			say(e->why, sizeof(e->why),
			    "; all processors there are in use, this one again");
			plan->shared++;
		}
		if (!add_memory(t, req, pu->node, plan, e))
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

/* False: skipped. */
static bool make(struct place *p, const struct plan_request *req,
		 unsigned int *pus, unsigned int *uses, struct plan *plan)
{
	unsigned int nr = req->role[PLAN_LOOKER].nr, node;
	unsigned int *more = pus + nr;

	if (!allow_lookers(p, &req->role[PLAN_LOOKER], plan))
		return false;
	if (!place_policy(p, req, pus, plan->skipped, sizeof(plan->skipped)))
		return false;
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
	if (!make(&p, req, pus, uses, plan))
		plan->nr = plan->shared = 0;
	place_free(&p);
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
