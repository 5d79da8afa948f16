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

/* Bytes of items, or of results, that one job may have. */
enum { LIMIT = 1 << 18 };

/* Small numbers often, each order of magnitude as likely as the next. */
static size_t any_size(dice *d, unsigned bits)
{
	return dice_below(d, (uint64_t)1 << dice_below(d, bits + 1));
}

static size_t within_limit(size_t size, size_t count)
{
	return count > 0 && size > LIMIT / count ? LIMIT / count : size;
}

static size_t any_chunk(dice *d, size_t count)
{
	switch (dice_below(d, 4)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return 1 + dice_below(d, count + 2); /* also more than there are tasks */
	default:
		return 1 + any_size(d, 6);
	}
}

static struct job any_job(uint64_t number)
{
	dice d = dice_for(test_seed(), number);
	struct job job = {.call = (enum call)dice_below(&d, CALLS), .count = any_size(&d, 13)};
	if (job.call == CALL_APPLY)
		job.count = 1;
	job.item_size = within_limit(any_size(&d, 10), job.count);
	job.result_size = within_limit(any_size(&d, 10), job.count);
	if (job.call == CALL_REDUCE)
		job.result_size = 1 + dice_below(&d, 64);
	job.chunk = any_chunk(&d, job.count);
	job.items_in_arena = dice_below(&d, 2);
	job.results_in_arena = dice_below(&d, 2);
	job.status_in_arena = dice_below(&d, 2);
	if (dice_below(&d, 3) == 0)
		job.fail_one_in = 1 + (unsigned)dice_below(&d, 50);
	job.salt = dice_roll(&d);
	return job;
}

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
		struct job job = any_job(number);
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
