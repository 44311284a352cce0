// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plan carried out: workers, daemons and the cache's memory are where it
 * says, and what is elsewhere is noticed.
 */
#include "tests/bench/placement/topology_test.h"

#include <errno.h>

#include "bench/placement/plan_run.h"
#include "bench/pool.h"
#include "sync/affinity.h"

struct job {
	struct plan_run *run;
	int error;
	bool wrong;			/* looker 0 goes where it should not */
	unsigned int other;		/* processor of looker 1 */
};

static void enter(void *arg, unsigned int worker)
{
	struct job *job = arg;

	if (plan_run_enter(job->run, PLAN_LOOKER, worker))
		job->error = -EIO;
}

static void see(void *arg, unsigned int worker)
{
	struct job *job = arg;
	if (job->wrong && worker == 0)
		run_on_processor(job->other);
	plan_run_seen(job->run, PLAN_LOOKER, worker);
}

/* What a block will do, in little: {policy, threads, pages, ok}. */
static json_t *carry_out(const struct plan_request *req, bool wrong)
{
	struct device_options device = { .nblocks = 1 << 14 };
	struct mount_options opt = { .ag_count = 1,
				     .ag_blocks = 1024,
				     .log_bytes = 1 << 20,
				     .headers_only = true };
	const struct fix *fix = fixes[0];
	struct job job = { .wrong = wrong };
	const struct pool_job bind = { .run = enter, .arg = &job };
	const struct pool_job seen = { .run = see, .arg = &job };
	struct teardown left;
	struct pool *pool;
	struct mount *mp;
	const unsigned int *cpus;
	unsigned int nr;
	char why[512];
	json_t *json;

	if (plan_run_open(req, &job.run, why, sizeof(why)))
		fail_msg("%s", why);
	cpus = plan_run_cpus(job.run, &nr);
	job.other = cpus[nr - 1];
	assert_int_equal(pool_start(nr, cpus, nr, &pool), 0);
	pool_run(pool, nr, &bind);
	assert_int_equal(plan_run_enter(job.run, PLAN_IO, 0), 0);
	assert_int_equal(device_open(&device, &opt.device, why, sizeof(why)),
			 0);
	assert_int_equal(plan_run_enter(job.run, PLAN_AIL, 0), 0);
	assert_int_equal(fix->mount(&opt, &mp), 0);
	assert_int_equal(fix->bench_fill(mp, 8, 100), 0);
	assert_int_equal(plan_run_leave(job.run), 0);
	pool_run(pool, nr, &seen);
	assert_int_equal(plan_run_look(job.run, fix, mp), 0);
	assert_int_equal(job.error, 0);
	json = plan_run_to_json(job.run);
	assert_non_null(json);
	fix->unmount(mp, &left);
	device_close(opt.device);
	pool_stop(pool);
	plan_run_close(job.run);
	return json;
}

static bool ok(const json_t *json)
{
	return json_is_true(json_object_get(json, "ok"));
}

static void test_in_place(void **state)
{
	struct topology *t = load("this");
	struct plan_request req = { .policy = PLAN_COMPACT };
	json_t *json;

	(void)state;
	req.role[PLAN_LOOKER].nr = t->nr_pus;
	req.role[PLAN_AIL] = (struct plan_group){ 1, PLAN_SAME, 0 };
	req.role[PLAN_IO] = (struct plan_group){ 1, PLAN_SAME, 0 };
	json = carry_out(&req, false);
	if (!ok(json))
		json_dumpf(json, stderr, JSON_INDENT(1));
	assert_true(ok(json));
	assert_int_equal(json_array_size(json_object_get(json, "threads")),
			 t->nr_pus + 2);
	/* mount, lru_node, ag, hash_table, buf */
	assert_int_equal(json_array_size(json_object_get(json, "pages")), 5);
	json_decref(json);
	if (t->nr_pus > 1) {
		json = carry_out(&req, true);
		assert_false(ok(json));
		json_decref(json);
	}
	topology_free(t);
}

static void test_skipped(void **state)
{
	struct plan_request req = { .policy = PLAN_CROSS_NODE };
	struct plan_run *run;
	char why[512] = "";

	(void)state;
	req.role[PLAN_LOOKER].nr = 1;
	assert_int_equal(plan_run_open(&req, &run, why, sizeof(why)),
			 -EOPNOTSUPP);
	assert_true(why[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
