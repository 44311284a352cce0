// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bottom-up merge sort of a list: run i of @pending holds 2^i elements,
 * chained by next and ended by NULL, as in a binary counter.
 */
#include "sync/list.h"

#include <stdio.h>
#include <stdlib.h>

void list_corrupt(const struct list_head *entry)
{
	fprintf(stderr,
		"list corruption: %p has next %p and prev %p, which "
		"have prev %p and next %p\n",
		(const void *)entry, (void *)entry->next, (void *)entry->prev,
		(void *)entry->next->prev, (void *)entry->prev->next);
	abort();
}

#define SORT_RUNS	48

typedef int (*list_cmp_fn)(const struct list_head *, const struct list_head *);

static struct list_head *merge(list_cmp_fn cmp, struct list_head *a,
			       struct list_head *b)
{
	struct list_head head, *tail = &head;

	while (a && b) {
		struct list_head **from = cmp(a, b) <= 0 ? &a : &b;

		list_set(&tail->next, *from);
		tail = *from;
		*from = tail->next;
	}
	list_set(&tail->next, a ? a : b);
	return head.next;
}

void list_sort(struct list_head *head, list_cmp_fn cmp)
{
	struct list_head *pending[SORT_RUNS] = { NULL };
	struct list_head *todo = head->next, *run = NULL, *prev;
	unsigned int i;

	for (prev = todo; prev != head->prev; prev = prev->next)
		if (cmp(prev, prev->next) > 0)
			break;
	if (prev == head->prev)
		return;
	list_set(&head->prev->next, NULL);
	while (todo) {
		run = todo;
		todo = todo->next;
		list_set(&run->next, NULL);
		for (i = 0; pending[i]; i++) {
			run = merge(cmp, pending[i], run);
			pending[i] = NULL;
		}
		pending[i] = run;
	}
	run = NULL;
	for (i = 0; i < SORT_RUNS; i++)
		if (pending[i])
			run = run ? merge(cmp, pending[i], run) : pending[i];

	list_set(&head->next, run);
	for (prev = head; run; prev = run, run = run->next)
		list_set(&run->prev, prev);
	list_set(&prev->next, head);
	list_set(&head->prev, prev);
}
