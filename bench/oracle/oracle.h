/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The oracle: says which fix is correct.  Scenarios drive the real code to
 * an exact interleaving; verdicts come from the device's image, from when
 * I/O completed, and from what calls returned.
 */
#ifndef ORACLE_ORACLE_H
#define ORACLE_ORACLE_H

#include "cache/fix.h"

enum verdict { VERDICT_HOLDS, VERDICT_VIOLATED, VERDICT_UNTESTED };

const char *verdict_name(enum verdict verdict);

#define EVIDENCE_MAX	16384

struct finding {
	enum verdict verdict;
	bool begun;			/* the stage stood: stage_open() */
	bool crashed;			/* by the parent: it did not end */
	char evidence[EVIDENCE_MAX];	/* why; a timeline if violated */
};

struct stage;

struct scenario {
	const char *name;
	enum hazard hazard;
	/* Drives @s and calls stage_verdict(), or leaves it untested. */
	void (*run)(struct stage *s);
	bool alone;			/* of threads, and the machine's only */
};

/* Ended by an entry without a name. */
extern const struct scenario scenarios[];

/*
 * A fix, or a mutant of tests/mutants, that is known to fail in it, so that the
 * explorer can say what it is worth that another does not; NULL: the explorer
 * does not have it.
 */
const char *scenario_control(const struct scenario *sc);

#define SCENARIO_SLUG	80
/* "ordering:live-scan-before-reuse": what the explorer calls it. */
void scenario_slug(const struct scenario *sc, char *buf, size_t size);

/* Run one scenario in this process, which is good for nothing after. */
void scenario_run(const struct scenario *sc, const struct fix *fix,
		  struct finding *finding);

/* Fix by name, or NULL. */
const struct fix *fix_by_name(const char *name);
/* The twin is a control of the measurement and no implementation. */
bool fix_is_twin(const struct fix *fix);

struct stress_result {
	uint64_t loads;
	uint64_t misqueued;	/* loads with a block on a foreign list */
	uint64_t not_durable;	/* loads with a block not durable at commit */
	uint64_t reread;	/* walks that met old contents */
	uint64_t stale_writes;
	uint64_t failed_loads;	/* EIO was returned: errors are injected */
	uint64_t broken_ags;	/* cannot be repaired when all is over */
	uint64_t walks, modifies, churns, shrunk;
	struct teardown left;
	bool hung;
	double seconds;
};

/* Everything at once, nobody held.  0 or -errno; @who: see stage_who(). */
int stress_run(const struct fix *fix, double seconds, uint64_t seed,
	       struct stress_result *res, char *who, size_t who_size);

/* scripts/verify */
int verify_main(int argc, char **argv);

#endif
