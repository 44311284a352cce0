// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding the layouts, and drawing one per block.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/workload.h"

#define DIR_MAX	3900

static int layout_path(const char *program, unsigned int index, char *path,
		       size_t size)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	return snprintf(path, size, "%.*slayouts/%s-%u",
			(int)(name - program), program, name, index);
}

void layout_draw_of(uint64_t seed, unsigned int block, unsigned int of,
		    const char *program, struct layout *layout)
{
	unsigned int index[LAYOUTS_MAX];
	uint64_t random = seed, env = seed ^ (uint64_t)block << 32;
	unsigned int turn, at;

	*layout = (struct layout){ .of = of ? of : 1 };
	layout->env_bytes = bench_random(&env) % LAYOUT_ENV_MAX;
	if (!of) {
		snprintf(layout->program, sizeof(layout->program), "%s",
			 program);
		return;
	}
	turn = (block - 1) / of;
	at = (block - 1) % of;
	for (unsigned int t = 0; t <= turn; t++)
		bench_shuffle(index, of, &random);
	layout->index = index[at] + 1;
	layout_path(program, layout->index, layout->program,
		    sizeof(layout->program));
}

int layout_draw(uint64_t seed, unsigned int block, struct layout *layout)
{
	char program[DIR_MAX], path[DIR_MAX + 64];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	unsigned int of = 0;

	if (len < 0)
		return -errno;
	program[len] = '\0';
	while (of < LAYOUTS_MAX) {
		layout_path(program, of + 1, path, sizeof(path));
		if (access(path, F_OK))
			break;
		of++;
	}
	layout_draw_of(seed, block, of, program, layout);
	return 0;
}
