/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Getting rid of a repaired tree's old blocks (kernel: scrub/reap.c).
 */
#ifndef CACHE_REAP_H
#define CACHE_REAP_H

#include "cache/mount.h"
#include "cache/trans.h"

/*
 * Invalidate and free all blocks of @old, @nr trees of one AG, whose header
 * @agbp is locked by *@tpp, in as many transactions as the kernel takes: the
 * last is *@tpp, NULL if there is none.  0 or -errno (xrep_reap_agblocks).
 */
int reap(struct trans **tpp, struct buf *agbp, const struct tree *old,
	 unsigned int nr);

#endif
