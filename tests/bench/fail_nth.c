// SPDX-License-Identifier: GPL-2.0-only
/*
 * LD_PRELOAD: lets the FAIL_NTH-th call of FAIL_CALL fail (1: the first, in
 * whichever process), and watches what is signalled and waited for.  What
 * was counted is in the file FAIL_STATE, which all processes share.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Zero at first; tests/scripts/processes_test.py reads it. */
struct state {
	unsigned int calls;		/* of FAIL_CALL; atomic */
	unsigned int foreign;		/* met somebody else; atomic */
};

static struct state *state;
static unsigned int nth;
static const char *failing = "";

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void prepare(void)
{
	const char *path = getenv("FAIL_STATE"), *n = getenv("FAIL_NTH");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	close(fd);
	if (state == MAP_FAILED)
		abort();
	nth = n ? atoi(n) : 0;
	failing = getenv("FAIL_CALL") ? getenv("FAIL_CALL") : "";
}

static bool fails(const char *call)
{
	if (!state || strcmp(call, failing))
		return false;
	return __atomic_add_fetch(&state->calls, 1, __ATOMIC_RELAXED) == nth;
}

static void foreign(void)
{
	if (state)
		__atomic_add_fetch(&state->foreign, 1, __ATOMIC_RELAXED);
}

/* Running, or ended and not reaped: it cannot be anybody else's. */
static bool is_child(pid_t pid)
{
	siginfo_t info;

	return pid > 0 && !REAL(waitid)(P_PID, pid, &info,
					WEXITED | WNOHANG | WNOWAIT);
}

/* --- what begins something --------------------------------------------- */

pid_t fork(void)
{
	if (fails("fork")) {
		errno = EAGAIN;
		return -1;
	}
	return REAL(fork)();
}

/* The real child would return through our frame; Python forks instead. */
pid_t vfork(void)
{
	errno = EINVAL;
	return -1;
}

int clone(int (*fn)(void *arg), void *stack, int flags, void *arg, ...)
{
	pid_t *parent, *child;
	void *tls;
	va_list ap;

	if (fails("fork")) {
		errno = EAGAIN;
		return -1;
	}
	va_start(ap, arg);
	parent = va_arg(ap, pid_t *);
	tls = va_arg(ap, void *);
	child = va_arg(ap, pid_t *);
	va_end(ap);
	return REAL(clone)(fn, stack, flags, arg, parent, tls, child);
}

int posix_spawn(pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attr, char *const argv[],
		char *const envp[])
{
	return fails("fork") ? EAGAIN :
			       REAL(posix_spawn)(pid, path, actions, attr,
						 argv, envp);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		   void *(*fn)(void *arg), void *arg)
{
	return fails("pthread_create") ?
		       EAGAIN :
		       REAL(pthread_create)(thread, attr, fn, arg);
}

/* --- what may touch somebody else's -------------------------------------- */

int kill(pid_t pid, int sig)
{
	if (!is_child(pid) && sig) {
		foreign();
		errno = EPERM;
		return -1;
	}
	return REAL(kill)(pid, sig);
}

int killpg(pid_t group, int sig)
{
	(void)group;
	(void)sig;
	foreign();
	errno = EPERM;
	return -1;
}

pid_t wait(int *status)
{
	foreign();
	return REAL(wait)(status);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	if (!is_child(pid))
		foreign();
	return REAL(waitpid)(pid, status, options);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	if (!is_child(pid))
		foreign();
	return REAL(wait4)(pid, status, options, usage);
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	if (type != P_PID || !is_child(id))
		foreign();
	return REAL(waitid)(type, id, info, options);
}
