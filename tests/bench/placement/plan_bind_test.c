// SPDX-License-Identifier: GPL-2.0-only
/*
 * Binding on this machine, and finding out where threads and pages are;
 * what is said when they are elsewhere, from made-up findings.
 */
#include "tests/bench/placement/topology_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "bench/placement/plan_bind.h"

static const struct plan_entry entry = {
	.role = PLAN_AIL, .thread = 3, .pu = 7, .node = 1
};

static const char *reason(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static void test_check(void **state)
{
	struct plan_request req = { .policy = PLAN_SPREAD };
	struct topology *t = load("this");
	struct plan plan;
	json_t *json;

	(void)state;
	/* More threads than processors must not hang either. */
	req.role[PLAN_LOOKER].nr = t->nr_pus + 1;
	assert_int_equal(plan_make(t, &req, &plan), 0);
	json = plan_check(&plan, PLAN_LOCAL);
	assert_non_null(json);
	if (!json_is_true(json_object_get(json, "ok")))
		json_dumpf(json, stderr, JSON_INDENT(1));
	assert_true(json_is_true(json_object_get(json, "ok")));
	assert_int_equal(json_array_size(json_object_get(json, "threads")),
			 t->nr_pus + 1);
	json_decref(json);
	/* A processor that is not there: said, and not where it should be. */
	plan.entry[0].pu = 100000;
	json = plan_check(&plan, PLAN_LOCAL);
	assert_false(json_is_true(json_object_get(json, "ok")));
	assert_non_null(strstr(
		reason(json_array_get(json_object_get(json, "threads"), 0),
		       "reason"),
		"processor"));
	json_decref(json);
	plan_free(&plan);
	topology_free(t);
}

static void test_pages(void **state)
{
	size_t size = sysconf(_SC_PAGESIZE);
	struct plan_pages *found = calloc(1, sizeof(*found));
	struct plan_binder *b;
	struct topology *t = load("this");
	int node = t->node[0].os;
	char *area;

	(void)state;
	assert_non_null(found);
	assert_int_equal(plan_binder_open(&b), 0);
	area = mmap(NULL, 1000 * size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(area, MAP_FAILED);
	assert_int_equal(plan_bind_area(b, area, 1000 * size, node), 0);
	/* A huge page would be touched as a whole. */
	madvise(area, 1000 * size, MADV_NOHUGEPAGE);
	for (int i = 0; i < 600; i++)
		area[i * size] = 1;
	assert_int_equal(plan_pages_add(found, area, 1000 * size), 0);
	assert_int_equal(found->pages, 600);
	assert_int_equal(found->untouched, 400);
	assert_int_equal(found->on[node], 600);
	assert_int_equal(plan_pages_elsewhere(found, node), 0);
	/* Parts of two pages are two pages. */
	memset(found, 0, sizeof(*found));
	assert_int_equal(plan_pages_add(found, area + size - 1, 2), 0);
	assert_int_equal(found->pages, 2);
	munmap(area, 1000 * size);
	plan_binder_close(b);
	topology_free(t);
	free(found);
}

static void *bind_memory(void *arg)
{
	struct plan_binder *b = arg;
	int error = plan_bind_memory(b, -1);

	if (!error)
		error = plan_bind_memory(b, 0);
	if (!error)
		error = plan_unbind_memory(b);
	return (void *)(intptr_t)error;
}

static void test_bind(void **state)
{
	struct plan_binder *b;
	struct topology *t = load("this");
	pthread_t thread;
	void *error;

	(void)state;
	assert_int_equal(plan_binder_open(&b), 0);
	assert_int_equal(plan_last_pu(b, 0x7ffffff0) < 0, 1);
	assert_int_equal(plan_bind_thread(b, 100000) < 0, 1);
	/* Of a thread that ends: its policy is not the other tests'. */
	assert_int_equal(pthread_create(&thread, NULL, bind_memory, b), 0);
	pthread_join(thread, &error);
	assert_null(error);
	plan_binder_close(b);
	topology_free(t);
}

static void test_elsewhere(void **state)
{
	struct plan_pages *found = calloc(1, sizeof(*found));
	json_t *row;

	(void)state;
	assert_non_null(found);
	row = plan_thread_to_json(&entry, 7);
	assert_true(json_is_true(json_object_get(row, "ok")));
	json_decref(row);
	row = plan_thread_to_json(&entry, 6);
	assert_false(json_is_true(json_object_get(row, "ok")));
	assert_int_equal(json_integer_value(json_object_get(row, "found_pu")),
			 6);
	json_decref(row);
	row = plan_thread_to_json(&entry, -ESRCH);
	assert_false(json_is_true(json_object_get(row, "ok")));
	assert_true(json_is_null(json_object_get(row, "found_pu")));
	assert_non_null(reason(row, "found_pu_reason"));
	json_decref(row);

	row = plan_pages_to_json("hash", 1, found);
	assert_false(json_is_true(json_object_get(row, "ok")));
	assert_non_null(strstr(reason(row, "reason"), "no page"));
	json_decref(row);
	found->pages = 10;
	found->on[1] = 7;
	found->on[0] = 3;
	row = plan_pages_to_json("hash", 1, found);
	assert_false(json_is_true(json_object_get(row, "ok")));
	assert_int_equal(json_integer_value(json_object_get(row, "elsewhere")),
			 3);
	assert_non_null(strstr(reason(row, "reason"), "3 of 10"));
	json_decref(row);
	row = plan_pages_to_json("hash", -1, found);
	assert_true(json_is_true(json_object_get(row, "ok")));
	json_decref(row);
	free(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
