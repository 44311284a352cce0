// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plans in words: names, what is asked for on a command line, tables, JSON.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/placement/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"

/* Of what was given, so that what follows it is not cut. */
#define SHOWN_MAX	64

static const char *const policies[PLAN_POLICIES] = {
	[PLAN_SMT_PAIR] = "smt-pair",	  [PLAN_SAME_L3] = "same-l3",
	[PLAN_CROSS_L3] = "cross-l3",	  [PLAN_CROSS_NODE] = "cross-node",
	[PLAN_SPREAD] = "spread",	  [PLAN_COMPACT] = "compact",
};

static const char *const memories[PLAN_MEMORIES] = {
	[PLAN_LOCAL] = "local",
	[PLAN_REMOTE] = "remote",
	[PLAN_INTERLEAVED] = "interleaved",
};

static const char *const roles[PLAN_ROLES] = {
	[PLAN_LOOKER] = "looker", [PLAN_LOADER] = "loader",
	[PLAN_STALER] = "staler", [PLAN_AIL] = "ail",
	[PLAN_IO] = "io",
};

const char *plan_policy_name(enum plan_policy policy)
{
	return policies[policy];
}

const char *plan_role_name(enum plan_role role)
{
	return roles[role];
}

/* --- reading ------------------------------------------------------------ */

/* Index of the name that ends at @len, or -EINVAL and a line in @why. */
static int find(const char *what, const char *text, size_t len,
		const char *const *names, int nr, char *why, size_t size)
{
	size_t at;

	for (int i = 0; i < nr; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], text, len))
			return i;
	at = snprintf(why, size, "unknown %s '%.*s'; known:", what,
		      (int)(len < SHOWN_MAX ? len : SHOWN_MAX), text);
	for (int i = 0; i < nr && at < size; i++)
		at += snprintf(why + at, size - at, " %s", names[i]);
	return -EINVAL;
}

static bool number(const char *text, size_t len, unsigned int *value)
{
	unsigned long v = 0;

	if (!len || len > 9)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + text[i] - '0';
	}
	*value = v;
	return true;
}

/* "name" or, for @with alone, "name:distance". */
static int parse_distance(const char *what, const char *text,
			  const char *const *names, int nr, int with,
			  unsigned int *distance, char *why, size_t size)
{
	size_t len = strcspn(text, ":");
	int found = find(what, text, len, names, nr, why, size);

	*distance = 0;
	if (found < 0 || !text[len])
		return found;
	text += len + 1;
	if (found == with && number(text, strlen(text), distance) && *distance)
		return found;
	snprintf(why, size, "%s '%s:%.*s': %s", what, names[found], SHOWN_MAX,
		 text,
		 found == with ? "a node distance follows, for example 21" :
				 "nothing may follow the name");
	return -EINVAL;
}

int plan_parse_policy(const char *text, struct plan_request *req, char *why,
		      size_t size)
{
	int found = parse_distance("policy", text, policies, PLAN_POLICIES,
				   PLAN_CROSS_NODE, &req->distance, why, size);

	if (found < 0)
		return found;
	req->policy = found;
	return 0;
}

int plan_parse_memory(const char *text, struct plan_request *req, char *why,
		      size_t size)
{
	int found = parse_distance("memory placement", text, memories,
				   PLAN_MEMORIES, PLAN_REMOTE,
				   &req->memory_distance, why, size);

	if (found < 0)
		return found;
	req->memory = found;
	return 0;
}

int plan_parse_role(const char *text, struct plan_request *req, char *why,
		    size_t size)
{
	const char *where = strchr(text, '=');
	size_t len = strcspn(text, "*=");
	int role = find("role", text, len, roles, PLAN_ROLES, why, size);
	struct plan_group group = { .nr = 1 };
	const char *star = text[len] == '*' ? text + len + 1 : NULL;

	if (role < 0)
		return role;
	if (!where)
		goto bad;
	if (role == PLAN_LOOKER)
		group.nr = req->role[role].nr;
	if (star && (role == PLAN_LOOKER ||
		     !number(star, where - star, &group.nr) || !group.nr ||
		     group.nr > PLAN_HELPERS))
		goto bad;
	where++;
	if (!strcmp(where, "same"))
		group.where = PLAN_SAME;
	else if (!strcmp(where, "other"))
		group.where = PLAN_OTHER;
	else if (!strncmp(where, "node:", 5) &&
		 number(where + 5, strlen(where + 5), &group.node))
		group.where = PLAN_NODE;
	else
		goto bad;
	if (role == PLAN_LOOKER && group.where != PLAN_NODE)
		goto bad;
	req->role[role] = group;
	return 0;
bad:
	if (role == PLAN_LOOKER)
		snprintf(why, size, "role '%.*s': write looker=node:N; --threads says how many",
			 SHOWN_MAX, text);
	else
		snprintf(why, size, "role '%.*s': write %s=node:N, %s=same or %s=other, with *COUNT (at most %u) before the = for more than one",
			 SHOWN_MAX, text, roles[role], roles[role], roles[role],
			 PLAN_HELPERS);
	return -EINVAL;
}

/* --- showing ------------------------------------------------------------ */

static size_t append_distance(char *text, size_t at, size_t size,
			      unsigned int distance)
{
	if (distance && at < size)
		at += snprintf(text + at, size - at, ":%u", distance);
	return at;
}

void plan_request_name(const struct plan_request *req, char *text,
		       size_t size)
{
	static const char *const wheres[] = {
		[PLAN_SAME] = "looker 0's node",
		[PLAN_OTHER] = "another node",
	};
	size_t at = snprintf(text, size, "%s", policies[req->policy]);

	at = append_distance(text, at, size, req->distance);
	if (req->memory != PLAN_LOCAL && at < size) {
		at += snprintf(text + at, size - at, ", memory %s",
			       memories[req->memory]);
		at = append_distance(text, at, size, req->memory_distance);
	}
	for (int r = 0; r < PLAN_ROLES && at < size; r++) {
		const struct plan_group *group = &req->role[r];

		if (!group->nr || group->where == PLAN_ANYWHERE)
			continue;
		at += snprintf(text + at, size - at, ", %s on ", roles[r]);
		if (at < size && group->where == PLAN_NODE)
			at += snprintf(text + at, size - at, "node %u",
				       group->node);
		else if (at < size)
			at += snprintf(text + at, size - at, "%s",
				       wheres[group->where]);
	}
}

static json_t *entry_to_json(const struct plan_entry *e)
{
	return json_pack("{s:s, s:i, s:i, s:o, s:s}", "role", roles[e->role],
			 "thread", (int)e->thread, "pu_os_index", (int)e->pu,
			 "numa_os_index",
			 e->node < 0 ? json_null() : json_integer(e->node),
			 "why", e->why);
}

json_t *plan_to_json(const struct plan *plan)
{
	json_t *list;

	if (plan->skipped[0])
		return json_pack("{s:s}", "skipped", plan->skipped);
	list = json_array();
	for (unsigned int i = 0; i < plan->nr; i++)
		if (json_array_append_new(list,
					  entry_to_json(&plan->entry[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

void plan_print(const struct plan *plan, FILE *out)
{
	if (plan->skipped[0]) {
		fprintf(out, "skipped: %s\n", plan->skipped);
		return;
	}
	fputs("role    thread  processor  memory  why\n", out);
	for (unsigned int i = 0; i < plan->nr; i++) {
		const struct plan_entry *e = &plan->entry[i];
		char node[16] = "all";

		if (e->node >= 0)
			snprintf(node, sizeof(node), "node %d", e->node);
		fprintf(out, "%-6s  %6u  %9u  %-6s  %s\n", roles[e->role],
			e->thread, e->pu, node, e->why);
	}
}
