/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directory blocks, as far as buffers care: allocated, logged, freed, and
 * read ahead by whoever comes too late.
 */
#ifndef CACHE_DIR_H
#define CACHE_DIR_H

#include <stdint.h>

struct mount;

/*
 * One step of a directory block's life in an AG, by @pick: allocate and
 * log, free, change, read ahead.  Every fourth comes from, and goes to,
 * the AG's free list, whose blocks are reused while still busy.
 */
int dir_churn(struct mount *mp, unsigned int agno, uint64_t pick);

#endif
