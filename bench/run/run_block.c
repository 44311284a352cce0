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
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine/machine.h"
#include "bench/progress.h"

/*
 * Keep this thread, and with it the daemons and the I/O completion that it
 * will start, off the first worker's processor: whether they share it would
 * be chance, and worth a factor of two to a loader.
 */
static int bind_daemons(const unsigned int *cpus, unsigned int nr)
{
	cpu_set_t set;

	if (nr < 2)
		return 0;
	CPU_ZERO(&set);
	for (unsigned int i = 1; i < nr; i++)
		CPU_SET(cpus[i], &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/* Where this thread, and whatever it starts, may run. */
static json_t *daemons_to_json(void)
{
	json_t *cpus = json_array();
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			json_array_append_new(cpus, json_integer(i));
	return cpus;
}

static json_t *workers_to_json(const struct pool *pool)
{
	json_t *cpus = json_array();

	for (unsigned int i = 0; i < pool_workers(pool); i++)
		json_array_append_new(cpus, json_integer(pool_cpu(pool, i)));
	return cpus;
}

/* Which link of the objects this is; its program is as machine.json's. */
static json_t *layout_to_json(const struct cli *cli)
{
	json_t *layout = machine_program();

	json_object_set_new(layout, "index", json_integer(cli->layout));
	json_object_set_new(layout, "of", json_integer(cli->layouts));
	return layout;
}

static json_t *describe(const struct cli *cli, const struct bench *b,
			unsigned int processors)
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
	json_object_set_new(block, "seed", json_string(seed));
	json_object_set_new(block, "block_seed", json_string(block_seed));
	json_object_set_new(block, "threads", json_integer(b->threads));
	json_object_set_new(block, "processors", json_integer(processors));
	json_object_set_new(block, "oversubscribed",
			    json_boolean(pool_oversubscribed(b->pool)));
	json_object_set_new(block, "worker_processors",
			    workers_to_json(b->pool));
	json_object_set_new(block, "daemon_processors", daemons_to_json());
	json_object_set_new(block, "device",
			    json_string(b->device ? b->device : "memory"));
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

	for (unsigned int i = 0; i < cli->nr_workloads; i++) {
		const struct workload *w = cli->workloads[i];
		unsigned int batches = run_workload_batches(w, cli, pairs);

		p.workloads += batches > 0;
		p.batches += batches;
		p.seconds += batches * (w->batch_ns / 1e9);
	}
	progress_start(&p, cli->one_block, cli->blocks);
}

int run_start_pool(struct bench *b)
{
	unsigned int *cpus, nr_cpus;
	int error = machine_cpus(&cpus, &nr_cpus);

	if (error)
		return error;
	error = pool_start(b->threads, cpus, nr_cpus, &b->pool);
	if (!error && bind_daemons(cpus, nr_cpus))
		fputs("delwribench run: the daemons could not be kept off the loader's processor: expect noise\n",
		      stderr);
	free(cpus);
	return error;
}

/* Those that need processes of their own, or all others. */
static int run_workloads(struct bench *b, bool alone, const struct cli *cli,
			 const struct pairs *pairs, json_t *rows)
{
	int error = 0;

	for (unsigned int i = 0; i < cli->nr_workloads && !error; i++)
		if (cli->workloads[i]->alone == alone)
			error = run_workload(b, cli->workloads[i], cli, pairs,
					     rows);
	return error;
}

/* Into @block: what was measured, between what the machine was and is. */
static int measure(struct bench *b, const struct cli *cli,
		   const struct pairs *pairs, unsigned int processors,
		   json_t **blockp)
{
	json_t *alone = json_array(), *rows = json_array();
	json_t *before = machine_state(), *block = NULL;
	const char *nothing = NULL;
	int error = -ENOMEM, status = 0;

	if (!alone || !rows || !before)
		goto out;
	start_progress(cli, pairs);
	error = run_workloads(b, true, cli, pairs, alone);
	if (error)
		goto out;
	error = run_start_pool(b);
	if (error) {
		progress_clear();
		status = cli_fail("cannot start %u threads: %s; ask for fewer "
				  "with --threads",
				  b->threads, strerror(-error));
		goto out;
	}
	error = run_workloads(b, false, cli, pairs, rows);
	progress_clear();
	block = describe(cli, b, processors);
	if (!error && (json_array_extend(rows, alone) ||
		       json_object_set(block, "before", before) ||
		       json_object_set_new(block, "after", machine_state()) ||
		       json_object_set(block, "rows", rows)))
		error = -ENOMEM;
	nothing = error ? NULL : nothing_measured(rows);
	if (nothing)
		status = cli_fail("block %u: nothing could be measured: %s",
				  cli->one_block, nothing);
out:
	if (error && !status)
		status = cli_fail("block %u: %s; measure less at once, with "
				  "--fix, --workload, --threads or --rounds",
				  cli->one_block, strerror(-error));
	json_decref(alone);
	json_decref(rows);
	json_decref(before);
	*blockp = block;
	return status;
}

int run_block(const struct cli *cli, const struct pairs *pairs)
{
	struct bench b = { .device = cli->device };
	uint64_t seed = cli->seed;
	unsigned int *cpus, nr_cpus;
	json_t *block = NULL;
	int error, status;

	for (unsigned int i = 0; i < cli->one_block; i++)
		b.seed = bench_random(&seed);
	error = machine_cpus(&cpus, &nr_cpus);
	if (error)
		return cli_fail("cannot find out the processors: %s",
				strerror(-error));
	free(cpus);
	b.threads = cli->threads ? cli->threads : nr_cpus;
	status = measure(&b, cli, pairs, nr_cpus, &block);
	if (!status)
		status = write_block(cli, block);
	json_decref(block);
	if (b.pool)
		pool_stop(b.pool);
	return status;
}
