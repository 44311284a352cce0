// SPDX-License-Identifier: GPL-2.0-only
/*
 * One block: a process that measures every fix under every workload, in
 * rounds of batches, each fix once per round in an order drawn anew.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/machine.h"
#include "bench/result.h"

/* No batch takes so long; whoever does has deadlocked. */
#define STUCK_SECONDS	60
#define OPS_MAX		(1ull << 32)
#define CALIBRATIONS	5

/* The fixes under one workload. */
struct field {
	struct bench *bench;
	struct workload *workload;
	struct instance *in;
	unsigned int nr;
	unsigned int rounds;
	uint64_t ops;			/* of every batch; timed: ns */
	bool one_at_a_time;		/* they share a device */
};

/* --- watchdog ----------------------------------------------------------- */

static char stuck_message[256];

static void on_alarm(int sig)
{
	ssize_t n = write(STDERR_FILENO, stuck_message, strlen(stuck_message));

	(void)sig;
	(void)n;
	_exit(1);
}

static void watch(const struct instance *in)
{
	snprintf(stuck_message, sizeof(stuck_message),
		 "delwribench run: %s does not come to an end with fix %s: a deadlock or a dead device, given up after %u s; leave the fix out with --fix, or see what scripts/verify says of it\n",
		 in->workload->name, in->fix->name, STUCK_SECONDS);
	alarm(STUCK_SECONDS);
}

/* --- batches ------------------------------------------------------------ */

static bool usable(const struct instance *in)
{
	return !in->record.reason[0];
}

static int batch(struct field *f, struct instance *in, uint64_t ops,
		 struct record *rec, double *mean)
{
	int error = 0;

	watch(in);
	if (f->one_at_a_time)
		error = instance_open(in);
	if (error)
		return error;
	error = f->workload->batch(in, ops, rec, mean);
	if (error)
		snprintf(in->record.reason, sizeof(in->record.reason),
			 "a %s failed: %s", f->workload->operation,
			 strerror(-error));
	else if (f->workload->uses_device)
		error = instance_park(in);
	if (!error && rec && f->workload->sample)
		error = f->workload->sample(in, rec);
	if (f->one_at_a_time)
		instance_close(in);
	return error;
}

/* The best of a few: the others were disturbed. */
static int best_mean(struct field *f, struct instance *in, uint64_t ops,
		     double *best)
{
	double mean;
	int error;

	for (int i = 0; i < CALIBRATIONS; i++) {
		error = batch(f, in, ops, NULL, &mean);
		if (error)
			return error;
		if (i == 0 || mean < *best)
			*best = mean;
		/* Fast enough to go on with more. */
		if (*best * ops < f->workload->batch_ns / 2)
			break;
	}
	return 0;
}

/* Operations that one fix does in the time a batch is to take. */
static int measure_speed(struct field *f, struct instance *in, uint64_t *ops)
{
	double mean = 0, target = f->workload->batch_ns;
	int error;

	for (*ops = 4; *ops < OPS_MAX; *ops *= 2) {
		error = best_mean(f, in, *ops, &mean);
		if (error)
			return error;
		if (mean * *ops >= target / 2)
			break;
	}
	*ops = mean > 0 && target / mean >= 1 ? target / mean : 1;
	return 0;
}

/* The slowest decides, so that no batch takes longer than it is to. */
static int calibrate(struct field *f)
{
	uint64_t ops;
	int error;

	f->ops = f->workload->timed ? f->workload->batch_ns : OPS_MAX;
	for (unsigned int i = 0; i < f->nr && !f->workload->timed; i++) {
		if (!usable(&f->in[i]))
			continue;
		error = measure_speed(f, &f->in[i], &ops);
		if (error == -ENOMEM)
			return error;
		if (!error && ops < f->ops)
			f->ops = ops;
	}
	return 0;
}

static int run_rounds(struct field *f, uint64_t seed)
{
	unsigned int *order = calloc(f->rounds * f->nr, sizeof(*order));
	int error = 0;

	if (!order)
		return -ENOMEM;
	run_order(f->nr, f->rounds, seed, order);
	for (unsigned int i = 0; i < f->rounds * f->nr; i++) {
		struct instance *in = &f->in[order[i]];
		double ns;

		if (!usable(in))
			continue;
		error = batch(f, in, f->ops, &in->record, &ns);
		if (error == -ENOMEM)
			break;
		if (!error) {
			in->record.batch_ns[in->record.nr_batches++] = ns;
			if (!f->workload->timed)
				in->record.nr_ops += f->ops;
		}
		error = 0;
	}
	free(order);
	return error;
}

static int open_all(struct field *f)
{
	int error;

	for (unsigned int i = 0; i < f->nr; i++) {
		struct instance *in = &f->in[i];
		const char *unfit = NULL;

		if (f->workload->unfit)
			unfit = f->workload->unfit(in->fix);
		in->record.batch_ns = calloc(f->rounds, sizeof(double));
		if (!in->record.batch_ns)
			return -ENOMEM;
		if (unfit)
			snprintf(in->record.reason, sizeof(in->record.reason),
				 "%s", unfit);
		if (unfit || f->one_at_a_time)
			continue;
		watch(in);
		error = instance_open(in);
		if (error == -ENOMEM)
			return error;
	}
	return 0;
}

/* --- one workload ------------------------------------------------------- */

static int field_init(struct field *f, const struct cli *cli,
		      const struct pairs *pairs)
{
	f->in = calloc(pairs->nr, sizeof(*f->in));
	if (!f->in)
		return -ENOMEM;
	f->rounds = cli->rounds ? cli->rounds : f->workload->rounds;
	f->one_at_a_time = f->workload->large ||
			   (f->bench->device && f->workload->uses_device);
	for (unsigned int i = 0; i < pairs->nr; i++) {
		const struct pair *p = &pairs->pair[i];

		if (p->workload != f->workload || !p->selected)
			continue;
		f->in[f->nr++] = (struct instance){
			.fix = p->fix,
			.bench = f->bench,
			.workload = f->workload,
		};
	}
	return 0;
}

static void field_free(struct field *f)
{
	for (unsigned int i = 0; i < f->nr; i++)
		record_free(&f->in[i].record);
	free(f->in);
}

static int add_rows(const struct field *f, json_t *rows)
{
	for (unsigned int i = 0; i < f->nr; i++) {
		const struct instance *in = &f->in[i];
		json_t *row = record_to_json(&in->record, f->workload);

		json_object_set_new(row, "workload",
				    json_string(f->workload->name));
		json_object_set_new(row, "fix", json_string(in->fix->name));
		if (floor_of(in->fix))
			json_object_set_new(
				row, "floor_sha256",
				json_string(floor_of(in->fix)->sha256));
		if (f->workload->timed)
			json_set_missing(row, "ops_per_batch",
					 "batches end by the clock");
		else
			json_object_set_new(row, "ops_per_batch",
					    json_integer(f->ops));
		if (json_array_append_new(rows, row))
			return -ENOMEM;
	}
	return 0;
}

static int run_workload(struct bench *b, struct workload *w,
			const struct cli *cli, const struct pairs *pairs,
			json_t *rows)
{
	struct field f = { .bench = b, .workload = w };
	uint64_t seed = b->seed + (uint64_t)w->order;
	int error;

	error = field_init(&f, cli, pairs);
	if (error || !f.nr)
		goto out;
	fprintf(stderr, "  %s\n", w->name);
	error = open_all(&f);
	if (!error)
		error = calibrate(&f);
	if (!error)
		error = run_rounds(&f, bench_random(&seed));
	for (unsigned int i = 0; i < f.nr; i++) {
		watch(&f.in[i]);
		instance_close(&f.in[i]);
	}
	alarm(0);
	if (!error)
		error = add_rows(&f, rows);
out:
	field_free(&f);
	return error;
}

/* --- the block ---------------------------------------------------------- */

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

static json_t *describe(const struct cli *cli, const struct bench *b)
{
	char seed[24], block_seed[24];
	json_t *block;

	/* JSON's numbers end at 2^53. */
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)cli->seed);
	snprintf(block_seed, sizeof(block_seed), "%llu",
		 (unsigned long long)b->seed);
	block = json_object();
	json_object_set_new(block, "schema",
			    json_string("delwribench-block-1"));
	json_object_set_new(block, "block", json_integer(cli->one_block));
	json_object_set_new(block, "seed", json_string(seed));
	json_object_set_new(block, "block_seed", json_string(block_seed));
	json_object_set_new(block, "threads", json_integer(b->threads));
	json_object_set_new(block, "oversubscribed",
			    json_boolean(pool_oversubscribed(b->pool)));
	json_object_set_new(block, "worker_processors",
			    workers_to_json(b->pool));
	json_object_set_new(block, "daemon_processors", daemons_to_json());
	json_object_set_new(block, "device",
			    json_string(b->device ? b->device : "memory"));
	json_set_missing(block, "layout",
			 "the program has one layout, address space "
			 "randomisation apart");
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

int run_block(const struct cli *cli, const struct pairs *pairs)
{
	struct bench b = { .device = cli->device };
	uint64_t seed = cli->seed;
	unsigned int *cpus, nr_cpus;
	json_t *block = NULL, *rows = json_array();
	int error, status = EXIT_USAGE;

	for (unsigned int i = 0; i < cli->one_block; i++)
		b.seed = bench_random(&seed);
	signal(SIGALRM, on_alarm);
	error = machine_cpus(&cpus, &nr_cpus);
	if (error) {
		json_decref(rows);
		return cli_fail("cannot find out the processors: %s",
				strerror(-error));
	}
	b.threads = cli->threads ? cli->threads : nr_cpus;
	error = pool_start(b.threads, cpus, nr_cpus, &b.pool);
	if (!error && bind_daemons(cpus, nr_cpus))
		fputs("delwribench run: the daemons could not be kept off the loader's processor: expect noise\n",
		      stderr);
	free(cpus);
	if (error) {
		json_decref(rows);
		return cli_fail("cannot start %u threads: %s; ask for fewer "
				"with --threads",
				b.threads, strerror(-error));
	}
	block = describe(cli, &b);
	if (!block || !rows)
		error = -ENOMEM;
	if (!error && json_object_set_new(block, "before", machine_state()))
		error = -ENOMEM;
	for (unsigned int i = 0; i < cli->nr_workloads && !error; i++)
		error = run_workload(&b, cli->workloads[i], cli, pairs, rows);
	if (!error && (json_object_set_new(block, "after", machine_state()) ||
		       json_object_set(block, "rows", rows)))
		error = -ENOMEM;
	if (error)
		cli_fail("block %u: %s; measure less at once, with --fix, "
			 "--workload, --threads or --rounds",
			 cli->one_block, strerror(-error));
	else
		status = write_block(cli, block);
	json_decref(rows);
	json_decref(block);
	pool_stop(b.pool);
	return status;
}
