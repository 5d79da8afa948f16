/*
 * test_pool_behaviours.c - what Python's multiprocessing.Pool and its dummy (the same on threads) are tested
 * for, held to be true here: one test a behaviour, on every backend that it makes sense for.
 *
 * The table at the end lists them.  What Python raises is a return value, a status or a message here; what it
 * finds out by the clock is found out by the order of events.
 */
#include "config.h"
#include "scene.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Squares and products ----------------------------------------------------------- */

enum { MANY = 1000 };

static void count_up(uint64_t *items, size_t count)
{
	for (uint64_t i = 0; i < count; i++)
		items[i] = i;
}

static void assert_squares(const uint64_t *results, size_t count)
{
	for (uint64_t i = 0; i < count; i++)
		ck_assert_uint_eq(results[i], i * i);
}

static int multiply(const void *const *items, void *result, void *ctx)
{
	(void)ctx;
	*(uint64_t *)result = *(const uint64_t *)items[0] * *(const uint64_t *)items[1];
	return 0;
}

/* ctx: what the item is raised by before it is squared. */
static int square_of_sum(const void *item, void *result, void *ctx)
{
	uint64_t sum = *(const uint64_t *)item + *(const uint64_t *)ctx;
	return square_task(&sum, result, NULL);
}

START_TEST(apply_returns_the_result)
{
	uint64_t item = 5, more = 3, result = 0;
	forkpool *pool = pool_of(backend_id(_i), 4);
	ck_assert_int_eq(forkpool_apply(pool, square_task, &item, 8, &result, 8, NULL), 0);
	ck_assert_uint_eq(result, 25);
	forkpool_opts opts = {.ctx = &more, .ctx_size = sizeof more};
	ck_assert_int_eq(forkpool_apply(pool, square_of_sum, &item, 8, &result, 8, &opts), 0);
	ck_assert_uint_eq(result, 64);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(map_equals_a_serial_map)
{
	uint64_t items[100], results[100];
	forkpool *pool = pool_of(backend_id(_i), 4);
	count_up(items, 100);
	ck_assert_int_eq(FORKPOOL_MAP(pool, square_task, items, results, 10, NULL), 0);
	assert_squares(results, 10);
	ck_assert_int_eq(FORKPOOL_MAP(pool, square_task, items, results, 100, &(forkpool_opts){.chunk = 20}), 0);
	assert_squares(results, 100);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(map_async_equals_a_serial_map)
{
	uint64_t items[10], results[10];
	forkpool_job *job = NULL;
	forkpool *pool = pool_of(backend_id(_i), 4);
	count_up(items, 10);
	ck_assert_int_eq(forkpool_map_async(&job, pool, square_task, items, 10, 8, results, 8, NULL), 0);
	finish(job, 0);
	assert_squares(results, 10);
	forkpool_destroy(pool);
}
END_TEST

static void check_starmap(forkpool *pool, size_t count, size_t chunk, bool async)
{
	uint64_t up[100], results[100];
	count_up(up, count);
	uint64_t down[100];
	for (size_t i = 0; i < count; i++)
		down[i] = count - 1 - i;
	const forkpool_column columns[] = {{up, 8, 8}, {down, 8, 8}};
	forkpool_opts opts = {.chunk = chunk};
	forkpool_job *job = NULL;
	if (async) {
		ck_assert_int_eq(forkpool_starmap_async(&job, pool, multiply, columns, 2, count, results, 8, &opts), 0);
		finish(job, 0);
	} else {
		ck_assert_int_eq(forkpool_starmap(pool, multiply, columns, 2, count, results, 8, &opts), 0);
	}
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(results[i], i * (count - 1 - i));
}

START_TEST(starmap_equals_a_serial_starmap)
{
	forkpool *pool = pool_of(backend_id(_i), 4);
	check_starmap(pool, 10, 0, false);
	check_starmap(pool, 100, 20, false);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(starmap_async_equals_a_serial_starmap)
{
	forkpool *pool = pool_of(backend_id(_i), 4);
	check_starmap(pool, 100, 0, true);
	check_starmap(pool, 100, 7, true);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Streams of squares ---------------------------------------------------------------- */

struct numbers {
	uint64_t next, count;
	uint64_t fail_at; /* UINT64_MAX: nowhere */
	int unordered;
	uint64_t received;
	unsigned char seen[MANY];
};

static struct numbers numbers_below(uint64_t count)
{
	return (struct numbers){.count = count, .fail_at = UINT64_MAX};
}

enum { SAID_WHEN = -ECONNABORTED };

static int next_number(void *item, void *arg)
{
	struct numbers *numbers = arg;
	if (numbers->next == numbers->fail_at)
		return SAID_WHEN;
	*(uint64_t *)item = numbers->next;
	return numbers->next < numbers->count ? (numbers->next++, 1) : 0;
}

static int receive_square(size_t index, const void *result, int32_t status, void *arg)
{
	struct numbers *numbers = arg;
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(*(const uint64_t *)result, index * index);
	ck_assert_uint_eq(numbers->seen[index]++, 0);
	if (!numbers->unordered)
		ck_assert_uint_eq(index, numbers->received);
	numbers->received++;
	return 0;
}

static int stream_squares(forkpool *pool, struct numbers *numbers, size_t chunk)
{
	return forkpool_imap(pool, square_task, next_number, receive_square, numbers, 8, 8, 0, numbers->unordered,
	                     &(forkpool_opts){.chunk = chunk});
}

static void check_imap(int backend, int unordered)
{
	forkpool *pool = pool_of(backend, 4);
	struct numbers few = numbers_below(10), many = numbers_below(MANY);
	few.unordered = many.unordered = unordered;
	ck_assert_int_eq(stream_squares(pool, &few, 0), 0);
	ck_assert_uint_eq(few.received, 10);
	ck_assert_int_eq(stream_squares(pool, &many, 100), 0);
	ck_assert_uint_eq(many.received, MANY);
	forkpool_destroy(pool);
}

START_TEST(imap_gives_the_results_in_order)
{
	check_imap(backend_id(_i), 0);
}
END_TEST

START_TEST(imap_unordered_gives_each_result_once)
{
	check_imap(backend_id(_i), 1);
}
END_TEST

/* At the very first item, twice, for the pool must bear it; in the middle; and inside a chunk. */
static void check_failing_source(int backend, int unordered)
{
	static const struct {
		uint64_t count, fail_at;
		size_t chunk;
	} cases[] = {{1, 0, 1}, {1, 0, 1}, {10, 3, 1}, {20, 7, 2}, {20, 7, 4}};
	forkpool *pool = pool_of(backend, 4);
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct numbers numbers = numbers_below(cases[k].count);
		numbers.fail_at = cases[k].fail_at;
		numbers.unordered = unordered;
		ck_assert_int_eq(stream_squares(pool, &numbers, cases[k].chunk), SAID_WHEN);
		ck_assert_uint_eq(numbers.received, cases[k].fail_at); /* no result is lost for the chunk's sake */
	}
	ck_assert(squares_are_right(pool, 1));
	forkpool_destroy(pool);
}

START_TEST(imap_ends_with_the_error_of_its_source)
{
	check_failing_source(backend_id(_i), 0);
}
END_TEST

START_TEST(imap_unordered_ends_with_the_error_of_its_source)
{
	check_failing_source(backend_id(_i), 1);
}
END_TEST

/* ---- Nothing to do, and nonsense --------------------------------------------------------- */

START_TEST(empty_input_ends_at_once_whatever_the_chunk)
{
	forkpool *pool = pool_of(backend_id(_i), 1);
	for (size_t chunk = 0; chunk < 3; chunk++) {
		forkpool_opts opts = {.chunk = chunk};
		forkpool_job *job = NULL;
		struct numbers none = numbers_below(0);
		ck_assert_int_eq(forkpool_map(pool, square_task, NULL, 0, 8, NULL, 8, &opts), 0);
		ck_assert_int_eq(forkpool_map_async(&job, pool, square_task, NULL, 0, 8, NULL, 8, &opts), 0);
		ck_assert_int_eq(forkpool_job_wait(job, PATIENCE), 0);
		finish(job, 0);
		ck_assert_int_eq(stream_squares(pool, &none, chunk), 0);
		none.unordered = 1;
		ck_assert_int_eq(stream_squares(pool, &none, chunk), 0);
		ck_assert_int_eq(forkpool_for(pool, plain_task, 0, &opts), 0);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(invalid_sizes_are_rejected)
{
	int backend = backend_id(_i);
	forkpool *pool = NULL;
	uint64_t item = 0, result = 0;
	ck_assert_int_eq(forkpool_create(&pool, &(forkpool_config){.backend = backend, .workers = (unsigned)-1}),
	                 -EINVAL);
	ck_assert_int_eq(
	        forkpool_create(&pool, &(forkpool_config){.backend = backend, .workers = FORKPOOL_MAX_WORKERS + 1}),
	        -EINVAL);
	ck_assert_ptr_null(pool);
	pool = pool_of(backend, 2);
	ck_assert_int_eq(forkpool_map(pool, square_task, &item, SIZE_MAX / 4, 8, &result, 8, NULL), -EOVERFLOW);
	ck_assert_int_eq(forkpool_map(pool, square_task, &item, 1, 8, &result, 8, &(forkpool_opts){.chunk = SIZE_MAX}),
	                 -EINVAL);
	ck_assert_int_eq(forkpool_map(pool, square_task, NULL, 1, 8, &result, 8, NULL), -EINVAL);
	ck_assert(squares_are_right(pool, 1));
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_pool_has_as_many_workers_as_asked)
{
	pid_t pids[3];
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3);
	worker_pids(pool, 3, pids);
	ck_assert(pids[0] != pids[1] && pids[1] != pids[2] && pids[0] != pids[2]);
	forkpool_destroy(pool);
}
END_TEST

/* Python cannot pickle it; here the workers could not see it.  It must be said, and nothing may hang. */
START_TEST(input_that_cannot_be_handed_over_is_refused)
{
	uint64_t items[10] = {0}, results[10], here = 1;
	forkpool_job *job = NULL;
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 4);
	forkpool_opts opts = {.ctx = &here};
	ck_assert_int_eq(FORKPOOL_MAP(pool, square_of_sum, items, results, 10, &opts), -EINVAL);
	ck_assert_int_eq(forkpool_map_async(&job, pool, square_of_sum, items, 10, 8, results, 8, &opts), -EINVAL);
	ck_assert_ptr_null(job);
	ck_assert(squares_are_right(pool, 1));
	forkpool_destroy(pool);
}
END_TEST

/* ---- Asynchronous results ------------------------------------------------------------------ */

START_TEST(get_waits_for_a_slow_task)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 4);
	forkpool_job *job = submit_for(pool, napping_task, 1, NULL);
	ck_assert_int_eq(forkpool_job_get(job, NULL), 0);
	ck_assert_uint_eq(scene->ended, 1);
	forkpool_job_free(job);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_wait_times_out_and_the_task_goes_on)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 3);
	forkpool_job *job = submit_for(pool, gated_task, 1, NULL);
	double start = seconds_now();
	ck_assert_int_eq(forkpool_job_wait(job, 0.05), -ETIMEDOUT);
	ck_assert(seconds_now() - start >= 0.05);
	ck_assert_uint_eq(scene->ended, 0);
	atomic_store(&scene->open, 1);
	ck_assert_int_eq(forkpool_job_wait(job, PATIENCE), 0);
	ck_assert_uint_eq(scene->ended, 1);
	forkpool_job_free(job);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(callbacks_are_called_once_for_success_and_once_for_failure)
{
	new_scene();
	struct bell good = new_bell(), bad = new_bell();
	forkpool *pool = pool_of(backend_id(_i), 4);
	forkpool_job *job = submit_for(pool, plain_task, 1, &(forkpool_opts){.done = ring, .done_arg = &good});
	ck_assert_int_eq(forkpool_job_wait(job, -1), 0);
	assert_rung_once(&good, job, 0);
	forkpool_job_free(job);
	job = submit_for(pool, failing_task, 8, &(forkpool_opts){.done = ring, .done_arg = &bad});
	ck_assert_int_eq(forkpool_job_wait(job, -1), 0);
	assert_rung_once(&bad, job, 1);
	forkpool_job_free(job);
	assert_rung_once(&good, NULL, 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Errors ------------------------------------------------------------------------------------ */

static int raise_error(const void *item, void *result, void *ctx)
{
	(void)item;
	(void)result;
	(void)ctx;
	return forkpool_fail(123, "runtime error %d in the worker", 123);
}

START_TEST(an_error_is_carried_from_the_worker_with_its_text)
{
	forkpool_report report;
	int32_t status = 0;
	forkpool_opts opts = {.report = &report, .status = &status};
	forkpool *pool = pool_of(backend_id(_i), 1);
	ck_assert_int_eq(forkpool_apply(pool, raise_error, NULL, 0, NULL, 0, &opts), 1);
	ck_assert_int_eq(status, 123);
	ck_assert_int_eq(report.status, 123);
	ck_assert_ptr_nonnull(strstr(report.message, "runtime error 123 in the worker"));
	forkpool_destroy(pool);
}
END_TEST

/* By a job, too: the text is there for the callback already. */
static void note_message(forkpool_job *job, void *arg)
{
	forkpool_report report;
	ck_assert_int_eq(forkpool_job_get(job, &report), 1);
	strcpy(arg, report.message);
}

START_TEST(an_error_is_there_for_the_callback)
{
	char message[FORKPOOL_MESSAGE_SIZE] = "";
	forkpool_job *job = NULL;
	forkpool_opts opts = {.done = note_message, .done_arg = message};
	forkpool *pool = pool_of(backend_id(_i), 2);
	ck_assert_int_eq(forkpool_apply_async(&job, pool, raise_error, NULL, 0, NULL, 0, &opts), 0);
	finish(job, 1);
	ck_assert_ptr_nonnull(strstr(message, "runtime error 123"));
	forkpool_destroy(pool);
}
END_TEST

static char large_text[1 << 20];

static int raise_large_error(size_t index, void *ctx)
{
	napping_task(index, ctx);
	return forkpool_fail_text((int)index + 1, large_text);
}

/* Nothing fails fast: what runs is awaited, and the workers have nowhere to be stuck with their errors. */
START_TEST(a_failing_map_drains_and_joins)
{
	enum { COUNT = 100 };
	memset(large_text, 'x', sizeof large_text - 1);
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	ck_assert_int_eq(forkpool_for(pool, raise_large_error, COUNT, &(forkpool_opts){.chunk = 1}), COUNT);
	ck_assert_uint_eq(scene->ended, COUNT);
	ck_assert_int_eq(forkpool_for_async(NULL, pool, raise_large_error, COUNT, NULL), 0);
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	ck_assert_uint_eq(scene->ended, 2 * COUNT);
	forkpool_destroy(pool);
}
END_TEST

static int return_the_unreturnable(size_t index, void *ctx)
{
	(void)ctx;
	return index % 2 == 0 ? FORKPOOL_CRASHED : FORKPOOL_CANCELLED;
}

/* In Python a result that cannot be pickled; here a status that is not a task's to return. */
START_TEST(a_result_that_cannot_be_returned_loses_no_worker)
{
	pid_t before[2], after[2];
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	worker_pids(pool, 2, before);
	for (int iteration = 0; iteration < 20; iteration++) {
		struct bell bell = new_bell();
		int32_t status[2] = {0, 0};
		forkpool_opts opts = {.status = status, .done = ring, .done_arg = &bell};
		finish(submit_for(pool, return_the_unreturnable, 2, &opts), 2);
		assert_rung_once(&bell, NULL, 2);
		ck_assert(status[0] == -1 && status[1] == -1);
	}
	worker_pids(pool, 2, after);
	ck_assert((before[0] == after[0] && before[1] == after[1]) || (before[0] == after[1] && before[1] == after[0]));
	forkpool_destroy(pool);
}
END_TEST

/* ---- Ends ------------------------------------------------------------------------------------------ */

/* With workers, tasks that take as long as they like; killed, or asked to end. */
START_TEST(terminate_is_prompt_with_ten_thousand_slow_tasks_pending)
{
	enum { COUNT = 10000, WORKERS = 3 };
	int backend = backend_id(_i);
	new_scene();
	struct bell bell = new_bell();
	forkpool_report report;
	forkpool *pool = pool_of(backend, WORKERS);
	forkpool_opts opts = {.chunk = 1, .done = ring, .done_arg = &bell};
	forkpool_job *job = submit_for(pool, endless_task(backend), COUNT, &opts);
	if (has_crew(backend))
		ck_assert(wait_for(&scene->entered, WORKERS));
	ck_assert_int_eq(forkpool_terminate(pool), 0);
	assert_rung_once(&bell, job, -ESHUTDOWN);
	ck_assert_int_eq(forkpool_join(pool), 0);
	ck_assert_uint_eq(scene->tickets, has_crew(backend) ? WORKERS : 0);
	ck_assert_int_eq(forkpool_job_get(job, &report), -ESHUTDOWN);
	assert_adds_up(&report, COUNT);
	ck_assert_uint_ge(report.cancelled, COUNT - WORKERS);
	forkpool_job_free(job);
	forkpool_destroy(pool);
}
END_TEST

static void assert_closed(forkpool *pool)
{
	uint64_t item = 0, result = 0;
	forkpool_job *job = NULL;
	struct numbers numbers = numbers_below(1);
	ck_assert_int_eq(FORKPOOL_MAP(pool, square_task, &item, &result, 1, NULL), -ESHUTDOWN);
	ck_assert_int_eq(forkpool_apply(pool, square_task, &item, 8, &result, 8, NULL), -ESHUTDOWN);
	ck_assert_int_eq(forkpool_map_async(&job, pool, square_task, &item, 1, 8, &result, 8, NULL), -ESHUTDOWN);
	ck_assert_int_eq(forkpool_apply_async(&job, pool, square_task, &item, 8, &result, 8, NULL), -ESHUTDOWN);
	ck_assert_ptr_null(job);
	ck_assert_int_eq(stream_squares(pool, &numbers, 0), -ESHUTDOWN);
	ck_assert_uint_eq(numbers.next, 0);
}

START_TEST(use_after_close_is_rejected)
{
	uint64_t items[10], results[10];
	forkpool_job *job = NULL;
	forkpool *pool = pool_of(backend_id(_i), 2);
	count_up(items, 10);
	ck_assert_int_eq(forkpool_map_async(&job, pool, square_task, items, 10, 8, results, 8, NULL), 0);
	ck_assert_int_eq(forkpool_close(pool), 0);
	assert_closed(pool);
	finish(job, 0);
	assert_squares(results, 10);
	ck_assert_int_eq(forkpool_join(pool), 0);
	assert_closed(pool);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(use_after_terminate_is_rejected)
{
	forkpool *pool = pool_of(backend_id(_i), 1);
	ck_assert_int_eq(forkpool_terminate(pool), 0);
	assert_closed(pool);
	ck_assert_int_eq(forkpool_join(pool), 0);
	assert_closed(pool);
	forkpool_destroy(pool);
}
END_TEST

/* What Python warns of: here it is allowed, and the fixture asserts that nothing is left. */
START_TEST(a_pool_that_was_never_closed_is_cleaned_up)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 1);
	ck_assert_int_eq(forkpool_for_async(NULL, pool, plain_task, 10, NULL), 0);
	forkpool_destroy(pool);
}
END_TEST

/* Items, results and what belonged to the job are not kept alive. */
START_TEST(results_are_released)
{
	enum { COUNT = SANITIZED ? 1 << 14 : 1 << 16, ROUNDS = 150 };
	forkpool *pool = pool_of(backend_id(_i), 4);
	uint64_t *items = calloc(COUNT, 8), *results = calloc(COUNT, 8);
	size_t heap = 0, resident = 0;
	ck_assert(items != NULL && results != NULL);
	for (int round = 0; round < ROUNDS; round++) {
		forkpool_job *job = NULL;
		ck_assert_int_eq(forkpool_map_async(&job, pool, square_task, items, COUNT, 8, results, 8, NULL), 0);
		finish(job, 0);
		if (round == 3)
			resident = resident_kib();
		if (round == 100) /* handles are kept for those to come */
			heap = mallinfo2().uordblks;
	}
	ck_assert_uint_le(mallinfo2().uordblks, heap + 4096);
	ck_assert_uint_le(resident_kib(), resident + 6 * 1024); /* a worker may still look at some of the last jobs */
	free(items);
	free(results);
	forkpool_destroy(pool);
}
END_TEST

/* ---- The lives of workers -------------------------------------------------------------------------------- */

static int square_and_pid(const void *item, void *result, void *ctx)
{
	uint64_t *both = result;
	both[1] = (uint64_t)getpid();
	return square_task(item, result, ctx);
}

START_TEST(replaced_workers_have_new_pids)
{
	pid_t before[3], after[3];
	uint64_t results[100][2];
	forkpool_job *jobs[100];
	forkpool *pool = pool_from(&(forkpool_config){.workers = 3, .max_tasks_per_worker = 10});
	worker_pids(pool, 3, before);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert_int_eq(forkpool_apply_async(&jobs[i], pool, square_and_pid, &i, 8, results[i], 16, NULL), 0);
	for (uint64_t i = 0; i < 100; i++) {
		finish(jobs[i], 0);
		ck_assert_uint_eq(results[i][0], i * i);
	}
	worker_pids(pool, 3, after);
	int kept = 0;
	for (int k = 0; k < 9; k++)
		kept += before[k / 3] == after[k % 3];
	ck_assert_int_lt(kept, 3);
	for (int i = 0; i < 100; i++) {
		int served = 0;
		for (int k = 0; k < 100; k++)
			served += results[k][1] == results[i][1];
		ck_assert_int_le(served, 10);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(early_close_with_one_task_a_worker_still_finishes)
{
	uint64_t results[6];
	forkpool_job *jobs[6];
	forkpool *pool =
	        pool_from(&(forkpool_config){.backend = backend_id(_i), .workers = 3, .max_tasks_per_worker = 1});
	for (uint64_t i = 0; i < 6; i++)
		ck_assert_int_eq(forkpool_apply_async(&jobs[i], pool, square_task, &i, 8, &results[i], 8, NULL), 0);
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	for (uint64_t i = 0; i < 6; i++) {
		finish(jobs[i], 0);
		ck_assert_uint_eq(results[i], i * i);
	}
	forkpool_destroy(pool);
}
END_TEST

/* A program that ends with a pool in a global variable, a job in it still running. */
static void end_without_cleaning_up(int backend, pid_t *pids)
{
	forkpool *pool = pool_of(backend, 2);
	if (backend == FORKPOOL_PROCESSES)
		worker_pids(pool, 2, pids);
	if (!squares_are_right(pool, 1) || forkpool_for_async(NULL, pool, napping_task, 100, NULL) != 0)
		_exit(9);
	exit(0);
}

START_TEST(a_program_may_end_without_cleaning_up)
{
	int backend = backend_id(_i), status;
	new_scene();
	pid_t *pids = evidence(2 * sizeof *pids), child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		end_without_cleaning_up(backend, pids);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %#x", status);
	for (int k = 0; k < 2 && backend == FORKPOOL_PROCESSES; k++)
		ck_assert(wait_dead(pids[k]));
}
END_TEST

/* ---- The table ----------------------------------------------------------------------------------------------- */

/* On how many of the enabled backends: they come in the order processes, threads, serial. */
#define ALL       backend_count()
#define CREW      crew_backend_count()
#define PROCESSES backend_enabled(FORKPOOL_PROCESSES)

#define BEHAVIOURS(DO)                                                                                                 \
	DO(apply_returns_the_result, ALL)                                                                              \
	DO(map_equals_a_serial_map, ALL)                                                                               \
	DO(map_async_equals_a_serial_map, ALL)                                                                         \
	DO(starmap_equals_a_serial_starmap, ALL)                                                                       \
	DO(starmap_async_equals_a_serial_starmap, ALL)                                                                 \
	DO(imap_gives_the_results_in_order, ALL)                                                                       \
	DO(imap_unordered_gives_each_result_once, ALL)                                                                 \
	DO(imap_ends_with_the_error_of_its_source, ALL)                                                                \
	DO(imap_unordered_ends_with_the_error_of_its_source, ALL)                                                      \
	DO(empty_input_ends_at_once_whatever_the_chunk, ALL)                                                           \
	DO(invalid_sizes_are_rejected, ALL)                                                                            \
	DO(a_pool_has_as_many_workers_as_asked, PROCESSES)                                                             \
	DO(input_that_cannot_be_handed_over_is_refused, PROCESSES)                                                     \
	DO(get_waits_for_a_slow_task, ALL)                                                                             \
	DO(a_wait_times_out_and_the_task_goes_on, CREW)                                                                \
	DO(callbacks_are_called_once_for_success_and_once_for_failure, ALL)                                            \
	DO(an_error_is_carried_from_the_worker_with_its_text, ALL)                                                     \
	DO(an_error_is_there_for_the_callback, ALL)                                                                    \
	DO(a_failing_map_drains_and_joins, ALL)                                                                        \
	DO(a_result_that_cannot_be_returned_loses_no_worker, PROCESSES)                                                \
	DO(terminate_is_prompt_with_ten_thousand_slow_tasks_pending, ALL)                                              \
	DO(use_after_close_is_rejected, ALL)                                                                           \
	DO(use_after_terminate_is_rejected, ALL)                                                                       \
	DO(a_pool_that_was_never_closed_is_cleaned_up, ALL)                                                            \
	DO(results_are_released, ALL)                                                                                  \
	DO(replaced_workers_have_new_pids, PROCESSES)                                                                  \
	DO(early_close_with_one_task_a_worker_still_finishes, ALL)                                                     \
	DO(a_program_may_end_without_cleaning_up, ALL)

#define ADD(test, backends) tcase_add_loop_test(tcase, test, 0, backends);

int main(void)
{
	Suite *suite = suite_create("pool behaviours");
	TCase *tcase = test_case(suite, "pool");
	BEHAVIOURS(ADD)
	return run_suite(suite);
}
