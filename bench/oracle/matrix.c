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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenarios.h"

#define CHILDREN	12		/* mostly asleep, as the AIL is */
#define CHILD_SECONDS	(STAGE_WATCHDOG_S + 30)
#define POLL_US		2000

const struct scenario scenarios[] = {
	{ "review", HAZARD_ORDERING, scenario_ordering, false },
	{ "read-ahead before reuse", HAZARD_ORDERING,
	  scenario_ordering_readahead, false },
	{ "live scan before reuse", HAZARD_ORDERING,
	  scenario_ordering_livescan, false },
	{ "synchronous write on the list", HAZARD_ORDERING,
	  scenario_ordering_bwrite, false },
	{ "locked at the submit", HAZARD_ORDERING, scenario_ordering_locked,
	  false },
	{ "left on the list for being locked", HAZARD_ORDERING,
	  scenario_ordering_left_locked, false },
	{ "owner queues it, another looks it up", HAZARD_ORDERING,
	  scenario_ordering_two_lookups, false },
	{ "write error", HAZARD_LOST_ERROR, scenario_lost_error, false },
	{ "reader after the commit", HAZARD_REREAD, scenario_reread, false },
	{ "read-ahead during the wait", HAZARD_REREAD,
	  scenario_reread_readahead, false },
	{ "freed block becomes data", HAZARD_STALE_WRITE,
	  scenario_stale_write, false },
	{ "the same, read ahead before", HAZARD_STALE_WRITE,
	  scenario_stale_write_readahead, false },
	{ "staled while the owner sleeps for it", HAZARD_STALE_WRITE,
	  scenario_stale_write_asleep, false },
	{ "whole review", HAZARD_FLAG_LEAK, scenario_flag_leak, false },
	{ "synchronous write and cancel", HAZARD_FLAG_LEAK,
	  scenario_flag_leak_bwrite, false },
	{ "everybody running", HAZARD_DEADLOCK, scenario_deadlock, false },
	{ "caller owns the list", HAZARD_DEADLOCK,
	  scenario_deadlock_own_list, false },
	{ "direct staler", HAZARD_DEADLOCK,
	  scenario_deadlock_direct_stale, false },
	{ "read-ahead before a lookup", HAZARD_DEADLOCK,
	  scenario_deadlock_readahead, false },
	{ "live scan, owner waits for it", HAZARD_DEADLOCK,
	  scenario_deadlock_livescan, false },
	{ "every way off a list", HAZARD_DEADLOCK, scenario_deadlock_let_go,
	  false },
	{ "AG header", HAZARD_COLLATERAL_STALL, scenario_collateral_stall,
	  false },
	{ "AG header, the daemon held", HAZARD_COLLATERAL_STALL,
	  scenario_collateral_stall_held, false },
	{ "scan locks the block", HAZARD_UNBOUNDED_WAIT,
	  scenario_unbounded_wait, false },
	{ "store buffering", HAZARD_LOST_WAKEUP, scenario_lost_wakeup, true },
	{ "nobody waits", HAZARD_LOST_WAKEUP, scenario_lost_wakeup_nobody,
	  false },
	{ "neighbours staled in the walk", HAZARD_LIST_CORRUPTION,
	  scenario_list_walk, false },
	{ "failure in flight", HAZARD_LIST_CORRUPTION,
	  scenario_list_in_flight, false },
	{ "owner against staler", HAZARD_LIST_CORRUPTION, scenario_list_race,
	  false },
	{ "queued again during the wait", HAZARD_LIST_CORRUPTION,
	  scenario_list_requeued, false },
	{ "whole review", HAZARD_LEAK, scenario_leak, false },
	{ "failed load", HAZARD_LEAK, scenario_leak_error, false },
	{ "shutdown", HAZARD_LEAK, scenario_leak_cancel, false },
	{ "lists cancelled", HAZARD_LEAK, scenario_leak_entries, false },
	{ NULL, HAZARDS, NULL, false },
};

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_HOLDS] = "holds",
		[VERDICT_VIOLATED] = "violated",
		[VERDICT_UNTESTED] = "untested",
	};

	return names[verdict];
}

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

void scenario_run(const struct scenario *sc, const struct fix *fix,
		  struct finding *finding)
{
	struct stage *s = calloc(1, sizeof(*s));

	finding->verdict = VERDICT_UNTESTED;
	snprintf(finding->evidence, EVIDENCE_MAX, "no verdict was reached");
	if (!s) {
		snprintf(finding->evidence, EVIDENCE_MAX, "out of memory");
		return;
	}
	if (fix->does_nothing) {
		snprintf(finding->evidence, EVIDENCE_MAX,
			 "does nothing: the harness's floor");
		return;
	}
	for (int trial = 0; trial < STAGE_TRIALS; trial++) {
		struct teardown left;

		if (stage_open(s, fix, finding))
			return;
		sc->run(s);
		if (!s->invalid)
			return;
		stage_close(s, &left);
	}
}

/* --- children ------------------------------------------------------- */

struct job {
	unsigned int fix;
	const struct scenario *sc;
	unsigned int round;
	bool alone;			/* second half: one at a time */
};

struct child {
	pid_t pid;
	struct job job;
	uint64_t started_ns;
	struct finding *finding;	/* shared with the child */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

static void child_start(struct matrix *m, struct child *c, struct job job)
{
	c->job = job;
	c->started_ns = now_ns();
	c->finding->verdict = VERDICT_UNTESTED;
	fflush(NULL);
	c->pid = fork();
	if (c->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	scenario_run(job.sc, m->fix[job.fix], c->finding);
	/* Threads may hang: no destructor may wait for them. */
	fflush(NULL);
	_exit(0);
}

static void explain_death(struct child *c, int status, bool late)
{
	c->finding->verdict = VERDICT_UNTESTED;
	if (late)
		snprintf(c->finding->evidence, EVIDENCE_MAX,
			 "no end within %d s: killed", CHILD_SECONDS);
	else if (WIFSIGNALED(status))
		snprintf(c->finding->evidence, EVIDENCE_MAX,
			 "the scenario died: %s", strsignal(WTERMSIG(status)));
	else
		snprintf(c->finding->evidence, EVIDENCE_MAX,
			 "the scenario ended with exit code %d",
			 WEXITSTATUS(status));
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

static void cell_add(struct cell *cell, const struct job *job,
		     const struct finding *f)
{
	if (f->verdict == VERDICT_VIOLATED) {
		cell->violated++;
		cell->first_violated += scenario_is_first(job->sc);
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
	if (asprintf(&cell->evidence, "%s: %s", job->sc->name,
		     f->evidence) < 0)
		cell->evidence = NULL;
}

/* True when the child is gone and its finding has been counted. */
static bool child_reap(struct matrix *m, struct child *c)
{
	bool late = now_ns() - c->started_ns > CHILD_SECONDS * 1000000000ull;
	int status;

	if (late || interrupted)
		kill(c->pid, SIGKILL);
	if (waitpid(c->pid, &status, late || interrupted ? 0 : WNOHANG) !=
	    c->pid)
		return false;
	if (late || !WIFEXITED(status) || WEXITSTATUS(status))
		explain_death(c, status, late);
	if (!interrupted)
		cell_add(&m->cell[c->job.fix][c->job.sc->hazard], &c->job,
			 c->finding);
	c->pid = 0;
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

static unsigned int running(const struct child *children)
{
	unsigned int n = 0;

	for (int i = 0; i < CHILDREN; i++)
		n += children[i].pid != 0;
	return n;
}

static void reap_some(struct matrix *m, struct child *children)
{
	bool any = false;

	for (int i = 0; i < CHILDREN; i++)
		if (children[i].pid && child_reap(m, &children[i]))
			any = true;
	if (!any)
		usleep(POLL_US);
}

static struct child *free_child(struct matrix *m, struct child *children,
				unsigned int most)
{
	while (running(children) >= most && !interrupted)
		reap_some(m, children);
	for (int i = 0; i < CHILDREN; i++)
		if (!children[i].pid)
			return &children[i];
	return NULL;
}

int matrix_run(struct matrix *m, bool progress)
{
	size_t size = CHILDREN * sizeof(struct finding);
	struct sigaction sa = { .sa_handler = on_signal }, old[3];
	struct child children[CHILDREN] = { { 0 } };
	struct job job = { 0 };
	struct finding *shared;
	unsigned int done = 0;

	shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -ENOMEM;
	for (int i = 0; i < CHILDREN; i++)
		children[i].finding = &shared[i];
	interrupted = 0;
	sigaction(SIGINT, &sa, &old[0]);
	sigaction(SIGTERM, &sa, &old[1]);
	sigaction(SIGHUP, &sa, &old[2]);

	while (!interrupted && next_job(m, &job)) {
		struct child *c = free_child(m, children,
					     job.sc->alone ? 1 : CHILDREN);

		if (interrupted)
			break;
		child_start(m, c, job);
		if (job.sc->alone)
			while (running(children))
				reap_some(m, children);
		if (progress)
			fprintf(stderr, "\r%-24s %-20s %u \033[K",
				m->fix[job.fix]->name,
				hazard_name(job.sc->hazard), ++done);
	}
	while (running(children))
		reap_some(m, children);
	if (progress)
		fprintf(stderr, "\r\033[K");
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGTERM, &old[1], NULL);
	sigaction(SIGHUP, &old[2], NULL);
	munmap(shared, size);
	return interrupted ? -EINTR : 0;
}

int child_run(void (*fn)(void *arg, void *result), void *arg, void *result,
	      size_t size, unsigned int timeout_s)
{
	uint64_t end = now_ns() + timeout_s * 1000000000ull;
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0, error = 0;
	pid_t pid;

	if (shared == MAP_FAILED)
		return -ENOMEM;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fn(arg, shared);
		fflush(NULL);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, WNOHANG) != pid) {
		if (now_ns() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			error = -ETIMEDOUT;
			break;
		}
		usleep(POLL_US);
	}
	if (pid < 0)
		error = -errno;
	else if (!error && (!WIFEXITED(status) || WEXITSTATUS(status)))
		error = -ECHILD;
	memcpy(result, shared, size);
	munmap(shared, size);
	return error;
}

void matrix_free(struct matrix *m)
{
	for (unsigned int i = 0; i < m->nr_fixes; i++)
		for (int h = 0; h < HAZARDS; h++)
			free(m->cell[i][h].evidence);
}

int oracle_matrix_brief(const struct fix *fix, unsigned int *violated,
			char *buf, size_t size, json_t **cells)
{
	struct matrix *m = calloc(1, sizeof(*m));
	int untested = 0;
	size_t at = 0;

	*violated = 0;
	*cells = NULL;
	if (!m)
		return -1;
	m->nr_fixes = 1;
	m->fix[0] = fix;
	m->repeat = 1;
	m->hazards = HAZARD_ALL & ~HAZARD(LOST_WAKEUP);
	if (matrix_run(m, false)) {
		snprintf(buf, size, "interrupted");
		untested = 1;
		goto out;
	}
	*cells = matrix_cells_json(m, 0);
	buf[0] = '\0';
	for (int h = 0; h < HAZARDS; h++) {
		const struct cell *c = &m->cell[0][h];
		const char *prefix;

		if (!(m->hazards & (1u << h)) || c->verdict == VERDICT_HOLDS)
			continue;
		untested += c->verdict == VERDICT_UNTESTED;
		if (c->verdict == VERDICT_VIOLATED)
			*violated |= 1u << h;
		prefix = c->verdict == VERDICT_VIOLATED ? "" : "untested: ";
		at += snprintf(buf + at, at < size ? size - at : 0, "%s%s%s",
			       at ? ", " : "", prefix, hazard_name(h));
	}
	if (!at)
		snprintf(buf, size, "all hold");
out:
	matrix_free(m);
	free(m);
	return untested ? -1 : 0;
}
