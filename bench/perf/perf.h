/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of one thread by perf_event_open(), in groups small enough to be
 * on the processor at once.  Nothing here runs in a timed region: the
 * groups count between perf_enable() and perf_disable() on either side of
 * it, and are read afterwards.
 */
#ifndef BENCH_PERF_H
#define BENCH_PERF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define PERF_COUNTERS	32
#define PERF_GROUPS	12

enum perf_status {
	PERF_OK,
	PERF_MULTIPLEXED,	/* shared the hardware: an estimate */
	PERF_DENIED,
	PERF_UNSUPPORTED,
	PERF_STATUSES
};

struct perf_counter {
	const char *name;		/* "cycles" */
	const char *mode;		/* "user", "kernel" or "all" */
	unsigned int group;
	enum perf_status status;	/* of opening it: never MULTIPLEXED */
	char reason[128];		/* if not PERF_OK */
	char event[96];			/* as libpfm4 writes it */
	/* Whose it is, so that not running means multiplexed; "": unknown. */
	char pmu[32];
	int fd;				/* -1: not open */
	uint64_t id;			/* the kernel's */
	uint64_t last;			/* value when read before */
	/* Sums over reads, unscaled. */
	uint64_t value, enabled, running; /* events, ns, ns */
};

struct perf_set {
	bool replay;			/* of recorded reads, not measured */
	unsigned int nr, nr_groups;
	struct perf_counter counter[PERF_COUNTERS];
	int leader[PERF_GROUPS];	/* -1: nothing of it could be opened */
	uint64_t enabled[PERF_GROUPS], running[PERF_GROUPS]; /* so far */
	json_t *record;			/* reads are appended; NULL: not */
};

/* What there is to know of a counter at the end. */
struct perf_result {
	enum perf_status status;
	double value;			/* scaled up to all of the time */
	double share;			/* of it that was counted, 0 to 1 */
	char reason[128];		/* no value, and why; "": there is one */
};

/*
 * Open what can be opened for thread @tid (0: the caller), not yet
 * counting.  0, also if that was nothing, or -ENOMEM.
 */
int perf_open(pid_t tid, struct perf_set **setp);
void perf_close(struct perf_set *set);
void perf_enable(const struct perf_set *set);
void perf_disable(const struct perf_set *set);
/* Add what was counted since the last read.  0 or -errno. */
int perf_read(struct perf_set *set);
/*
 * Another thread's or time's; the same counters in the same order.  Of cores
 * of several types there is no sum.
 */
void perf_add(struct perf_set *to, const struct perf_set *from);
/* Begin again from 0; counters stay open. */
void perf_zero(struct perf_set *set);

void perf_result(const struct perf_counter *c, struct perf_result *r);
const char *perf_status_name(enum perf_status status);

/*
 * Take in one read of a group, as the kernel writes it with PERF_FORMAT:
 * number of counters, time enabled, time running, then value and id of
 * each.  0, or -EINVAL: not one of this group's.
 */
int perf_take(struct perf_set *set, unsigned int group, const uint64_t *words,
	      size_t nr_words);

/* --- which ones: perf_events.c ------------------------------------------ */

/* Counters by name, mode and group, none open. */
void perf_list(struct perf_set *set);
struct perf_event_attr;
/* Fill @attr for @c and set ->event; or false, and ->status and ->reason. */
bool perf_encode(struct perf_counter *c, struct perf_event_attr *attr);

/* --- showing, recording, replaying: perf_report.c ----------------------- */

/*
 * {source, counters: [{name, mode, event, status, value, per_operation,
 * share}]}; what is null has its reason beside it.  @operations 0: unknown.
 */
json_t *perf_to_json(const struct perf_set *set, uint64_t operations);
void perf_print(const struct perf_set *set, uint64_t operations, FILE *out);
/* Counters and the reads so far, for perf_replay(); NULL: no memory. */
json_t *perf_recording(const struct perf_set *set, uint64_t operations);
/* 0, or -EINVAL or -ENOMEM and a line in @why. */
int perf_replay(const json_t *recording, struct perf_set **setp,
		uint64_t *operations, char *why, size_t size);

/* delwribench counters */
int perf_main(int argc, char **argv);

#endif
