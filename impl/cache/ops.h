/* SPDX-License-Identifier: GPL-2.0-only */
/* What mount.c and the table share; contracts in fix.h. */
#ifndef CACHE_OPS_H
#define CACHE_OPS_H

#include "cache/fix.h"

int mount_fs(const struct mount_options *opt, struct mount **mpp);
void unmount_fs(struct mount *mp, struct teardown *left);
void cache_objects(struct mount *mp,
		   void (*tell)(void *ctx, const char *what, const void *at,
				size_t size),
		   void *ctx);

#endif
