/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layouts: links of the same objects in other orders, beside the program
 * in layouts/.  An identical copy at another address can be 1.6 % faster,
 * so a comparison that keeps one layout finds differences that no source
 * line explains; each block draws another.
 */
#ifndef BENCH_LAYOUT_H
#define BENCH_LAYOUT_H

#include <stdint.h>

/* Most that are looked for. */
#define LAYOUTS_MAX	256u
/* The environment's size moves the stack: at most so many bytes are added. */
#define LAYOUT_ENV_MAX	4096u

struct layout {
	unsigned int index;		/* 1 to .of; 0: the program itself */
	unsigned int of;
	unsigned int env_bytes;		/* to add to the environment */
	char program[4096];		/* what to execute */
};

/*
 * What block @block of a run with @seed executes.  Each layout is drawn
 * once before any is drawn again.  The build leaves none that is another
 * program's.  0, or -errno: our own path is unknown.
 */
int layout_draw(uint64_t seed, unsigned int block, struct layout *layout);
/* The same with @of layouts beside @program; for tests. */
void layout_draw_of(uint64_t seed, unsigned int block, unsigned int of,
		    const char *program, struct layout *layout);

#endif
