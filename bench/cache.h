/* SPDX-License-Identifier: GPL-2.0-only */
/* Which generation of the cache is measured, checked or tested. */
#ifndef BENCH_CACHE_H
#define BENCH_CACHE_H

/* Of an argp option --cache GEN; what says it in its own way adds nothing. */
#define CACHE_OPTION_DOC						\
	"Generation of the buffer cache: a kernel's version (default: the "	\
	"newest; --list names them)"

/*
 * From here on fixes[] and floors are of this one.  0, or -ENOENT after one
 * line on stderr that begins with @who.
 */
int cache_choose(const char *who, const char *name);
/* "7.3 6.12", the newest first. */
const char *cache_names(void);

#endif
