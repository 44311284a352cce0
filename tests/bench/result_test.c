// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results: a file is there whole or not at all, nothing is written twice,
 * no run gets another's folder.
 */
#include "tests/bench/bench_test.h"

#include <dirent.h>
#include <errno.h>

#include "bench/result.h"

static int entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

static json_t *numbered(int n)
{
	json_t *json = json_pack("{s:i, s:f, s:n}", "n", n, "x", 0.1, "none");

	assert_non_null(json);
	return json;
}

static void test_written_once(void **state)
{
	json_t *one = numbered(1), *two = numbered(2), *back;
	char why[256];

	(void)state;
	assert_int_equal(result_write(folder, "block-0001.json", one), 0);
	assert_int_equal(result_write(folder, "block-0001.json", two),
			 -EEXIST);
	assert_int_equal(entries(folder), 1);
	back = result_read(folder, "block-0001.json", why, sizeof(why));
	assert_non_null(back);
	/* To the last digit, and null is still null. */
	assert_true(json_equal(back, one));
	json_decref(one);
	json_decref(two);
	json_decref(back);
}

static void test_left_over(void **state)
{
	char path[128], why[256] = "";
	json_t *one = numbered(1);
	FILE *file;

	(void)state;
	/* Somebody was killed while he wrote. */
	snprintf(path, sizeof(path), "%s/.block-0002.json.tmp", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("{\"half", file);
	fclose(file);
	assert_null(result_read(folder, "block-0002.json", why, sizeof(why)));
	assert_true(strlen(why) > 0);
	result_discard(folder, "block-0002.json");
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(result_write(folder, "block-0002.json", one), 0);
	json_decref(one);
}

static void test_unwritable(void **state)
{
	char dir[128], made[RESULT_PATH_MAX], why[512] = "";
	json_t *one = numbered(1);

	(void)state;
	snprintf(dir, sizeof(dir), "%s/missing", folder);
	assert_int_equal(result_write(dir, "a.json", one), -ENOENT);
	/* A file where a folder is wanted. */
	assert_int_equal(result_write(folder, "plain", one), 0);
	snprintf(dir, sizeof(dir), "%s/plain", folder);
	assert_int_equal(result_create(dir, NULL, made, why, sizeof(why)),
			 -ENOTDIR);
	assert_non_null(strstr(why, dir));
	assert_null(strchr(why, '\n'));
	json_decref(one);
}

static void test_own_folder(void **state)
{
	char out[128], dir[4][RESULT_PATH_MAX], why[512];

	(void)state;
	snprintf(out, sizeof(out), "%s/deep/results", folder);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(result_create(out, NULL, dir[i], why,
					       sizeof(why)),
				 0);
		assert_int_equal(entries(dir[i]), 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(dir[i], dir[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_once),
		cmocka_unit_test(test_left_over),
		cmocka_unit_test(test_unwritable),
		cmocka_unit_test(test_own_folder),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
