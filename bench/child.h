/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes of our own: the only place that forks and kills.  A number is
 * signalled only while it is surely this child's: from a fork that succeeded
 * until the child is reaped.  For processes that have one thread as long as
 * they use this.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Changed with signals blocked: a handler finds nothing half done. */
struct child {
	pid_t pid;			/* 0: none, or reaped */
	struct child *next;		/* of those that are not reaped */
};

/*
 * Fork.  The child has the default SIGINT, SIGTERM and SIGHUP, dies with
 * its parent, calls @fn and ends with status 0 without running destructors,
 * for which threads that hang would be waited.  @c stays where it is until
 * the child is reaped.  0 or -errno.
 */
int child_start(struct child *c, void (*fn)(void *arg), void *arg);

static inline bool child_exists(const struct child *c)
{
	return c->pid > 0;
}

/* SIGKILL, if there is such a child. */
void child_kill(const struct child *c);

/*
 * Reap it: 1, and its status (as of waitpid()) and @usage, unless NULL;
 * 0: it still runs, only if not @wait; -errno: it is gone, and its status
 * is unknown.
 */
int child_reap(struct child *c, bool wait, int *status, struct rusage *usage);

/*
 * From now on SIGINT, SIGTERM and SIGHUP kill every child that is not
 * reaped, and no longer end this process: it asks child_interrupted().
 */
void child_catch_signals(void);
bool child_interrupted(void);

#endif
