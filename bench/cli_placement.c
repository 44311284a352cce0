// SPDX-License-Identifier: GPL-2.0-only
/*
 * The options of `run` that say where threads and memory go.
 */
#include "bench/cli.h"

#include <errno.h>
#include <stdlib.h>

enum { KEY_POLICY = 512, KEY_MEMORY, KEY_ROLE, KEY_TOPOLOGY, KEY_SWEEP };

static const struct argp_option options[] = {
	{ "policy", KEY_POLICY, "NAME", 0,
	  "Place threads by it (repeatable, each is measured): compact, "
	  "spread, smt-pair, same-l3, cross-l3, cross-node or "
	  "cross-node:DISTANCE; scripts/plan shows what that is. One that "
	  "cannot be met here is skipped with the reason",
	  0 },
	{ "memory", KEY_MEMORY, "WHERE", 0,
	  "Of placed threads: local (default), remote, remote:DISTANCE, or "
	  "interleaved",
	  0 },
	{ "role", KEY_ROLE, "ROLE=WHERE", 0,
	  "Place loader, staler, ail or io too (repeatable): ROLE=node:N, "
	  "=same (as looker 0) or =other (no looker's); looker=node:N keeps "
	  "those who look up on a node",
	  0 },
	{ "topology", KEY_TOPOLOGY, "FILE", 0,
	  "Place by hwloc's description, which has to be of this machine", 0 },
	{ "sweep", KEY_SWEEP, NULL, 0,
	  "Every placement that the machine offers, or those of --policy, with "
	  "1, 2, 4, ... threads, under each way of sharing: own AG, one AG, "
	  "one buffer, Zipf (unless --workload says other)",
	  0 },
	{ 0 },
};

static int add_policy(struct cli *cli, const char *text, char *why, size_t size)
{
	struct plan_request req;
	int error = plan_parse_policy(text, &req, why, size);

	if (error)
		return error;
	for (unsigned int i = 0; i < cli->nr_policies; i++)
		if (cli->policies[i].policy == req.policy &&
		    cli->policies[i].distance == req.distance)
			return 0;
	if (cli->nr_policies == CLI_POLICIES) {
		snprintf(why, size, "more than %u policies", CLI_POLICIES);
		return -E2BIG;
	}
	cli->policies[cli->nr_policies++] = (struct cli_policy){
		.policy = req.policy,
		.distance = req.distance,
	};
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;
	char why[512] = "";
	int error = 0;

	switch (key) {
	case KEY_POLICY:
		error = add_policy(cli, arg, why, sizeof(why));
		break;
	case KEY_MEMORY:
		error = plan_parse_memory(arg, &cli->place, why, sizeof(why));
		break;
	case KEY_ROLE:
		error = plan_parse_role(arg, &cli->place, why, sizeof(why));
		break;
	case KEY_TOPOLOGY:
		cli->topology = arg;
		cli_place(cli, arg);
		break;
	case KEY_SWEEP:
		cli->sweep = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (error)
		exit(cli_fail("%s", why));
	cli->placed = true;
	for (unsigned int i = 0; options[i].name; i++)
		if (options[i].key == key)
			cli->measuring = options[i].name;
	return 0;
}

const struct argp cli_placement = { .options = options, .parser = parse };
