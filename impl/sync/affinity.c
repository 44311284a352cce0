// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of processors as large as the kernel wants them.
 */
#include "sync/affinity.h"

#include <errno.h>

/* More than any kernel can be built for. */
#define PROCESSORS_MAX	(1 << 20)

int processors_get(struct processors *p)
{
	int error = EINVAL;

	*p = (struct processors){ 0 };
	/* EINVAL: the kernel's set is larger. */
	for (int nr = CPU_SETSIZE; nr <= PROCESSORS_MAX && error == EINVAL;
	     nr *= 2) {
		processors_free(p);
		p->bytes = CPU_ALLOC_SIZE(nr);
		p->set = CPU_ALLOC(nr);
		if (!p->set)
			return -ENOMEM;
		error = sched_getaffinity(0, p->bytes, p->set) ? errno : 0;
	}
	if (error)
		processors_free(p);
	return -error;
}

int processors_apply(const struct processors *p)
{
	if (p->set && sched_setaffinity(0, p->bytes, p->set))
		return -errno;
	return 0;
}

void processors_free(struct processors *p)
{
	CPU_FREE(p->set);
	*p = (struct processors){ 0 };
}

int allowed_processors(int *cpus, int max)
{
	struct processors p;
	int error = processors_get(&p), nr = 0;

	if (error)
		return error;
	for (size_t i = 0; i < p.bytes * 8 && nr < max; i++)
		if (CPU_ISSET_S(i, p.bytes, p.set))
			cpus[nr++] = i;
	nr = CPU_COUNT_S(p.bytes, p.set);
	processors_free(&p);
	return nr;
}

int run_on_processor(int cpu)
{
	struct processors p = { 0 };
	int error;

	if (cpu < 0 || cpu >= PROCESSORS_MAX)
		return -EINVAL;
	p.bytes = CPU_ALLOC_SIZE(cpu + 1);
	p.set = CPU_ALLOC(cpu + 1);
	if (!p.set)
		return -ENOMEM;
	CPU_ZERO_S(p.bytes, p.set);
	CPU_SET_S(cpu, p.bytes, p.set);
	error = processors_apply(&p);
	processors_free(&p);
	return error;
}
