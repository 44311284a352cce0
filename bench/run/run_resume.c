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
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bench/machine/machine.h"

#define SCHEMA	"delwribench-machine-1"
#define FILE_NAME	"machine.json"

/* --- a new run ---------------------------------------------------------- */

/* Does @word hold the value of an option that names a place? */
static const char *place_in(const struct cli *cli, const char *word)
{
	for (int i = 0; i < cli->nr_places; i++)
		if (cli->places[i] >= word &&
		    cli->places[i] < word + strlen(word))
			return cli->places[i];
	return NULL;
}

/*
 * What was asked for, without places on this machine, which mean nothing on
 * another and may name who uses it.  To resume, none is needed but the
 * device's, which is then given again.
 */
static json_t *command_line(const struct run *r)
{
	static const char format[] = "--benchmark_out_format=";
	json_t *list = json_array();

	for (int i = 0; i < r->child_argc; i++) {
		const char *word = r->child_argv[i];
		const char *place = i > 1 ? place_in(&r->cli, word) : NULL;

		/* Then the word before it was the option. */
		if (place == word)
			json_array_remove(list, json_array_size(list) - 1);
		if (!place && strncmp(word, format, strlen(format)))
			json_array_append_new(list, json_string(word));
	}
	if (r->cli.device) {
		json_array_append_new(list, json_string("--device"));
		json_array_append_new(
			list, json_string(run_device_kind(r->cli.device)));
	}
	/* Whatever was named was found to be it. */
	if (r->cli.topology) {
		json_array_append_new(list, json_string("--topology"));
		json_array_append_new(list, json_string("this"));
	}
	return list;
}

const char *run_device_kind(const char *device)
{
	struct stat st;

	if (!device)
		return "memory";
	return !stat(device, &st) && S_ISBLK(st.st_mode) ? "disk" : "file";
}

/* Which one it is, without its name. */
static json_t *describe_device(const char *device)
{
	char number[48] = "";
	struct stat st;

	if (device && !stat(device, &st)) {
		if (S_ISBLK(st.st_mode))
			snprintf(number, sizeof(number), "%u:%u",
				 major(st.st_rdev), minor(st.st_rdev));
		else
			snprintf(number, sizeof(number), "%llu",
				 (unsigned long long)st.st_ino);
	}
	return json_pack("{s:s, s:s}", "kind", run_device_kind(device),
			 "number", number);
}

/* As it is to be called. */
static json_t *describe_machine(const struct run *r)
{
	json_t *machine = machine_describe();

	if (machine && r->cli.host)
		json_object_set_new(machine, "host", json_string(r->cli.host));
	/* Groups may be named after users. */
	json_object_del(machine, "cgroup_cpu_quota_file");
	return machine;
}

int run_record(struct run *r)
{
	uint64_t id = 0;
	json_t *run;
	int error;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		id = now_ns();
	snprintf(r->run_id, sizeof(r->run_id), "%016llx",
		 (unsigned long long)id);
	run = json_object();
	json_object_set_new(run, "schema", json_string(SCHEMA));
	json_object_set_new(run, "run", json_string(r->run_id));
	json_object_set_new(run, "command", command_line(r));
	json_object_set_new(run, "cache", json_string(fixes[0]->cache));
	json_object_set_new(run, "blocks", json_integer(r->cli.blocks));
	json_object_set_new(run, "device", describe_device(r->cli.device));
	json_object_set_new(run, "machine", describe_machine(r));
	json_object_set_new(run, "before", machine_state());
	r->machine = run;
	error = run ? result_write(r->dir, FILE_NAME, run) : -ENOMEM;
	if (!error)
		return 0;
	/* Nothing is in it yet. */
	rmdir(r->dir);
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

static int check_build(const struct run *r)
{
	const json_t *then = json_object_get(r->machine, "machine");
	json_t *now = machine_program();
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
	json_decref(now);
	return status;
}

static int check_machine(const struct run *r)
{
	static const char *const keys[] = { "host", "cpu_model", "kernel" };
	const json_t *then = json_object_get(r->machine, "machine");
	json_t *now = describe_machine(r);
	int status = 0;

	if (!now)
		return cli_fail("out of memory");
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

static int check_conditions(const struct run *r)
{
	const json_t *then = json_object_get(
		json_object_get(r->machine, "before"), "conditions");
	json_t *now = machine_conditions();
	int status = 0;
	char why[600];

	if (machine_conditions_differ(then, now, why, sizeof(why)))
		status = cli_fail("%s was begun with other parts of this "
				  "machine (%s): set that back, or start a new "
				  "run",
				  r->dir, why);
	json_decref(now);
	return status;
}

static int check_device(const struct run *r)
{
	json_t *now = describe_device(r->cli.device);
	const json_t *then = json_object_get(r->machine, "device");
	int status = 0;

	if (!now)
		return cli_fail("out of memory");
	if (then && !json_equal(then, now))
		status = cli_fail("--device %s is not the %s that %s was "
				  "measured on: name that one, or start a new "
				  "run",
				  r->cli.device, text(then, "kind"), r->dir);
	json_decref(now);
	return status;
}

/*
 * The recorded arguments as main() gets them, and those on the output of
 * Google Benchmark that are asked for now; they stay in ->machine.
 */
static char **recorded_argv(const struct run *r, int *argc)
{
	const json_t *list = json_object_get(r->machine, "command"), *arg;
	static char name[] = "delwribench run";
	const struct cli *asked = &r->cli;
	size_t i, nr = json_array_size(list);
	char **argv;

	if (nr < 2)
		return NULL;
	argv = calloc(nr + asked->out_argc + 2, sizeof(*argv));
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
		if (i > 2 && asked->device && !strcmp(argv[i - 2], "--device"))
			argv[i - 1] = (char *)asked->device;
	}
	if (asked->gbench_out)
		/* The value is the end of the word. */
		argv[(*argc)++] = (char *)asked->gbench_out -
				  strlen("--benchmark_out=");
	for (int k = 1; k < asked->out_argc; k++)
		argv[(*argc)++] = asked->out_argv[k];
	return argv;
}

/* The device, whose name is not kept, is named again. */
static int check_asked(const struct run *r)
{
	const char *kind = text(json_object_get(r->machine, "device"), "kind");
	bool memory = !strcmp(kind, "memory") || !strcmp(kind, "unknown");

	if (memory && r->cli.device)
		return cli_fail("%s was measured in memory: leave out --device, "
				"or start a new run",
				r->dir);
	if (!memory && !r->cli.device)
		return cli_fail("%s was measured on a %s, whose name it does "
				"not keep: add --device PATH",
				r->dir, kind);
	return 0;
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
	status = check_build(r);
	if (!status)
		status = check_asked(r);
	if (!status)
		status = parse_recorded(r);
	if (!status)
		status = check_machine(r);
	if (!status)
		status = check_conditions(r);
	if (!status)
		status = check_device(r);
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
	if (strcmp(text(block, "cache"), fixes[0]->cache))
		return "is of another generation of the cache";
	if (json_integer_value(json_object_get(block, "block")) != number ||
	    strcmp(text(block, "seed"), seed))
		return "is another block than its name says";
	return NULL;
}

/* Is a row missing that the run has? */
static bool lacks_rows(const struct run *r, const json_t *block)
{
	for (unsigned int i = 0; i < r->pairs.nr; i++) {
		const struct pair *p = &r->pairs.pair[i];

		if (p->selected && (!p->point || !p->point->skipped[0]) &&
		    !run_find_row(block, p))
			return true;
	}
	return false;
}

static int load_block(struct run *r, unsigned int number)
{
	char name[32], path[RESULT_PATH_MAX + 32], why[RESULT_PATH_MAX + 256];
	const char *fault;
	json_t *block;
	int status;

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
	/* With fewer processors it may have had fewer rows, too. */
	if (!fault && run_block_unsound(r, block, why, sizeof(why))) {
		status = run_set_aside(r, number, block, why);
		json_decref(block);
		return status;
	}
	if (!fault && lacks_rows(r, block))
		fault = "does not have everything that was measured";
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
