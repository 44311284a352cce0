// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measuring block after block, each in a process of its own, until a signal
 * comes: finished blocks are kept, and no process is left behind.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/layout.h"
#include "bench/progress.h"

/* --- the process of a block ---------------------------------------------- */

/* The stack begins behind the environment: its size is part of a layout. */
static int pad_environment(unsigned int bytes)
{
	char *pad = calloc(1, bytes + 1);
	int error;

	if (!pad)
		return -ENOMEM;
	memset(pad, 'x', bytes);
	error = setenv("DELWRIBENCH_PADDING", pad, 1) ? -errno : 0;
	free(pad);
	return error;
}

struct program {
	char **argv;
	const struct layout *layout;
};

static void exec_program(void *arg)
{
	const struct program *program = arg;
	const struct layout *layout = program->layout;

	/* Buffers in huge pages, as the kernel's: also in threads' heaps. */
	setenv("GLIBC_TUNABLES",
	       "glibc.malloc.hugetlb=1:glibc.malloc.top_pad=67108864", 0);
	if (!pad_environment(layout->env_bytes))
		execv(layout->program, program->argv);
	cli_fail("cannot start a process for a block: %s: %s",
		 layout->program, strerror(errno));
	_exit(EXIT_USAGE);
}

/* Its wait status, or -errno. */
static int run_child(char **argv, const struct layout *layout)
{
	struct program program = { argv, layout };
	struct child child;
	int status, error;

	error = child_start(&child, exec_program, &program);
	if (error)
		return error;
	/* The signal may have come before there was a child to kill. */
	if (child_interrupted())
		child_kill(&child);
	error = child_reap(&child, true, &status, NULL);
	return error < 0 ? error : status;
}

/* --- blocks ------------------------------------------------------------- */

/* Of a block that is discarded each time. */
#define TRIES	3u

static int block_failed(unsigned int block, int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);	/* it has said why */
	cli_say("the process that measured block %u was killed by signal %d "
		"(%s)%s: finished blocks are kept; if that was not you, see "
		"what scripts/verify says",
		block, WTERMSIG(status), strsignal(WTERMSIG(status)),
		WTERMSIG(status) == SIGKILL ?
			", perhaps for want of memory (dmesg)" :
			"");
	return 1;
}

static unsigned int missing_after(const struct run *r, unsigned int block)
{
	unsigned int nr = 0;

	for (unsigned int b = block + 1; b <= r->cli.blocks; b++)
		nr += !r->blocks[b - 1];
	return nr;
}

/* What only the process of one block is told. */
enum {
	ARG_BLOCK = 1,
	ARG_AFTER = 3,
	ARG_DIR = 5,
	ARG_RUN_ID = 7,
	ARG_LAYOUT = 9,
	ARGS
};

static int measure_block(struct run *r, unsigned int block)
{
	char number[16], after[16], place[48], name[32], why[1024];
	char **args = r->child_argv + r->child_argc;
	struct layout layout;
	json_t *read;
	int status;

	status = layout_draw(r->cli.seed, block, &layout);
	if (status)
		return cli_fail("our own program cannot be found: %s",
				strerror(-status));
	snprintf(place, sizeof(place), "%u/%u/%u", layout.index, layout.of,
		 layout.env_bytes);

	result_block_name(block, name, sizeof(name));
	snprintf(number, sizeof(number), "%u", block);
	snprintf(after, sizeof(after), "%u", missing_after(r, block));
	args[ARG_BLOCK] = number;
	args[ARG_AFTER] = after;
	args[ARG_DIR] = r->dir;
	args[ARG_RUN_ID] = r->run_id;
	args[ARG_LAYOUT] = place;
	status = run_child(r->child_argv, &layout);
	if (status) {
		progress_clear();
		result_discard(r->dir, name);
	}
	if (child_interrupted())
		return EXIT_INTERRUPTED;
	if (status < 0)
		return cli_fail("cannot start a process for block %u: %s",
				block, strerror(-status));
	if (status)
		return block_failed(block, status);
	read = result_read(r->dir, name, why, sizeof(why));
	if (!read)
		return cli_fail("%s", why);
	if (run_block_unsound(r, read, why, sizeof(why))) {
		status = run_set_aside(r, block, read, why);
		json_decref(read);
		return status;
	}
	r->blocks[block - 1] = read;
	r->finished++;
	return 0;
}

/* As often as it takes to get one that is not discarded, within reason. */
static int measure_sound_block(struct run *r, unsigned int block)
{
	int status = 0;

	for (unsigned int i = 0; i < TRIES && !r->blocks[block - 1]; i++) {
		status = run_await_conditions(r);
		if (!status)
			status = measure_block(r, block);
		if (status)
			return status;
	}
	if (r->blocks[block - 1])
		return 0;
	cli_say("block %u was discarded %u times in a row: see why above, and "
		"what scripts/doctor and scripts/plan --check say",
		block, TRIES);
	return 1;
}

int run_child_argv(struct run *r, int argc, char **argv)
{
	static char program[] = "delwribench", command[] = "run";
	static char block[] = "--one-block", after[] = "--blocks-after";
	static char dir[] = "--dir", run_id[] = "--run-id";
	static char layout[] = "--layout";
	char **v = calloc(argc + 1 + ARGS + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	free(r->child_argv);
	r->child_argv = v;
	r->child_argc = argc + 1;
	v[0] = program;
	v[1] = command;
	memcpy(v + 2, argv + 1, (argc - 1) * sizeof(*v));
	v += r->child_argc;
	v[ARG_BLOCK - 1] = block;
	v[ARG_AFTER - 1] = after;
	v[ARG_DIR - 1] = dir;
	v[ARG_RUN_ID - 1] = run_id;
	v[ARG_LAYOUT - 1] = layout;
	return 0;
}

int run_blocks(struct run *r)
{
	int status = 0;

	for (unsigned int b = 1; b <= r->cli.blocks && !status; b++)
		if (!r->blocks[b - 1])
			status = child_interrupted() ?
					 EXIT_INTERRUPTED :
					 measure_sound_block(r, b);
	return status;
}
