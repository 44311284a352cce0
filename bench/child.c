// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting, killing and reaping processes of our own.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const int ending[] = { SIGINT, SIGTERM, SIGHUP };

#define NR_ENDING	(sizeof(ending) / sizeof(*ending))

/* Not reaped; changed with signals blocked. */
static struct child *children;
static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	int saved = errno;

	interrupted = sig;
	for (const struct child *c = children; c; c = c->next)
		child_kill(c);
	errno = saved;
}

void child_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	for (unsigned int i = 0; i < NR_ENDING; i++)
		sigaction(ending[i], &sa, NULL);
}

bool child_interrupted(void)
{
	return interrupted;
}

static void block_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned int i = 0; i < NR_ENDING; i++)
		sigaddset(&set, ending[i]);
	sigprocmask(SIG_BLOCK, &set, old);
}

/* In the child, which has none of its own. */
static void __attribute__((noreturn))
run(void (*fn)(void *arg), void *arg, const sigset_t *mask, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);	/* it died before we had asked */
	children = NULL;
	for (unsigned int i = 0; i < NR_ENDING; i++)
		signal(ending[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	fn(arg);
	fflush(NULL);
	_exit(0);
}

int child_start(struct child *c, void (*fn)(void *arg), void *arg)
{
	pid_t pid, parent = getpid();
	sigset_t mask;
	int error;

	/* If whoever started us ignores it, children are reaped by nobody. */
	signal(SIGCHLD, SIG_DFL);
	fflush(NULL);
	block_signals(&mask);
	pid = fork();
	error = pid < 0 ? -errno : 0;
	if (pid == 0)
		run(fn, arg, &mask, parent);
	if (!error) {
		*c = (struct child){ .pid = pid, .next = children };
		children = c;
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return error;
}

void child_kill(const struct child *c)
{
	if (child_exists(c))
		kill(c->pid, SIGKILL);
}

/* It keeps its number: 1: ended, 0: still runs, or -errno. */
static int look(pid_t pid, bool wait)
{
	siginfo_t ended = { 0 };

	while (waitid(P_PID, pid, &ended,
		      WEXITED | WNOWAIT | (wait ? 0 : WNOHANG)) < 0)
		if (errno != EINTR)
			return -errno;
	return ended.si_pid == pid;
}

static void forget(struct child *c)
{
	struct child **link = &children;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	c->pid = 0;
}

int child_reap(struct child *c, bool wait, int *status, struct rusage *usage)
{
	sigset_t mask;
	int found;

	if (!child_exists(c))
		return -ECHILD;
	found = look(c->pid, wait);
	if (!found)
		return 0;
	block_signals(&mask);
	if (found > 0 && wait4(c->pid, status, 0, usage) != c->pid)
		found = -errno;
	forget(c);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return found;
}
