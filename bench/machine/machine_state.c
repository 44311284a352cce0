// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine is doing at this moment, and what this process has
 * had from it so far.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/machine/machine.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/machine/machine_part.h"
#include "bench/machine/machine_read.h"

/* --- the machine -------------------------------------------------------- */

static void set_times(json_t *state)
{
	time_t now = time(NULL);
	struct timespec ts;
	char text[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_set_text(state, "time", text, "");
	clock_gettime(CLOCK_MONOTONIC, &ts);
	json_object_set_new(state, "clock_s",
			    json_real(ts.tv_sec + ts.tv_nsec * 1e-9));
}

static void set_load(json_t *state)
{
	double load[3];
	char line[128];
	int error = machine_read(line, sizeof(line), "/proc/loadavg");

	if (!error && sscanf(line, "%lf %lf %lf", &load[0], &load[1],
			     &load[2]) != 3)
		error = -EINVAL;
	if (error)
		json_set_missing(state, "load", "/proc/loadavg: %s",
				 strerror(-error));
	else
		json_object_set_new(state, "load",
				    json_pack("[f, f, f]", load[0], load[1],
					      load[2]));
}

/* Of all processors since boot. */
static void set_processor_time(json_t *state)
{
	unsigned long long user, nice, system, irq, softirq, steal;
	double tick = 1.0 / sysconf(_SC_CLK_TCK);
	char line[256];
	int error = machine_read(line, sizeof(line), "/proc/stat");

	if (!error && sscanf(line,
			     "cpu %llu %llu %llu %*u %*u %llu %llu %llu",
			     &user, &nice, &system, &irq, &softirq,
			     &steal) != 6)
		error = -EINVAL;
	if (error) {
		json_set_missing(state, "steal_s", "/proc/stat: %s",
				 strerror(-error));
		json_set_missing(state, "busy_s", "/proc/stat: %s",
				 strerror(-error));
		return;
	}
	json_object_set_new(state, "steal_s", json_real(steal * tick));
	json_object_set_new(state, "busy_s",
			    json_real((user + nice + system + irq + softirq) *
				      tick));
}

/* Time in which somebody waited for a processor, since boot. */
static void set_pressure(json_t *state)
{
	static const char path[] = "/proc/pressure/cpu";
	unsigned long long total;
	char line[128], *at;
	int error = machine_read(line, sizeof(line), "%s", path);

	at = error ? NULL : strstr(line, "total=");
	if (at && sscanf(at, "total=%llu", &total) == 1)
		json_object_set_new(state, "cpu_pressure_s",
				    json_real(total * 1e-6));
	else
		json_set_missing(state, "cpu_pressure_s", "%s: %s", path,
				 strerror(error ? -error : EINVAL));
}

/* The slowest and the fastest of some: older kernels take 10 ms for each. */
static void set_frequency(json_t *state)
{
	long long khz, min = 0, max = 0;
	hwloc_bitmap_t online = machine_online();
	unsigned int cpu, i = 0, stride;
	int error = -ENODATA;

	stride = online ? hwloc_bitmap_weight(online) / 16 + 1 : 1;
	for (cpu = 0; online && i <= (unsigned int)hwloc_bitmap_last(online);
	     i += stride) {
		cpu = hwloc_bitmap_next(online, (int)i - 1);
		error = machine_read_number(&khz,
			"/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq",
			cpu);
		if (error)
			break;
		min = !min || khz < min ? khz : min;
		max = khz > max ? khz : max;
	}
	hwloc_bitmap_free(online);
	if (error)
		json_set_missing(state, "frequency_khz",
				 "cpu*/cpufreq/scaling_cur_freq: %s",
				 strerror(-error));
	else
		json_object_set_new(state, "frequency_khz",
				    json_pack("[I, I]", (json_int_t)min,
					      (json_int_t)max));
}

/* What somebody may have switched meanwhile; null: not told. */
static void set_settings(json_t *state)
{
	static const char *const keys[] = {
		"frequency_governor", "turbo",	      "smt_active",
		"isolated_processors", "numa_balancing", "transparent_hugepage",
	};
	json_t *all = json_object(), *settings = json_object();

	describe_cpu(all);
	describe_kernel(all);
	for (unsigned int i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_set(settings, keys[i],
				json_object_get(all, keys[i]));
	json_object_set_new(state, "settings", settings);
	json_decref(all);
}

/* --- this process; the time is also that of those it has waited for ----- */

/* What the kernel says of one thread; < 0: does not tell. */
struct thread_sum {
	double migrations, wait_s;
};

static void add_thread(struct thread_sum *sum, const char *tid)
{
	char path[MACHINE_PATH_MAX], line[128];
	unsigned long long wait;
	bool told = false;
	double value;
	FILE *file;

	if (machine_read(line, sizeof(line), "/proc/self/task/%s/schedstat",
			 tid) ||
	    sscanf(line, "%*u %llu", &wait) != 1)
		sum->wait_s = -1;
	else if (sum->wait_s >= 0)
		sum->wait_s += wait * 1e-9;

	snprintf(path, sizeof(path), "/proc/self/task/%s/sched", tid);
	file = machine_open(path);
	while (file && !told && fgets(line, sizeof(line), file))
		told = sscanf(line, "se.nr_migrations : %lf", &value) == 1;
	if (file)
		fclose(file);
	if (!told)
		sum->migrations = -1;
	else if (sum->migrations >= 0)
		sum->migrations += value;
}

/* Of the threads that live: those that have ended took theirs along. */
static void set_threads(json_t *state)
{
	struct thread_sum sum = { 0 };
	char full[MACHINE_PATH_MAX];
	struct dirent *entry;
	int nr = 0;
	DIR *tasks;

	machine_path(full, "/proc/self/task");
	tasks = opendir(full);
	while (tasks && (entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		add_thread(&sum, entry->d_name);
		nr++;
	}
	if (tasks)
		closedir(tasks);
	if (nr && sum.migrations >= 0)
		json_object_set_new(state, "migrations",
				    json_integer(sum.migrations));
	else
		json_set_missing(state, "migrations",
				 "/proc/self/task/*/sched does not tell: a kernel without CONFIG_SCHED_DEBUG");
	if (nr && sum.wait_s >= 0)
		json_object_set_new(state, "runqueue_wait_s",
				    json_real(sum.wait_s));
	else
		json_set_missing(state, "runqueue_wait_s",
				 "/proc/self/task/*/schedstat does not tell: a kernel without CONFIG_SCHED_INFO");
}

static double seconds(struct timeval tv)
{
	return tv.tv_sec + tv.tv_usec * 1e-6;
}

static void set_usage(json_t *state)
{
	struct rusage u, children;

	getrusage(RUSAGE_SELF, &u);
	getrusage(RUSAGE_CHILDREN, &children);
	json_object_set_new(state, "context_switches_voluntary",
			    json_integer(u.ru_nvcsw));
	json_object_set_new(state, "context_switches_involuntary",
			    json_integer(u.ru_nivcsw));
	json_object_set_new(state, "page_faults_minor",
			    json_integer(u.ru_minflt));
	json_object_set_new(state, "page_faults_major",
			    json_integer(u.ru_majflt));
	json_object_set_new(state, "own_s",
			    json_real(seconds(u.ru_utime) +
				      seconds(u.ru_stime) +
				      seconds(children.ru_utime) +
				      seconds(children.ru_stime)));
}

json_t *machine_state(void)
{
	json_t *state = json_object();

	if (!state)
		return NULL;
	set_times(state);
	set_load(state);
	set_processor_time(state);
	json_object_set_new(state, "processors",
			    json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	set_pressure(state);
	set_frequency(state);
	set_settings(state);
	json_object_set_new(state, "conditions", machine_conditions());
	cgroup_state(state);
	set_usage(state);
	set_threads(state);
	return state;
}
