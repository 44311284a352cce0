// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.json says what a run is: its options, the program and the machine
 * that measured it.  To resume is to go by it, and to mix nothing with what
 * another program, machine or run has measured.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "bench/machine/machine.h"

#define SCHEMA	"delwribench-machine-1"
#define FILE_NAME	"machine.json"

/* --- a new run ---------------------------------------------------------- */

static json_t *command_line(const struct run *r)
{
	json_t *list = json_array();

	for (int i = 0; i < r->child_argc; i++)
		json_array_append_new(list, json_string(r->child_argv[i]));
	return list;
}

int run_record(struct run *r)
{
	char directory[RESULT_PATH_MAX] = "/";
	uint64_t id = 0;
	json_t *run;
	int error;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		id = now_ns();
	snprintf(r->run_id, sizeof(r->run_id), "%016llx",
		 (unsigned long long)id);
	if (!getcwd(directory, sizeof(directory)))
		return cli_fail("the current folder has no path: %s; run it "
				"from another",
				strerror(errno));
	run = json_object();
	json_object_set_new(run, "schema", json_string(SCHEMA));
	json_object_set_new(run, "run", json_string(r->run_id));
	json_object_set_new(run, "command", command_line(r));
	json_object_set_new(run, "blocks", json_integer(r->cli.blocks));
	json_object_set_new(run, "directory", json_string(directory));
	json_object_set_new(run, "machine", machine_describe());
	json_object_set_new(run, "before", machine_state());
	error = run ? result_write(r->dir, FILE_NAME, run) : -ENOMEM;
	json_decref(run);
	if (!error)
		return 0;
	return cli_fail("cannot write %s/" FILE_NAME ": %s; free some space "
			"or name another folder with --out",
			r->dir, strerror(-error));
}

/* --- an old one --------------------------------------------------------- */

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "unknown";
}

static int check_machine(const struct run *r)
{
	static const char *const keys[] = { "host", "cpu_model", "kernel",
					    "processors_allowed" };
	const json_t *then = json_object_get(r->machine, "machine");
	json_t *now = machine_describe();
	int status = 0;

	if (!now)
		return cli_fail("out of memory");
	if (strcmp(text(then, "program_crc64"), text(now, "program_crc64")))
		status = cli_fail("%s was measured by another build of "
				  "delwribench (checksum %s, this one's is "
				  "%s): build that one again, or start a new "
				  "run",
				  r->dir, text(then, "program_crc64"),
				  text(now, "program_crc64"));
	for (unsigned int i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!status && strcmp(text(then, keys[i]), text(now, keys[i])))
			status = cli_fail("%s was measured on another machine "
					  "(%s was '%s', is '%s'): go on there, "
					  "or start a new run",
					  r->dir, keys[i], text(then, keys[i]),
					  text(now, keys[i]));
	json_decref(now);
	return status;
}

/* The recorded arguments as main() gets them; they stay in ->machine. */
static char **recorded_argv(const struct run *r, int *argc)
{
	const json_t *list = json_object_get(r->machine, "command"), *arg;
	static char name[] = "delwribench run";
	size_t i, nr = json_array_size(list);
	char **argv;

	if (nr < 2)
		return NULL;
	argv = calloc(nr, sizeof(*argv));
	if (!argv)
		return NULL;
	*argc = nr - 1;
	argv[0] = name;
	json_array_foreach(list, i, arg)
	{
		if (!json_is_string(arg)) {
			free(argv);
			return NULL;
		}
		if (i >= 2)
			argv[i - 1] = (char *)json_string_value(arg);
	}
	return argv;
}

static int parse_recorded(struct run *r)
{
	struct cli asked = r->cli;
	int argc, status;
	char **argv = recorded_argv(r, &argc);

	if (!argv)
		return cli_fail("%s/" FILE_NAME " names no command: it is "
				"damaged; start a new run",
				r->dir);
	status = run_child_argv(r, argc, argv) ? cli_fail("out of memory") :
						 0;
	if (!status) {
		cli_free(&r->cli);
		status = cli_parse(argc, argv, &r->cli);
		r->cli.resume = asked.resume;
		r->cli.home = asked.home;
		r->cli.no_verify |= asked.no_verify;
	}
	free(argv);
	return status;
}

/* Paths among the options are meant from where the run was started. */
static int change_directory(const struct run *r)
{
	const char *directory = text(r->machine, "directory");
	const struct cli *cli = &r->cli;

	if (!chdir(directory) ||
	    ((!cli->device || *cli->device == '/') &&
	     (!cli->gbench_out || *cli->gbench_out == '/')))
		return 0;
	return cli_fail("cannot go to %s, from where the run was started: %s; "
			"make it, or start a new run",
			directory, strerror(errno));
}

int run_resume(struct run *r)
{
	char why[RESULT_PATH_MAX + 256];
	int status;

	if (!realpath(r->cli.resume, r->dir))
		return cli_fail("--resume %s: %s; name a run's folder, one of "
				"those in results",
				r->cli.resume, strerror(errno));
	r->machine = result_read(r->dir, FILE_NAME, why, sizeof(why));
	if (!r->machine)
		return cli_fail("%s; only a run's folder can be resumed", why);
	if (strcmp(text(r->machine, "schema"), SCHEMA))
		return cli_fail("%s/" FILE_NAME " is of version '%s', not " SCHEMA
				": start a new run",
				r->dir, text(r->machine, "schema"));
	if (!json_is_string(json_object_get(r->machine, "run")))
		return cli_fail("%s/" FILE_NAME " does not identify the run: "
				"start a new one",
				r->dir);
	snprintf(r->run_id, sizeof(r->run_id), "%s", text(r->machine, "run"));
	status = check_machine(r);
	if (!status)
		status = parse_recorded(r);
	if (!status)
		status = change_directory(r);
	return status;
}

/* --- its blocks --------------------------------------------------------- */

/* NULL, or what is wrong with @block, the @number-th of @r. */
static const char *block_fault(const struct run *r, const json_t *block,
			       unsigned int number)
{
	char seed[24];

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)r->cli.seed);
	if (strcmp(text(block, "schema"), RUN_BLOCK_SCHEMA))
		return "is not of version " RUN_BLOCK_SCHEMA;
	if (strcmp(text(block, "run"), r->run_id))
		return "belongs to another run";
	if (json_integer_value(json_object_get(block, "block")) != number ||
	    strcmp(text(block, "seed"), seed))
		return "is another block than its name says";
	for (unsigned int i = 0; i < r->pairs.nr; i++) {
		const struct pair *p = &r->pairs.pair[i];

		if (p->selected && (!p->point || !p->point->skipped[0]) &&
		    !run_find_row(block, p))
			return "does not have everything that was measured";
	}
	return NULL;
}

static int load_block(struct run *r, unsigned int number)
{
	char name[32], path[RESULT_PATH_MAX + 32], why[RESULT_PATH_MAX + 256];
	const char *fault;
	json_t *block;

	result_block_name(number, name, sizeof(name));
	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	block = result_read(r->dir, name, why, sizeof(why));
	if (!block)
		return cli_fail("%s: cut short or damaged; move it away to "
				"have the block measured again",
				why);
	fault = block_fault(r, block, number);
	if (fault) {
		json_decref(block);
		return cli_fail("%s %s; move it away to have the block "
				"measured again",
				path, fault);
	}
	r->blocks[number - 1] = block;
	r->finished++;
	return 0;
}

int run_load_blocks(struct run *r)
{
	int last = result_last_block(r->dir), status = 0;

	if (last > (int)r->cli.blocks)
		return cli_fail("%s has a block %d, but the run is of %u: "
				"move it away",
				r->dir, last, r->cli.blocks);
	for (unsigned int b = 1; b <= r->cli.blocks && !status; b++)
		status = load_block(r, b);
	if (!status)
		result_discard_all(r->dir);
	return status;
}
