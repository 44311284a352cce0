// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fixes under one workload, measured in rounds of batches, each fix once
 * per round in an order drawn anew.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/machine/machine.h"
#include "bench/perf/perf_control.h"
#include "bench/progress.h"
#include "bench/run/run_memory.h"

/* No batch takes so long; whoever does has deadlocked. */
#define STUCK_SECONDS	60
/* Counted in these, of which a virtual machine that was paused loses one. */
#define STUCK_TICK	10
#define OPS_MAX		(1ull << 32)
#define CALIBRATIONS	5

/* The fixes under one workload. */
struct field {
	struct bench *bench;
	const struct workload *workload;
	const struct run_point *at;
	struct instance *in;
	unsigned int nr;
	unsigned int rounds;
	uint64_t ops;			/* of every batch; timed: ns */
	bool one_at_a_time;		/* they share a device, or memory */
	bool skipped;			/* ->fit says why */
	struct memory_fit fit;
};

/* Of memory, threads or processes. */
static bool is_lacking(int error)
{
	return error == -ENOMEM || error == -EAGAIN;
}

/* --- watchdog ----------------------------------------------------------- */

static char stuck_message[256];
static volatile sig_atomic_t stuck_seconds;

static void on_alarm(int sig)
{
	ssize_t n;

	(void)sig;
	stuck_seconds += STUCK_TICK;
	if (stuck_seconds < STUCK_SECONDS) {
		alarm(STUCK_TICK);
		return;
	}
	n = write(STDERR_FILENO, stuck_message, strlen(stuck_message));
	(void)n;
	_exit(1);
}

static void watch(const struct instance *in)
{
	snprintf(stuck_message, sizeof(stuck_message),
		 "\ndelwribench run: %s does not come to an end with fix %s: a deadlock or a dead device, given up after %u s; leave the fix out with --fix, or see what scripts/verify says of it\n",
		 in->workload->name, in->fix->name, STUCK_SECONDS);
	signal(SIGALRM, on_alarm);
	stuck_seconds = 0;
	alarm(STUCK_TICK);
}

/* --- batches ------------------------------------------------------------ */

static bool usable(const struct instance *in)
{
	return !in->record.reason[0];
}

/* Look once more where everything is, and unmount. */
static void leave(struct field *f, struct instance *in)
{
	if (!in->dev)
		return;
	if (!in->counting && perf_objects(in->fix, in->mp) && usable(in))
		snprintf(in->record.reason, sizeof(in->record.reason),
			 "where its objects are could not be written");
	if (f->bench->place)
		plan_run_look(f->bench->place, in->fix, in->mp);
	instance_close(in);
}

static uint64_t ail_passes(const struct instance *in)
{
	return in->fix->ail_passes ? in->fix->ail_passes(in->mp) : 0;
}

/* In a batch; the workload counts those of timed ones itself. */
static uint64_t counted_operations(const struct field *f, uint64_t ops)
{
	if (f->workload->timed)
		return 0;
	return f->workload->per_thread ? ops * f->bench->threads : ops;
}

/* What the workers' counters have, to this fix's. */
static void count_hardware(struct field *f, struct record *rec)
{
	if (!rec->perf)
		rec->perf = pool_counters_new(f->bench->pool);
	if (rec->perf)
		pool_counters_take(f->bench->pool, rec->perf);
}

static int batch(struct field *f, struct instance *in, uint64_t ops,
		 struct record *rec, double *mean)
{
	bool open = !in->dev;
	uint64_t passes, ops_before = rec ? rec->nr_ops : 0;
	int error = 0;

	watch(in);
	if (open)
		error = instance_open(in);
	if (error)
		return error;
	passes = ail_passes(in);
	if (rec && !in->counting)
		perf_control_enable();
	error = f->workload->batch(in, ops * in->work, rec, mean);
	if (rec) {
		perf_control_disable();
		count_hardware(f, rec);
		run_count_events(in, passes,
				 counted_operations(f, ops) + rec->nr_ops -
					 ops_before,
				 rec);
	}
	*mean *= in->work;
	if (error == -ETIME)
		snprintf(in->record.reason, sizeof(in->record.reason),
			 "it does not keep up with what arrives");
	else if (error)
		snprintf(in->record.reason, sizeof(in->record.reason),
			 "a %s failed: %s", f->workload->operation,
			 strerror(-error));
	else if (f->workload->uses_device)
		error = instance_park(in);
	if (!error && rec && f->workload->sample && !in->counting)
		error = f->workload->sample(in, rec);
	if (open)
		leave(f, in);
	return error;
}

int run_batch(struct instance *in, uint64_t ops, double *ns)
{
	struct field f = { .bench = in->bench, .workload = in->workload };

	return batch(&f, in, ops, &in->record, ns);
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
	int error = 0;

	if (f->one_at_a_time)
		error = instance_open(in);
	for (*ops = 4; *ops < OPS_MAX && !error; *ops *= 2) {
		error = best_mean(f, in, *ops, &mean);
		if (mean * *ops >= target / 2)
			break;
	}
	if (f->one_at_a_time)
		instance_close(in);
	if (error)
		return error;
	*ops = mean > 0 && target / mean >= 1 ? target / mean : 1;
	return 0;
}

/* The slowest decides, so that no batch takes longer than it is to. */
static int calibrate(struct field *f)
{
	uint64_t ops;
	int error;

	f->ops = f->workload->timed ? f->workload->batch_ns : OPS_MAX;
	if (f->workload->alone) {
		f->ops = 1;
		return 0;
	}
	for (unsigned int i = 0; i < f->nr && !f->workload->timed; i++) {
		if (!usable(&f->in[i]))
			continue;
		error = measure_speed(f, &f->in[i], &ops);
		progress_prepared();
		if (is_lacking(error))
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
	if (f->workload->alone)
		run_order_abba(f->nr, f->rounds, seed, order);
	else
		run_order(f->nr, f->rounds, seed, order);
	for (unsigned int i = 0; i < f->rounds * f->nr; i++) {
		struct instance *in = &f->in[order[i]];
		double ns;

		if (!usable(in)) {
			progress_add(f->workload->batch_ns / 1e9);
			continue;
		}
		error = f->workload->alone ?
				run_alone(in, &ns) :
				batch(f, in, f->ops, &in->record, &ns);
		progress_add(f->workload->batch_ns / 1e9);
		if (is_lacking(error))
			break;
		if (!error) {
			in->record.batch_ns[in->record.nr_batches++] = ns;
			in->record.nr_ops += counted_operations(f, f->ops);
		}
		error = 0;
	}
	free(order);
	return error;
}

/*
 * One round more, of the instrumented copies.  Those that were timed are not
 * mounted any more: memory for both is not asked for.
 */
static int count_round(struct field *f)
{
	uint64_t ops = f->workload->timed ? f->ops / 2 : f->ops;
	int error = 0;

	for (unsigned int i = 0; i < f->nr && !is_lacking(error); i++) {
		error = run_count(&f->in[i], ops);
		progress_add(f->workload->batch_ns / 1e9);
	}
	return is_lacking(error) ? error : 0;
}

static int open_all(struct field *f)
{
	int error;

	for (unsigned int i = 0; i < f->nr; i++) {
		struct instance *in = &f->in[i];
		const char *unfit = NULL;

		if (f->bench->threads < f->workload->min_threads)
			unfit = "it needs more threads: see --threads";
		else if (f->workload->unfit)
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
		progress_prepared();
		if (is_lacking(error))
			return error;
	}
	return 0;
}

/* Of all: no figure of a workload counts that did not have what it needs. */
static void give_up(struct field *f, const char *why)
{
	for (unsigned int i = 0; i < f->nr; i++)
		snprintf(f->in[i].record.reason,
			 sizeof(f->in[i].record.reason), "%s", why);
}

/* What its measure of the memory did not foresee, or no thread. */
static void give_up_lacking(struct field *f, int error)
{
	bool memory = error == -ENOMEM;
	const char *what = memory ? "out of memory, though it seemed enough" :
				    "out of threads or processes: see ulimit "
				    "-u, and the container's pids limit";

	cli_say("%s is not measured: %s", f->workload->name, what);
	give_up(f, what);
}

/* --- one workload ------------------------------------------------------- */

static bool is_of(const struct pair *p, const struct workload *w,
		  const struct run_point *at)
{
	return p->workload == w && p->point == at && p->selected;
}

static unsigned int count_selected(const struct pairs *pairs,
				   const struct workload *w,
				   const struct run_point *at)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < pairs->nr && !at->skipped[0]; i++)
		nr += is_of(&pairs->pair[i], w, at);
	return nr;
}

/* There and back is the least of those that need processes. */
unsigned int run_rounds_of(const struct workload *w, const struct cli *cli)
{
	return cli->rounds && !w->alone ? cli->rounds : w->rounds;
}

unsigned int run_workload_batches(const struct workload *w,
				  const struct cli *cli,
				  const struct pairs *pairs,
				  const struct run_point *at)
{
	/* And the one that counts. */
	return count_selected(pairs, w, at) * (run_rounds_of(w, cli) + 1);
}

static int field_init(struct field *f, const struct cli *cli,
		      const struct pairs *pairs)
{
	f->in = calloc(count_selected(pairs, f->workload, f->at) + 1,
		       sizeof(*f->in));
	if (!f->in)
		return -ENOMEM;
	f->rounds = run_rounds_of(f->workload, cli);
	f->one_at_a_time = f->workload->large || f->workload->alone ||
			   (f->bench->device && f->workload->uses_device);
	for (unsigned int i = 0; i < pairs->nr; i++) {
		const struct pair *p = &pairs->pair[i];

		if (!is_of(p, f->workload, f->at))
			continue;
		f->in[f->nr++] = (struct instance){
			.fix = p->fix,
			.bench = f->bench,
			.workload = f->workload,
			.work = p->fix == cli->injected &&
						!f->workload->timed ?
					1 + cli->injected_percent / 100 :
					1,
		};
	}
	return 0;
}

static void field_free(struct field *f)
{
	for (unsigned int i = 0; i < f->nr; i++) {
		record_free(&f->in[i].record);
		record_free(&f->in[i].counts);
	}
	free(f->in);
}

/* Those that have something to say are side by side. */
static bool fits(struct field *f)
{
	const struct workload *w = f->workload;
	const struct fix *list[RUN_FIELD];
	struct memory_need need;
	unsigned int nr = 0;

	for (unsigned int i = 0; i < f->nr; i++)
		if (!w->unfit || !w->unfit(f->in[i].fix))
			list[nr++] = f->in[i].fix;
	run_memory_need(w, f->bench, list, nr, f->rounds, &need);
	return run_memory_fits(&need, f->at, &f->fit);
}

bool run_workload_fits(struct bench *b, const struct workload *w,
		       const struct cli *cli, const struct pairs *pairs,
		       const struct run_point *at, char *why, size_t size)
{
	struct field f = { .bench = b, .workload = w, .at = at };
	bool fit;

	b->threads = at->threads;
	fit = field_init(&f, cli, pairs) || fits(&f);
	snprintf(why, size, "%s", fit ? "" : f.fit.why);
	field_free(&f);
	return fit;
}

static int add_rows(const struct field *f, json_t *rows)
{
	for (unsigned int i = 0; i < f->nr; i++) {
		const struct instance *in = &f->in[i];
		json_t *row = record_to_json(in);

		json_object_set_new(row, "workload",
				    json_string(f->workload->name));
		json_object_set_new(row, "fix", json_string(in->fix->name));
		if (f->at->placed) {
			json_object_set_new(row, "threads",
					    json_integer(f->at->threads));
			json_object_set_new(row, "placement",
					    json_string(f->at->placement));
		}
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
		if (f->skipped)
			json_object_set_new(
				row, "skipped",
				json_pack("{s:I, s:I, s:s}", "needs_bytes",
					  (json_int_t)f->fit.needs,
					  "here_bytes",
					  (json_int_t)f->fit.here, "reason",
					  f->fit.why));
		if (json_array_append_new(rows, row))
			return -ENOMEM;
	}
	return 0;
}

int run_workload(struct bench *b, struct workload *w, const struct cli *cli,
		 const struct pairs *pairs, const struct run_point *at,
		 json_t *rows)
{
	struct field f = { .bench = b, .workload = w, .at = at };
	uint64_t seed = b->seed + (uint64_t)w->order;
	int error;

	error = field_init(&f, cli, pairs);
	if (error || !f.nr)
		goto out;
	progress_workload(w->name);
	f.skipped = !fits(&f);
	if (f.skipped) {
		give_up(&f, f.fit.why);
		progress_add((f.rounds + 1) * f.nr * (w->batch_ns / 1e9));
		error = add_rows(&f, rows);
		goto out;
	}
	error = open_all(&f);
	if (!error)
		error = calibrate(&f);
	progress_prepared();
	if (!error)
		error = run_rounds(&f, bench_random(&seed));
	for (unsigned int i = 0; i < f.nr; i++) {
		watch(&f.in[i]);
		leave(&f, &f.in[i]);
	}
	if (!error)
		error = count_round(&f);
	alarm(0);
	if (is_lacking(error)) {
		give_up_lacking(&f, error);
		error = 0;
	}
	if (!error)
		error = add_rows(&f, rows);
out:
	field_free(&f);
	return error;
}
