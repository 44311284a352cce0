/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * On which processors a thread may run, on machines of any size: the
 * kernel refuses sets that are smaller than its own, and glibc's cpu_set_t
 * ends at 1,024.  Nothing here locks; all is about the calling thread.
 */
#ifndef SYNC_AFFINITY_H
#define SYNC_AFFINITY_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stddef.h>

/* Some processors, for the macros CPU_..._S(..., ->bytes, ->set). */
struct processors {
	cpu_set_t *set;			/* NULL: it could not be found out */
	size_t bytes;
};

/*
 * Where the calling thread may run, to be freed by processors_free().  0, or
 * -errno and an empty @p.
 */
int processors_get(struct processors *p);
/* Let the calling thread run there.  0, also of an empty @p, or -errno. */
int processors_apply(const struct processors *p);
void processors_free(struct processors *p);

/*
 * The first @max processors on which the calling thread may run, by the
 * kernel's numbers, smallest first.  Returns how many there are, which may
 * be more than @max, or -errno.
 */
int allowed_processors(int *cpus, int max);
/* Let the calling thread run on @cpu only.  0 or -errno. */
int run_on_processor(int cpu);

#endif
