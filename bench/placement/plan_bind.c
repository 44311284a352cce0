// SPDX-License-Identifier: GPL-2.0-only
/*
 * Binding by hwloc, which knows the system calls; where each page is, by
 * move_pages(), which hwloc asks too but does not count.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bench/placement/plan_bind.h"

#include <errno.h>
#include <hwloc.h>
#include <hwloc/linux.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/machine/machine.h"

#define BATCH_PAGES	512

struct plan_binder {
	hwloc_topology_t topology;
};

bool plan_is_refusal(int error)
{
	return error == -EPERM || error == -EACCES || error == -ENOSYS;
}

const char *plan_failure(char text[64], const char *call, int error)
{
	if (plan_is_refusal(error))
		snprintf(text, 64, "%s is refused here (%s)", call,
			 strerrorname_np(-error));
	else
		snprintf(text, 64, "%s: %s", call, strerror(-error));
	return text;
}

int plan_binder_open(struct plan_binder **bp)
{
	struct plan_binder *b = calloc(1, sizeof(*b));

	if (!b || hwloc_topology_init(&b->topology)) {
		free(b);
		return -ENOMEM;
	}
	if (hwloc_topology_load(b->topology)) {
		plan_binder_close(b);
		return -EIO;
	}
	*bp = b;
	return 0;
}

void plan_binder_close(struct plan_binder *b)
{
	if (!b)
		return;
	hwloc_topology_destroy(b->topology);
	free(b);
}

int plan_bind_thread(struct plan_binder *b, unsigned int pu)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	int error = -ENOMEM;

	if (!set)
		return error;
	error = hwloc_bitmap_only(set, pu) ? -ENOMEM : 0;
	if (!error &&
	    hwloc_set_cpubind(b->topology, set, HWLOC_CPUBIND_THREAD))
		error = -errno;
	hwloc_bitmap_free(set);
	return error;
}

/* One node, or all that have memory. */
static hwloc_bitmap_t node_set(struct plan_binder *b, int node)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	hwloc_obj_t obj = NULL;

	if (!set)
		return NULL;
	if (node >= 0)
		hwloc_bitmap_only(set, node);
	while (node < 0 && (obj = hwloc_get_next_obj_by_type(
				    b->topology, HWLOC_OBJ_NUMANODE, obj)))
		if (obj->attr->numanode.local_memory)
			hwloc_bitmap_set(set, obj->os_index);
	return set;
}

static hwloc_membind_policy_t policy_of(int node)
{
	return node < 0 ? HWLOC_MEMBIND_INTERLEAVE : HWLOC_MEMBIND_BIND;
}

/* Not strict: out of memory on one node is no reason to be killed. */
int plan_bind_memory(struct plan_binder *b, int node)
{
	hwloc_bitmap_t set = node_set(b, node);
	int error = 0;

	if (!set)
		return -ENOMEM;
	if (hwloc_set_membind(b->topology, set, policy_of(node),
			      HWLOC_MEMBIND_THREAD | HWLOC_MEMBIND_BYNODESET))
		error = -errno;
	hwloc_bitmap_free(set);
	return error;
}

int plan_unbind_memory(struct plan_binder *b)
{
	return hwloc_set_membind(
		       b->topology,
		       hwloc_topology_get_topology_nodeset(b->topology),
		       HWLOC_MEMBIND_DEFAULT,
		       HWLOC_MEMBIND_THREAD | HWLOC_MEMBIND_BYNODESET) ?
		       -errno :
		       0;
}

int plan_bind_area(struct plan_binder *b, void *area, size_t len, int node)
{
	hwloc_bitmap_t set = node_set(b, node);
	int error = 0;

	if (!set)
		return -ENOMEM;
	if (hwloc_set_area_membind(b->topology, area, len, set,
				   policy_of(node),
				   HWLOC_MEMBIND_BYNODESET |
					   HWLOC_MEMBIND_MIGRATE))
		error = -errno;
	hwloc_bitmap_free(set);
	return error;
}

/* --- where things are --------------------------------------------------- */

int plan_last_pu(struct plan_binder *b, pid_t tid)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	int pu;

	if (!set)
		return -ENOMEM;
	if (hwloc_linux_get_tid_last_cpu_location(b->topology, tid, set))
		pu = -errno;
	else
		pu = hwloc_bitmap_first(set);
	hwloc_bitmap_free(set);
	return pu;
}

int plan_pages_add(struct plan_pages *found, const void *area, size_t len)
{
	uintptr_t size = sysconf(_SC_PAGESIZE), at = (uintptr_t)area;
	uintptr_t end = at + len;
	void *page[BATCH_PAGES];
	int status[BATCH_PAGES];

	at &= ~(size - 1);
	while (at < end) {
		unsigned long nr = 0;

		for (; nr < BATCH_PAGES && at < end; at += size)
			page[nr++] = (void *)at;
		if (syscall(SYS_move_pages, 0, nr, page, NULL, status, 0)) {
			found->error = -errno;
			return found->error;
		}
		for (unsigned long i = 0; i < nr; i++) {
			if (status[i] < 0 || status[i] >= PLAN_NODES) {
				found->untouched++;
				continue;
			}
			found->pages++;
			found->on[status[i]]++;
		}
	}
	return 0;
}

uint64_t plan_pages_elsewhere(const struct plan_pages *found, int node)
{
	if (node < 0)
		return 0;
	return found->pages - found->on[node];
}

/* --- what a run stores -------------------------------------------------- */

static bool is_offline(unsigned int pu)
{
	char path[64], digit = '1';
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online",
		 pu);
	file = fopen(path, "r");
	/* Processor 0 often has no such file, and is online. */
	if (!file)
		return false;
	if (fread(&digit, 1, 1, file) != 1)
		digit = '1';
	fclose(file);
	return digit == '0';
}

static json_t *why_elsewhere(const struct plan_entry *e, int found_pu)
{
	const char *role = plan_role_name(e->role);

	if (found_pu < 0)
		return json_sprintf("%s %u: the kernel does not say where it ran: %s",
				    role, e->thread, strerror(-found_pu));
	if (is_offline(e->pu))
		return json_sprintf("%s %u ran on processor %d: its own, %u, was taken offline",
				    role, e->thread, found_pu, e->pu);
	return json_sprintf("%s %u ran on processor %d instead of %u", role,
			    e->thread, found_pu, e->pu);
}

json_t *plan_thread_to_json(const struct plan_entry *e, int found_pu)
{
	json_t *row = json_pack("{s:s, s:i, s:i}", "role",
				plan_role_name(e->role), "thread",
				(int)e->thread, "pu_os_index", (int)e->pu);

	if (found_pu < 0)
		json_set_missing(row, "found_pu",
				 "the kernel does not say where it ran: %s",
				 strerror(-found_pu));
	else
		json_object_set_new(row, "found_pu", json_integer(found_pu));
	json_object_set_new(row, "ok",
			    json_boolean(found_pu == (int)e->pu));
	if (found_pu != (int)e->pu)
		json_object_set_new(row, "reason", why_elsewhere(e, found_pu));
	return row;
}

static json_t *node_to_json(int node)
{
	return node < 0 ? json_null() : json_integer(node);
}

static json_t *not_looked_for(const char *what, int node, int error)
{
	char text[64];

	return json_pack("{s:s, s:o, s:n, s:n, s:n, s:n, s:n, s:o}", "what",
			 what, "numa_os_index", node_to_json(node), "pages",
			 "elsewhere", "untouched", "by_node", "ok", "reason",
			 json_sprintf("%s: where its pages are is not known: %s",
				      what,
				      plan_failure(text, PLAN_PAGES_CALL,
						   error)));
}

json_t *plan_pages_to_json(const char *what, int node,
			   const struct plan_pages *found)
{
	uint64_t elsewhere = plan_pages_elsewhere(found, node);
	json_t *row, *by_node;
	char name[16];

	if (found->error)
		return not_looked_for(what, node, found->error);
	by_node = json_object();
	for (int n = 0; n < PLAN_NODES; n++) {
		if (!found->on[n])
			continue;
		snprintf(name, sizeof(name), "%d", n);
		json_object_set_new(by_node, name,
				    json_integer(found->on[n]));
	}
	row = json_pack("{s:s, s:o, s:I, s:I, s:I, s:o, s:b}", "what", what,
			"numa_os_index",
			node_to_json(node), "pages",
			(json_int_t)found->pages, "elsewhere",
			(json_int_t)elsewhere, "untouched",
			(json_int_t)found->untouched, "by_node", by_node,
			"ok", found->pages && !elsewhere);
	if (!found->pages)
		json_object_set_new(row, "reason",
				    json_sprintf("%s: no page was in memory",
						 what));
	else if (elsewhere)
		json_object_set_new(
			row, "reason",
			json_sprintf("%s: %llu of %llu pages are not on node %d: it was full, or they were there before",
				     what, (unsigned long long)elsewhere,
				     (unsigned long long)found->pages, node));
	return row;
}
