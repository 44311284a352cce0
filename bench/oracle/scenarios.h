/* SPDX-License-Identifier: GPL-2.0-only */
/* Every scenario; what each shows is said above its code. */
#ifndef ORACLE_SCENARIOS_H
#define ORACLE_SCENARIOS_H

#include "stage.h"

/*
 * Everybody runs.  True when @actor is done; else it waits for a list
 * whose owner has come by often enough, and that is the verdict.
 */
bool progresses(struct stage *s, struct actor *actor);

void scenario_ordering(struct stage *s);
void scenario_ordering_readahead(struct stage *s);
void scenario_ordering_livescan(struct stage *s);
void scenario_ordering_bwrite(struct stage *s);
void scenario_ordering_locked(struct stage *s);
void scenario_ordering_left_locked(struct stage *s);
void scenario_ordering_held(struct stage *s);
void scenario_ordering_two_lookups(struct stage *s);
void scenario_ordering_unseen(struct stage *s);
void scenario_lost_error(struct stage *s);
void scenario_reread(struct stage *s);
void scenario_reread_readahead(struct stage *s);
void scenario_stale_write(struct stage *s);
void scenario_stale_write_readahead(struct stage *s);
void scenario_stale_write_asleep(struct stage *s);
void scenario_deadlock(struct stage *s);
void scenario_deadlock_readahead(struct stage *s);
void scenario_deadlock_livescan(struct stage *s);
void scenario_deadlock_own_list(struct stage *s);
void scenario_deadlock_direct_stale(struct stage *s);
void scenario_deadlock_let_go(struct stage *s);
void scenario_collateral_stall(struct stage *s);
void scenario_collateral_stall_held(struct stage *s);
void scenario_unbounded_wait(struct stage *s);
void scenario_lost_wakeup(struct stage *s);
void scenario_lost_wakeup_nobody(struct stage *s);
void scenario_lost_wakeup_paths(struct stage *s);
void scenario_list_walk(struct stage *s);
void scenario_list_in_flight(struct stage *s);
void scenario_list_shutdown(struct stage *s);
void scenario_list_race(struct stage *s);
void scenario_list_requeued(struct stage *s);
void scenario_flag_leak(struct stage *s);
void scenario_flag_leak_bwrite(struct stage *s);
void scenario_leak(struct stage *s);
void scenario_leak_error(struct stage *s);
void scenario_leak_cancel(struct stage *s);
void scenario_leak_entries(struct stage *s);

#endif
