// SPDX-License-Identifier: GPL-2.0-only
/*
 * scripts/pace: all storms of a kernel run, round by round.  The model is idle
 * most of the time at a guest's pace, so all fixes of a storm run at once.
 */
#include "bench/cache.h"
#include "bench/cli.h"
#include "bench/pace/pace.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAMES_MAX	32
#define EVENTS_ENOUGH	30u

struct options {
	const char *run, *out, *cache;
	const char *scenarios[NAMES_MAX], *fixes[NAMES_MAX];
	unsigned int nr_scenarios, nr_fixes;
	double seconds, minutes;
	bool own_pace;
	uint64_t seed;
};

/* One fix in one storm. */
struct job {
	struct pace_options o;
	struct thread thread;
	struct pace_row row, sum;
	unsigned int rounds;
	char why[200];
	int error;
};

static const struct argp_option argp_options[] = {
	{ "kernel-run", 'k', "RUN", 0,
	  "Folder with the kernel.json of scripts/kernel, or that file", 0 },
	{ "out", 'o', "FILE", 0,
	  "Write here instead of pace.json beside kernel.json", 0 },
	{ "scenario", 's', "NAME", 0, "Only this storm (may be repeated)", 0 },
	{ "fix", 'f', "NAME", 0, "Only this fix (may be repeated)", 0 },
	{ "seconds", 't', "N", 0,
	  "Length of a round (default: as long as the guest's)", 0 },
	{ "minutes", 'm', "N", 0,
	  "No further round of a storm after so long (default 20)", 0 },
	{ "own-pace", 'p', NULL, 0,
	  "Repairs and AIL as fast as this machine, all else at the guest's "
	  "pace",
	  0 },
	{ "cache", 'c', "GEN", 0,
	  "Generation of the buffer cache (default: that of the run's kernel)",
	  0 },
	{ "seed", 'S', "N", 0, "Of what is drawn (default 1)", 0 },
	{ 0 }
};

static double number(const char *what, const char *arg, double min,
		     double max)
{
	char *end;
	double value = strtod(arg, &end);

	if (*end || end == arg || !(value >= min && value <= max)) {
		fprintf(stderr,
			"pace: --%s '%s': a number from %g to %g is needed\n",
			what, arg, min, max);
		exit(EXIT_USAGE);
	}
	return value;
}

static void add_name(const char *names[NAMES_MAX], unsigned int *nr,
		     const char *what, const char *name)
{
	if (*nr == NAMES_MAX) {
		fprintf(stderr, "pace: --%s: at most %d\n", what, NAMES_MAX);
		exit(EXIT_USAGE);
	}
	names[(*nr)++] = name;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'k':
		o->run = arg;
		break;
	case 'o':
		o->out = arg;
		break;
	case 's':
		add_name(o->scenarios, &o->nr_scenarios, "scenario", arg);
		break;
	case 'f':
		add_name(o->fixes, &o->nr_fixes, "fix", arg);
		break;
	case 't':
		o->seconds = number("seconds", arg, 0.5, 1e5);
		break;
	case 'm':
		o->minutes = number("minutes", arg, 0, 1e5);
		break;
	case 'p':
		o->own_pace = true;
		break;
	case 'c':
		o->cache = arg;
		break;
	case 'S':
		o->seed = number("seed", arg, 0, 1e15);
		break;
	case ARGP_KEY_ARG:
		fprintf(stderr,
			"pace: unexpected argument '%s'; see --help\n", arg);
		exit(EXIT_USAGE);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static bool wanted(const char *const *names, unsigned int nr, const char *name)
{
	for (unsigned int i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return true;
	return !nr;
}

static const struct fix *model_of(const char *name)
{
	for (const struct fix *const *f = fixes; *f; f++)
		if (!strcmp((*f)->name, name) && !(*f)->does_nothing)
			return *f;
	return NULL;
}

static void run_job(void *arg)
{
	struct job *job = arg;

	job->error = pace_storm(&job->o, &job->row, job->why,
				sizeof(job->why));
}

static void add_row(struct pace_row *to, const struct pace_row *from)
{
	uint64_t max = to->wait_max_ns;

	to->loads += from->loads;
	to->blocks += from->blocks;
	to->met += from->met;
	to->misqueued += from->misqueued;
	to->waits += from->waits;
	to->wait_total_ns += from->wait_total_ns;
	to->wait_max_ns = from->wait_max_ns > max ? from->wait_max_ns : max;
	to->repairs += from->repairs;
	to->repair_total_ns += from->repair_total_ns;
	to->syncs += from->syncs;
	to->frees += from->frees;
	to->ail_cycles += from->ail_cycles;
	to->lookups += from->lookups;
	to->met_squares += from->met_squares;
	to->misqueued_squares += from->misqueued_squares;
	to->waits_squares += from->waits_squares;
	to->seconds += from->seconds;
	to->met_lookup += from->met_lookup;
	to->staled_linked += from->staled_linked;
	to->windows += from->windows;
	to->window_total_ns += from->window_total_ns;
	to->met_alloc += from->met_alloc;
}

/* In clusters: of so many independent events is the error the same. */
static bool many(uint64_t count, uint64_t squares)
{
	return count * (double)count >= EVENTS_ENOUGH * (double)squares &&
	       count >= EVENTS_ENOUGH;
}

/* Where the guest saw so many, so should the model. */
static bool enough(const struct job *job)
{
	const struct guest *g = job->o.guest;
	const struct pace_row *sum = &job->sum;

	if (g->met_lookup >= EVENTS_ENOUGH &&
	    !many(sum->met_lookup, sum->met_squares))
		return false;
	if (g->misqueued >= EVENTS_ENOUGH &&
	    !many(sum->misqueued, sum->misqueued_squares))
		return false;
	if (g->waits >= EVENTS_ENOUGH &&
	    !many(sum->waits, sum->waits_squares))
		return false;
	/* A zero, or few: as many loads as the guest. */
	return sum->seconds >= g->seconds;
}

static int run_round(struct job *jobs, unsigned int nr, struct pace_file *f)
{
	bool started[GUESTS_MAX];
	int error = 0;

	for (unsigned int i = 0; i < nr; i++) {
		jobs[i].o.seed++;
		started[i] = false;
		/* These take too much memory to be there all at once. */
		if (jobs[i].o.guest->others) {
			run_job(&jobs[i]);
			continue;
		}
		jobs[i].error = task_start(&jobs[i].thread, "pace", -1,
					   run_job, &jobs[i]);
		started[i] = !jobs[i].error;
		if (jobs[i].error)
			snprintf(jobs[i].why, sizeof(jobs[i].why),
				 "no more threads");
	}
	for (unsigned int i = 0; i < nr; i++) {
		struct job *job = &jobs[i];

		if (started[i])
			task_join(&job->thread);
		if (job->error) {
			fprintf(stderr, "pace: %s, %s: %s: left out\n",
				job->o.guest->scenario, job->o.guest->fix,
				job->why);
			error = job->error;
			continue;
		}
		job->rounds++;
		add_row(&job->sum, &job->row);
		pace_file_add(f, &job->o, &job->row);
	}
	return error;
}

/* All fixes of one storm.  0 or -errno. */
static int run_storm(const struct options *o, const struct guest *guests,
		     int nr_guests, const char *scenario, struct pace_file *f)
{
	struct job *jobs = calloc(nr_guests, sizeof(*jobs));
	uint64_t start = now_ns();
	unsigned int nr = 0;
	bool more = true;
	int error = 0;

	if (!jobs)
		return -ENOMEM;
	for (int i = 0; i < nr_guests; i++) {
		const struct guest *g = &guests[i];
		const struct fix *fix = model_of(g->fix);

		if (strcmp(g->scenario, scenario) ||
		    !wanted(o->fixes, o->nr_fixes, g->fix))
			continue;
		/* A patch of somebody's own has no model. */
		if (!fix) {
			printf("%s, %s: not in the model\n", scenario, g->fix);
			continue;
		}
		jobs[nr].o = (struct pace_options){
			.fix = fix->counting,
			.guest = g,
			.seconds = o->seconds ? o->seconds : g->step_seconds,
			.own_pace = o->own_pace,
			.seed = o->seed * 1000,
		};
		if (pace_file_has(f, &jobs[nr].o))
			printf("%s, %s: in %s already\n", scenario, g->fix,
			       f->path);
		else
			nr++;
	}
	while (nr && more) {
		int failed = run_round(jobs, nr, f);

		error = error ? error : failed;
		more = false;
		for (unsigned int i = 0; i < nr; i++)
			more |= !jobs[i].error && !enough(&jobs[i]);
		if (now_ns() - start > o->minutes * 60e9)
			break;
	}
	for (unsigned int i = 0; i < nr; i++)
		if (jobs[i].rounds)
			pace_print(jobs[i].o.guest, &jobs[i].sum);
	free(jobs);
	if (nr && pace_file_save(f))
		return -EIO;
	return error;
}

static int run_all(const struct options *o, const struct guest *guests,
		   int nr, struct pace_file *f)
{
	bool any = false;
	int error = 0;

	for (int i = 0; i < nr; i++) {
		bool seen = false;
		int failed;

		for (int j = 0; j < i; j++)
			seen |= !strcmp(guests[j].scenario,
					guests[i].scenario);
		if (seen || !wanted(o->scenarios, o->nr_scenarios,
				    guests[i].scenario))
			continue;
		any = true;
		failed = run_storm(o, guests, nr, guests[i].scenario, f);
		error = error ? error : failed;
	}
	if (!any) {
		fprintf(stderr, "pace: no storm of that name in it; it has:");
		for (int i = 0; i < nr; i++)
			if (!i || strcmp(guests[i].scenario,
					 guests[i - 1].scenario))
				fprintf(stderr, " %s", guests[i].scenario);
		fputc('\n', stderr);
		return -EINVAL;
	}
	return error;
}

/* @run is a folder, or kernel.json itself: both, and the run's name. */
static json_t *read_run(const char *run, char *dir, size_t size,
			const char **name)
{
	json_error_t why;
	struct stat st;
	json_t *json;
	char *slash;
	char file[RESULT_PATH_MAX];

	snprintf(dir, size, "%s", run);
	if (!stat(dir, &st) && !S_ISDIR(st.st_mode)) {
		slash = strrchr(dir, '/');
		if (slash)
			*slash = 0;
		else
			snprintf(dir, size, ".");
	}
	while (dir[0] && dir[1] && dir[strlen(dir) - 1] == '/')
		dir[strlen(dir) - 1] = 0;
	slash = strrchr(dir, '/');
	*name = slash ? slash + 1 : dir;
	if ((size_t)snprintf(file, sizeof(file), "%s/kernel.json", dir) >=
	    sizeof(file)) {
		fprintf(stderr, "pace: --kernel-run: the name is too long\n");
		return NULL;
	}
	json = json_load_file(file, 0, &why);
	if (!json)
		fprintf(stderr,
			"pace: %s: %s: name a folder that scripts/kernel "
			"wrote\n",
			file, why.text);
	return json;
}

/*
 * The cache that was asked for, or that of Linux @release, 6.12.117+deb12.
 * 0, or -ENOENT after a line on stderr.
 */
static int choose_cache(const char *asked, const char *release)
{
	if (asked)
		return cache_choose("pace", asked);
	for (const struct generation *g = generations; release && g->name;
	     g++) {
		size_t len = strlen(g->name);

		if (!strncmp(g->name, release, len) &&
		    (release[len] < '0' || release[len] > '9'))
			return cache_choose("pace", g->name);
	}
	fprintf(stderr,
		"pace: no cache is that of kernel %s: --cache names another "
		"of %s\n",
		release ? release : "(not named)", cache_names());
	return -ENOENT;
}

int pace_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.doc = "Run the storms of a kernel run in the model, at the "
		       "pace of its guest, and compare what both met, "
		       "misqueued and waited for.  What pace.json has already "
		       "stays, and is not run again.\vExit status: 0; 2 on bad "
		       "usage; 3 if a storm could not be run.",
	};
	static struct guest guests[GUESTS_MAX];
	struct options o = { .minutes = 20, .seed = 1 };
	char dir[RESULT_PATH_MAX], why[200];
	struct pace_file f;
	json_t *kernel;
	const char *name;
	int nr, error;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!o.run) {
		fprintf(stderr, "pace: --kernel-run RUN is needed: a folder "
				"that scripts/kernel wrote\n");
		return EXIT_USAGE;
	}
	kernel = read_run(o.run, dir, sizeof(dir), &name);
	if (!kernel)
		return EXIT_USAGE;
	nr = guest_read(kernel, guests, why, sizeof(why));
	error = nr <= 0 ? 0 :
			  choose_cache(o.cache,
				       json_string_value(json_object_get(
					       kernel, "kernel")));
	json_decref(kernel);
	if (error)
		return EXIT_USAGE;
	if (nr <= 0) {
		fprintf(stderr, "pace: %s/kernel.json: %s\n", dir,
			nr ? why : "it has no storm");
		return EXIT_USAGE;
	}
	snprintf(f.path, sizeof(f.path), "%s%s", o.out ? o.out : dir,
		 o.out ? "" : "/pace.json");
	error = pace_file_open(&f, name);
	if (error)
		return error == -EEXIST ? EXIT_USAGE : 3;
	error = run_all(&o, guests, nr, &f);
	json_decref(f.json);
	return error == -EINVAL ? EXIT_USAGE : error ? 3 : 0;
}
