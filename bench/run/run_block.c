// SPDX-License-Identifier: GPL-2.0-only
/*
 * One block: a process that measures every fix under every workload and
 * writes one file.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"
#include "bench/progress.h"

/* Which link of the objects this is; its program is as machine.json's. */
static json_t *layout_to_json(const struct cli *cli)
{
	json_t *layout = machine_program();

	json_object_set_new(layout, "index", json_integer(cli->layout));
	json_object_set_new(layout, "of", json_integer(cli->layouts));
	return layout;
}

static json_t *describe(const struct cli *cli, const struct bench *b,
			const struct run_point_list *points)
{
	char seed[24], block_seed[24];
	json_t *block;

	/* JSON's numbers end at 2^53. */
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)cli->seed);
	snprintf(block_seed, sizeof(block_seed), "%llu",
		 (unsigned long long)b->seed);
	block = json_object();
	json_object_set_new(block, "schema",
			    json_string(RUN_BLOCK_SCHEMA));
	json_object_set_new(block, "run", json_string(cli->run_id));
	json_object_set_new(block, "block", json_integer(cli->one_block));
	json_object_set_new(block, "cache", json_string(fixes[0]->cache));
	json_object_set_new(block, "seed", json_string(seed));
	json_object_set_new(block, "block_seed", json_string(block_seed));
	json_object_set_new(block, "threads",
			    json_integer(run_points_threads(points)));
	json_object_set_new(block, "processors",
			    json_integer(points->processors));
	json_object_set_new(block, "oversubscribed",
			    json_boolean(run_points_threads(points) >
					 points->processors));
	json_object_set_new(block, "device",
			    json_string(run_device_kind(b->device)));
	if (cli->layout)
		json_object_set_new(block, "layout", layout_to_json(cli));
	else
		json_set_missing(block, "layout",
				 "no layouts were built: scripts/build "
				 "release layouts");
	json_object_set_new(block, "environment_bytes",
			    json_integer(cli->env_bytes));
	if (cli->injected)
		json_object_set_new(block, "injected",
				    json_pack("{s:s, s:f}", "fix",
					      cli->injected->name, "percent",
					      cli->injected_percent));
	return block;
}

static int write_block(const struct cli *cli, json_t *block)
{
	char name[32];
	int error;

	result_block_name(cli->one_block, name, sizeof(name));
	error = result_write(cli->dir, name, block);
	if (error)
		return cli_fail("cannot write %s/%s: %s; free some space or "
				"name another folder with --out",
				cli->dir, name, strerror(-error));
	return 0;
}

/* NULL, or why there is not a single time in @rows. */
static const char *nothing_measured(const json_t *rows)
{
	const char *why = "nothing is selected";
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (json_array_size(json_object_get(row, "batches_ns")))
			return NULL;
		why = json_string_value(
			json_object_get(row, "batches_ns_reason"));
	}
	return why ? why : "no batch came to an end";
}

static void start_progress(const struct cli *cli, const struct pairs *pairs)
{
	struct progress_plan p = { .blocks_after = cli->blocks_after };

	for (unsigned int i = 0; i < cli->nr_workloads; i++)
		for (unsigned int k = 0; k < pairs->points->nr; k++) {
			const struct workload *w = cli->workloads[i];
			unsigned int batches = run_workload_batches(
				w, cli, pairs, &pairs->points->point[k]);

			p.workloads += batches > 0;
			p.batches += batches;
			p.seconds += batches * (w->batch_ns / 1e9);
		}
	progress_start(&p, cli->one_block, cli->blocks);
}

static int failed(const struct cli *cli, int error)
{
	return cli_fail("block %u: %s; measure less at once, with --fix, "
			"--workload, --threads or --rounds",
			cli->one_block, strerror(-error));
}

/* Those that need processes of their own, or all others.  0 or -errno. */
static int run_workloads(struct bench *b, bool alone,
			 const struct run_point *at, const struct cli *cli,
			 const struct pairs *pairs, json_t *rows)
{
	int error = 0;

	b->threads = at->threads;
	b->at = at;
	for (unsigned int i = 0; i < cli->nr_workloads && !error; i++)
		if (cli->workloads[i]->alone == alone)
			error = run_workload(b, cli->workloads[i], cli, pairs,
					     at, rows);
	return error;
}

/* This thread is bound as those it starts are: it may be bound anew, too. */
static void note_change(json_t *stage, const json_t *before)
{
	json_t *after = machine_conditions();
	char why[600];

	if (stage &&
	    machine_conditions_differ(before, after, why, sizeof(why))) {
		json_object_set_new(stage, "changed", json_string(why));
		json_object_set_new(stage, "ok", json_false());
	}
	json_decref(after);
}

/* What needs no processes of its own at one point.  Exit status. */
static int measure_point(struct bench *b, const struct run_point *at,
			 const struct cli *cli, const struct pairs *pairs,
			 json_t *rows, json_t *stages)
{
	int status = run_stage_open(b, at), error;
	json_t *stage, *before;

	if (status)
		return status;
	before = machine_conditions();
	error = run_workloads(b, false, at, cli, pairs, rows);
	stage = error ? NULL : run_stage_to_json(b, at);
	note_change(stage, before);
	json_decref(before);
	if (!error && json_array_append_new(stages, stage))
		error = -ENOMEM;
	run_stage_close(b);
	return error ? failed(cli, error) : 0;
}

/* What does, at all points: no thread is running yet.  Exit status. */
static int measure_alone(struct bench *b, const struct cli *cli,
			 const struct pairs *pairs, json_t *rows)
{
	int error = 0;

	for (unsigned int i = 0; i < pairs->points->nr && !error; i++)
		error = run_workloads(b, true, &pairs->points->point[i], cli,
				      pairs, rows);
	return error ? failed(cli, error) : 0;
}

static int skip_point(const struct run_point *at, json_t *stages)
{
	return json_array_append_new(
		       stages,
		       json_pack("{s:s, s:i, s:s}", "placement", at->placement,
				 "nr_threads", (int)at->threads, "skipped",
				 at->skipped)) ?
		       cli_fail("out of memory") :
		       0;
}

static int measure_points(struct bench *b, const struct cli *cli,
			  const struct pairs *pairs, json_t *rows,
			  json_t *stages)
{
	int status = 0;

	for (unsigned int i = 0; i < pairs->points->nr && !status; i++) {
		const struct run_point *at = &pairs->points->point[i];

		status = at->skipped[0] ? skip_point(at, stages) :
					  measure_point(b, at, cli, pairs,
							rows, stages);
	}
	return status;
}

int run_block(const struct cli *cli, const struct pairs *pairs)
{
	struct bench b = { .device = cli->device };
	json_t *rows = json_array(), *stages = json_array(), *block;
	json_t *alone = json_array();
	uint64_t seed = cli->seed;
	const char *nothing;
	int status;

	for (unsigned int i = 0; i < cli->one_block; i++)
		b.seed = bench_random(&seed);
	block = describe(cli, &b, pairs->points);
	if (!block || !rows || !stages || !alone ||
	    json_object_set_new(block, "before", machine_state())) {
		status = cli_fail("out of memory");
		goto out;
	}
	start_progress(cli, pairs);
	status = measure_alone(&b, cli, pairs, alone);
	if (!status)
		status = measure_points(&b, cli, pairs, rows, stages);
	progress_clear();
	if (status)
		goto out;
	if (json_array_extend(rows, alone)) {
		status = cli_fail("out of memory");
		goto out;
	}
	nothing = nothing_measured(rows);
	if (nothing)
		status = cli_fail("block %u: nothing could be measured: %s",
				  cli->one_block, nothing);
	else if (json_object_set_new(block, "after", machine_state()) ||
		 json_object_set(block, "placements", stages) ||
		 json_object_set(block, "rows", rows))
		status = cli_fail("out of memory");
	else
		status = write_block(cli, block);
out:
	json_decref(rows);
	json_decref(alone);
	json_decref(stages);
	json_decref(block);
	return status;
}
