/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Circular doubly linked list with the head as a member: the shape of
 * the kernel's, because an element that is on no list points at itself
 * and the cache tests for exactly that.  Who may touch a list is said
 * where the list is declared; only list_empty() may race with a change,
 * which is why links are loaded and stored with relaxed atomics.
 */
#ifndef SYNC_LIST_H
#define SYNC_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define list_entry(ptr, type, member)	container_of(ptr, type, member)
#define list_first_entry(head, type, member) \
	list_entry((head)->next, type, member)

#define list_for_each_entry(pos, head, member)				      \
	for (pos = list_entry((head)->next, __typeof__(*pos), member);	      \
	     &pos->member != (head);					      \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

/* @n survives the removal of @pos, and of nothing else. */
#define list_for_each_entry_safe(pos, n, head, member)			      \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),	      \
	     n = list_entry(pos->member.next, __typeof__(*pos), member);      \
	     &pos->member != (head);					      \
	     pos = n, n = list_entry(n->member.next, __typeof__(*n), member))

/* Say which links disagree, and abort. */
void list_corrupt(const struct list_head *entry) __attribute__((noreturn));

static inline void list_set(struct list_head **link, struct list_head *to)
{
	__atomic_store_n(link, to, __ATOMIC_RELAXED);
}

static inline void list_init(struct list_head *head)
{
	list_set(&head->next, head);
	list_set(&head->prev, head);
}

/* May be asked without the list's lock: the answer is then a hint. */
static inline bool list_empty(const struct list_head *head)
{
	return __atomic_load_n(&head->next, __ATOMIC_RELAXED) == head;
}

/* In the checking builds: the neighbours know @entry, or the program ends. */
static inline void list_check(const struct list_head *entry)
{
#ifdef DELWRI_CHECKING
	if (entry->next->prev != entry || entry->prev->next != entry)
		list_corrupt(entry);
#else
	(void)entry;
#endif
}

static inline void list_link(struct list_head *new, struct list_head *prev,
			     struct list_head *next)
{
	list_set(&next->prev, new);
	list_set(&new->next, next);
	list_set(&new->prev, prev);
	list_set(&prev->next, new);
}

static inline void list_add(struct list_head *new, struct list_head *head)
{
	list_link(new, head, head->next);
}

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	list_check(head);
	list_link(new, head->prev, head);
}

static inline void list_del_init(struct list_head *entry)
{
	list_check(entry);
	list_set(&entry->next->prev, entry->prev);
	list_set(&entry->prev->next, entry->next);
	list_init(entry);
}

static inline void list_move_tail(struct list_head *entry,
				  struct list_head *head)
{
	list_check(entry);
	list_set(&entry->next->prev, entry->prev);
	list_set(&entry->prev->next, entry->next);
	list_add_tail(entry, head);
}

/* Put all of @list after @at; @list is empty afterwards. */
static inline void list_splice_init(struct list_head *list,
				    struct list_head *at)
{
	struct list_head *first = list->next, *last = list->prev;

	if (first == list)
		return;
	list_set(&last->next, at->next);
	list_set(&at->next->prev, last);
	list_set(&first->prev, at);
	list_set(&at->next, first);
	list_init(list);
}

static inline void list_splice_tail_init(struct list_head *list,
					 struct list_head *head)
{
	list_splice_init(list, head->prev);
}

/* Move @head's entries up to @last, one of them, to @list, which is empty. */
static inline void list_cut_position(struct list_head *list,
				     struct list_head *head,
				     struct list_head *last)
{
	struct list_head *first = head->next, *rest = last->next;

	list_set(&list->next, first);
	list_set(&first->prev, list);
	list_set(&list->prev, last);
	list_set(&last->next, list);
	list_set(&head->next, rest);
	list_set(&rest->prev, head);
}

/* Stable merge sort, no recursion deeper than log2 of the length. */
void list_sort(struct list_head *head,
	       int (*cmp)(const struct list_head *, const struct list_head *));

#endif
