// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the doctor has to try or to watch: counters, the clock, devices,
 * tools, and who else is working.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/doctor/doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/machine/machine_memory.h"
#include "bench/machine/machine_read.h"
#include "bench/perf/perf.h"

#define INTERVAL_NS	1000000000L
/* In /proc/PID/stat: a thread of the kernel's. */
#define FLAG_KTHREAD	0x00200000ul

/* --- counters ----------------------------------------------------------- */

static void try_counter(const struct perf_set *set, const char *name,
			struct doctor_counter *counter)
{
	for (unsigned int i = 0; i < set->nr; i++) {
		const struct perf_counter *c = &set->counter[i];

		if (strcmp(c->name, name) || strcmp(c->mode, "user"))
			continue;
		counter->denied = c->status == PERF_DENIED;
		counter->counts = c->status == PERF_OK && c->value;
		memcpy(counter->reason, c->reason, sizeof(c->reason));
	}
}

/* Open, and have something to count: a fault on a page that is new. */
static void try_counters_here(struct doctor_counter *hardware,
			      struct doctor_counter *software)
{
	struct perf_set *set;
	char *page;

	if (perf_open(0, &set))
		return;
	perf_enable(set);
	page = mmap(NULL, 1, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED) {
		*(volatile char *)page = 1;
		munmap(page, 1);
	}
	perf_disable(set);
	if (!perf_read(set)) {
		try_counter(set, "instructions", hardware);
		try_counter(set, "page-faults", software);
	}
	perf_close(set);
}

#define PROCESSORS_MAX	65536

/*
 * As a run's threads, bound: on the first processor and on the last, which
 * on hybrid ones is of another type.  They count if they do on both.
 */
static void try_counters(struct doctor_probe *p)
{
	size_t size = CPU_ALLOC_SIZE(PROCESSORS_MAX);
	cpu_set_t *all = CPU_ALLOC(PROCESSORS_MAX);
	cpu_set_t *one = CPU_ALLOC(PROCESSORS_MAX);
	struct doctor_counter last = { 0 }, ignored = { 0 };
	int first = 0, end = PROCESSORS_MAX;

	if (!all || !one || sched_getaffinity(0, size, all)) {
		try_counters_here(&p->hardware, &p->software);
		goto out;
	}
	while (!CPU_ISSET_S(first, size, all))
		first++;
	while (!CPU_ISSET_S(end - 1, size, all))
		end--;
	CPU_ZERO_S(size, one);
	CPU_SET_S(first, size, one);
	sched_setaffinity(0, size, one);
	try_counters_here(&p->hardware, &p->software);
	if (first != end - 1 && p->hardware.counts) {
		CPU_CLR_S(first, size, one);
		CPU_SET_S(end - 1, size, one);
		sched_setaffinity(0, size, one);
		try_counters_here(&last, &ignored);
		if (!last.counts)
			p->hardware = last;
	}
	sched_setaffinity(0, size, all);
out:
	CPU_FREE(all);
	CPU_FREE(one);
}

/* --- clock, devices, tools ---------------------------------------------- */

static void try_clock(struct doctor_probe *p)
{
	enum { READINGS = 1000, BATCHES = 20 };
	struct timespec from, to, dummy;

	p->clock_ns = -1;
	if (clock_getres(CLOCK_MONOTONIC, &dummy))
		return;
	p->clock_resolution_ns = dummy.tv_sec * 1e9 + dummy.tv_nsec;
	/* The best of many: the others were interrupted. */
	for (int b = 0; b < BATCHES; b++) {
		double ns;

		clock_gettime(CLOCK_MONOTONIC, &from);
		for (int i = 0; i < READINGS; i++)
			clock_gettime(CLOCK_MONOTONIC, &dummy);
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns = ((to.tv_sec - from.tv_sec) * 1e9 +
		      (to.tv_nsec - from.tv_nsec)) /
		     (READINGS + 1);
		if (p->clock_ns < 0 || ns < p->clock_ns)
			p->clock_ns = ns;
	}
}

/* Exit status of `@program --version`; -errno: it does not start. */
static int try_program(const char *program)
{
	char *const argv[] = { (char *)program, "--version", NULL };
	posix_spawn_file_actions_t quiet;
	int status, error;
	pid_t pid;

	error = posix_spawn_file_actions_init(&quiet);
	if (error)
		return -error;
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null",
					 O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null",
					 O_WRONLY, 0);
	error = posix_spawnp(&pid, program, &quiet, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&quiet);
	if (error)
		return -error;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

/* --- memory and processors ---------------------------------------------- */

#define HUGE_PAGE	(2ul << 20)

/* Kilobytes of ours in huge pages; -1: not told. */
static long huge_kb(void)
{
	uint64_t kb;

	return memory_line("/proc/self/smaps_rollup", "AnonHugePages", &kb) ?
		       -1 :
		       (long)kb;
}

static int try_huge_page(void)
{
	long before = huge_kb(), after;
	size_t size = 2 * HUGE_PAGE;
	char *area, *page;

	if (before < 0)
		return -ENOENT;
	area = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	page = area + HUGE_PAGE - (uintptr_t)area % HUGE_PAGE;
	madvise(page, HUGE_PAGE, MADV_HUGEPAGE);
	*(volatile char *)page = 1;
	after = huge_kb();
	munmap(area, size);
	return after > before;
}

static int try_affinity(void)
{
	hwloc_topology_t topology;
	hwloc_bitmap_t before = hwloc_bitmap_alloc();
	hwloc_bitmap_t one = hwloc_bitmap_alloc();
	int error = 0, cpu;

	if (!before || !one || hwloc_topology_init(&topology)) {
		hwloc_bitmap_free(before);
		hwloc_bitmap_free(one);
		return -ENOMEM;
	}
	if (hwloc_topology_load(topology) ||
	    hwloc_get_cpubind(topology, before, HWLOC_CPUBIND_THREAD))
		error = -errno;
	for (cpu = error ? -1 : hwloc_bitmap_first(before); cpu >= 0 && !error;
	     cpu = hwloc_bitmap_next(before, cpu)) {
		hwloc_bitmap_only(one, cpu);
		if (hwloc_set_cpubind(topology, one, HWLOC_CPUBIND_THREAD))
			error = -errno;
	}
	if (cpu != -1 || !error)
		hwloc_set_cpubind(topology, before, HWLOC_CPUBIND_THREAD);
	hwloc_topology_destroy(topology);
	hwloc_bitmap_free(before);
	hwloc_bitmap_free(one);
	return error;
}

/* A page to the node that it is on: a sandbox refuses even that. */
static int try_mbind(void)
{
	size_t size = sysconf(_SC_PAGESIZE);
	unsigned long nodes[1024 / (8 * sizeof(long))] = { 0 };
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int bits = 8 * sizeof(long);
	int node = -1, error = 0;

	if (page == MAP_FAILED)
		return -errno;
	*(volatile char *)page = 1;
	if (syscall(SYS_move_pages, 0, 1ul, &page, NULL, &node, 0) ||
	    node < 0 || node >= 1024)
		error = node < 0 && node != -1 ? node : -errno;
	if (!error) {
		nodes[node / bits] |= 1ul << node % bits;
		if (syscall(SYS_mbind, page, size, MPOL_BIND, nodes,
			    1024ul, MPOL_MF_STRICT))
			error = -errno;
	}
	munmap(page, size);
	return error;
}

/* --- who else is working ------------------------------------------------ */

static int take_total(struct activity *a)
{
	unsigned long long v[8];
	double tick = 1.0 / sysconf(_SC_CLK_TCK);
	char line[256];
	int error = machine_read(line, sizeof(line), "/proc/stat");

	if (error)
		return error;
	if (sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0],
		   &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
		return -EINVAL;
	a->busy_s = (v[0] + v[1] + v[2] + v[5] + v[6]) * tick;
	a->idle_s = (v[3] + v[4]) * tick;
	a->steal_s = v[7] * tick;
	return 0;
}

/* "7 (a name) S 1 ...": false if it has ended meanwhile. */
static bool take_process(struct activity_process *p, const char *pid)
{
	unsigned long flags, user, system;
	char line[1024], *from, *to;

	if (machine_read(line, sizeof(line), "/proc/%s/stat", pid))
		return false;
	from = strchr(line, '(');
	to = strrchr(line, ')');
	if (!from || !to ||
	    sscanf(to + 1,
		   " %*c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %lu %lu",
		   &flags, &user, &system) != 3)
		return false;
	*to = '\0';
	p->pid = atoi(pid);
	p->kernel = flags & FLAG_KTHREAD;
	/* A process may call itself anything. */
	snprintf(p->name, sizeof(p->name), "%s", from + 1);
	for (char *c = p->name; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	p->cpu_s = (double)(user + system) / sysconf(_SC_CLK_TCK);
	return true;
}

static int by_pid(const void *a, const void *b)
{
	const struct activity_process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int activity_take(struct activity *a)
{
	char full[MACHINE_PATH_MAX];
	struct dirent *entry;
	size_t room = 0;
	DIR *proc;
	int error;

	*a = (struct activity){ 0 };
	error = take_total(a);
	if (error)
		return error;
	machine_path(full, "/proc");
	proc = opendir(full);
	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (a->nr == room) {
			void *more;

			room = room ? 2 * room : 256;
			more = reallocarray(a->processes, room,
					    sizeof(*a->processes));
			if (!more) {
				error = -ENOMEM;
				break;
			}
			a->processes = more;
		}
		a->nr += take_process(&a->processes[a->nr], entry->d_name);
	}
	closedir(proc);
	if (a->nr)
		qsort(a->processes, a->nr, sizeof(*a->processes), by_pid);
	return error;
}

void activity_free(struct activity *a)
{
	free(a->processes);
}

/* Keep the busiest, in order. */
static void keep_top(struct doctor_probe *p, const struct activity_process *q,
		     double processors)
{
	unsigned int at = p->nr_top;

	while (at && p->top[at - 1].processors < processors)
		at--;
	if (at == DOCTOR_TOP)
		return;
	if (p->nr_top < DOCTOR_TOP)
		p->nr_top++;
	memmove(&p->top[at + 1], &p->top[at],
		(p->nr_top - 1 - at) * sizeof(*p->top));
	p->top[at] = (struct doctor_process){
		.pid = q->pid,
		.kernel = q->kernel,
		.processors = processors,
	};
	memcpy(p->top[at].name, q->name, sizeof(q->name));
}

void activity_between(const struct activity *before,
		      const struct activity *after, double seconds,
		      struct doctor_probe *p)
{
	double busy = after->busy_s - before->busy_s;
	double steal = after->steal_s - before->steal_s;
	double all = busy + steal + after->idle_s - before->idle_s;
	double wanted = after->busy_s + after->steal_s;

	p->seconds = seconds;
	p->busy = busy / seconds;
	p->steal = all > 0 ? steal / all : 0;
	p->steal_since_boot = wanted > 0 ? after->steal_s / wanted : 0;
	p->nr_top = 0;
	for (size_t i = 0; i < after->nr; i++) {
		const struct activity_process *now = &after->processes[i];
		const struct activity_process *then = NULL;
		double used = now->cpu_s;

		if (before->nr)
			then = bsearch(now, before->processes, before->nr,
				       sizeof(*now), by_pid);
		if (then)
			used -= then->cpu_s;
		if (now->pid != getpid() && used > 0)
			keep_top(p, now, used / seconds);
	}
}

static void watch(struct doctor_probe *p)
{
	const struct timespec interval = { INTERVAL_NS / 1000000000L,
					   INTERVAL_NS % 1000000000L };
	struct activity before, after = { 0 };
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	p->activity = activity_take(&before);
	if (p->activity)
		goto out;
	nanosleep(&interval, NULL);
	p->activity = activity_take(&after);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (!p->activity)
		activity_between(&before, &after,
				 to.tv_sec - from.tv_sec +
					 (to.tv_nsec - from.tv_nsec) * 1e-9,
				 p);
out:
	activity_free(&before);
	activity_free(&after);
}

void doctor_probe(struct doctor_probe *p)
{
	*p = (struct doctor_probe){
		.root = !geteuid(),
		.valgrind = try_program("valgrind"),
		.lld = try_program("ld.lld"),
		.huge_page = try_huge_page(),
		.affinity = try_affinity(),
		.mbind = try_mbind(),
	};
	doctor_try_kvm(&p->kvm);
	try_counters(p);
	try_clock(p);
	watch(p);
}
