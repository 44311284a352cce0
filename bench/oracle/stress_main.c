// SPDX-License-Identifier: GPL-2.0-only
/*
 * verify --stress: run it fix by fix, report rates with their intervals.
 */
#include "verify.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct stress_job {
	const struct fix *fix;
	double seconds;
	uint64_t seed;
};

struct stress_outcome {
	struct stress_result res;
	int error;
	char who[2048];
};

static void stress_child(void *arg, void *result)
{
	struct stress_job *job = arg;
	struct stress_outcome *out = result;

	out->error = stress_run(job->fix, job->seconds, job->seed, &out->res,
				out->who, sizeof(out->who));
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

static void print_outcome(const struct fix *fix,
			  const struct stress_outcome *o)
{
	const struct stress_result *r = &o->res;
	double low, high;

	if (o->error || !r->loads) {
		printf("%-21s no result: %s%s\n", fix->name,
		       o->error ? strerror(-o->error) : "no load succeeded",
		       r->hung ? ", hung" : "");
		if (r->hung)
			fputs(o->who, stdout);
		return;
	}
	interval(r->not_durable, r->loads, &low, &high);
	printf("%-21s %7llu loads, %llu misqueued, %llu not durable at "
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

/* 0 if it went as the fix claims. */
static int judge(const struct fix *fix, const struct stress_outcome *o)
{
	unsigned int bad = violated(o) & fix->claims;

	if (o->error) {
		fprintf(stderr, "%s: stress gave no result: %s\n", fix->name,
			strerror(-o->error));
		return fix->claims & HAZARD(DEADLOCK) ? 1 : 0;
	}
	if (bad) {
		fprintf(stderr, "%s claims to hold, and violated:", fix->name);
		print_names(bad, stderr);
		fputc('\n', stderr);
		return 1;
	}
	if ((fix->claims & HAZARD(ORDERING)) &&
	    (!o->res.loads || o->res.broken_ags)) {
		fprintf(stderr, "%s: %s: that shows nothing\n", fix->name,
			o->res.loads ? "no repair succeeds any more after it" :
				       "no load succeeded");
		return 1;
	}
	if (!strcmp(fix->name, "none") && !o->res.not_durable) {
		fprintf(stderr, "none did not lose ordering: the run was too "
				"short to say anything about the others\n");
		return 1;
	}
	return 0;
}

int stress_main(struct matrix *m, double seconds, uint64_t seed, bool json)
{
	json_t *root = json_object(), *all = json_object();
	int bad = 0;

	json_object_set_new(root, "stress", all);
	for (unsigned int i = 0; i < m->nr_fixes; i++) {
		struct stress_job job = { m->fix[i], seconds, seed };
		struct stress_outcome *o = calloc(1, sizeof(*o));
		int error;

		if (!o || m->fix[i]->does_nothing) {
			free(o);
			continue;
		}
		error = child_run(stress_child, &job, o, sizeof(*o),
				  seconds * 3 + 120);
		if (error)
			o->error = error;
		if (json)
			json_object_set_new(all, m->fix[i]->name,
					    outcome_json(o));
		else
			print_outcome(m->fix[i], o);
		fflush(stdout);
		bad += judge(m->fix[i], o);
		free(o);
	}
	if (json) {
		json_dumpf(root, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	}
	json_decref(root);
	return bad ? 1 : 0;
}
