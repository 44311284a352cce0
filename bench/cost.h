/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `delwribench cost-op`: does operations for scripts/cost to count their
 * instructions under callgrind.
 */
#ifndef BENCH_COST_H
#define BENCH_COST_H

/* Arguments: FIX COUNT [OPERATION...].  Exit status. */
int cost_main(int argc, char **argv);

/*
 * Nothing happens in them: a profiler that watches for their names learns
 * when what is to be counted begins and ends.
 */
void cost_begin(void);
void cost_end(void);

#endif
