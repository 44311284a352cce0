/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A run's folder: one JSON file per block, and what describes the run.  A
 * file is there whole or not at all, and is never written twice.
 */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <jansson.h>
#include <stddef.h>

#define RESULT_PATH_MAX	4096

/*
 * Make @out, if it is not there, and in it a new folder <host>-<time>;
 * its path goes to @dir.  @host is NULL: the machine's name.  0 or -errno,
 * and a line in @why.
 */
int result_create(const char *out, const char *host, char dir[RESULT_PATH_MAX],
		  char *why, size_t why_size);
/*
 * Write @json to @dir/@name: to a temporary name, synced, renamed.
 * 0 or -errno (-EEXIST: it is there, and stays as it was).
 */
int result_write(const char *dir, const char *name, const json_t *json);
/* Remove what a writer of @name left that was killed in result_write(). */
void result_discard(const char *dir, const char *name);
/* The same for all files. */
void result_discard_all(const char *dir);
/*
 * Nobody else measures in @dir until the descriptor is closed, which is
 * what is returned; -EWOULDBLOCK: somebody does; or another -errno.
 */
int result_lock(const char *dir);
/* Where @name is written before it is renamed.  0 or -ENAMETOOLONG. */
int result_temporary(const char *dir, const char *name,
		     char path[RESULT_PATH_MAX]);
/* NULL if it is not there or not sound, with a line in @why. */
json_t *result_read(const char *dir, const char *name, char *why,
		    size_t why_size);
/* The name of a block's file; blocks count from 1. */
void result_block_name(unsigned int block, char *name, size_t size);
/* The highest block of which there is a file; 0: none; or -errno. */
int result_last_block(const char *dir);

#endif
