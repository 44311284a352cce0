// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be measured: fixes, workloads and floors, which of them are when
 * nobody names any, and --list.
 */
#include "bench/cli.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "bench/cache.h"
#include "bench/oracle/oracle.h"
#include "bench/run/run_memory.h"

/* Its name is another's with something behind: a variant of that. */
static bool is_variant(const struct fix *fix)
{
	for (const struct fix *const *f = fixes; *f; f++) {
		size_t len = strlen((*f)->name);

		if (*f != fix && !strncmp(fix->name, (*f)->name, len) &&
		    fix->name[len] == '_')
			return true;
	}
	return false;
}

bool cli_fix_is_full(const struct fix *fix)
{
	if (!strcmp(fix->name, BASELINE))
		return true;
	return (fix->claims & HAZARD(ORDERING)) && !fix->does_nothing &&
	       !fix_is_twin(fix);
}

bool cli_fix_is_main(const struct fix *fix)
{
	return cli_fix_is_full(fix) && !is_variant(fix);
}

int cli_group_length(const char *workload)
{
	return strcspn(workload, "/");
}

/* --- as JSON ------------------------------------------------------------ */

static json_t *fix_to_json(const struct fix *fix)
{
	return json_pack("{s:s, s:s, s:b, s:b}", "name", fix->name, "summary",
			 fix->summary, "default", cli_fix_is_main(fix), "full",
			 cli_fix_is_full(fix));
}

static json_t *workload_to_json(const struct cli *cli,
				const struct workload *w)
{
	int group = cli_group_length(w->name);
	struct memory_fit memory;

	run_memory_of(cli, w, cli->threads, &memory);
	return json_pack("{s:s, s:s#, s:s?, s:s, s:s, s:i, s:I, s:b, s:b, s:I}",
			 "name", w->name, "group", w->name, group, "case",
			 w->name[group] ? w->name + group + 1 : NULL, "summary",
			 w->summary, "operation", w->operation, "rounds",
			 (int)w->rounds, "batch_ns", (json_int_t)w->batch_ns,
			 "default", !w->long_only, "uses_device",
			 w->uses_device, "memory_bytes",
			 (json_int_t)memory.needs);
}

static json_t *floor_to_json(const struct floor *f)
{
	return json_pack("{s:s, s:s?, s:s, s:s, s:s}", "name", f->fix->name,
			 "cache", f->cache,
			 "workloads", f->group, "summary", f->fix->summary,
			 "sha256", f->sha256);
}

static int list_json(const struct cli *cli)
{
	json_t *list = json_object(), *part;
	int error = 0;

	if (!list)
		return -ENOMEM;
	part = json_array();
	for (const struct generation *g = generations; g->name; g++)
		error |= json_array_append_new(part, json_string(g->name));
	error |= json_object_set_new(list, "caches", part);
	part = json_array();
	for (const struct fix *const *f = fixes; *f; f++)
		error |= json_array_append_new(part, fix_to_json(*f));
	error |= json_object_set_new(list, "fixes", part);
	part = json_array();
	for (struct workload *w = workload_first(); w; w = w->next)
		error |= json_array_append_new(part, workload_to_json(cli, w));
	error |= json_object_set_new(list, "workloads", part);
	part = json_array();
	for (struct floor *f = floor_first(); f; f = floor_next(f))
		error |= json_array_append_new(part, floor_to_json(f));
	error |= json_object_set_new(list, "floors", part);
	/* That it cannot be written is said at the program's end. */
	error |= json_dumpf(list, stdout, JSON_INDENT(2)) && !ferror(stdout);
	putchar('\n');
	json_decref(list);
	return error ? -ENOMEM : 0;
}

/* --- as text ------------------------------------------------------------ */

static void list_workloads(const struct cli *cli)
{
	const char *group = "";

	puts("\nworkloads (* run by default; + with --full or by name; a "
	     "group's name means its * cases; MiB that each needs here):");
	for (struct workload *w = workload_first(); w; w = w->next) {
		int len = cli_group_length(w->name);
		struct memory_fit memory;

		if (w->name[len] &&
		    (strncmp(w->name, group, len) || group[len] != '/'))
			printf("   %.*s\n", len, w->name);
		group = w->name;
		run_memory_of(cli, w, cli->threads, &memory);
		printf(" %c %-18s %5llu %s\n", w->long_only ? '+' : '*',
		       w->name,
		       (unsigned long long)((memory.needs + (1u << 20) - 1) >>
					    20),
		       w->summary);
	}
}

int cli_list(const struct cli *cli)
{
	if (cli->json)
		return list_json(cli);
	puts("fixes (* measured by default; + with --full too; others by "
	     "name):");
	for (const struct fix *const *f = fixes; *f; f++)
		printf(" %c %-22s %s\n",
		       cli_fix_is_main(*f) ? '*' :
		       cli_fix_is_full(*f) ? '+' :
					     ' ',
		       (*f)->name, (*f)->summary);
	printf("\ngenerations of the cache, for --cache: %s; floors below are "
	       "of %s\n",
	       cache_names(), fixes[0]->cache);
	list_workloads(cli);
	if (floor_first())
		puts("\nfloors (the least work of the same effect, measured "
		     "with the workloads named):");
	for (struct floor *f = floor_first(); f; f = floor_next(f))
		printf("   %-12s %-9s %s\n", f->group, f->fix->name,
		       f->fix->summary);
	return 0;
}
