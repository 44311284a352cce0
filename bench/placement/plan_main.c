// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwribench plan: show where threads would run, on any machine; or try
 * it, on this one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cli.h"
#include "bench/placement/plan_bind.h"

enum { KEY_JSON = 256, KEY_CHECK };

static const struct argp_option options[] = {
	{ "topology", 't', "WHAT", 0,
	  "\"this\" (default), an XML file of hwloc, or hwloc's synthetic "
	  "description, such as \"node:2 core:4 pu:2\"",
	  0 },
	{ "policy", 'p', "NAME", 0,
	  "compact (default), spread, smt-pair, same-l3, cross-l3, "
	  "cross-node or cross-node:DISTANCE (else the greatest that has "
	  "room)",
	  0 },
	{ "threads", 'n', "N", 0,
	  "Lookers (default: one per processor that may be used)", 0 },
	{ "memory", 'm', "WHERE", 0,
	  "local (default), remote, remote:DISTANCE, or interleaved", 0 },
	{ "role", 'r', "ROLE=WHERE", 0,
	  "Place loader, staler, ail or io too: ROLE[*COUNT]=node:N, =same "
	  "(as looker 0) or =other (no looker's); looker=node:N keeps the "
	  "lookers on a node (repeatable)",
	  0 },
	{ "json", KEY_JSON, NULL, 0, "As JSON", 0 },
	{ "check", KEY_CHECK, NULL, 0,
	  "Start a thread for each line and see whether it and its memory are "
	  "there",
	  0 },
	{ 0 },
};

static const char doc[] =
	"Print which thread would run on which processor, with memory of which "
	"node, and why. Runs nothing."
	"\vA policy that the machine cannot offer is skipped, with the reason. "
	"Exit status: 0, also if it was skipped; 1 if --check found something "
	"elsewhere, or could not look; 2 on bad usage.";

struct arguments {
	const char *topology;
	struct plan_request req;
	bool json, check;
};

static int fail(const char *why)
{
	fprintf(stderr, "delwribench plan: %s\n", why);
	return EXIT_USAGE;
}

static void threads(struct arguments *args, const char *text)
{
	unsigned long n;
	char *end, why[128];

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*end || end == text || *text == '-' || errno || !n ||
	    n > PLAN_THREADS) {
		snprintf(why, sizeof(why),
			 "--threads '%.32s': give a whole number from 1 to %u",
			 text, PLAN_THREADS);
		exit(fail(why));
	}
	args->req.role[PLAN_LOOKER].nr = n;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *args = state->input;
	char why[512] = "";
	int error = 0;

	switch (key) {
	case 't':
		args->topology = text;
		break;
	case 'p':
		error = plan_parse_policy(text, &args->req, why, sizeof(why));
		break;
	case 'n':
		threads(args, text);
		break;
	case 'm':
		error = plan_parse_memory(text, &args->req, why, sizeof(why));
		break;
	case 'r':
		error = plan_parse_role(text, &args->req, why, sizeof(why));
		break;
	case KEY_JSON:
		args->json = true;
		break;
	case KEY_CHECK:
		args->check = true;
		break;
	case ARGP_KEY_ARG:
		snprintf(why, sizeof(why),
			 "unexpected argument '%.64s'; see --help", text);
		error = -EINVAL;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (error)
		exit(fail(why));
	return 0;
}

static int show_json(json_t *json)
{
	int error = json ? json_dumpf(json, stdout, JSON_INDENT(2)) : -1;

	json_decref(json);
	putchar('\n');
	/* That it cannot be written is said at the program's end. */
	return error && !ferror(stdout) ? fail("out of memory") : 0;
}

/* May threads be run as a plan for @t says? */
static int check_here(const struct topology *t, const char *name)
{
	struct topology *here;
	char why[512];
	bool same;

	if (t->here)
		return 0;
	if (topology_load("this", &here, why, sizeof(why)))
		return fail(why);
	same = topology_same(t, here);
	topology_free(here);
	if (same)
		return 0;
	snprintf(why, sizeof(why),
		 "topology '%s' is not of this machine: leave out --check to plan for it",
		 name);
	return fail(why);
}

static void print_rows(const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
	{
		if (json_is_true(json_object_get(row, "ok")))
			continue;
		json_dumpf(row, stdout, 0);
		putchar('\n');
	}
}

static int check(const struct plan *plan, enum plan_memory memory, bool as_json)
{
	json_t *found = plan_check(plan, memory), *ok;
	int status;

	if (!found)
		return fail("out of memory");
	ok = json_object_get(found, "ok");
	status = !json_is_true(ok);
	if (as_json)
		return show_json(found) ? EXIT_USAGE : status;
	print_rows(json_object_get(found, "threads"));
	print_rows(json_object_get(found, "pages"));
	if (json_is_null(ok))
		puts("not checked: nothing was found elsewhere, but not everything could be looked for");
	else
		puts(status ?
			     "checked: not everything is where the plan says" :
			     "checked: every thread and page is where the plan says");
	json_decref(found);
	return status;
}

static int show(const struct arguments *args, const struct topology *t,
		const struct plan *plan)
{
	if (plan->shared)
		fprintf(stderr,
			"delwribench plan: %u thread%s share%s a processor: oversubscribed, times include waiting for it\n",
			plan->shared, plan->shared == 1 ? "" : "s",
			plan->shared == 1 ? "s" : "");
	if (plan->not_local)
		fprintf(stderr,
			"delwribench plan: %u thread%s on no node with memory: theirs is the nearest node's, not local\n",
			plan->not_local,
			plan->not_local == 1 ? " is" : "s are");
	if (!args->json) {
		printf("%u processors, %u cores, %u nodes; policy %s\n",
		       t->nr_pus, t->nr_cores, t->nr_nodes,
		       plan_policy_name(args->req.policy));
		plan_print(plan, stdout);
	}
	if (args->check && !plan->skipped[0])
		return check(plan, args->req.memory, args->json);
	return args->json ? show_json(plan_to_json(plan)) : 0;
}

int plan_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = doc,
	};
	struct arguments args = {
		.topology = "this",
		.req.policy = PLAN_COMPACT,
	};
	struct topology *t;
	struct plan plan;
	char why[512];
	int status;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (topology_load(args.topology, &t, why, sizeof(why)))
		return fail(why);
	if (!args.req.role[PLAN_LOOKER].nr)
		args.req.role[PLAN_LOOKER].nr =
			t->nr_pus < PLAN_THREADS ? t->nr_pus : PLAN_THREADS;
	status = args.check ? check_here(t, args.topology) : 0;
	if (!status && plan_make(t, &args.req, &plan)) {
		status = fail("out of memory");
	} else if (!status) {
		status = show(&args, t, &plan);
		plan_free(&plan);
	}
	topology_free(t);
	return status;
}
