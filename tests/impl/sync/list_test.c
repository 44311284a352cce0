// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list: sorting is stable and leaves both directions right, splices
 * keep order and empty their source, what is removed points at itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sync/list.h"

#define MAX_ITEMS	2000

struct item {
	struct list_head list;
	int key;
	int serial;
};

static int by_key(const struct list_head *a, const struct list_head *b)
{
	return list_entry(a, struct item, list)->key -
	       list_entry(b, struct item, list)->key;
}

static int by_key_and_serial(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->key != y->key ? x->key - y->key : x->serial - y->serial;
}

/* The serial numbers from @head on are @nr times @want's, both ways. */
static void check_order(struct list_head *head, const int *want, int nr)
{
	struct list_head *pos = head;
	int i;

	for (i = 0; i < nr; i++) {
		assert_ptr_equal(pos->next->prev, pos);
		pos = pos->next;
		assert_ptr_not_equal(pos, head);
		assert_int_equal(list_entry(pos, struct item, list)->serial,
				 want[i]);
	}
	assert_ptr_equal(pos->next, head);
	assert_ptr_equal(head->prev, pos);
}

static void fill(struct list_head *head, struct item *items, int from, int nr)
{
	list_init(head);
	for (int i = from; i < from + nr; i++) {
		items[i].serial = i;
		list_add_tail(&items[i].list, head);
	}
}

static void test_sort(void **state)
{
	static struct item items[MAX_ITEMS], sorted[MAX_ITEMS];
	static int want[MAX_ITEMS];
	unsigned short seed[3] = { 1, 2, 3 };
	struct list_head head;

	(void)state;
	for (int round = 0; round < 200; round++) {
		int nr = round < 70 ? round : nrand48(seed) % (MAX_ITEMS + 1);
		int keys = 1 + nrand48(seed) % (2 * nr + 1);

		fill(&head, items, 0, nr);
		for (int i = 0; i < nr; i++) {
			items[i].key = nrand48(seed) % keys;
			sorted[i] = items[i];
		}
		qsort(sorted, nr, sizeof(sorted[0]), by_key_and_serial);
		for (int i = 0; i < nr; i++)
			want[i] = sorted[i].serial;
		list_sort(&head, by_key);
		check_order(&head, want, nr);
	}
}

static void test_splice(void **state)
{
	static const int front[] = { 3, 4, 0, 1, 2 };
	static const int tail[] = { 0, 1, 2, 3, 4 };
	struct list_head a, b;
	struct item items[5];

	(void)state;
	fill(&a, items, 0, 3);
	fill(&b, items, 3, 2);
	list_splice_init(&b, &a);
	check_order(&a, front, 5);
	check_order(&b, NULL, 0);

	fill(&a, items, 0, 3);
	fill(&b, items, 3, 2);
	list_splice_tail_init(&b, &a);
	check_order(&a, tail, 5);
	check_order(&b, NULL, 0);

	/* From nothing, and to nothing. */
	list_splice_tail_init(&b, &a);
	check_order(&a, tail, 5);
	list_splice_init(&a, &b);
	check_order(&b, tail, 5);
	check_order(&a, NULL, 0);
}

static void test_add_remove(void **state)
{
	static const int added[] = { 2, 0, 1 };
	static const int moved[] = { 0, 1, 2 };
	static const int removed[] = { 0, 2 };
	struct item items[3];
	struct list_head a, b;

	(void)state;
	fill(&a, items, 0, 2);
	list_init(&b);
	items[2].serial = 2;
	list_add(&items[2].list, &a);
	check_order(&a, added, 3);
	list_move_tail(&items[2].list, &a);
	check_order(&a, moved, 3);

	list_del_init(&items[1].list);
	check_order(&a, removed, 2);
	assert_true(list_empty(&items[1].list));
	assert_ptr_equal(items[1].list.next, &items[1].list);
	assert_ptr_equal(items[1].list.prev, &items[1].list);
	/* Once more does no harm. */
	list_del_init(&items[1].list);
	check_order(&a, removed, 2);

	list_move_tail(&items[0].list, &b);
	list_move_tail(&items[2].list, &b);
	check_order(&b, removed, 2);
	assert_true(list_empty(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_splice),
		cmocka_unit_test(test_add_remove),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
