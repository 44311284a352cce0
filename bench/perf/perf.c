// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening, reading and scaling groups of counters.  What cannot be opened
 * is kept, with the reason; the rest of its group counts without it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/perf/perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/perf/perf_pmu.h"

#define HEADER_WORDS	3
#define GROUP_WORDS	(HEADER_WORDS + 2 * PERF_COUNTERS)
#define READ_FORMAT	(PERF_FORMAT_GROUP | PERF_FORMAT_ID |		\
			 PERF_FORMAT_TOTAL_TIME_ENABLED |		\
			 PERF_FORMAT_TOTAL_TIME_RUNNING)

static const char *const statuses[PERF_STATUSES] = {
	[PERF_OK] = "ok",
	[PERF_MULTIPLEXED] = "multiplexed",
	[PERF_DENIED] = "denied",
	[PERF_UNSUPPORTED] = "unsupported",
};

const char *perf_status_name(enum perf_status status)
{
	return statuses[status];
}

/* --- opening ------------------------------------------------------------ */

/* -1: cannot be read. */
static int paranoid_level(void)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "r");
	int level = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &level) != 1)
		level = -1;
	fclose(file);
	return level;
}

static void refused(struct perf_counter *c, int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		c->status = PERF_DENIED;
		snprintf(c->reason, sizeof(c->reason),
			 "%s; kernel.perf_event_paranoid is %d",
			 strerror(error), paranoid_level());
		break;
	case ENOSYS:
		c->status = PERF_UNSUPPORTED;
		snprintf(c->reason, sizeof(c->reason),
			 "the kernel has no perf_event_open()");
		break;
	case EMFILE:
	case ENFILE:
		c->status = PERF_DENIED;
		snprintf(c->reason, sizeof(c->reason),
			 "%s: raise the limit with ulimit -n",
			 strerror(error));
		break;
	default:
		c->status = PERF_UNSUPPORTED;
		snprintf(c->reason, sizeof(c->reason),
			 "no such counter in this processor, or none left: %s",
			 strerror(error));
	}
}

/* Where @tid runs, and what counts there. */
struct place {
	pid_t tid;
	struct perf_pmu pmu;
	char why[sizeof(((struct perf_counter *)0)->reason)];
};

/* Make @attr an event of that PMU; else why not, and false. */
static bool choose_pmu(struct perf_counter *c, const struct place *place,
		       struct perf_event_attr *attr)
{
	if (!perf_pmu_is_hardware(attr)) {
		strcpy(c->pmu, "software");
		return true;
	}
	if (!place->why[0] && !perf_pmu_apply(&place->pmu, attr)) {
		strcpy(c->pmu, place->pmu.name);
		return true;
	}
	c->status = PERF_UNSUPPORTED;
	if (place->why[0])
		memcpy(c->reason, place->why, sizeof(c->reason));
	else
		snprintf(c->reason, sizeof(c->reason),
			 "libpfm4 encodes it for another type of core than %s",
			 place->pmu.name);
	return false;
}

static void open_counter(struct perf_set *set, struct perf_counter *c,
			 const struct place *place)
{
	int *leader = &set->leader[c->group];
	struct perf_event_attr attr;

	if (!perf_encode(c, &attr) || !choose_pmu(c, place, &attr))
		return;
	attr.read_format = READ_FORMAT;
	attr.disabled = *leader < 0;
	c->fd = syscall(SYS_perf_event_open, &attr, place->tid, -1, *leader,
			PERF_FLAG_FD_CLOEXEC);
	if (c->fd < 0) {
		refused(c, errno);
		return;
	}
	if (ioctl(c->fd, PERF_EVENT_IOC_ID, &c->id)) {
		refused(c, errno);
		close(c->fd);
		c->fd = -1;
		return;
	}
	if (*leader < 0)
		*leader = c->fd;
}

int perf_open(pid_t tid, struct perf_set **setp)
{
	struct perf_set *set = malloc(sizeof(*set));
	struct place place = { .tid = tid };

	if (!set)
		return -ENOMEM;
	perf_list(set);
	perf_pmu_of_thread(tid, &place.pmu, place.why, sizeof(place.why));
	for (unsigned int i = 0; i < set->nr; i++)
		open_counter(set, &set->counter[i], &place);
	*setp = set;
	return 0;
}

void perf_close(struct perf_set *set)
{
	if (!set)
		return;
	for (unsigned int i = 0; i < set->nr; i++)
		if (set->counter[i].fd >= 0)
			close(set->counter[i].fd);
	json_decref(set->record);
	free(set);
}

static void control(const struct perf_set *set, unsigned long request)
{
	for (unsigned int g = 0; g < set->nr_groups; g++)
		if (set->leader[g] >= 0)
			ioctl(set->leader[g], request, PERF_IOC_FLAG_GROUP);
}

void perf_enable(const struct perf_set *set)
{
	control(set, PERF_EVENT_IOC_ENABLE);
}

void perf_disable(const struct perf_set *set)
{
	control(set, PERF_EVENT_IOC_DISABLE);
}

/* --- reading ------------------------------------------------------------ */

static struct perf_counter *find(struct perf_set *set, unsigned int group,
				 uint64_t id)
{
	for (unsigned int i = 0; i < set->nr; i++) {
		struct perf_counter *c = &set->counter[i];

		if (c->group == group && c->status == PERF_OK && c->id == id)
			return c;
	}
	return NULL;
}

int perf_take(struct perf_set *set, unsigned int group, const uint64_t *words,
	      size_t nr_words)
{
	uint64_t enabled, running;

	if (group >= set->nr_groups || nr_words < HEADER_WORDS ||
	    words[0] > PERF_COUNTERS || nr_words != HEADER_WORDS + 2 * words[0])
		return -EINVAL;
	enabled = words[1] - set->enabled[group];
	running = words[2] - set->running[group];
	/* They only grow, and nothing runs that is not enabled. */
	if (words[1] < set->enabled[group] || words[2] < set->running[group] ||
	    words[2] > words[1])
		return -EINVAL;
	for (uint64_t i = 0; i < words[0]; i++)
		if (!find(set, group, words[HEADER_WORDS + 2 * i + 1]))
			return -EINVAL;
	set->enabled[group] = words[1];
	set->running[group] = words[2];
	for (uint64_t i = 0; i < words[0]; i++) {
		const uint64_t *w = &words[HEADER_WORDS + 2 * i];
		struct perf_counter *c = find(set, group, w[1]);

		c->value += w[0] - c->last;
		c->last = w[0];
		c->enabled += enabled;
		c->running += running;
	}
	return 0;
}

static int record(struct perf_set *set, unsigned int group,
		  const uint64_t *words, size_t nr)
{
	json_t *list = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(list, json_integer(words[i]));
	return json_array_append_new(set->record,
				     json_pack("{s:i, s:o}", "group",
					       (int)group, "words", list)) ?
		       -ENOMEM :
		       0;
}

int perf_read(struct perf_set *set)
{
	uint64_t words[GROUP_WORDS];
	int error = 0;

	for (unsigned int g = 0; g < set->nr_groups && !error; g++) {
		ssize_t n;

		if (set->leader[g] < 0)
			continue;
		n = read(set->leader[g], words, sizeof(words));
		if (n < 0)
			return -errno;
		if (set->record)
			error = record(set, g, words, n / sizeof(*words));
		if (!error)
			error = perf_take(set, g, words, n / sizeof(*words));
	}
	return error;
}

/* Cycles of one type of core and those of another have no sum. */
static void add_type(struct perf_counter *a, const struct perf_counter *b)
{
	char reason[sizeof(a->reason)];

	if (!b->enabled || a->status != PERF_OK || b->status != PERF_OK)
		return;
	if (a->enabled && strcmp(a->pmu, b->pmu)) {
		a->status = PERF_UNSUPPORTED;
		snprintf(reason, sizeof(reason),
			 "threads ran on cores of several types, %.24s and %.24s, which have no sum",
			 a->pmu, b->pmu);
		memcpy(a->reason, reason, sizeof(reason));
		return;
	}
	memcpy(a->pmu, b->pmu, sizeof(a->pmu));
}

void perf_add(struct perf_set *to, const struct perf_set *from)
{
	for (unsigned int i = 0; i < to->nr; i++) {
		struct perf_counter *a = &to->counter[i];
		const struct perf_counter *b = &from->counter[i];

		if (b->status != PERF_OK && a->status == PERF_OK) {
			/* A sum in which one is missing is none. */
			a->status = b->status;
			memcpy(a->reason, b->reason, sizeof(a->reason));
		}
		add_type(a, b);
		a->value += b->value;
		a->enabled += b->enabled;
		a->running += b->running;
	}
}

void perf_zero(struct perf_set *set)
{
	for (unsigned int i = 0; i < set->nr; i++) {
		struct perf_counter *c = &set->counter[i];

		c->value = c->enabled = c->running = 0;
	}
}

/* --- the end of it ------------------------------------------------------ */

/*
 * A plain event on a hybrid processor is some type's, and does not run on
 * others: where its PMU is not known, time that it did not run says nothing.
 */
static bool is_plain(const struct perf_counter *c)
{
	return !c->pmu[0] && !strncmp(c->event, "perf::PERF_COUNT_HW_", 20);
}

static void not_all_counted(const struct perf_counter *c, struct perf_result *r)
{
	if (is_plain(c)) {
		r->status = PERF_UNSUPPORTED;
		snprintf(r->reason, sizeof(r->reason),
			 "it ran for %.0f %% of %.3g ms: the thread was on cores of another type, or others had the counters: not recorded",
			 100 * r->share, c->enabled / 1e6);
		return;
	}
	r->status = PERF_MULTIPLEXED;
	if (!c->running)
		snprintf(r->reason, sizeof(r->reason),
			 "it never got a hardware counter in %.3g ms: others had them all",
			 c->enabled / 1e6);
}

void perf_result(const struct perf_counter *c, struct perf_result *r)
{
	*r = (struct perf_result){ .status = c->status };
	if (c->status != PERF_OK) {
		memcpy(r->reason, c->reason, sizeof(r->reason));
		return;
	}
	if (!c->enabled) {
		snprintf(r->reason, sizeof(r->reason), "nothing was measured");
		return;
	}
	r->share = (double)c->running / c->enabled;
	if (c->running < c->enabled)
		not_all_counted(c, r);
	if (!r->reason[0])
		r->value = c->value / r->share;
}
