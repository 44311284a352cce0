/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of what a sandbox forbids: a seccomp filter, as containers have.
 * It stays until the process ends, so a child of fork() takes it.
 */
#ifndef TESTS_REFUSE_TEST_H
#define TESTS_REFUSE_TEST_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* From now on system call @nr fails with @error.  0 or -errno. */
static inline int refuse(int nr, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}

/* What containers refuse a process without CAP_SYS_NICE. */
static inline int refuse_numa(int error)
{
	static const int calls[] = { SYS_mbind, SYS_set_mempolicy,
				     SYS_get_mempolicy, SYS_move_pages };
	int failed = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls) && !failed; i++)
		failed = refuse(calls[i], error);
	return failed;
}

#endif
