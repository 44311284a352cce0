// SPDX-License-Identifier: GPL-2.0-only
#include "bench/cache.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/fix.h"

const char *cache_names(void)
{
	static char names[256];
	size_t at = 0;

	for (const struct generation *g = generations; g->name; g++)
		at += snprintf(names + at,
			       at < sizeof(names) ? sizeof(names) - at : 0,
			       "%s%s", at ? " " : "", g->name);
	return names;
}

int cache_choose(const char *who, const char *name)
{
	for (const struct generation *g = generations; g->name; g++) {
		if (strcmp(g->name, name))
			continue;
		fixes = g->fixes;
		return 0;
	}
	fprintf(stderr, "%s: unknown cache '%s'; known: %s\n", who, name,
		cache_names());
	return -ENOENT;
}
