// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which processors a thread may run on: here, on a machine that numbers
 * them beyond 1,024, where the kernel refuses smaller sets, and where the
 * calls are refused.  The machine is made up by the two calls below, which
 * are this program's in place of glibc's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sync/affinity.h"
#include "sync/sync.h"

#define POSSIBLE	4096	/* of the machine that is made up */
#define FIRST		1023	/* its processors: three from here on */
#define COUNT		3

static bool made_up;
static int refused;		/* error number, or 0 */
static int asked_for = -1;	/* the first of the last set */

int sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *set)
{
	long n;

	if (made_up && (refused || bytes < POSSIBLE / 8)) {
		errno = refused ? refused : EINVAL;
		return -1;
	}
	if (made_up) {
		CPU_ZERO_S(bytes, set);
		for (int i = 0; i < COUNT; i++)
			CPU_SET_S(FIRST + i, bytes, set);
		return 0;
	}
	n = syscall(SYS_sched_getaffinity, pid, bytes, set);
	if (n < 0)
		return -1;
	memset((char *)set + n, 0, bytes - n);
	return 0;
}

int sched_setaffinity(pid_t pid, size_t bytes, const cpu_set_t *set)
{
	if (!made_up)
		return syscall(SYS_sched_setaffinity, pid, bytes, set);
	errno = refused ? refused : EINVAL;
	for (size_t i = 0; i < bytes * 8 && !refused; i++)
		if (CPU_ISSET_S(i, bytes, set)) {
			asked_for = i;
			return 0;
		}
	return -1;
}

static int here(void **state)
{
	(void)state;
	made_up = false;
	refused = 0;
	asked_for = -1;
	return 0;
}

static void test_here(void **state)
{
	int cpu[2] = { -1, -1 }, nr = allowed_processors(cpu, 2);
	struct processors before;

	(void)state;
	assert_true(nr >= 1);
	assert_int_equal(allowed_processors(NULL, 0), nr);
	assert_true(nr == 1 ? cpu[1] == -1 : cpu[1] > cpu[0]);
	assert_int_equal(processors_get(&before), 0);
	assert_int_equal(CPU_COUNT_S(before.bytes, before.set), nr);
	assert_int_equal(run_on_processor(cpu[0]), 0);
	assert_int_equal(sched_getcpu(), cpu[0]);
	assert_int_equal(allowed_processors(cpu, 2), 1);
	assert_int_equal(processors_apply(&before), 0);
	assert_int_equal(allowed_processors(NULL, 0), nr);
	processors_free(&before);
	assert_int_equal(run_on_processor(100000), -EINVAL);
	assert_int_equal(run_on_processor(-1), -EINVAL);
}

static void test_beyond_1024(void **state)
{
	int cpu[COUNT + 1] = { -1, -1, -1, -1 };
	struct processors all;

	(void)state;
	made_up = true;
	assert_int_equal(allowed_processors(cpu, 2), COUNT);
	assert_int_equal(cpu[0], FIRST);
	assert_int_equal(cpu[1], FIRST + 1);
	assert_int_equal(cpu[2], -1);
	assert_int_equal(allowed_processors(cpu, COUNT + 1), COUNT);
	assert_int_equal(cpu[2], FIRST + 2);
	assert_int_equal(cpu[3], -1);
	assert_int_equal(run_on_processor(cpu[2]), 0);
	assert_int_equal(asked_for, FIRST + 2);
	assert_int_equal(processors_get(&all), 0);
	assert_int_equal(processors_apply(&all), 0);
	assert_int_equal(asked_for, FIRST);
	processors_free(&all);
}

static void test_refused(void **state)
{
	struct processors all;
	int cpu;

	(void)state;
	made_up = true;
	refused = EPERM;
	assert_int_equal(allowed_processors(&cpu, 1), -EPERM);
	assert_int_equal(run_on_processor(0), -EPERM);
	assert_int_equal(processors_get(&all), -EPERM);
	/* What could not be found out is left alone. */
	assert_null(all.set);
	assert_int_equal(processors_apply(&all), 0);
	processors_free(&all);
	/* A kernel that is never content ends the search, too. */
	refused = EINVAL;
	assert_int_equal(allowed_processors(&cpu, 1), -EINVAL);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* A task beyond 1,024 gets there; one that may not be bound says so. */
static void test_task(void **state)
{
	struct thread thread;

	(void)state;
	made_up = true;
	assert_int_equal(task_start(&thread, "far", FIRST + 2, nothing, NULL),
			 0);
	task_join(&thread);
	assert_int_equal(thread.bound, 0);
	assert_int_equal(asked_for, FIRST + 2);
	refused = EPERM;
	assert_int_equal(task_start(&thread, "afloat", 0, nothing, NULL), 0);
	task_join(&thread);
	assert_int_equal(thread.bound, -EPERM);
	assert_int_equal(task_start(&thread, "free", -1, nothing, NULL), 0);
	task_join(&thread);
	assert_int_equal(thread.bound, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_here, here),
		cmocka_unit_test_teardown(test_beyond_1024, here),
		cmocka_unit_test_teardown(test_refused, here),
		cmocka_unit_test_teardown(test_task, here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
