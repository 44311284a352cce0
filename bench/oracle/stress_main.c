// SPDX-License-Identifier: GPL-2.0-only
/*
 * verify --stress: run it fix by fix, report rates with their intervals.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "verify.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/child.h"

#define POLL_US		2000

/* In memory that both processes share. */
struct stress_outcome {
	const struct fix *fix;
	double seconds;
	uint64_t seed;
	struct stress_result res;
	int error;
	char crash[128];		/* by the parent: how it died */
	char who[2048];
};

static void stress_child(void *arg)
{
	struct stress_outcome *o = arg;

	o->error = stress_run(o->fix, o->seconds, o->seed, &o->res, o->who,
			      sizeof(o->who));
}

/* What it counted is lost with it. */
static void take_status(struct stress_outcome *o, int status)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	o->error = -ECHILD;
	if (WIFEXITED(status))
		snprintf(o->crash, sizeof(o->crash), "exit code %d",
			 WEXITSTATUS(status));
	else
		snprintf(o->crash, sizeof(o->crash), "%s",
			 strsignal(WTERMSIG(status)));
}

/* In a child, which hangs at the worst. */
static void stress_in_child(struct stress_outcome *o)
{
	uint64_t end = now_ns() + (o->seconds * 3 + 120) * 1e9;
	struct child child;
	int status, reaped = 0;

	o->error = child_start(&child, stress_child, o);
	if (o->error)
		return;
	while (!reaped) {
		bool late = now_ns() > end;

		if (late || child_interrupted())
			child_kill(&child);
		reaped = child_reap(&child, late || child_interrupted(),
				    &status, NULL);
		if (late)
			o->error = -ETIMEDOUT;
		else if (reaped < 0)
			o->error = reaped;
		else if (reaped)
			take_status(o, status);
		else
			usleep(POLL_US);
	}
}

struct beta {
	double p, a, b;
};

static double beta_minus_p(double x, void *arg)
{
	struct beta *beta = arg;

	return gsl_cdf_beta_P(x, beta->a, beta->b) - beta->p;
}

/*
 * Quantile of the beta distribution by bisection: gsl_cdf_beta_Pinv() does
 * not converge for a few events in many thousands.
 */
static double beta_quantile(double p, double a, double b)
{
	struct beta beta = { p, a, b };
	gsl_function f = { .function = beta_minus_p, .params = &beta };
	gsl_root_fsolver *solver =
		gsl_root_fsolver_alloc(gsl_root_fsolver_bisection);
	double x;

	gsl_root_fsolver_set(solver, &f, 0, 1);
	do {
		gsl_root_fsolver_iterate(solver);
		x = gsl_root_fsolver_root(solver);
	} while (gsl_root_test_interval(gsl_root_fsolver_x_lower(solver),
					gsl_root_fsolver_x_upper(solver),
					0, 1e-6) == GSL_CONTINUE);
	gsl_root_fsolver_free(solver);
	return x;
}

/* Clopper-Pearson: the exact 95 % interval of @k in @n. */
static void interval(uint64_t k, uint64_t n, double *low, double *high)
{
	*low = k ? beta_quantile(0.025, k, n - k + 1.0) : 0;
	*high = k < n ? beta_quantile(0.975, k + 1.0, n - k) : 1;
}

static uint64_t leaks(const struct teardown *t)
{
	return t->buffers + t->pins + t->log_items + t->list_entries +
	       t->busy_extents;
}

/* Hazards that this run saw violated. */
static unsigned int violated(const struct stress_outcome *o)
{
	unsigned int bits = 0;

	if (o->res.not_durable)
		bits |= HAZARD(ORDERING);
	if (o->res.reread)
		bits |= HAZARD(REREAD);
	if (o->res.stale_writes)
		bits |= HAZARD(STALE_WRITE);
	if (o->res.hung)
		bits |= HAZARD(DEADLOCK);
	if (o->res.left.flag_leaks)
		bits |= HAZARD(FLAG_LEAK);
	if (leaks(&o->res.left))
		bits |= HAZARD(LEAK);
	return bits;
}

static void print_names(unsigned int bits, FILE *out)
{
	for (int h = 0; h < HAZARDS; h++)
		if (bits & (1u << h))
			fprintf(out, " %s", hazard_name(h));
}

static const char *why_none(const struct stress_outcome *o)
{
	if (o->crash[0])
		return o->crash;
	return o->error ? strerror(-o->error) : "no load succeeded";
}

static void print_outcome(const struct fix *fix,
			  const struct stress_outcome *o)
{
	const struct stress_result *r = &o->res;
	double low, high;

	if (o->error || !r->loads) {
		printf("%-22s no result: %s%s\n", fix->name, why_none(o),
		       r->hung ? ", hung" : "");
		if (r->hung)
			fputs(o->who, stdout);
		return;
	}
	interval(r->not_durable, r->loads, &low, &high);
	printf("%-22s %7llu loads, %llu misqueued, %llu not durable at "
	       "commit:\n%22s%.3g %% (95 %%: %.3g to %.3g %%)\n",
	       fix->name, (unsigned long long)r->loads,
	       (unsigned long long)r->misqueued,
	       (unsigned long long)r->not_durable, "",
	       100.0 * r->not_durable / r->loads, 100 * low, 100 * high);
	printf("%22s%llu loads failed as they should, %llu walks, %llu "
	       "modifications, %llu churns, %.0f s\n",
	       "", (unsigned long long)r->failed_loads,
	       (unsigned long long)r->walks, (unsigned long long)r->modifies,
	       (unsigned long long)r->churns, r->seconds);
	if (violated(o)) {
		printf("%22sviolated:", "");
		print_names(violated(o), stdout);
		putchar('\n');
	}
	if (r->hung)
		fputs(o->who, stdout);
	if (leaks(&r->left))
		printf("%22sleft: %llu buffers, %llu pins, %llu log items, "
		       "%llu entries, %llu busy\n",
		       "", (unsigned long long)r->left.buffers,
		       (unsigned long long)r->left.pins,
		       (unsigned long long)r->left.log_items,
		       (unsigned long long)r->left.list_entries,
		       (unsigned long long)r->left.busy_extents);
}

static json_t *outcome_json(const struct stress_outcome *o)
{
	const struct stress_result *r = &o->res;
	json_t *names = json_array();
	double low = 0, high = 1;

	if (r->loads)
		interval(r->not_durable, r->loads, &low, &high);
	for (int h = 0; h < HAZARDS; h++)
		if (violated(o) & (1u << h))
			json_array_append_new(names,
					      json_string(hazard_name(h)));
	return json_pack("{s:i, s:I, s:I, s:I, s:[f,f], s:I, s:I, s:I, s:I,"
			 " s:I, s:b, s:f, s:o}",
			 "error", o->error, "loads", (json_int_t)r->loads,
			 "misqueued", (json_int_t)r->misqueued, "not_durable",
			 (json_int_t)r->not_durable, "rate_95", low, high,
			 "failed_loads", (json_int_t)r->failed_loads, "walks",
			 (json_int_t)r->walks, "modifies",
			 (json_int_t)r->modifies, "churns",
			 (json_int_t)r->churns, "stale_writes",
			 (json_int_t)r->stale_writes, "hung", r->hung,
			 "seconds", r->seconds, "violated", names);
}

/* VERIFY_OK, VERIFY_VIOLATED or VERIFY_UNTESTED. */
static int judge(const struct fix *fix, const struct stress_outcome *o)
{
	unsigned int bad = violated(o) & fix->claims;

	if (bad) {
		fprintf(stderr, "%s claims to hold, and violated:", fix->name);
		print_names(bad, stderr);
		fputc('\n', stderr);
		return VERIFY_VIOLATED;
	}
	if (fix->claims && (o->error || !o->res.loads)) {
		fprintf(stderr, "%s: stress gave no result: %s\n", fix->name,
			why_none(o));
		return VERIFY_UNTESTED;
	}
	if ((fix->claims & HAZARD(ORDERING)) && o->res.broken_ags) {
		fprintf(stderr,
			"%s: no repair succeeds any more after it: that shows "
			"nothing\n",
			fix->name);
		return VERIFY_UNTESTED;
	}
	if (!strcmp(fix->name, "none") && !o->res.not_durable) {
		fprintf(stderr, "none did not lose ordering: the run was too "
				"short to say anything about the others\n");
		return VERIFY_UNTESTED;
	}
	return VERIFY_OK;
}

static void show(const struct stress_outcome *o, json_t *all)
{
	if (all)
		json_object_set_new(all, o->fix->name, outcome_json(o));
	else
		print_outcome(o->fix, o);
	fflush(stdout);
}

int stress_main(struct matrix *m, double seconds, uint64_t seed, bool json)
{
	struct stress_outcome *o = mmap(NULL, sizeof(*o),
					PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	json_t *all = json ? json_object() : NULL;
	int status = VERIFY_OK;

	if (o == MAP_FAILED || (json && !all))
		return verify_failed(-ENOMEM);
	child_catch_signals();
	for (unsigned int i = 0; i < m->nr_fixes && !child_interrupted(); i++) {
		if (m->fix[i]->does_nothing)
			continue;
		*o = (struct stress_outcome){ .fix = m->fix[i],
					      .seconds = seconds,
					      .seed = seed };
		stress_in_child(o);
		if (child_interrupted())
			break;
		show(o, all);
		status = verify_worse(status, judge(o->fix, o));
	}
	if (json && verify_dump(json_pack("{s:o, s:b}", "stress", all,
					  "interrupted", child_interrupted())))
		status = verify_worse(status, VERIFY_UNTESTED);
	munmap(o, sizeof(*o));
	return child_interrupted() ? verify_failed(-EINTR) : status;
}
