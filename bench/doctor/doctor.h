/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doctor: what this machine can and cannot measure, what makes it noisy,
 * and the command that would mend each.  It changes nothing itself.
 */
#ifndef BENCH_DOCTOR_H
#define BENCH_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* --- what has to be tried: doctor_probe.c ------------------------------- */

#define DOCTOR_TOP	3

struct doctor_process {
	int pid;
	bool kernel;			/* the kernel's own */
	char name[32];
	double processors;		/* that it kept busy */
};

/* A trial of one of bench/perf/perf.h's counters. */
struct doctor_counter {
	bool denied, counts;		/* neither: there is no such counter */
	char reason[128];		/* perf.h's, if it did not open */
};

/* A guest of one instruction. */
struct doctor_kvm {
	bool ran;			/* and halted */
	bool not_tried;			/* no further than making it */
	const char *step;		/* which failed */
	int error;			/* -errno of that; -ETIME: no end */
	unsigned int exit_reason;	/* KVM_EXIT_*, if -EIO */
};

/* doctor_kvm.c; less than 3 s, some ms if it works. */
void doctor_try_kvm(struct doctor_kvm *kvm);

/* Errors are 0 or -errno of the trial. */
struct doctor_probe {
	bool root;			/* we are */
	struct doctor_counter hardware;	/* instructions */
	struct doctor_counter software;	/* page faults */
	struct doctor_kvm kvm;
	/* Started, and what that ended with: 0; else status or -errno. */
	int valgrind, lld;
	/* A huge page was asked for and touched: 1 had, 0 not, or -errno. */
	int huge_page;
	int affinity;			/* to each processor, and back */
	int mbind;			/* memory to the node that it is on */
	double clock_ns;		/* one reading; < 0: no clock */
	double clock_resolution_ns;

	/* Over an interval without work of ours: */
	int activity;			/* error of looking */
	double seconds;
	double busy;			/* processors kept busy by others */
	double steal;			/* share of all time, 0 to 1 */
	double steal_since_boot;	/* share of the work wanted */
	struct doctor_process top[DOCTOR_TOP];
	unsigned int nr_top;
};

struct activity_process {
	int pid;
	bool kernel;
	char name[32];
	double cpu_s;
};

/* Processor time of all and of each process, at one moment. */
struct activity {
	double busy_s, idle_s, steal_s;
	struct activity_process *processes; /* by pid */
	size_t nr;
};

/* 0 or -errno; activity_free() in either case. */
int activity_take(struct activity *a);
void activity_free(struct activity *a);
/* Fill the last part of @p with what went on in @seconds. */
void activity_between(const struct activity *before,
		      const struct activity *after, double seconds,
		      struct doctor_probe *p);

/* Try everything; takes about a second. */
void doctor_probe(struct doctor_probe *p);

/* --- what follows from it ----------------------------------------------- */

enum doctor_status {
	DOCTOR_UNKNOWN,
	DOCTOR_OK,
	DOCTOR_NOISY,			/* measures, but less well */
	DOCTOR_CANNOT,
};

struct doctor_check {
	enum doctor_status status;
	char value[160];		/* "": none */
	char why[480];
	char mend[1024];		/* a command; "": nothing can be done */
};

/* What a check looks at. */
struct doctor_case {
	const json_t *machine;		/* machine_settings() */
	const json_t *state;		/* machine_state() */
	const struct doctor_probe *probe;
};

typedef void (*doctor_fn)(const struct doctor_case *dc,
			  struct doctor_check *c);

struct doctor_entry {
	const char *name;
	doctor_fn check;
};

/* Each ends with a name of NULL. */
extern const struct doctor_entry doctor_abilities[];	/* doctor_ability.c */
extern const struct doctor_entry doctor_noises[];	/* doctor_noise.c */

/* Set ->status and ->value. */
void check_set(struct doctor_check *c, enum doctor_status status,
	       const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void check_why(struct doctor_check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void check_mend(struct doctor_check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A command that writes @value to @path, as whoever we are. */
void check_mend_write(struct doctor_check *c, const struct doctor_case *dc,
		      const char *value, const char *path);
/* "sudo " unless we are root. */
const char *check_sudo(const struct doctor_case *dc);
/* Not told by the machine: status unknown, with the machine's reason. */
void check_missing(struct doctor_check *c, const struct doctor_case *dc,
		   const char *key);
/* The string under @key of the machine; NULL: not told. */
const char *machine_text(const struct doctor_case *dc, const char *key);
/* Does it run under a hypervisor? */
bool machine_is_guest(const struct doctor_case *dc);

/*
 * {"schema", "checks": [{"name", "group", "status", "value", "why",
 * "mend"}], "verdict"}.  NULL: no memory.
 */
json_t *doctor_report(const struct doctor_case *dc);
/* As text of at most 80 columns. */
void doctor_print(const json_t *report, FILE *out);

/* delwribench doctor */
int doctor_main(int argc, char **argv);

#endif
