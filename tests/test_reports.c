/*
 * test_reports.c - what becomes known of tasks that fail: statuses, reports, messages,
 * progress, stopping at the first failure, and what forkpool_at() makes of a range.
 */
#include "config.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Messages ---------------------------------------------------------------- */

/* What the task of one index does. */
enum deed { SUCCEED, FAIL_SILENTLY, FAIL_WITH_MESSAGE, FAIL_WITH_TEXT, MESSAGE_BUT_SUCCESS, FAIL_LONG, FAIL_RESERVED };

enum { FAILURE = 1000 }; /* index i fails with FAILURE + i */

static int act(size_t index, int deed)
{
	char text[2 * FORKPOOL_MESSAGE_SIZE];
	switch (deed) {
	case FAIL_SILENTLY:
		return FAILURE + (int)index;
	case FAIL_WITH_MESSAGE:
		return forkpool_fail(FAILURE + (int)index, "row %zu is singular", index);
	case FAIL_WITH_TEXT:
		return forkpool_fail_text(FAILURE + (int)index, "100%s sure");
	case MESSAGE_BUT_SUCCESS:
		return forkpool_fail(0, "row %zu is fine", index);
	case FAIL_LONG:
		memset(text, 'a', sizeof text - 1);
		text[sizeof text - 1] = '\0';
		return forkpool_fail_text(FAILURE + (int)index, text);
	case FAIL_RESERVED:
		return FORKPOOL_CRASHED + (int)(index % 3);
	default:
		return 0;
	}
}

static int act_as_told(size_t index, void *ctx)
{
	return act(index, ((const int *)ctx)[index]);
}

enum { TASKS = 300 };

/* Runs the deeds; returns what the call returned. */
static int run_deeds(forkpool *pool, const int *deeds, int32_t *status, forkpool_report *report, size_t chunk)
{
	int returned = forkpool_for(pool, act_as_told, TASKS,
	                            &(forkpool_opts){.ctx = (void *)(uintptr_t)deeds,
	                                             .ctx_size = TASKS * sizeof *deeds,
	                                             .chunk = chunk,
	                                             .status = status,
	                                             .report = report});
	assert_adds_up(report, TASKS);
	ck_assert_uint_eq(report->failed, (uint64_t)returned);
	return returned;
}

START_TEST(the_report_names_the_lowest_index_that_failed)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	int32_t status[TASKS];
	forkpool_report report;
	for (size_t chunk = 0; chunk <= 40; chunk += 8) {
		int deeds[TASKS] = {0};
		deeds[17] = deeds[18] = deeds[100] = deeds[TASKS - 1] = FAIL_WITH_MESSAGE;
		deeds[3] = MESSAGE_BUT_SUCCESS;
		ck_assert_int_eq(run_deeds(pool, deeds, status, &report, chunk), 4);
		for (int i = 0; i < TASKS; i++)
			ck_assert_int_eq(status[i], deeds[i] == FAIL_WITH_MESSAGE ? FAILURE + i : 0);
		ck_assert_uint_eq(report.index, 17);
		ck_assert_int_eq(report.status, FAILURE + 17);
		ck_assert_int_eq(report.signal, 0);
		ck_assert_uint_eq(report.attempt, 1);
		ck_assert_str_eq(report.message, "row 17 is singular");
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(every_task_may_fail)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	int deeds[TASKS];
	int32_t status[TASKS];
	forkpool_report report;
	for (int i = 0; i < TASKS; i++)
		deeds[i] = FAIL_WITH_MESSAGE;
	ck_assert_int_eq(run_deeds(pool, deeds, status, &report, 7), TASKS);
	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(status[i], FAILURE + i);
	ck_assert_uint_eq(report.index, 0);
	ck_assert_str_eq(report.message, "row 0 is singular");
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_message_is_that_of_its_own_task)
{
	forkpool *pool = pool_of(backend_id(_i), 1);
	int32_t status[TASKS];
	forkpool_report report;

	/* A message of a task that succeeded is not that of the next one's failure. */
	int deeds[TASKS] = {[5] = MESSAGE_BUT_SUCCESS, [6] = FAIL_SILENTLY, [7] = FAIL_WITH_MESSAGE};
	ck_assert_int_eq(run_deeds(pool, deeds, status, &report, 0), 2);
	ck_assert_uint_eq(report.index, 6);
	ck_assert_ptr_null(strstr(report.message, "fine"));
	ck_assert_ptr_null(strstr(report.message, "singular"));

	/* Nor is one of the map before. */
	int later[TASKS] = {[4] = FAIL_SILENTLY};
	ck_assert_int_eq(run_deeds(pool, later, status, &report, 0), 1);
	ck_assert_uint_eq(report.index, 4);
	ck_assert_ptr_null(strstr(report.message, "singular"));
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_text_is_taken_as_it_is_and_cut)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	int32_t status[TASKS];
	forkpool_report report;
	int literal[TASKS] = {[TASKS - 1] = FAIL_WITH_TEXT};
	ck_assert_int_eq(run_deeds(pool, literal, status, &report, 0), 1);
	ck_assert_str_eq(report.message, "100%s sure");

	int verbose[TASKS] = {[0] = FAIL_LONG};
	ck_assert_int_eq(run_deeds(pool, verbose, status, &report, 0), 1);
	ck_assert_uint_eq(strnlen(report.message, sizeof report.message), FORKPOOL_MESSAGE_SIZE - 1);
	ck_assert_uint_eq(strspn(report.message, "a"), FORKPOOL_MESSAGE_SIZE - 1);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_function_cannot_return_a_status_of_the_library)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	int deeds[TASKS] = {[30] = FAIL_RESERVED, [31] = FAIL_RESERVED, [32] = FAIL_RESERVED};
	int32_t status[TASKS];
	forkpool_report report;
	ck_assert_int_eq(run_deeds(pool, deeds, status, &report, 0), 3);
	for (int i = 30; i < 33; i++)
		ck_assert_int_eq(status[i], -1);
	ck_assert_int_eq(report.status, -1);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_report_without_failures)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	int deeds[TASKS] = {0};
	int32_t status[TASKS];
	forkpool_report report;
	memset(&report, 0x5a, sizeof report);
	memset(status, 0x5a, sizeof status);
	ck_assert_int_eq(run_deeds(pool, deeds, status, &report, 0), 0);
	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(status[i], 0);
	ck_assert_uint_eq(report.succeeded, TASKS);
	ck_assert_uint_eq(report.crashed + report.timed_out + report.cancelled + report.retried + report.restarts, 0);
	ck_assert_int_eq(report.status, 0);
	ck_assert_int_eq(report.signal, 0);
	ck_assert_str_eq(report.message, "");
	ck_assert_double_ge(report.elapsed, 0);
	ck_assert_double_ge(report.cpu_time, 0);
	forkpool_destroy(pool);
}
END_TEST

static int burn(size_t index, void *ctx)
{
	(void)ctx;
	volatile double x = (double)index;
	for (int i = 0; i < 2000000; i++)
		x = x * 0.999 + 1;
	return x < 0;
}

/* On any machine, work takes processor time, and no more than all workers have. */
START_TEST(the_report_tells_the_time)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_report report;
	ck_assert_int_eq(forkpool_for(pool, burn, 20, &(forkpool_opts){.report = &report}), 0);
	ck_assert_double_gt(report.elapsed, 0);
	ck_assert_double_gt(report.cpu_time, 0);
	ck_assert_double_le(report.cpu_time, 2 * report.elapsed + 0.1);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Results of tasks that failed ---------------------------------------------- */

static int write_then_fail(const void *item, void *result, void *ctx)
{
	int value = *(const int *)item;
	(void)ctx;
	*(int *)result = value * 2;
	return value % 3 == 0 ? 1 : 0;
}

START_TEST(a_failure_keeps_what_the_caller_had)
{
	int backend = backend_id(_i);
	forkpool *pool = pool_of(backend, 2);
	int items[100], results[100];
	for (int i = 0; i < 100; i++) {
		items[i] = i;
		results[i] = -1;
	}
	ck_assert_int_eq(FORKPOOL_MAP(pool, write_then_fail, items, results, 100, NULL), 34);
	for (int i = 0; i < 100; i++)
		if (i % 3 != 0)
			ck_assert_int_eq(results[i], 2 * i);
		else if (backend == FORKPOOL_PROCESSES)
			ck_assert_int_eq(results[i], -1);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Ranges and forkpool_at() --------------------------------------------------- */

enum { LONG = 95, PART = 10 };

/* The range function counts each index it has done; which ones fail, and whether it tells
 * where it is, the test says. */
struct ranges {
	_Atomic uint32_t done[LONG];
	char bad[LONG];
	int tells;
};

static int walk(size_t begin, size_t end, void *ctx)
{
	struct ranges *ranges = ctx;
	for (size_t i = begin; i < end; i++) {
		if (ranges->tells)
			forkpool_at(i);
		if (ranges->bad[i])
			return forkpool_fail(FAILURE + (int)i, "bad index %zu", i);
		atomic_fetch_add(&ranges->done[i], 1);
	}
	return 0;
}

static struct ranges *new_ranges(forkpool *pool, int tells)
{
	static const size_t bad[] = {0, 19, 42, 43, 47, LONG - 1};
	struct ranges *ranges = forkpool_alloc(pool, sizeof *ranges);
	ck_assert_ptr_nonnull(ranges);
	ranges->tells = tells;
	for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
		ranges->bad[bad[k]] = 1;
	return ranges;
}

START_TEST(a_range_that_tells_loses_its_bad_indices_alone)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	struct ranges *ranges = new_ranges(pool, 1);
	int32_t status[LONG];
	forkpool_report report;
	int returned = forkpool_for_range(
	        pool, walk, LONG, &(forkpool_opts){.ctx = ranges, .chunk = PART, .status = status, .report = &report});
	ck_assert_int_eq(returned, 6);
	assert_adds_up(&report, LONG);
	ck_assert_uint_eq(report.failed, 6);
	for (int i = 0; i < LONG; i++) {
		ck_assert_int_eq(status[i], ranges->bad[i] ? FAILURE + i : 0);
		ck_assert_msg(ranges->done[i] == !ranges->bad[i], "index %d was done %u times", i, ranges->done[i]);
	}
	ck_assert_uint_eq(report.index, 0);
	ck_assert_str_eq(report.message, "bad index 0");
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_range_that_never_tells_fails_as_a_whole)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	struct ranges *ranges = new_ranges(pool, 0);
	ranges->bad[0] = 0;
	int32_t status[LONG];
	forkpool_report report;
	int returned = forkpool_for_range(
	        pool, walk, LONG, &(forkpool_opts){.ctx = ranges, .chunk = PART, .status = status, .report = &report});
	/* The first bad index of each range is the one that returns: 19, 42 and 94. */
	ck_assert_int_eq(returned, 10 + 10 + 5);
	assert_adds_up(&report, LONG);
	for (int i = 0; i < LONG; i++) {
		int expected = i / PART == 1   ? FAILURE + 19
		               : i / PART == 4 ? FAILURE + 42
		               : i / PART == 9 ? FAILURE + 94
		                               : 0;
		ck_assert_int_eq(status[i], expected);
	}
	ck_assert_uint_eq(report.index, 10);
	ck_assert_int_eq(report.status, FAILURE + 19);
	ck_assert_str_eq(report.message, "bad index 19");
	forkpool_destroy(pool);
}
END_TEST

/* Fails once it has told 3 and then things that do not count. */
static int tell_nonsense(size_t begin, size_t end, void *ctx)
{
	(void)ctx;
	if (begin > 3)
		return 0;
	forkpool_at(3);
	forkpool_at(begin == 3 ? 3 : 2); /* falls back */
	forkpool_at(end);                /* outside */
	forkpool_at(SIZE_MAX);
	return 5;
}

START_TEST(positions_outside_or_falling_are_ignored)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	int32_t status[20];
	ck_assert_int_eq(forkpool_for_range(pool, tell_nonsense, 20, &(forkpool_opts){.chunk = 10, .status = status}),
	                 1);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(status[i], i == 3 ? 5 : 0);
	forkpool_destroy(pool);
}
END_TEST

static int fold_walk(size_t begin, size_t end, void *acc, void *ctx)
{
	const struct ranges *ranges = ctx;
	for (size_t i = begin; i < end; i++) {
		if (ranges->tells)
			forkpool_at(i);
		if (ranges->bad[i])
			return FAILURE + (int)i;
		*(uint64_t *)acc += i;
	}
	return 0;
}

static void add(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)other;
}

START_TEST(a_fold_leaves_out_what_failed)
{
	forkpool *pool = pool_of(backend_id(_i), 3);
	for (int tells = 0; tells < 2; tells++) {
		struct ranges *ranges = new_ranges(pool, tells);
		int32_t status[LONG];
		forkpool_report report;
		uint64_t sum = 0, expected = 0;
		int returned = forkpool_reduce(
		        pool, fold_walk, add, LONG, &sum, sizeof sum,
		        &(forkpool_opts){.ctx = ranges, .chunk = PART, .status = status, .report = &report});
		for (size_t i = 0; i < LONG; i++) {
			/* The parts 0, 1, 4 and 9 hold bad indices. */
			bool lost = tells ? ranges->bad[i] : (i / PART <= 1 || i / PART == 4 || i / PART == 9);
			expected += lost ? 0 : i;
			ck_assert_msg((status[i] != 0) == lost, "tells %d: status %zu is %d", tells, i, status[i]);
		}
		ck_assert_int_eq(returned, tells ? 6 : 35);
		assert_adds_up(&report, LONG);
		ck_assert_uint_eq(report.failed, (uint64_t)returned);
		ck_assert_uint_eq(sum, expected);
		forkpool_free(pool, ranges);
	}
	forkpool_destroy(pool);
}
END_TEST

/* ---- stop_on_failure ------------------------------------------------------------ */

struct stopping {
	_Atomic uint32_t begun, told; /* told: saw forkpool_cancelled() */
	_Atomic uint32_t failing;
};

/* Index 0 fails; any other one that is begun ends when it is told that the map is. */
static int fail_or_wait(const void *item, void *result, void *ctx)
{
	struct stopping *stopping = ctx;
	size_t index = *(const size_t *)item;
	atomic_fetch_add(&stopping->begun, 1);
	memset(result, 1, 1);
	if (index == 0)
		return 3;
	for (int i = 0; i < 60000 && !forkpool_cancelled(); i++)
		usleep(1000);
	atomic_fetch_add(&stopping->told, forkpool_cancelled() != 0);
	return 0;
}

START_TEST(stopping_begins_no_further_task)
{
	enum { MANY = 5000, WORKERS = 2 };
	int backend = backend_id(_i);
	forkpool *pool = pool_of(backend, WORKERS);
	struct stopping *stopping = forkpool_alloc(pool, sizeof *stopping);
	ck_assert_ptr_nonnull(stopping);
	static size_t items[MANY];
	static unsigned char results[MANY];
	static int32_t status[MANY];
	forkpool_report report;
	for (size_t i = 0; i < MANY; i++)
		items[i] = i;
	int returned = FORKPOOL_MAP(
	        pool, fail_or_wait, items, results, MANY,
	        &((forkpool_opts){
	                .ctx = stopping, .chunk = 10, .stop_on_failure = 1, .status = status, .report = &report}));
	assert_adds_up(&report, MANY);
	ck_assert_uint_eq(report.failed, 1);
	ck_assert_int_eq(status[0], 3);
	ck_assert_uint_eq(report.index, 0);
	ck_assert_int_eq(returned, (int)(report.failed + report.cancelled));
	/* At most one task was running beside the one that failed, and it was told. */
	ck_assert_uint_le(stopping->begun, WORKERS);
	ck_assert_uint_eq(stopping->told, stopping->begun - 1);
	ck_assert_uint_eq(report.cancelled, MANY - stopping->begun);
	for (int i = 1; i < MANY; i++) {
		ck_assert_msg(status[i] == FORKPOOL_CANCELLED || status[i] == 0, "status %d is %d", i, status[i]);
		if (status[i] == FORKPOOL_CANCELLED)
			ck_assert_uint_eq(results[i], 0);
	}
	ck_assert_int_eq(forkpool_cancelled(), 0);

	/* The next map is not the cancelled one. */
	stopping->begun = 0;
	items[0] = 0;
	ck_assert_int_eq(FORKPOOL_MAP(pool, fail_or_wait, items, results, 1, &((forkpool_opts){.ctx = stopping})), 1);
	ck_assert_uint_eq(stopping->begun, 1);
	forkpool_destroy(pool);
}
END_TEST

/* Serially it is exact which ones are not run; a range that is stopped keeps what it did. */
START_TEST(stopping_a_serial_map)
{
	forkpool *pool = pool_of(FORKPOOL_SERIAL, 1);
	int deeds[TASKS] = {[120] = FAIL_WITH_MESSAGE, [121] = FAIL_WITH_MESSAGE};
	int32_t status[TASKS];
	forkpool_report report;
	int returned = forkpool_for(
	        pool, act_as_told, TASKS,
	        &(forkpool_opts){.ctx = deeds, .chunk = 50, .stop_on_failure = 1, .status = status, .report = &report});
	ck_assert_int_eq(returned, TASKS - 120);
	assert_adds_up(&report, TASKS);
	ck_assert_uint_eq(report.succeeded, 120);
	ck_assert_uint_eq(report.failed, 1);
	ck_assert_str_eq(report.message, "row 120 is singular");
	for (int i = 0; i < TASKS; i++)
		ck_assert_int_eq(status[i], i < 120 ? 0 : i == 120 ? FAILURE + 120 : FORKPOOL_CANCELLED);
	forkpool_destroy(pool);
}
END_TEST

/* A failed index of a range ends the map too: the rest of its range is not begun. */
START_TEST(stopping_a_range)
{
	forkpool *pool = pool_of(backend_id(_i), 1);
	struct ranges *ranges = new_ranges(pool, 1);
	ranges->bad[0] = 0;
	int32_t status[LONG];
	forkpool_report report;
	int returned = forkpool_for_range(
	        pool, walk, LONG,
	        &(forkpool_opts){
	                .ctx = ranges, .chunk = PART, .stop_on_failure = 1, .status = status, .report = &report});
	assert_adds_up(&report, LONG);
	ck_assert_int_eq(returned, (int)(report.failed + report.cancelled));
	ck_assert_uint_eq(report.failed, 1);
	for (int i = 0; i < LONG; i++) {
		ck_assert_msg(status[i] != 0 || ranges->done[i] == 1, "index %d succeeded and was done %u times", i,
		              ranges->done[i]);
		ck_assert_msg(status[i] != FORKPOOL_CANCELLED || ranges->done[i] == 0,
		              "index %d was cancelled and done %u times", i, ranges->done[i]);
	}
	ck_assert_int_eq(status[report.index], FAILURE + (int)report.index);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(stopping_a_fold)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	struct ranges *ranges = new_ranges(pool, 1);
	int32_t status[LONG];
	forkpool_report report;
	uint64_t sum = 0, expected = 0;
	int returned = forkpool_reduce(
	        pool, fold_walk, add, LONG, &sum, sizeof sum,
	        &(forkpool_opts){
	                .ctx = ranges, .chunk = PART, .stop_on_failure = 1, .status = status, .report = &report});
	assert_adds_up(&report, LONG);
	ck_assert_int_eq(returned, (int)(report.failed + report.cancelled));
	ck_assert_uint_ge(report.failed, 1);
	ck_assert_uint_eq(report.crashed, 0);
	for (size_t i = 0; i < LONG; i++)
		expected += status[i] == 0 ? i : 0;
	ck_assert_uint_eq(sum, expected);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Progress -------------------------------------------------------------------- */

struct watch {
	forkpool *pool;
	pthread_t caller;
	uint64_t calls, finished, unsuccessful, tasks;
	bool fell, elsewhere, impossible;
	int refresh;
};

static void watch_progress(const forkpool_progress *progress, void *arg)
{
	struct watch *watch = arg;
	watch->calls++;
	watch->fell =
	        watch->fell || progress->finished < watch->finished || progress->unsuccessful < watch->unsuccessful;
	watch->elsewhere = watch->elsewhere || !pthread_equal(pthread_self(), watch->caller);
	watch->impossible = watch->impossible || progress->finished > progress->tasks ||
	                    progress->unsuccessful > progress->finished || progress->elapsed < 0 ||
	                    progress->workers_busy > 2;
	watch->finished = progress->finished;
	watch->unsuccessful = progress->unsuccessful;
	watch->tasks = progress->tasks;
	watch->refresh = forkpool_refresh(watch->pool);
}

static int nap(size_t index, void *ctx)
{
	(void)ctx;
	usleep(500);
	return index % 10 == 9;
}

START_TEST(progress_is_monotone_and_ends_at_the_end)
{
	int backend = backend_id(_i);
	forkpool *pool = pool_of(backend, 2);
	struct watch watch = {.pool = pool, .caller = pthread_self()};
	forkpool_opts opts = {.progress = watch_progress, .progress_arg = &watch, .progress_interval = 0.001};
	ck_assert_int_eq(forkpool_for(pool, nap, 400, &opts), 40);
	ck_assert_uint_ge(watch.calls, 2); /* it ran for much longer than the interval */
	ck_assert(!watch.fell);
	ck_assert(!watch.elsewhere);
	ck_assert(!watch.impossible);
	ck_assert_uint_eq(watch.tasks, 400);
	ck_assert_uint_eq(watch.finished, 400);
	ck_assert_uint_eq(watch.unsuccessful, 40);
	ck_assert_int_eq(watch.refresh, -EBUSY);

	/* A map that is over before the interval has its one call all the same. */
	watch = (struct watch){.pool = pool, .caller = pthread_self()};
	opts.progress_interval = 3600;
	ck_assert_int_eq(forkpool_for(pool, nap, 5, &opts), 0);
	ck_assert_uint_eq(watch.calls, 1);
	ck_assert_uint_eq(watch.finished, 5);
	forkpool_destroy(pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reports");
	TCase *failures = test_case(suite, "failures");
	add_backend_test(failures, the_report_names_the_lowest_index_that_failed);
	add_backend_test(failures, every_task_may_fail);
	add_backend_test(failures, a_message_is_that_of_its_own_task);
	add_backend_test(failures, a_text_is_taken_as_it_is_and_cut);
	add_backend_test(failures, a_function_cannot_return_a_status_of_the_library);
	add_backend_test(failures, a_report_without_failures);
	add_backend_test(failures, the_report_tells_the_time);
	add_backend_test(failures, a_failure_keeps_what_the_caller_had);
	TCase *ranges = test_case(suite, "ranges");
	add_backend_test(ranges, a_range_that_tells_loses_its_bad_indices_alone);
	add_backend_test(ranges, a_range_that_never_tells_fails_as_a_whole);
	add_backend_test(ranges, positions_outside_or_falling_are_ignored);
	add_backend_test(ranges, a_fold_leaves_out_what_failed);
	TCase *stopping = test_case(suite, "stopping");
	add_backend_test(stopping, stopping_begins_no_further_task);
	if (backend_enabled(FORKPOOL_SERIAL))
		tcase_add_test(stopping, stopping_a_serial_map);
	add_backend_test(stopping, stopping_a_range);
	add_backend_test(stopping, stopping_a_fold);
	TCase *progress = test_case(suite, "progress");
	add_backend_test(progress, progress_is_monotone_and_ends_at_the_end);
	return run_suite(suite);
}
