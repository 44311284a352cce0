// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest did in each storm: from kernel.json of scripts/kernel.
 */
#include "bench/pace/pace.h"

#include <stdio.h>
#include <string.h>

static double number(const json_t *step, const char *name)
{
	return json_number_value(json_object_get(step, name));
}

static unsigned int count_of(const char *names)
{
	unsigned int nr = 1;

	for (; *names; names++)
		nr += *names == ',';
	return nr;
}

/* A storm that came to its end; trials have a mode, costs have no loads. */
static bool is_storm(const json_t *step)
{
	const json_t *settings = json_object_get(step, "settings");
	const char *scenario =
		json_string_value(json_object_get(step, "scenario"));

	return scenario && json_is_object(settings) &&
	       !json_object_get(settings, "mode") &&
	       json_is_integer(json_object_get(step, "loads")) &&
	       number(step, "seconds") > 0 && strcmp(scenario, "hunt") &&
	       strcmp(scenario, "assert") && strcmp(scenario, "lost_wakeup");
}

static struct guest *find(struct guest *guests, int *nr, const char *scenario,
			  const char *fix)
{
	struct guest *g;

	for (int i = 0; i < *nr; i++)
		if (!strcmp(guests[i].scenario, scenario) &&
		    !strcmp(guests[i].fix, fix))
			return &guests[i];
	if (*nr == GUESTS_MAX)
		return NULL;
	g = &guests[(*nr)++];
	*g = (struct guest){ 0 };
	snprintf(g->scenario, sizeof(g->scenario), "%s", scenario);
	snprintf(g->fix, sizeof(g->fix), "%s", fix);
	return g;
}

static void read_settings(struct guest *g, const json_t *settings)
{
	const char *type =
		json_string_value(json_object_get(settings, "type"));

	g->changes = number(settings, "changes");
	g->in_a_row = number(settings, "in_a_row");
	g->loaders = number(settings, "loaders");
	g->delay_us = number(settings, "delay");
	g->others = number(settings, "others");
	g->chunks = number(settings, "chunks");
	g->sync_us = number(settings, "sync_us");
	g->block = number(settings, "block");
	g->eager = number(settings, "eager") > 0;
	g->types = count_of(type ? type : "inobt");
	/* Older runs had no setting for what all had. */
	if (!g->block)
		g->block = BLOCK_SIZE;
}

static void add_step(struct guest *g, const json_t *step)
{
	double seconds = number(step, "seconds"), max;

	read_settings(g, json_object_get(step, "settings"));
	/* Their mean, each as heavy as it is long. */
	g->repair_ns = (g->repair_ns * g->seconds +
			number(step, "repair_p50_ns") * seconds) /
		       (g->seconds + seconds);
	g->seconds += seconds;
	if (seconds > g->step_seconds)
		g->step_seconds = seconds;
	g->repairs += number(step, "repairs");
	g->loads += number(step, "loads");
	g->blocks += number(step, "blocks");
	g->files += number(step, "files");
	g->load_ops += number(step, "load_ops");
	g->syncs += number(step, "syncs");
	g->ail_submits += number(step, "ail_submits");
	g->queueing_ns += number(step, "ail_queueing_total_ns");
	g->submitting_ns += number(step, "ail_submitting_total_ns");
	g->lookups += number(step, "lookups");
	g->met_claim += number(step, "met_claim");
	g->met_lookup += number(step, "met_lookup");
	g->misqueued += number(step, "misqueued");
	g->waits += number(step, "wait_count");
	g->wait_total_ns += number(step, "wait_total_ns");
	max = number(step, "wait_max_ns");
	if (max > g->wait_max_ns)
		g->wait_max_ns = max;
}

int guest_read(const json_t *json, struct guest guests[GUESTS_MAX], char *why,
	       size_t why_size)
{
	const char *schema =
		json_string_value(json_object_get(json, "schema"));
	const json_t *steps = json_object_get(json, "steps");
	const json_t *step;
	int nr = 0;
	size_t i;

	if (!schema || strcmp(schema, "delwribench-kernel-1") ||
	    !json_is_array(steps)) {
		snprintf(why, why_size, "it is of no run of scripts/kernel");
		return -1;
	}
	json_array_foreach(steps, i, step)
	{
		const char *fix = json_string_value(
			json_object_get(step, "fix"));
		struct guest *g;

		if (!fix || !is_storm(step))
			continue;
		/* It shut down, or gave up: of that nothing follows. */
		if (number(step, "shutdowns") > 0)
			continue;
		g = find(guests, &nr,
			 json_string_value(json_object_get(step, "scenario")),
			 fix);
		if (!g) {
			snprintf(why, why_size, "it has more than %d storms",
				 GUESTS_MAX);
			return -1;
		}
		add_step(g, step);
	}
	for (int j = 0; j < nr; j++) {
		struct guest *g = &guests[j];

		if (!g->queueing_ns || !g->submitting_ns) {
			snprintf(why, why_size,
				 "its storms do not tell how long the AIL "
				 "queued and submitted: an older version ran "
				 "them");
			return -1;
		}
		g->queueing_ns /= g->ail_submits;
		g->submitting_ns /= g->ail_submits;
	}
	return nr;
}
