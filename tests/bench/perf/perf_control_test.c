// SPDX-License-Identifier: GPL-2.0-only
/*
 * The talk with perf(1), whose part a thread plays, until it goes away; and
 * the list of objects: every buffer, each inside memory of its own.
 */
#include "tests/bench/bench_test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "bench/perf/perf_control.h"

#define BUFFERS	100

struct peer {
	int control, ack;
	char heard[64];
};

/* Answers like perf: some versions with a byte 0, some without. */
static void *peer_main(void *arg)
{
	struct peer *peer = arg;
	size_t len = 0, answer = 5;

	while (len < sizeof(peer->heard) - 1 &&
	       read(peer->control, peer->heard + len, 1) == 1)
		if (peer->heard[len++] == '\n') {
			if (write(peer->ack, "ack\n", answer) < 0)
				break;
			answer = 4;
			if (strstr(peer->heard, "disable"))
				break;
		}
	close(peer->ack);
	return NULL;
}

static void test_control(void **state)
{
	struct peer peer = { 0 };
	int control[2], ack[2];
	pthread_t thread;
	char text[32];

	(void)state;
	assert_int_equal(pipe(control) | pipe(ack), 0);
	peer.control = control[0];
	peer.ack = ack[1];
	snprintf(text, sizeof(text), "%d,%d", control[1], ack[0]);
	setenv(PERF_CONTROL_ENV, text, 1);
	assert_int_equal(pthread_create(&thread, NULL, peer_main, &peer), 0);
	assert_int_equal(perf_control_enable(), 0);
	assert_int_equal(perf_control_disable(), 0);
	pthread_join(thread, NULL);
	assert_string_equal(peer.heard, "enable\ndisable\n");
	/* It is gone: said once, and then left alone. */
	assert_int_equal(perf_control_enable(), -EPIPE);
	assert_int_equal(perf_control_enable(), 0);
	unsetenv(PERF_CONTROL_ENV);
	close(control[0]);
	close(control[1]);
	close(ack[0]);
}

/* Lines of @path with @what; their sizes added up. */
static unsigned int count(const char *path, const char *what, size_t *bytes)
{
	char fix[64], name[64], copy[64];
	unsigned int nr = 0;
	size_t size;
	void *at;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	*bytes = 0;
	snprintf(copy, sizeof(copy), "%s@%s", fixes[0]->name, fixes[0]->cache);
	while (fscanf(file, "%63s %63s %p %zu", fix, name, &at, &size) == 4) {
		assert_string_equal(fix, copy);
		if (strcmp(name, what))
			continue;
		nr++;
		*bytes += size;
	}
	fclose(file);
	return nr;
}

static void test_objects(void **state)
{
	const struct fix *fix = fixes[0];
	struct device_options device = { .nblocks = 1 << 14 };
	struct mount_options opt = {
		.ag_count = 2,
		.ag_blocks = 1024,
		.log_bytes = 1 << 20,
		.hash_hint = BUFFERS,
		.headers_only = true,
	};
	struct teardown left;
	struct mount *mp;
	char path[128], why[256];
	size_t bytes;

	(void)state;
	snprintf(path, sizeof(path), "%s/objects", folder);
	assert_int_equal(device_open(&device, &opt.device, why, sizeof(why)),
			 0);
	assert_int_equal(fix->mount(&opt, &mp), 0);
	assert_int_equal(fix->bench_fill(mp, 8, BUFFERS), 0);
	/* Nobody asked. */
	assert_int_equal(perf_objects(fix, mp), 0);
	assert_int_equal(access(path, F_OK), -1);
	setenv(PERF_OBJECTS_ENV, path, 1);
	assert_int_equal(perf_objects(fix, mp), 0);
	assert_int_equal(count(path, "buf", &bytes), BUFFERS);
	assert_true(bytes >= BUFFERS * 64);
	assert_int_equal(count(path, "ag", &bytes), 2);
	/* One for each AG, and since 6.12 one for all. */
	assert_int_equal(count(path, "hash_table", &bytes),
			 strcmp(fix->cache, "6.12") ? 1 : 2);
	assert_int_equal(count(path, "mount", &bytes), 1);
	assert_int_equal(count(path, "data", &bytes), 0);
	setenv(PERF_OBJECTS_ENV, "/nowhere/objects", 1);
	assert_int_equal(perf_objects(fix, mp), -ENOENT);
	unsetenv(PERF_OBJECTS_ENV);
	fix->unmount(mp, &left);
	device_close(opt.device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test_setup_teardown(test_objects, folder_make,
						folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
