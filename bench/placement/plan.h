/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which thread runs on which processor with memory of which node: a pure
 * function of a topology and a request.  Nothing is bound here.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <jansson.h>
#include <stdio.h>

#include "bench/placement/topology.h"

enum plan_policy {
	PLAN_SMT_PAIR,		/* threads 2n and 2n+1 share a core */
	PLAN_SAME_L3,		/* all under one L3, on cores of their own */
	PLAN_CROSS_L3,		/* one node; neighbours never share an L3 */
	PLAN_CROSS_NODE,	/* two nodes, by turns */
	PLAN_SPREAD,		/* as far apart as possible */
	PLAN_COMPACT,		/* a core, then its L3, then its node, ... */
	PLAN_POLICIES
};

enum plan_memory { PLAN_LOCAL, PLAN_REMOTE, PLAN_INTERLEAVED, PLAN_MEMORIES };

enum plan_role {
	PLAN_LOOKER,		/* placed by the policy */
	PLAN_LOADER,
	PLAN_STALER,
	PLAN_AIL,
	PLAN_IO,
	PLAN_ROLES
};

enum plan_where {
	PLAN_ANYWHERE,		/* lookers only */
	PLAN_SAME,		/* the first looker's node */
	PLAN_OTHER,		/* the farthest node without lookers */
	PLAN_NODE		/* ->node */
};

#define PLAN_THREADS	8192u	/* lookers: as many as processors */
#define PLAN_HELPERS	1024u	/* of each other role */

struct plan_request {
	enum plan_policy policy;
	unsigned int distance;		/* of PLAN_CROSS_NODE; 0: greatest */
	enum plan_memory memory;
	unsigned int memory_distance;	/* of PLAN_REMOTE; 0: greatest */
	struct plan_group {
		unsigned int nr;
		enum plan_where where;
		unsigned int node;	/* the kernel's number */
	} role[PLAN_ROLES];
};

/* Enough for every sentence that is said, and the longest numbers in it. */
#define PLAN_WHY	384
#define PLAN_SKIPPED	1024	/* it may list all distances */

struct plan_entry {
	enum plan_role role;
	unsigned int thread;		/* within its role */
	unsigned int pu;		/* the kernel's number */
	int node;			/* the same; -1: over all nodes */
	char why[PLAN_WHY];
};

struct plan {
	unsigned int nr;
	struct plan_entry *entry;	/* lookers first */
	unsigned int shared;		/* threads on a processor in use */
	/* Of local memory: threads whose own node has none that may be used. */
	unsigned int not_local;
	uint64_t looked_at;		/* processors: what making it cost */
	char skipped[PLAN_SKIPPED];	/* why there is none; "": there is */
};

/* 0, also if it had to be skipped, or -ENOMEM. */
int plan_make(const struct topology *t, const struct plan_request *req,
	      struct plan *plan);
void plan_free(struct plan *plan);

/* --- in words: plan_text.c --------------------------------------------- */

/* "compact", "cross-node:21", ...; 0 or -EINVAL and a line in @why. */
int plan_parse_policy(const char *text, struct plan_request *req, char *why,
		      size_t size);
/* "local", "remote:31", ... */
int plan_parse_memory(const char *text, struct plan_request *req, char *why,
		      size_t size);
/* "loader=node:1", "staler*4=other", "looker=node:0" */
int plan_parse_role(const char *text, struct plan_request *req, char *why,
		    size_t size);
const char *plan_policy_name(enum plan_policy policy);
/* "cross-node:21, memory remote, ail on another node": all but the number. */
void plan_request_name(const struct plan_request *req, char *text,
		       size_t size);
const char *plan_role_name(enum plan_role role);
/* [{role, thread, pu_os_index, numa_os_index, why}], or {skipped}. */
json_t *plan_to_json(const struct plan *plan);
void plan_print(const struct plan *plan, FILE *out);

/* delwribench plan */
int plan_main(int argc, char **argv);

#endif
