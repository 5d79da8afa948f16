/*
 * test_shapes.c - ten thousand random jobs (call, count, chunk, sizes, workers, places of the
 * buffers, failing tasks), each on every backend and compared with a plain loop, bit for bit.
 *
 * A failure prints the seed and the job; FORKPOOL_TEST_SEED repeats it.  FORKPOOL_TEST_SHAPES
 * asks for another number of jobs.
 */
#include "config.h"
#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Jobs that share their pools, and the round of tests that makes them. */
enum { BATCH = 50, DEFAULT_SHAPES = SANITIZED ? 1000 : 10000 };

static uint64_t shapes(void)
{
	const char *text = getenv("FORKPOOL_TEST_SHAPES");
	return text != NULL ? strtoull(text, NULL, 10) : DEFAULT_SHAPES;
}

START_TEST(random_jobs_on_every_backend)
{
	uint64_t batch = (uint64_t)_i, end = (batch + 1) * BATCH < shapes() ? (batch + 1) * BATCH : shapes();
	dice d = dice_for(test_seed(), UINT64_MAX - batch);
	forkpool *pools[3];
	unsigned workers[3];
	for (int i = 0; i < backend_count(); i++) {
		workers[i] = 1 + (unsigned)dice_below(&d, 8);
		pools[i] = pool_of(backend_id(i), workers[i]);
	}
	for (uint64_t number = batch * BATCH; number < end; number++) {
		dice roll = dice_for(test_seed(), number);
		struct job job = random_job(&roll, 13);
		for (int i = 0; i < backend_count(); i++) {
			char where[200];
			snprintf(where, sizeof where, "FORKPOOL_TEST_SEED=%" PRIu64 " job %" PRIu64 ", %u workers, %s",
			         test_seed(), number, workers[i], backend_name(backend_id(i)));
			check_job(pools[i], backend_id(i), &job, where);
		}
	}
	for (int i = 0; i < backend_count(); i++)
		forkpool_destroy(pools[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shapes");
	TCase *random = test_case(suite, "random");
	tcase_add_loop_test(random, random_jobs_on_every_backend, 0, (int)((shapes() + BATCH - 1) / BATCH));
	return run_suite(suite);
}
