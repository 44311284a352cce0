/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Google Benchmark behind a C interface: register, run, report.  Nothing
 * here knows what is measured; gbench.cc, which is all of it, goes with
 * this header into any C project.  One thread at a time may call these.
 *
 *	static void copy(struct gbench_state *state, void *arg)
 *	{
 *		size_t size = gbench_arg(state, 0);
 *
 *		gbench_for(state)
 *			memcpy(arg, source, size);
 *		gbench_counter(state, "bytes", size, GBENCH_PER_SECOND |
 *			       GBENCH_TIMES_ITERATIONS);
 *	}
 *
 *	int main(int argc, char **argv)
 *	{
 *		struct gbench_family *f;
 *		char why[256];
 *		const char *bad;
 *
 *		if (gbench_init(argc, argv, &bad))
 *			return 2;
 *		f = gbench_register("copy", copy, target);
 *		gbench_ranges(f, 1, &(struct gbench_range){ 8, 8192 }, 8);
 *		return !gbench_run(NULL, GBENCH_AS_FLAGGED, why, sizeof(why));
 *	}
 *
 * Where memory runs out, or the library's own checks fail, it ends the
 * program with a message.
 */
#ifndef BENCH_GBENCH_H
#define BENCH_GBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Give it its flags: all of @argv[1..] is --benchmark_*.  0, or -EINVAL
 * for one it does not know, *@bad then.  May be called again.
 */
int gbench_init(int argc, char **argv, const char **bad);
/*
 * What reports call this machine; NULL: its own name.  Before anything is
 * run; @name stays.
 */
void gbench_host(const char *name);
/* One more line in the context that reports begin with; each @key once. */
void gbench_context(const char *key, const char *value);

/* --- registering ------------------------------------------------------- */

struct gbench_family;		/* one function, all its arguments */
struct gbench_state;		/* one run of it */

typedef void gbench_fn(struct gbench_state *state, void *arg);

/*
 * @run, given @arg, gets measured.  It may be called several times with
 * more and more iterations.  Valid until gbench_clear().
 */
struct gbench_family *gbench_register(const char *name, gbench_fn *run,
				      void *arg);
/* Forget all that was registered. */
void gbench_clear(void);

/* Around each call of the function, not timed; either may be NULL. */
void gbench_around(struct gbench_family *f, gbench_fn *setup,
		   gbench_fn *teardown);

struct gbench_range {
	int64_t first, last;
};

struct gbench_list {
	const int64_t *values;
	size_t nr;
};

/* Once with these @nr arguments; may be called again for others. */
void gbench_args(struct gbench_family *f, size_t nr, const int64_t *args);
/* Each combination of values between, a factor of @multiplier apart. */
void gbench_ranges(struct gbench_family *f, size_t nr,
		   const struct gbench_range *ranges, int multiplier);
/* Each combination of listed values. */
void gbench_product(struct gbench_family *f, size_t nr,
		    const struct gbench_list *lists);
/* What the arguments are called in the benchmark's name. */
void gbench_arg_names(struct gbench_family *f, size_t nr,
		      const char *const *names);

enum gbench_unit { GBENCH_NS, GBENCH_US, GBENCH_MS, GBENCH_S };

void gbench_unit(struct gbench_family *f, enum gbench_unit unit);
/* Exactly so many, in place of finding out how many take long enough. */
void gbench_iterations(struct gbench_family *f, uint64_t nr);
void gbench_min_time(struct gbench_family *f, double seconds);
/* With @nr > 1 the console shows mean, median and deviation alone. */
void gbench_repetitions(struct gbench_family *f, unsigned int nr);
/* Its times come from gbench_set_time(). */
void gbench_manual_time(struct gbench_family *f);
/* By the wall clock; else by processor time. */
void gbench_real_time(struct gbench_family *f);

/* --- while it runs ----------------------------------------------------- */

/* Argument number @i of this run. */
int64_t gbench_arg(const struct gbench_state *state, size_t i);

/*
 * The measured loop, in one of two forms, once per run and to its end:
 * `gbench_for(state) statement` does the statement in each iteration at the
 * cost of a loop in C; or, for who does @nr iterations by himself,
 * `while (gbench_keep_running_batch(state, nr)) ...`.
 */
bool gbench_keep_running_batch(struct gbench_state *state, uint64_t nr);

#define gbench_for(state)						\
	for (struct gbench_loop __loop = gbench_loop_start(state);	\
	     gbench_loop_next(&__loop);)

/* Heavy: not within an iteration that takes less than a microsecond. */
void gbench_pause(struct gbench_state *state);
void gbench_resume(struct gbench_state *state);
/* Manual time: of all iterations since it was last called. */
void gbench_set_time(struct gbench_state *state, double seconds);
/* Of this run, counted while it goes on. */
uint64_t gbench_iterations_done(const struct gbench_state *state);
/* Shown behind the times; its last value counts. */
void gbench_label(struct gbench_state *state, const char *label);
/* Show @why in place of times.  The loop ends; the function returns. */
void gbench_skip(struct gbench_state *state, const char *why);

#define GBENCH_PER_SECOND	(1u << 0)	/* divided by the time */
#define GBENCH_TIMES_ITERATIONS	(1u << 1)	/* given for one of them */
#define GBENCH_AVERAGE		(1u << 2)	/* divided by iterations */
#define GBENCH_INVERT		(1u << 3)	/* 1 / the result */
#define GBENCH_1024		(1u << 4)	/* shown in Ki, Mi, ... */

/* A column of its own; all runs of a report have the same. */
void gbench_counter(struct gbench_state *state, const char *name, double value,
		    unsigned int flags);

/* --- running all of it -------------------------------------------------- */

enum gbench_display {
	GBENCH_AS_FLAGGED,	/* as --benchmark_format says */
	GBENCH_CONSOLE,
	GBENCH_JSON,
	GBENCH_NOTHING,
};

/*
 * Run what matches @filter, a regular expression (NULL: as
 * --benchmark_filter says), and show it on stdout; in the file of
 * --benchmark_out too, if one was named.  How many matched; if none, or if
 * the filter is no expression, a line in @why says so.
 */
size_t gbench_run(const char *filter, enum gbench_display display, char *why,
		  size_t why_size);

/* --- the loop's inside -------------------------------------------------- */

struct gbench_loop {
	struct gbench_state *state;
	uint64_t left;
};

/* All iterations at once: the library sees no more than begin and end. */
struct gbench_loop gbench_loop_start(struct gbench_state *state);
/* Always false. */
bool gbench_loop_end(struct gbench_state *state);

static inline bool gbench_loop_next(struct gbench_loop *loop)
{
	if (__builtin_expect(loop->left != 0, 1)) {
		loop->left--;
		return true;
	}
	return gbench_loop_end(loop->state);
}

#ifdef __cplusplus
}
#endif
#endif
