/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole batches for the harness; contracts in fix.h. */
#ifndef CACHE_BENCH_H
#define CACHE_BENCH_H

#include <stdint.h>

struct mount;

int bench_fill(struct mount *mp, uint64_t bno, uint64_t nr);
int bench_chain(struct mount *mp, const uint64_t *bnos, uint64_t nr);
int bench_lookup(struct mount *mp, const uint64_t *bnos, uint64_t nr);
int bench_lookup_chain(struct mount *mp, uint64_t *bno, uint64_t nr);

#endif
