// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every fix against every hazard, each scenario in a child of its own, so
 * that one that deadlocks or crashes takes nothing with it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "verify.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/oracle/fibers/run.h"
#include "scenarios.h"

#define CHILDREN	12		/* mostly asleep, as the AIL is */
#define CHILD_SECONDS	(STAGE_WATCHDOG_S + 30)
#define FIBERS_SECONDS	60		/* of a processor; seldom one */
#define POLL_US		2000
#define HINT_MAX	160

const struct fix *fix_by_name(const char *name)
{
	for (const struct fix *const *fix = fixes; *fix; fix++)
		if (!strcmp((*fix)->name, name))
			return *fix;
	return NULL;
}

bool fix_is_twin(const struct fix *fix)
{
	size_t len = strlen(fix->name);

	return len > 5 && !strcmp(fix->name + len - 5, "_twin");
}

/* --- children ------------------------------------------------------- */

struct job {
	unsigned int fix;
	const struct scenario *sc;
	unsigned int round;
	bool alone;			/* second half: one at a time */
};

/* One scenario in a child. */
struct trial {
	struct child child;
	struct job job;
	const struct fix *fix;
	bool fibers;
	uint64_t started_ns;
	struct finding *finding;	/* shared with the child */
};

static void trial_main(void *arg)
{
	const struct rlimit limit = { FIBERS_SECONDS, RLIM_INFINITY };
	struct trial *t = arg;

	if (!t->fibers) {
		scenario_run(t->job.sc, t->fix, t->finding);
		return;
	}
	/* It needs no clock, and has an end of its own before. */
	setrlimit(RLIMIT_CPU, &limit);
	fibers_scenario(t->job.sc - scenarios, t->fix->cache, t->fix->name,
			t->finding);
}

static int trial_start(struct matrix *m, struct trial *t, struct job job)
{
	t->job = job;
	t->fix = m->fix[job.fix];
	t->fibers = !m->threads && !job.sc->alone && fibers_scenario &&
		    fibers_have(t->fix->cache, t->fix->name);
	t->started_ns = now_ns();
	t->finding->verdict = VERDICT_UNTESTED;
	t->finding->begun = t->finding->crashed = false;
	return child_start(&t->child, trial_main, t);
}

/* By somebody else, or for want of memory: says nothing about a fix. */
static bool killed_from_outside(int status)
{
	if (!WIFSIGNALED(status))
		return false;
	return WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM ||
	       WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGHUP;
}

/* A crash, or the exit code of a sanitizer: no evidence is stronger. */
static void explain_death(struct finding *f, int status)
{
	bool endless = WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU;

	f->crashed = f->begun && !endless && !killed_from_outside(status);
	f->verdict = f->crashed ? VERDICT_VIOLATED : VERDICT_UNTESTED;
	if (killed_from_outside(status))
		snprintf(f->evidence, EVIDENCE_MAX,
			 "killed from outside: %s%s",
			 strsignal(WTERMSIG(status)),
			 WTERMSIG(status) == SIGKILL ?
				 ", perhaps for want of memory (dmesg)" :
				 "");
	else if (endless)
		snprintf(f->evidence, EVIDENCE_MAX,
			 "no end within %d s of a processor: killed",
			 FIBERS_SECONDS);
	else if (WIFSIGNALED(status))
		snprintf(f->evidence, EVIDENCE_MAX, "%s: %s",
			 f->begun ? "the scenario died" :
				    "died before it began",
			 strsignal(WTERMSIG(status)));
	else
		snprintf(f->evidence, EVIDENCE_MAX,
			 "the scenario ended with exit code %d%s",
			 WEXITSTATUS(status), f->begun ? "" : ", before it began");
}

/* It has not come to a verdict of its own. */
static void explain_no_end(struct finding *f, bool late, int error)
{
	f->verdict = VERDICT_UNTESTED;
	if (late)
		snprintf(f->evidence, EVIDENCE_MAX,
			 "no end within %d s: killed", CHILD_SECONDS);
	else
		snprintf(f->evidence, EVIDENCE_MAX,
			 "its end was not seen: %s", strerror(-error));
}

bool scenario_is_first(const struct scenario *sc)
{
	return sc == scenarios || sc[-1].hazard != sc->hazard;
}

/* Which of two findings says more about a fix. */
static int weight(enum verdict verdict)
{
	return verdict == VERDICT_VIOLATED ? 2 : verdict == VERDICT_UNTESTED;
}

/* How to see it again: what fibers did the explorer does, too. */
static void replay_hint(const struct trial *t, char *buf, size_t size)
{
	char slug[SCENARIO_SLUG];

	buf[0] = '\0';
	if (!t->fibers || t->finding->verdict != VERDICT_VIOLATED ||
	    !scenario_control(t->job.sc))
		return;
	scenario_slug(t->job.sc, slug, sizeof(slug));
	snprintf(buf, size, "\nscripts/explore --replay '%s/%s/%s/sc/'",
		 t->fix->cache, t->fix->name, slug);
}

static void cell_add(struct cell *cell, const struct trial *t)
{
	const struct finding *f = t->finding;
	const struct job *job = &t->job;
	char hint[HINT_MAX];

	if (f->verdict == VERDICT_VIOLATED) {
		cell->violated++;
		/* A control is to be convicted, not to fall over. */
		cell->first_violated += scenario_is_first(job->sc) &&
					!f->crashed;
	}
	if (f->verdict == VERDICT_HOLDS)
		cell->holds++;
	if (f->verdict == VERDICT_UNTESTED)
		cell->untested++;
	/* The worst; of several as bad, the plainest. */
	if (cell->shown && (weight(f->verdict) < weight(cell->verdict) ||
			    (f->verdict == cell->verdict &&
			     job->sc >= cell->shown)))
		return;
	cell->verdict = f->verdict;
	cell->shown = job->sc;
	free(cell->evidence);
	replay_hint(t, hint, sizeof(hint));
	if (asprintf(&cell->evidence, "%s: %s%s", job->sc->name, f->evidence,
		     hint) < 0)
		cell->evidence = NULL;
}

/* True when the child is gone and its finding has been counted. */
static bool trial_reap(struct matrix *m, struct trial *t)
{
	bool late = !t->fibers &&
		    now_ns() - t->started_ns > CHILD_SECONDS * 1000000000ull;
	int status = 0, reaped;

	if (late || child_interrupted())
		child_kill(&t->child);
	reaped = child_reap(&t->child, late || child_interrupted(), &status,
			    NULL);
	if (!reaped)
		return false;
	if (late || reaped < 0)
		explain_no_end(t->finding, late, reaped);
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		explain_death(t->finding, status);
	if (!child_interrupted())
		cell_add(&m->cell[t->job.fix][t->job.sc->hazard], t);
	return true;
}

static bool next_job(const struct matrix *m, struct job *job)
{
	for (;;) {
		if (!job->sc)
			job->sc = scenarios;
		else
			job->sc++;
		if (!job->sc->name) {
			job->sc = scenarios;
			if (++job->round == m->repeat) {
				job->round = 0;
				job->fix++;
			}
		}
		if (job->fix >= m->nr_fixes) {
			if (job->alone)
				return false;
			*job = (struct job){ .sc = scenarios, .alone = true };
		}
		if (!(m->hazards & (1u << job->sc->hazard)) ||
		    job->sc->alone != job->alone)
			continue;
		/* Chance, seen over millions of rounds: once is enough. */
		if (job->sc->alone && job->round)
			continue;
		return true;
	}
}

static unsigned int running(const struct trial *trials)
{
	unsigned int n = 0;

	for (int i = 0; i < CHILDREN; i++)
		n += child_exists(&trials[i].child);
	return n;
}

static void reap_some(struct matrix *m, struct trial *trials)
{
	bool any = false;

	for (int i = 0; i < CHILDREN; i++)
		if (child_exists(&trials[i].child) &&
		    trial_reap(m, &trials[i]))
			any = true;
	if (!any)
		usleep(POLL_US);
}

static struct trial *free_trial(struct matrix *m, struct trial *trials,
				unsigned int most)
{
	while (running(trials) >= most && !child_interrupted())
		reap_some(m, trials);
	for (int i = 0; i < CHILDREN; i++)
		if (!child_exists(&trials[i].child))
			return &trials[i];
	return NULL;
}

int matrix_run(struct matrix *m, bool progress)
{
	size_t size = CHILDREN * sizeof(struct finding);
	struct trial trials[CHILDREN];
	struct job job = { 0 };
	struct finding *shared;
	unsigned int done = 0;
	int error = 0;

	shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -ENOMEM;
	for (int i = 0; i < CHILDREN; i++)
		trials[i] = (struct trial){ .finding = &shared[i] };
	child_catch_signals();

	while (!child_interrupted() && !error && next_job(m, &job)) {
		struct trial *t = free_trial(m, trials,
					     job.sc->alone ? 1 : CHILDREN);

		if (child_interrupted())
			break;
		error = trial_start(m, t, job);
		if (job.sc->alone)
			while (running(trials))
				reap_some(m, trials);
		if (progress)
			fprintf(stderr, "\r%-24s %-20s %u \033[K",
				m->fix[job.fix]->name,
				hazard_name(job.sc->hazard), ++done);
	}
	while (running(trials))
		reap_some(m, trials);
	if (progress)
		fprintf(stderr, "\r\033[K");
	munmap(shared, size);
	return child_interrupted() ? -EINTR : error;
}

void matrix_free(struct matrix *m)
{
	for (unsigned int i = 0; i < m->nr_fixes; i++)
		for (int h = 0; h < HAZARDS; h++)
			free(m->cell[i][h].evidence);
}
