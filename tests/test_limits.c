/*
 * test_limits.c - attempts, time limits, memory limits, and workers that serve for so many tasks.
 *
 * Each task has a plan: what it does at its first, second, ... attempt.  A plain model says from the plan
 * what must become of the task and how often it is run; the library must agree, on every backend that can
 * do it at all.
 */
#include "config.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- Plans ------------------------------------------------------------------------ */

enum { MOST = 200, ATTEMPTS = 4 };
enum act { SUCCEED, FAIL, CRASH, HANG, ACTS };

/* What task i does at attempt a (from 1; the last one also at all that follow), and what was seen of it. */
static struct plan {
	enum act act[MOST][ATTEMPTS + 1];
	_Atomic uint32_t begun[MOST];
	_Atomic uint32_t told[MOST]; /* what forkpool_attempt() said last */
	int tells;                   /* of ranges: whether they call forkpool_at() */
} * plan;

static void new_plan(void)
{
	plan = evidence(sizeof *plan);
}

/* Long enough that no task that is well reaches it on a machine that is busy. */
static const double limit = 0.5;

static int act(size_t index)
{
	uint32_t attempt = atomic_fetch_add(&plan->begun[index], 1) + 1;
	plan->told[index] = forkpool_attempt();
	switch (plan->act[index][attempt < ATTEMPTS ? attempt : ATTEMPTS]) {
	case FAIL:
		return forkpool_fail((int)index + 1, "attempt %u", attempt);
	case CRASH:
		raise(SIGKILL);
		return 0;
	case HANG:
		for (;;)
			pause();
	default:
		return 0;
	}
}

static int for_task(size_t index, void *ctx)
{
	(void)ctx;
	return act(index);
}

static int map_task(const void *item, void *result, void *ctx)
{
	size_t index = *(const uint32_t *)item;
	(void)ctx;
	memset(result, 0x11, sizeof index);
	int code = act(index);
	*(uint64_t *)result = index * index;
	return code;
}

static int range_task(size_t begin, size_t end, void *ctx)
{
	(void)ctx;
	for (size_t i = begin; i < end; i++) {
		if (plan->tells)
			forkpool_at(i);
		int code = act(i);
		if (code != 0)
			return code;
	}
	return 0;
}

static int fold_task(size_t begin, size_t end, void *acc, void *ctx)
{
	(void)ctx;
	for (size_t i = begin; i < end; i++) {
		forkpool_at(i);
		int code = act(i);
		if (code != 0)
			return code;
		*(uint64_t *)acc += (uint64_t)1 << i % 50;
	}
	return 0;
}

static void add(void *acc, const void *other, void *ctx)
{
	(void)ctx;
	*(uint64_t *)acc += *(const uint64_t *)other;
}

/* ---- The model ---------------------------------------------------------------------- */

/* The attempt that counts: the first that succeeds, or the last. */
static unsigned last_attempt(size_t index, unsigned retries)
{
	unsigned attempt = 1;
	while (attempt <= retries && plan->act[index][attempt < ATTEMPTS ? attempt : ATTEMPTS] != SUCCEED)
		attempt++;
	return attempt;
}

static int32_t outcome(size_t index, unsigned retries)
{
	unsigned attempt = last_attempt(index, retries);
	const int32_t statuses[] = {0, (int32_t)index + 1, FORKPOOL_CRASHED, FORKPOOL_TIMED_OUT};
	return statuses[plan->act[index][attempt < ATTEMPTS ? attempt : ATTEMPTS]];
}

/* Compares with the model; returns how many tasks did not succeed. */
static int check_outcomes(const forkpool_report *report, const int32_t *status, size_t count, unsigned retries)
{
	uint64_t failed = 0, crashed = 0, timed_out = 0;
	size_t first = count;
	for (size_t i = count; i-- > 0;) {
		int32_t expected = outcome(i, retries);
		ck_assert_msg(status[i] == expected, "status %zu is %d, and should be %d", i, status[i], expected);
		failed += expected > 0;
		crashed += expected == FORKPOOL_CRASHED;
		timed_out += expected == FORKPOOL_TIMED_OUT;
		if (expected != 0)
			first = i;
	}
	assert_adds_up(report, count);
	ck_assert_uint_eq(report->failed, failed);
	ck_assert_uint_eq(report->crashed, crashed);
	ck_assert_uint_eq(report->timed_out, timed_out);
	if (first < count) {
		ck_assert_uint_eq(report->index, first);
		ck_assert_int_eq(report->status, status[first]);
	}
	return (int)(failed + crashed + timed_out);
}

/* Where each task is an attempt of its own: how often it is run, and what it is told. */
static void check_attempts(const forkpool_report *report, size_t count, unsigned retries)
{
	uint64_t retried = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned attempts = last_attempt(i, retries);
		ck_assert_msg(plan->begun[i] == attempts, "task %zu was begun %u times, and should be %u", i,
		              plan->begun[i], attempts);
		ck_assert_msg(plan->told[i] == attempts, "attempt %u of task %zu was told that it is %u", attempts, i,
		              plan->told[i]);
		retried += attempts - 1;
	}
	ck_assert_uint_eq(report->retried, retried);
	if (report->succeeded < report->tasks)
		ck_assert_uint_eq(report->attempt, last_attempt(report->index, retries));
}

static void roll_plan(dice *d, size_t count, unsigned acts, unsigned bad_one_in)
{
	memset(plan, 0, sizeof *plan);
	for (size_t i = 0; i < count; i++)
		for (int a = 1; a <= ATTEMPTS && dice_below(d, bad_one_in) == 0; a++)
			plan->act[i][a] = (enum act)dice_below(d, acts);
}

/* Less than `most` tasks are bad, at every attempt. */
static void plan_bad(dice *d, size_t count, uint64_t most, int backend)
{
	memset(plan, 0, sizeof *plan);
	for (uint64_t k = dice_below(d, most); k > 0; k--) {
		size_t i = dice_below(d, count);
		enum act bad = backend == FORKPOOL_PROCESSES && dice_below(d, 2) ? CRASH : FAIL;
		for (int a = 1; a <= ATTEMPTS; a++)
			plan->act[i][a] = bad;
	}
}

/* ---- Attempts ----------------------------------------------------------------------- */

enum kind { FOR, MAP, RANGE, KINDS };

static void check_retries(forkpool *pool, enum kind kind, size_t count, const forkpool_opts *given)
{
	uint32_t items[MOST];
	uint64_t results[MOST];
	int32_t status[MOST];
	forkpool_report report;
	forkpool_opts opts = *given;
	int returned = -1;
	opts.status = status;
	opts.report = &report;
	plan->tells = 1;
	for (uint32_t i = 0; i < count; i++)
		items[i] = i;
	if (kind == FOR)
		returned = forkpool_for(pool, for_task, count, &opts);
	else if (kind == MAP)
		returned = FORKPOOL_MAP(pool, map_task, items, results, count, &opts);
	else
		returned = forkpool_for_range(pool, range_task, count, &opts);
	ck_assert_int_eq(returned, check_outcomes(&report, status, count, opts.retries));
	check_attempts(&report, count, opts.retries);
	for (size_t i = 0; kind == MAP && i < count; i++)
		if (status[i] == 0)
			ck_assert_uint_eq(results[i], i * i);
}

START_TEST(failures_are_tried_again)
{
	int backend = backend_id(_i);
	dice d = dice_for(test_seed(), 1);
	new_plan();
	forkpool *pool = pool_of(backend, 3);
	for (int round = 0; round < 60; round++) {
		size_t count = 1 + dice_below(&d, MOST);
		roll_plan(&d, count, backend == FORKPOOL_PROCESSES ? HANG : CRASH, 3);
		check_retries(pool, (enum kind)(round % KINDS), count,
		              &(forkpool_opts){.chunk = dice_below(&d, 20), .retries = (unsigned)dice_below(&d, 5)});
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(time_limits_and_attempts)
{
	dice d = dice_for(test_seed(), 2);
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3);
	for (int kind = 0; kind < KINDS; kind++) {
		roll_plan(&d, 60, HANG, 4);
		plan->act[17][1] = plan->act[18][1] = plan->act[40][2] = HANG;
		plan->act[40][1] = CRASH;
		plan->act[18][2] = plan->act[18][3] = SUCCEED;
		check_retries(pool, (enum kind)kind, 60,
		              &(forkpool_opts){.chunk = 1 + dice_below(&d, 20), .retries = 1, .timeout = limit});
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_time_limit_without_retries)
{
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	for (int kind = 0; kind < KINDS; kind++) {
		memset(plan, 0, sizeof *plan);
		plan->act[0][1] = plan->act[29][1] = HANG;
		check_retries(pool, (enum kind)kind, 30, &(forkpool_opts){.chunk = 10, .timeout = limit});
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(the_message_is_that_of_the_last_attempt)
{
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(backend_id(_i), 2);
	for (int a = 1; a <= ATTEMPTS; a++)
		plan->act[5][a] = FAIL;
	ck_assert_int_eq(forkpool_for(pool, for_task, 20, &(forkpool_opts){.retries = 2, .report = &report}), 1);
	ck_assert_uint_eq(report.attempt, 3);
	ck_assert_str_eq(report.message, "attempt 3");
	forkpool_destroy(pool);
}
END_TEST

static void be_away(const forkpool_progress *progress, void *arg)
{
	struct timespec away = {.tv_sec = 1};
	(void)progress;
	(void)arg;
	nanosleep(&away, NULL);
}

static int crash_slowly(size_t index, void *ctx)
{
	struct timespec nap = {.tv_nsec = 50000000};
	(void)ctx;
	nanosleep(&nap, NULL);
	if (index == 0)
		raise(SIGKILL);
	nanosleep(&nap, NULL);
	return 0;
}

/* A worker that died well within the limit, while the caller was away for longer. */
START_TEST(a_crash_noticed_late_is_no_time_out)
{
	forkpool_report report;
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	ck_assert_int_eq(forkpool_for(pool, crash_slowly, 2,
	                              &(forkpool_opts){.chunk = 1,
	                                               .timeout = limit,
	                                               .report = &report,
	                                               .progress = be_away,
	                                               .progress_interval = 0.01}),
	                 1);
	ck_assert_uint_eq(report.crashed, 1);
	ck_assert_int_eq(report.signal, SIGKILL);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(what_timed_out_is_told)
{
	char text[1000];
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	plan->act[5][1] = HANG;
	ck_assert_int_eq(forkpool_for(pool, for_task, 20, &(forkpool_opts){.timeout = limit, .report = &report}), 1);
	ck_assert_int_eq(report.signal, 0);
	forkpool_report_format(&report, text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "1 timed out"));
	ck_assert_ptr_nonnull(strstr(text, "index 5 timed out"));
	ck_assert_ptr_nonnull(strstr(text, "ran for more than 0.5 s"));
	forkpool_destroy(pool);
}
END_TEST

/* ---- Ranges that do not tell where they are ---------------------------------------------- */

/* Tasks that are bad at every attempt are found, whatever is beside them. */
START_TEST(ranges_are_narrowed_down)
{
	int backend = backend_id(_i);
	dice d = dice_for(test_seed(), 3);
	int32_t status[MOST];
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(backend, 3);
	for (int round = 0; round < 40; round++) {
		size_t count = 1 + dice_below(&d, MOST), chunk = 1 + dice_below(&d, MOST);
		unsigned retries = 1 + (unsigned)dice_below(&d, 3);
		plan_bad(&d, count, 6, backend);
		int returned = forkpool_for_range(
		        pool, range_task, count,
		        &(forkpool_opts){.chunk = chunk, .retries = retries, .status = status, .report = &report});
		ck_assert_int_eq(returned, check_outcomes(&report, status, count, retries));
	}
	forkpool_destroy(pool);
}
END_TEST

/* Halving takes log2 of the length, for each that is bad, and so many attempts alone. */
START_TEST(narrowing_is_quick)
{
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	for (int a = 1; a <= ATTEMPTS; a++)
		plan->act[77][a] = CRASH;
	ck_assert_int_eq(forkpool_for_range(pool, range_task, 128,
	                                    &(forkpool_opts){.chunk = 128, .retries = 3, .report = &report}),
	                 1);
	ck_assert_uint_eq(report.index, 77);
	ck_assert_uint_eq(report.attempt, 4);
	ck_assert_uint_le(plan->begun[77], 8 + 3);
	ck_assert_uint_eq(plan->begun[127], 1);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Folds ------------------------------------------------------------------------------- */

static uint64_t sum_of_good(size_t count, unsigned retries)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += outcome(i, retries) == 0 ? (uint64_t)1 << i % 50 : 0;
	return sum;
}

/* Tasks that are bad at every attempt: their chunks' attempts do not change what becomes of them. */
START_TEST(folds_are_tried_again)
{
	int backend = backend_id(_i);
	dice d = dice_for(test_seed(), 4);
	int32_t status[MOST];
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(backend, 3);
	for (int round = 0; round < 40; round++) {
		size_t count = 1 + dice_below(&d, MOST), chunk = 1 + dice_below(&d, 50);
		unsigned retries = (unsigned)dice_below(&d, 3);
		uint64_t sum = 0;
		plan_bad(&d, count, 5, backend);
		int returned = forkpool_reduce(
		        pool, fold_task, add, count, &sum, sizeof sum,
		        &(forkpool_opts){.chunk = chunk, .retries = retries, .status = status, .report = &report});
		ck_assert_int_eq(returned, check_outcomes(&report, status, count, retries));
		ck_assert_uint_eq(sum, sum_of_good(count, retries));
		if (returned > 0)
			ck_assert_uint_eq(report.attempt, retries + 1);
	}
	forkpool_destroy(pool);
}
END_TEST

/* A crash that is not repeated costs nothing of the sum, and no bit of it. */
START_TEST(a_fold_that_crashed_once_is_whole)
{
	forkpool_report report;
	uint64_t sum = 0;
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	plan->act[3][1] = plan->act[44][1] = CRASH;
	plan->act[90][1] = HANG;
	plan->act[91][1] = FAIL;
	ck_assert_int_eq(
	        forkpool_reduce(pool, fold_task, add, 100, &sum, sizeof sum,
	                        &(forkpool_opts){.chunk = 10, .retries = 2, .timeout = limit, .report = &report}),
	        0);
	ck_assert_uint_eq(sum, sum_of_good(100, 2));
	ck_assert_uint_eq(report.retried, 4);
	ck_assert_uint_eq(plan->told[91], 3); /* the third attempt at its chunk */
	forkpool_destroy(pool);
}
END_TEST

/* Index 3 fails; the fold goes over its chunk again, without it, and dies at index 9.  As the job is being
 * stopped then, the chunk is not folded any more: that index 3 had failed is not the chunk's outcome. */
START_TEST(a_failure_that_its_fold_did_not_survive_is_not_told)
{
	int32_t status[20];
	forkpool_report report;
	uint64_t sum = 0;
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 1);
	plan->act[3][1] = FAIL;
	plan->act[9][1] = CRASH;
	ck_assert_int_eq(
	        forkpool_reduce(
	                pool, fold_task, add, 20, &sum, sizeof sum,
	                &(forkpool_opts){.chunk = 20, .stop_on_failure = 1, .status = status, .report = &report}),
	        20);
	assert_adds_up(&report, 20);
	ck_assert_uint_eq(report.failed, 0);
	ck_assert_uint_eq(report.crashed, 1);
	ck_assert_uint_eq(report.cancelled, 19);
	ck_assert_uint_eq(report.index, 9);
	ck_assert_int_eq(report.status, FORKPOOL_CRASHED);
	ck_assert_int_eq(status[3], FORKPOOL_CANCELLED);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Where there are no processes --------------------------------------------------------- */

static int map_with_limit(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return forkpool_for(NULL, for_task, 1, &(forkpool_opts){.timeout = limit}) == -ENOTSUP ? 0 : 1;
}

START_TEST(a_time_limit_inside_a_task_is_refused)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	new_plan();
	ck_assert_int_eq(forkpool_for(pool, map_with_limit, 10, NULL), 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Tasks that end about when their time does -------------------------------------------- */

static const double instant = 0.02;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Every other task takes as long as it may, or a bit more or less. */
static int borderline(size_t index, void *result)
{
	double end = seconds() + instant * (0.98 + (double)(index % 41) / 1000);
	atomic_fetch_add(&plan->begun[index], 1);
	while (index % 2 == 0 && seconds() < end)
		;
	((uint32_t *)result)[index] = (uint32_t)index + 1;
	return 0;
}

/* Each of them has one outcome, and is run once. */
START_TEST(tasks_at_the_limit)
{
	int32_t status[MOST];
	forkpool_report report;
	new_plan();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	uint32_t *results = forkpool_alloc(pool, MOST * sizeof *results);
	int returned = forkpool_for(pool, borderline, MOST,
	                            &(forkpool_opts){.ctx = results,
	                                             .chunk = (size_t)(1 + 3 * _i),
	                                             .timeout = instant,
	                                             .status = status,
	                                             .report = &report});
	assert_adds_up(&report, MOST);
	ck_assert_uint_eq(report.timed_out, (uint64_t)returned);
	for (size_t i = 0; i < MOST; i++) {
		ck_assert_msg(status[i] == 0 || status[i] == FORKPOOL_TIMED_OUT, "status %zu is %d", i, status[i]);
		ck_assert_uint_eq(plan->begun[i], 1);
		if (status[i] == 0)
			ck_assert_uint_eq(results[i], i + 1);
		returned -= status[i] != 0;
	}
	ck_assert_int_eq(returned, 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Workers that serve for so many tasks -------------------------------------------------- */

static struct lives {
	_Atomic uint32_t begun, ended, served[1000];
} * lives;

static int begin_life(unsigned worker, void **state, void *arg)
{
	(void)worker;
	(void)arg;
	*state = &lives->served[atomic_fetch_add(&lives->begun, 1)];
	return 0;
}

static void end_life(unsigned worker, void *state, void *arg)
{
	(void)worker;
	(void)arg;
	(void)state;
	atomic_fetch_add(&lives->ended, 1);
}

static int serve(size_t index, void *ctx)
{
	(void)ctx;
	atomic_fetch_add((_Atomic uint32_t *)forkpool_worker_state(), 1);
	return act(index);
}

START_TEST(workers_are_replaced)
{
	enum { TASKS = 5 };
	int backend = backend_id(_i);
	forkpool_report report;
	new_plan();
	lives = evidence(sizeof *lives);
	forkpool *pool = pool_from(&(forkpool_config){.backend = backend,
	                                              .workers = 2,
	                                              .initializer = begin_life,
	                                              .finalizer = end_life,
	                                              .max_tasks_per_worker = TASKS});
	if (backend == FORKPOOL_PROCESSES)
		plan->act[33][1] = CRASH;
	for (int round = 0; round < 3; round++)
		ck_assert_int_eq(forkpool_for(pool, serve, MOST, &(forkpool_opts){.chunk = 1, .report = &report}),
		                 backend == FORKPOOL_PROCESSES && round == 0);
	ck_assert_uint_ge(report.restarts, MOST / TASKS - 2);
	forkpool_destroy(pool);
	uint32_t served = 0, full = 0;
	for (uint32_t life = 0; life < lives->begun; life++) {
		ck_assert_msg(lives->served[life] <= TASKS, "worker %u ran %u tasks", life, lives->served[life]);
		served += lives->served[life];
		full += lives->served[life] == TASKS;
	}
	ck_assert_uint_eq(served, 3 * MOST);
	ck_assert_uint_ge(full, 3 * MOST / TASKS - 8); /* all but the last ones, and those cut short by the crash */
	ck_assert_uint_eq(lives->begun, lives->ended + (backend == FORKPOOL_PROCESSES));
}
END_TEST

static int refuse_second(unsigned worker, void **state, void *arg)
{
	return atomic_load(&lives->begun) > 0 ? 1 : begin_life(worker, state, arg);
}

/* A map whose tasks are all done succeeds; the next one has no worker, and says so. */
START_TEST(a_renewal_that_is_refused)
{
	forkpool_report report;
	lives = evidence(sizeof *lives);
	new_plan();
	forkpool *pool = pool_from(&(forkpool_config){.backend = FORKPOOL_SERIAL,
	                                              .initializer = refuse_second,
	                                              .finalizer = end_life,
	                                              .max_tasks_per_worker = 3});
	ck_assert_int_eq(forkpool_for(pool, serve, 3, NULL), 0);
	ck_assert_int_eq(forkpool_for(pool, serve, 3, &(forkpool_opts){.report = &report}), -ECANCELED);
	ck_assert_uint_eq(report.cancelled, 3);
	ck_assert_uint_eq(lives->served[0], 3);
	forkpool_destroy(pool);
	ck_assert_uint_eq(lives->ended, 1);
}
END_TEST

/* Also where stealing, orphans, and the chunks of a fold are among what they do. */
START_TEST(replaced_workers_lose_nothing)
{
	int backend = backend_id(_i);
	dice d = dice_for(test_seed(), 5);
	new_plan();
	for (unsigned workers = 1; workers <= 3; workers++) {
		forkpool *pool = pool_from(
		        &(forkpool_config){.backend = backend, .workers = workers, .max_tasks_per_worker = 7});
		for (int round = 0; round < 20; round++) {
			uint64_t sum = 0;
			size_t count = 1 + dice_below(&d, MOST), chunk = 1 + dice_below(&d, 10);
			roll_plan(&d, count, backend == FORKPOOL_PROCESSES ? HANG : CRASH, 10);
			check_retries(pool, (enum kind)(round % KINDS), count,
			              &(forkpool_opts){.chunk = chunk, .retries = 1});
			memset(plan, 0, sizeof *plan);
			ck_assert_int_eq(forkpool_reduce(pool, fold_task, add, count, &sum, sizeof sum,
			                                 &(forkpool_opts){.chunk = chunk}),
			                 0);
			ck_assert_uint_eq(sum, sum_of_good(count, 0));
		}
		forkpool_destroy(pool);
	}
}
END_TEST

/* ---- Memory -------------------------------------------------------------------------------- */

enum { MIB = 1 << 20 };

static int allocate(size_t index, void *ctx)
{
	size_t size = (size_t)(index == 3 ? 200 : 5) * MIB;
	char *memory = malloc(size);
	(void)ctx;
	if (memory == NULL)
		return 12;
	memset(memory, 1, size);
	free(memory);
	return 0;
}

START_TEST(a_memory_limit)
{
	int32_t status[10];
	forkpool_report report;
	char *inherited = malloc((size_t)300 * MIB); /* does not count */
	ck_assert_ptr_nonnull(inherited);
	memset(inherited, 1, (size_t)300 * MIB);
	forkpool *pool = pool_from(&(forkpool_config){.workers = 2, .memory_limit = (size_t)100 * MIB});
	free(inherited);
	ck_assert_int_eq(forkpool_for(pool, allocate, 10, &(forkpool_opts){.status = status, .report = &report}), 1);
	ck_assert_int_eq(status[3], 12);
	new_plan();
	plan->act[0][1] = CRASH;
	ck_assert_int_eq(forkpool_for(pool, for_task, 1, &(forkpool_opts){.report = &report}), 1);
	ck_assert_msg(strstr(report.message, "memory limit of 104857600 bytes") != NULL, "%s", report.message);
	ck_assert_ptr_nonnull(forkpool_alloc(pool, (size_t)200 * MIB)); /* nor does the arena */
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_memory_limit_needs_processes)
{
	forkpool *pool = NULL;
	for (int backend = FORKPOOL_THREADS; backend <= FORKPOOL_SERIAL; backend++)
		ck_assert_int_eq(forkpool_create(&pool, &(forkpool_config){.backend = backend, .memory_limit = MIB}),
		                 -ENOTSUP);
	ck_assert_ptr_null(pool);
}
END_TEST

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return written;
}

/* Puts this process into a memory cgroup of its own, with a limit; false where that is not permitted. */
static bool enter_cgroup(const char *group, const char *limit_file)
{
	char path[200], limit_text[40];
	if (mkdir(group, 0700) != 0)
		return false;
	snprintf(path, sizeof path, "%s/%s", group, limit_file);
	snprintf(limit_text, sizeof limit_text, "%d", 200 * MIB);
	if (!write_to(path, limit_text))
		return false;
	snprintf(path, sizeof path, "%s/memory.swap.max", group);
	write_to(path, "0"); /* there is none where there is no swap */
	snprintf(path, sizeof path, "%s/cgroup.procs", group);
	return write_to(path, "0");
}

static int eat(size_t index, void *ctx)
{
	size_t size = index == 3 ? (size_t)400 * MIB : 1;
	char *memory = malloc(size);
	volatile char *touched = memory;
	(void)ctx;
	for (size_t i = 0; memory != NULL && i < size; i += 4096)
		touched[i] = 1;
	free(memory);
	return 0;
}

enum { PERMITTED = 1, NAMED = 2 };

static int eat_in_cgroup(const char *const *groups)
{
	forkpool_report report;
	forkpool *pool;
	if (!enter_cgroup(groups[0], "memory.limit_in_bytes") && !enter_cgroup(groups[1], "memory.max"))
		return 0;
	if (forkpool_create(&pool, &(forkpool_config){.workers = 2}) != 0 ||
	    forkpool_for(pool, eat, 10, &(forkpool_opts){.report = &report}) != 1)
		return PERMITTED;
	forkpool_destroy(pool);
	return strstr(report.message, "possibly out of memory") != NULL ? PERMITTED | NAMED : PERMITTED;
}

/* Where the kernel ends a worker for want of memory, the report says so.  Needs the right to make a cgroup. */
START_TEST(the_kernel_runs_out_of_memory)
{
	char names[2][100];
	int status;
	snprintf(names[0], sizeof names[0], "/sys/fs/cgroup/memory/forkpool-test-%d", (int)getpid());
	snprintf(names[1], sizeof names[1], "/sys/fs/cgroup/forkpool-test-%d", (int)getpid());
	const char *groups[2] = {names[0], names[1]};
	pid_t child = fork();
	if (child == 0)
		_exit(eat_in_cgroup(groups));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	for (int i = 0; i < 2; i++)
		rmdir(groups[i]);
	ck_assert_msg(WIFEXITED(status), "the parent died of signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == 0)
		fprintf(stderr, "the_kernel_runs_out_of_memory: skipped, as no memory cgroup can be made\n");
	else
		ck_assert_int_eq(WEXITSTATUS(status), PERMITTED | NAMED);
}
END_TEST

/* ---- Suite --------------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("limits");
	TCase *attempts = test_case(suite, "attempts"), *limits = test_case(suite, "processes");
	add_backend_test(attempts, failures_are_tried_again);
	add_backend_test(attempts, the_message_is_that_of_the_last_attempt);
	add_backend_test(attempts, ranges_are_narrowed_down);
	add_backend_test(attempts, folds_are_tried_again);
	add_backend_test(attempts, workers_are_replaced);
	add_backend_test(attempts, replaced_workers_lose_nothing);
	add_backend_test(attempts, a_time_limit_inside_a_task_is_refused);
	tcase_add_test(attempts, a_memory_limit_needs_processes);
	if (backend_enabled(FORKPOOL_SERIAL))
		tcase_add_test(attempts, a_renewal_that_is_refused);
	if (!backend_enabled(FORKPOOL_PROCESSES))
		return run_suite(suite);
	tcase_add_test(limits, time_limits_and_attempts);
	tcase_add_test(limits, a_time_limit_without_retries);
	tcase_add_test(limits, what_timed_out_is_told);
	tcase_add_test(limits, a_crash_noticed_late_is_no_time_out);
	tcase_add_test(limits, narrowing_is_quick);
	tcase_add_test(limits, a_fold_that_crashed_once_is_whole);
	tcase_add_test(limits, a_failure_that_its_fold_did_not_survive_is_not_told);
	tcase_add_loop_test(limits, tasks_at_the_limit, 0, 2);
	if (!SANITIZED) {
		tcase_add_test(limits, a_memory_limit);
		tcase_add_test(limits, the_kernel_runs_out_of_memory);
	}
	return run_suite(suite);
}
