// SPDX-License-Identifier: GPL-2.0-only
/*
 * One fix, by a process for each processor, and what is said of it.
 */
#include "report.h"
#include "play.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Written by the processes, each its own part. */
struct shared {
	struct search_result total, part[WORKERS_MAX];
	/* So many preemptions are done: without other choices, and with. */
	int plain, chosen;
	bool done;
	char replay[8192];
	char timeline[16384];
	uint64_t access;
};

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static unsigned int processors(void)
{
	long nr = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	/* As many as it may use. */
	if (!sched_getaffinity(0, sizeof(set), &set))
		nr = CPU_COUNT(&set);
	if (nr > (long)WORKERS_MAX)
		return WORKERS_MAX;
	return nr < 1 ? 1 : nr;
}

static void add(struct search_result *to, const struct search_result *r)
{
	to->schedules += r->schedules;
	to->merged += r->merged;
	to->points += r->points;
	to->violations += r->violations;
	to->errors += r->errors;
	to->cut += r->cut;
	to->sliced += r->sliced;
	to->deep += r->deep;
	to->astray += r->astray;
	to->restores += r->restores;
	to->restore_ns += r->restore_ns;
	to->pct_counted += r->pct_counted;
	to->pct_points = r->pct_points;
	to->orders += r->orders;
	to->orders_sum += r->orders_sum;
	to->bad_orders += r->bad_orders;
	if (r->points_max > to->points_max)
		to->points_max = r->points_max;
	if (r->fibers_max > to->fibers_max)
		to->fibers_max = r->fibers_max;
	to->complete &= r->complete;
	/* The first of them all, so that it is always the same one. */
	if (r->found && (!to->found || r->found_nr < to->found_nr)) {
		to->found = true;
		to->found_nr = r->found_nr;
		to->witness = r->witness;
		to->hazard = r->hazard;
		memcpy(to->why, r->why, sizeof(to->why));
	}
}

/* One bound, by all processors; false: a process did not end as it should. */
static bool pass(const struct explore_options *o, struct shared *s,
		 unsigned int bound, unsigned int choices, double seconds)
{
	struct search_options so = {
		.bound = bound,
		.choices = choices,
		.seconds = seconds,
		.seed = o->seed,
		.workers = o->workers ? o->workers : processors(),
		.unreduced = o->unreduced,
		.all = o->all,
		.orders = o->all,
	};
	bool sound = true;
	int status;

	/* What several of them find is the same: of the last. */
	s->total.violations = s->total.bad_orders = 0;
	s->total.orders = s->total.orders_sum = 0;
	s->total.complete = true;
	fflush(NULL);
	for (so.worker = 0; so.worker < so.workers; so.worker++) {
		struct search_result *r = &s->part[so.worker];
		pid_t pid;

		memset(r, 0, sizeof(*r));
		pid = fork();
		if (pid < 0)
			return false;
		if (pid)
			continue;
		/* Timers are not inherited. */
		fault_watch();
		if (o->pct)
			pct_run(&so, o->runs, r);
		else
			bounded_run(&so, r);
		_exit(0);
	}
	for (unsigned int i = 0; i < so.workers; i++)
		sound &= wait(&status) > 0 && !status;
	for (unsigned int i = 0; i < so.workers; i++)
		add(&s->total, &s->part[i]);
	return sound;
}

static void tell_witness(struct shared *s)
{
	struct search_result *r = &s->total;
	FILE *out = fmemopen(s->timeline, sizeof(s->timeline), "w");

	if (course_run(&r->witness) == OUTCOME_VIOLATED)
		course_minimise(&r->witness);
	if (course_record(&r->witness) != OUTCOME_VIOLATED)
		fprintf(stderr, "explore: a witness cannot be replayed\n");
	course_format(&r->witness, s->replay, sizeof(s->replay));
	if (!out)
		return;
	course_print(out);
	s->access = witness_access();
	fclose(out);
}

static unsigned int choices_of(const struct explore_options *o,
			       unsigned int bound)
{
	if (o->choices_given)
		return o->choices;
	/* What can be afforded: bounded.c. */
	return bound < 2 ? CHOICES_ANY : 0;
}

/*
 * One bound after the other, the smallest first: what that finds is the
 * shortest.  False: a process did not end as it should.
 */
static bool passes(const struct explore_options *o, struct shared *s,
		   bool with_choices, double until)
{
	for (unsigned int bound = 0; bound <= o->bound; bound++) {
		unsigned int choices = with_choices ? choices_of(o, bound) : 0;
		double left = until - seconds_now();

		if (with_choices && !choices)
			break;
		if (s->total.found && !o->all)
			break;
		s->total.complete = false;
		if (left <= 0)
			break;
		if (!pass(o, s, bound, choices, left))
			return false;
		if (!s->total.complete)
			break;
		*(with_choices ? &s->chosen : &s->plain) = bound;
	}
	return true;
}

static bool bounded(const struct explore_options *o, struct shared *s)
{
	double until = seconds_now() + o->seconds;

	s->plain = s->chosen = -1;
	if (!passes(o, s, false, until))
		return false;
	if (s->plain < (int)o->bound && !o->all)
		return true;
	return passes(o, s, true, until);
}

/* In a process of its own: the arena is there once. */
static void explore(const struct explore_options *o, const struct fix *fix,
		    struct shared *s)
{
	double began = seconds_now();
	int error = course_open(o->scenario, fix, o->tso);

	if (error) {
		fprintf(stderr, "explore: the scenario cannot begin: %s\n",
			strerror(-error));
		_exit(1);
	}
	if (o->pct ? !pass(o, s, o->bound, 0, o->seconds) : !bounded(o, s))
		_exit(1);
	s->total.seconds = seconds_now() - began;
	if (s->total.found)
		tell_witness(s);
	s->done = true;
	_exit(0);
}

static int start(const struct explore_options *o, const struct fix *fix,
		 struct shared *s)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		explore(o, fix, s);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return s->done ? 0 : -ECHILD;
}

static struct shared *shared_new(void)
{
	void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

bool explore_search(const struct explore_options *o, const struct fix *fix,
		    struct search_result *r)
{
	struct shared *s = shared_new();
	bool done = s && !start(o, fix, s);

	if (done)
		*r = s->total;
	if (s)
		munmap(s, sizeof(*s));
	return done;
}

/*
 * "None is there" is only worth something where what is there is found: in
 * each of the scenario's controls, at the same bound.  Asked once for all
 * fixes.  The names of those that were not, "": none.
 */
static const char *controls_missed(const struct explore_options *o)
{
	static char missed[200];
	static bool asked;
	struct explore_options c = *o;
	struct search_result r;

	if (asked)
		return missed;
	asked = true;
	c.all = false;
	for (unsigned int i = 0; i < PLAY_CONTROLS; i++) {
		const char *name = o->scenario->controls[i];
		const struct fix *fix = name ? explore_fix_by_name(name) : NULL;
		size_t n = strlen(missed);

		if (name && (!fix || !explore_search(&c, fix, &r) || !r.found))
			snprintf(missed + n, sizeof(missed) - n, "%s%s",
				 n ? ", " : "", name);
	}
	return missed;
}

enum said { SAID_VIOLATED, SAID_EXHAUSTED, SAID_NOT_FOUND };

static const char *const said_names[] = {
	[SAID_VIOLATED] = "violated",
	[SAID_EXHAUSTED] = "exhausted",
	[SAID_NOT_FOUND] = "not found",
};

static void pct_text(const struct explore_options *o,
		     const struct search_result *r, char *buf, size_t size)
{
	double one = 1 / (r->fibers_max * pow(r->pct_points, o->bound - 1.));

	snprintf(buf, size,
		 "pct, depth %u, %llu tasks, %llu points: a run finds such a "
		 "bug with a probability of 1/(n k^(d-1)) = %.1e or more; "
		 "the %llu that this holds of, together %.1e",
		 o->bound, (unsigned long long)r->fibers_max,
		 (unsigned long long)r->pct_points, one,
		 (unsigned long long)r->pct_counted,
		 -expm1(r->pct_counted * log1p(-one)));
}

/* Which schedules were all searched. */
static size_t bound_text(const struct explore_options *o,
			 const struct shared *s, char *buf, size_t size)
{
	unsigned int most = choices_of(o, s->chosen);
	size_t n = snprintf(buf, size, "%s: ",
			    o->tso ? "store buffers, as x86" :
				     "sequentially consistent");

	if (s->plain < 0)
		return n + snprintf(buf + n, size - n, "not all of any bound");
	n += snprintf(buf + n, size - n, "all of at most %d preemption%s",
		      s->plain, s->plain == 1 ? "" : "s");
	if (s->chosen < 0)
		return n;
	if (s->chosen < s->plain)
		n += snprintf(buf + n, size - n, ", and of at most %d",
			      s->chosen);
	if (most == CHOICES_ANY)
		return n + snprintf(buf + n, size - n,
				    " with any choices where a task blocks");
	return n + snprintf(buf + n, size - n,
			    " with at most %u other choice%s where a task "
			    "blocks",
			    most, most == 1 ? "" : "s");
}

static void how_far(const struct explore_options *o, const struct shared *s,
		    const char *missed, char *buf, size_t size)
{
	const struct search_result *r = &s->total;
	size_t n;

	if (o->pct) {
		pct_text(o, r, buf, size);
		return;
	}
	n = bound_text(o, s, buf, size);
	if (!r->complete)
		n += snprintf(buf + n, size - n, "; not all of the next bound");
	if (r->cut || r->sliced || r->deep)
		n += snprintf(buf + n, size - n,
			      "; %llu runs with no end, %llu without a pause, "
			      "%llu with too many choices",
			      (unsigned long long)r->cut,
			      (unsigned long long)r->sliced,
			      (unsigned long long)r->deep);
	if (missed[0])
		snprintf(buf + n, size - n,
			 "; but neither was anything found in %s, known to "
			 "fail",
			 missed);
}

static void print(const struct explore_options *o, const struct fix *fix,
		  const struct shared *s, enum said said, const char *far)
{
	const struct search_result *r = &s->total;

	printf("%-22s %s", fix->name, said_names[said]);
	if (said == SAID_VIOLATED)
		printf(" %s%s: %s", hazard_name(r->hazard),
		       fix->claims & 1u << r->hazard ? " (claimed)" : "",
		       r->why);
	printf("\n  %llu schedules, %llu of them cut short where they met "
	       "another, %.2f s; %s\n",
	       (unsigned long long)(r->schedules + r->merged),
	       (unsigned long long)r->merged, r->seconds, far);
	if (r->errors)
		printf("  in %llu an operation gave up with an error\n",
		       (unsigned long long)r->errors);
	if (o->all)
		printf("  %llu violations; %llu orders, %llu of them "
		       "violations\n",
		       (unsigned long long)r->violations,
		       (unsigned long long)r->orders,
		       (unsigned long long)r->bad_orders);
	if (o->tso)
		puts("  stores that overtake stores, and loads that overtake "
		     "loads (ARM, POWER), are not covered");
	if (said != SAID_VIOLATED)
		return;
	printf("%s\n  scripts/explore --replay '%s'\n", s->timeline, s->replay);
	if (s->access)
		printf("  gdb -ex 'break witness_reached if fibers.points == "
		       "%llu' -ex run -ex bt --args %s --replay '%s'\n",
		       (unsigned long long)s->access,
		       program_invocation_name, s->replay);
	putchar('\n');
}

static json_t *as_json(const struct explore_options *o,
		       const struct shared *s, enum said said, const char *far)
{
	const struct search_result *r = &s->total;
	char sum[20];
	json_t *j;

	/* More than a number of JSON holds. */
	snprintf(sum, sizeof(sum), "%016llx",
		 (unsigned long long)r->orders_sum);
	j = json_pack(
		"{s:I, s:s, s:s, s:s, s:i, s:i, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:I, s:I, s:o, s:s, s:f}",
		"astray", (json_int_t)r->astray, "verdict", said_names[said], "scenario", o->scenario->name,
		"strategy", o->pct ? "pct" : "bounded", "bound", o->pct ? (int)o->bound : s->plain,
		"bound_choices", s->chosen,
		"memory", o->tso ? "tso" : "sc", "complete", r->complete,
		"schedules", (json_int_t)r->schedules, "merged",
		(json_int_t)r->merged, "points", (json_int_t)r->points,
		"violations", (json_int_t)r->violations, "errors",
		(json_int_t)r->errors, "cut",
		(json_int_t)(r->cut + r->sliced + r->deep), "orders",
		(json_int_t)r->orders, "bad_orders", (json_int_t)r->bad_orders,
		"orders_sum", json_string(sum), "how_far", far, "seconds",
		r->seconds);

	if (r->restores)
		json_object_set_new(j, "restore_us",
				    json_real(r->restore_ns * 1e-3 /
					      r->restores));
	if (said != SAID_VIOLATED)
		return j;
	json_object_set_new(j, "hazard", json_string(hazard_name(r->hazard)));
	json_object_set_new(j, "why", json_string(r->why));
	json_object_set_new(j, "evidence", json_string(s->timeline));
	json_object_set_new(j, "replay", json_string(s->replay));
	return j;
}

int explore_fix(const struct explore_options *o, const struct fix *fix,
		json_t *json)
{
	struct shared *s = shared_new();
	const struct search_result *r;
	enum said said = SAID_NOT_FOUND;
	const char *missed = "";
	bool claimed;
	char far[600];
	int error = s ? start(o, fix, s) : -ENOMEM;

	if (error) {
		fprintf(stderr,
			"explore: %s: its process did not end as it "
			"should: untested\n",
			fix->name);
		return 3;
	}
	r = &s->total;
	if (r->found) {
		said = SAID_VIOLATED;
	} else if (!o->pct && r->complete) {
		missed = controls_missed(o);
		/* A run in which an operation gave up has shown nothing. */
		if (!missed[0] && !r->errors)
			said = SAID_EXHAUSTED;
	}
	how_far(o, s, missed, far, sizeof(far));
	if (json)
		json_object_set_new(json, fix->name, as_json(o, s, said, far));
	else
		print(o, fix, s, said, far);
	claimed = fix->claims & 1u << r->hazard;
	munmap(s, sizeof(*s));
	if (said == SAID_VIOLATED)
		return claimed;
	return said == SAID_EXHAUSTED ? 0 : 3;
}

int explore_replay(const struct explore_options *o, const struct fix *fix,
		   const struct course *c)
{
	int error = course_open(o->scenario, fix, o->tso);

	if (error) {
		fprintf(stderr, "explore: the scenario cannot begin: %s\n",
			strerror(-error));
		return 3;
	}
	if (course_record(c) != OUTCOME_VIOLATED) {
		printf("%s: nothing is violated, after %llu accesses\n",
		       fix->name, (unsigned long long)fibers.points);
		course_print(stdout);
		return 0;
	}
	printf("%s: %s: %s\n", fix->name, hazard_name(play->hazard), play->why);
	course_print(stdout);
	return 1;
}
