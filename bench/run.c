// SPDX-License-Identifier: GPL-2.0-only
/*
 * delwribench run: ask Google Benchmark what is selected, measure block
 * after block in processes of their own, show what they found.  This
 * process measures nothing, so that one that hangs or crashes is only lost
 * itself.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/machine.h"
#include "bench/result.h"

/* --- signals, and the one child there is -------------------------------- */

static volatile sig_atomic_t interrupted;
static volatile pid_t child;

static void on_signal(int sig)
{
	interrupted = sig;
	if (child > 0)
		kill(child, SIGKILL);
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

static void hold_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, old);
}

static void exec_child(char **argv, const sigset_t *mask)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execv("/proc/self/exe", argv);
	cli_fail("cannot start a process for a block: %s", strerror(errno));
	_exit(EXIT_USAGE);
}

/* Its wait status, or -errno. */
static int run_child(char **argv)
{
	sigset_t mask;
	int status;
	pid_t pid;

	fflush(NULL);
	hold_signals(&mask);
	pid = fork();
	if (pid == 0)
		exec_child(argv, &mask);
	child = pid;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	child = 0;
	return status;
}

/* --- blocks ------------------------------------------------------------- */

/* @argv with what makes it a block's; the last two are set per block. */
static char **block_argv(int argc, char **argv)
{
	char **v = calloc(argc + 6, sizeof(*v));
	static char program[] = "delwribench", command[] = "run";
	static char one_block[] = "--one-block", dir[] = "--dir";

	if (!v)
		return NULL;
	v[0] = program;
	v[1] = command;
	memcpy(v + 2, argv + 1, (argc - 1) * sizeof(*v));
	v[argc + 1] = one_block;
	v[argc + 3] = dir;
	return v;
}

static int block_failed(unsigned int block, int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);	/* it has said why */
	cli_fail("the process that measured block %u was killed by signal %d "
		 "(%s): blocks before it are kept; if that was not you, see "
		 "what scripts/verify says",
		 block, WTERMSIG(status), strsignal(WTERMSIG(status)));
	return 1;
}

static int one_block(struct run *r, unsigned int block)
{
	char number[16], name[32], why[512];
	char **argv = r->child_argv;
	int status;

	result_block_name(block, name, sizeof(name));
	snprintf(number, sizeof(number), "%u", block);
	for (; strcmp(*argv, "--one-block"); argv++)
		;
	argv[1] = number;
	argv[3] = r->dir;
	fprintf(stderr, "block %u of %u\n", block, r->cli.blocks);
	status = run_child(r->child_argv);
	if (status < 0)
		return cli_fail("cannot start a process for block %u: %s",
				block, strerror(-status));
	if (status)
		result_discard(r->dir, name);
	if (interrupted)
		return EXIT_INTERRUPTED;
	if (status)
		return block_failed(block, status);
	r->blocks[r->nr_blocks] = result_read(r->dir, name, why, sizeof(why));
	if (!r->blocks[r->nr_blocks])
		return cli_fail("%s", why);
	r->nr_blocks++;
	return 0;
}

static int write_result(struct run *r, const char *name, json_t *json)
{
	int error = json ? result_write(r->dir, name, json) : -ENOMEM;

	json_decref(json);
	if (!error)
		return 0;
	return cli_fail("cannot write %s/%s: %s; free some space or name "
			"another folder with --out",
			r->dir, name, strerror(-error));
}

static json_t *command_line(char **argv)
{
	json_t *list = json_array();

	for (; strcmp(*argv, "--one-block"); argv++)
		json_array_append_new(list, json_string(*argv));
	return list;
}

static json_t *describe_run(const struct run *r)
{
	json_t *run = json_object();

	json_object_set_new(run, "schema",
			    json_string("delwribench-machine-1"));
	json_object_set_new(run, "command", command_line(r->child_argv));
	json_object_set_new(run, "machine", machine_describe());
	json_object_set_new(run, "before", machine_state());
	return run;
}

static int run_blocks(struct run *r)
{
	int status;

	r->blocks = calloc(r->cli.blocks, sizeof(*r->blocks));
	if (!r->blocks)
		return cli_fail("out of memory");
	status = write_result(r, "machine.json", describe_run(r));
	for (unsigned int b = 1; b <= r->cli.blocks && !status; b++)
		status = one_block(r, b);
	return status;
}

/* --- what is selected --------------------------------------------------- */

static void add_pair(struct pairs *pairs, struct workload *w,
		     const struct fix *fix)
{
	struct pair *p = &pairs->pair[pairs->nr++];

	p->workload = w;
	p->fix = fix;
	snprintf(p->name, sizeof(p->name), "%s/%s", w->name, fix->name);
}

static int make_pairs(const struct cli *cli, struct pairs *pairs)
{
	unsigned int nr = cli->nr_fixes;

	for (struct floor *f = floor_first(); f; f = f->next)
		nr++;
	pairs->pair = calloc(nr * cli->nr_workloads, sizeof(*pairs->pair));
	if (!pairs->pair)
		return cli_fail("out of memory");
	for (unsigned int i = 0; i < cli->nr_workloads; i++) {
		struct workload *w = cli->workloads[i];

		for (struct floor *f = floor_first(); f; f = f->next)
			if (!strncmp(w->name, f->group, strlen(f->group)))
				add_pair(pairs, w, f->fix);
		for (unsigned int f = 0; f < cli->nr_fixes; f++)
			add_pair(pairs, w, cli->fixes[f]);
	}
	return 0;
}

/* 0 with something selected, EXIT_USAGE, or -1: it was only a question. */
static int select_pairs(struct cli *cli, struct pairs *pairs)
{
	struct gbench *b;
	const char *bad;
	unsigned int i, selected = 0;
	char why[256];
	size_t found;

	if (gbench_init(cli->gbench_argc, cli->gbench_argv, &bad))
		return cli_fail("Google Benchmark does not know '%s'; see "
				"--benchmark_help",
				bad);
	b = calloc(pairs->nr, sizeof(*b));
	if (!b)
		return cli_fail("out of memory");
	for (i = 0; i < pairs->nr; i++)
		b[i].name = pairs->pair[i].name;
	found = gbench_collect(b, pairs->nr, why, sizeof(why));
	for (i = 0; i < pairs->nr; i++) {
		pairs->pair[i].selected = b[i].selected;
		selected += b[i].selected;
	}
	free(b);
	if (selected)
		return 0;
	if (found)
		return -1;
	return cli_fail("--benchmark_filter selects nothing (%s); names are "
			"WORKLOAD/FIX, see --benchmark_list_tests",
			why);
}

/* --- before anything is written ----------------------------------------- */

/* It is there, large enough, and does O_DIRECT. */
static int check_device(struct run *r)
{
	struct device_options opt = { .path = r->cli.device };
	struct device *dev;
	char why[512];

	for (unsigned int i = 0; i < r->pairs.nr; i++) {
		struct workload *w = r->pairs.pair[i].workload;
		uint64_t blocks = workload_device_blocks(w, &r->bench);

		if (r->pairs.pair[i].selected && w->uses_device &&
		    blocks > opt.nblocks)
			opt.nblocks = blocks;
	}
	if (!opt.path || !opt.nblocks)
		return 0;
	if (device_open(&opt, &dev, why, sizeof(why)))
		return cli_fail("%s", why);
	device_close(dev);
	return 0;
}

static int check_machine(struct run *r)
{
	unsigned int *cpus, nr;
	int error = machine_cpus(&cpus, &nr);

	if (error)
		return cli_fail("cannot find out which processors there are: "
				"%s; hwloc-info may know more",
				strerror(-error));
	free(cpus);
	r->bench.threads = r->cli.threads ? r->cli.threads : nr;
	r->processors = nr;
	r->bench.device = r->cli.device;
	return 0;
}

static int prepare(struct run *r)
{
	char why[RESULT_PATH_MAX + 256];
	int status;

	status = check_machine(r);
	if (!status)
		status = check_device(r);
	if (status)
		return status;
	if (r->cli.gbench_out && !access(r->cli.gbench_out, F_OK))
		return cli_fail("--benchmark_out: %s exists and would be "
				"overwritten; name another file",
				r->cli.gbench_out);
	if (result_create(r->cli.out, r->dir, why, sizeof(why)))
		return cli_fail("%s", why);
	return 0;
}

static void warn(const struct run *r)
{
	if (r->bench.threads > r->processors)
		fprintf(stderr, "%u threads on %u processor%s: oversubscribed, "
			"times include waiting for a processor\n",
			r->bench.threads, r->processors,
			r->processors == 1 ? "" : "s");
	if (strcmp(machine_build_type(), "release"))
		fprintf(stderr,
			"build type %s: its times say nothing of a "
			"release build's\n",
			machine_build_type());
}

static void run_free(struct run *r)
{
	for (unsigned int i = 0; i < r->nr_blocks; i++)
		json_decref(r->blocks[i]);
	free(r->blocks);
	free(r->pairs.pair);
	free(r->child_argv);
	cli_free(&r->cli);
	free(r);
}

static int measure(struct run *r)
{
	int status, reported;

	status = prepare(r);
	if (status)
		return status;
	warn(r);
	catch_signals();
	status = run_blocks(r);
	if (!r->nr_blocks) {
		if (interrupted)
			fputs("interrupted before a block was finished\n",
			      stderr);
		return status;
	}
	if (interrupted)
		fprintf(stderr, "interrupted: %u of %u blocks are finished\n",
			r->nr_blocks, r->cli.blocks);
	reported = run_report(r, interrupted);
	return status ? status : reported;
}

int run_main(int argc, char **argv)
{
	struct run *r = calloc(1, sizeof(*r));
	int status;

	if (!r)
		return cli_fail("out of memory");
	r->child_argv = block_argv(argc, argv);
	if (!r->child_argv) {
		status = cli_fail("out of memory");
		goto out;
	}
	status = cli_parse(argc, argv, &r->cli);
	if (status)
		goto out;
	if (r->cli.list) {
		status = cli_list(r->cli.json) ? cli_fail("out of memory") : 0;
		goto out;
	}
	status = make_pairs(&r->cli, &r->pairs);
	if (!status)
		status = select_pairs(&r->cli, &r->pairs);
	if (status)
		status = status < 0 ? 0 : status;
	else if (r->cli.one_block)
		status = run_block(&r->cli, &r->pairs);
	else
		status = measure(r);
out:
	run_free(r);
	return status;
}
