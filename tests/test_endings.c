/*
 * test_endings.c - how jobs come to their ends: index by index, cancelled, freed, or with their pool; what is
 * finished by then stays so, the rest is told, and no buffer is touched any more.
 */
#include "config.h"
#include "calls.h"
#include "scene.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- One index after the other ---------------------------------------------------- */

static int mixed_square(const void *item, void *result, void *ctx)
{
	uint64_t x = *(const uint64_t *)item;
	square_task(item, result, NULL);
	if (x % 16 == 3)
		return forkpool_fail(40, "no");
	if (x % 16 == 5 && *(const int *)ctx == FORKPOOL_PROCESSES)
		raise(SIGKILL);
	return 0;
}

static int32_t mixed_status(uint64_t x, int backend)
{
	return x % 16 == 3 ? 40 : x % 16 == 5 && backend == FORKPOOL_PROCESSES ? FORKPOOL_CRASHED : 0;
}

enum { TAKEN = 0x77 };

/* Takes an index's result, and puts a mark of its own into its place. */
static void take(size_t index, size_t count, uint64_t *results, const int32_t *status, int backend)
{
	ck_assert_uint_lt(index, count);
	ck_assert_int_eq(status[index], mixed_status(index, backend));
	if (status[index] == 0)
		ck_assert_uint_eq(results[index], index * index);
	ck_assert_uint_ne(results[index], ~(uint64_t)TAKEN);
	results[index] = ~(uint64_t)TAKEN;
}

static void take_all(forkpool *pool, int backend, bool in_arena, size_t chunk, bool wait_first)
{
	enum { COUNT = 130 };
	uint64_t items[COUNT], outside[COUNT];
	uint64_t *results = in_arena ? forkpool_alloc(pool, sizeof outside) : outside;
	int32_t status[COUNT];
	for (uint64_t i = 0; i < COUNT; i++)
		items[i] = i;
	memset(results, 0x5a, sizeof outside);
	forkpool_job *job = NULL;
	forkpool_opts opts = {.ctx = &backend, .ctx_size = sizeof backend, .chunk = chunk, .status = status};
	ck_assert_int_eq(forkpool_map_async(&job, pool, mixed_square, items, COUNT, sizeof *items, results,
	                                    sizeof *results, &opts),
	                 0);
	if (wait_first)
		ck_assert_int_eq(forkpool_job_wait(job, -1), 0);
	size_t index;
	for (int left = COUNT; left > 0; left--) {
		ck_assert_int_eq(forkpool_job_next(job, &index, PATIENCE), 1);
		take(index, COUNT, results, status, backend);
	}
	ck_assert_int_eq(forkpool_job_next(job, &index, -1), 0);
	ck_assert_int_eq(forkpool_job_next(job, &index, 0), 0);
	finish(job, backend == FORKPOOL_PROCESSES ? 16 : 8);
	for (int i = 0; i < COUNT; i++)
		ck_assert_msg(results[i] == ~(uint64_t)TAKEN, "result %d was written once more", i);
	if (in_arena)
		forkpool_free(pool, results);
}

START_TEST(each_index_once_with_its_result)
{
	int backend = backend_id(_i);
	forkpool *pool = pool_of(backend, 3);
	const size_t chunks[] = {0, 1, 7, 1000};
	for (unsigned k = 0; k < 16; k++)
		take_all(pool, backend, k & 1, chunks[k / 4], k & 2);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(indices_come_as_they_are_finished)
{
	enum { COUNT = 20 };
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_job *job = submit_for(pool, gate_at_zero, COUNT, &(forkpool_opts){.chunk = 1});
	size_t index, sum = 0;
	for (int k = 1; k < COUNT; k++) {
		ck_assert_int_eq(forkpool_job_next(job, &index, PATIENCE), 1);
		ck_assert_uint_ne(index, 0);
		sum += index;
	}
	ck_assert_uint_eq(sum, COUNT * (COUNT - 1) / 2);
	ck_assert_int_eq(forkpool_job_next(job, &index, 0.01), -ETIMEDOUT);
	atomic_store(&scene->open, 1);
	ck_assert_int_eq(forkpool_job_next(job, &index, -1), 1);
	ck_assert_uint_eq(index, 0);
	ck_assert_int_eq(forkpool_job_next(job, &index, -1), 0);
	finish(job, 0);
	forkpool_destroy(pool);
}
END_TEST

static int stop_at_five(size_t index, void *ctx)
{
	(void)ctx;
	return index == 5;
}

/* Whatever became of them: those that were cancelled, too. */
START_TEST(cancelled_indices_are_handed_out)
{
	enum { COUNT = 1000 };
	forkpool *pool = pool_of(backend_id(_i), 2);
	int32_t status[COUNT];
	unsigned char seen[COUNT] = {0};
	size_t index;
	forkpool_opts opts = {.stop_on_failure = 1, .chunk = 1, .status = status};
	forkpool_job *job = submit_for(pool, stop_at_five, COUNT, &opts);
	for (int k = 0; k < COUNT; k++) {
		ck_assert_int_eq(forkpool_job_next(job, &index, PATIENCE), 1);
		ck_assert_uint_eq(seen[index]++, 0);
		ck_assert(status[index] == (index == 5) || status[index] == FORKPOOL_CANCELLED);
	}
	ck_assert_int_eq(forkpool_job_next(job, &index, 0), 0);
	ck_assert_int_eq(status[5], 1);
	ck_assert_int_gt(forkpool_job_get(job, NULL), 1);
	forkpool_job_free(job);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Cancelling ------------------------------------------------------------------- */

/* The first `spared` tasks succeed, the others hang until they are ended. */
static int few_squares(const void *item, void *result, void *ctx)
{
	int backend = *(const int *)ctx;
	size_t index = *(const uint64_t *)item;
	square_task(item, result, NULL);
	if (atomic_load(&scene->tickets) < scene->spared)
		return plain_task(index, NULL);
	return backend == FORKPOOL_PROCESSES ? stubborn_task(index, NULL) : obedient_task(index, NULL);
}

/* Cancels a job whose workers all hang; what they had done stays. */
static void cancel_half_way(int backend, size_t chunk, int32_t answer)
{
	enum { COUNT = 1000, WORKERS = 3, SPARED = 100 };
	uint64_t items[COUNT], results[COUNT];
	int32_t status[COUNT];
	forkpool_report report;
	new_scene();
	scene->spared = SPARED;
	scene->answer = answer;
	struct bell bell = new_bell();
	forkpool *pool = pool_of(backend, WORKERS);
	for (uint64_t i = 0; i < COUNT; i++)
		items[i] = i;
	memset(results, 0x5a, sizeof results);
	forkpool_opts opts = {.ctx = &backend,
	                      .ctx_size = sizeof backend,
	                      .chunk = chunk,
	                      .status = status,
	                      .done = ring,
	                      .done_arg = &bell,
	                      .retries = answer == 0 ? 0 : 3};
	forkpool_job *job = NULL;
	ck_assert_int_eq(forkpool_map_async(&job, pool, few_squares, items, COUNT, sizeof *items, results,
	                                    sizeof *results, &opts),
	                 0);
	ck_assert(wait_for(&scene->entered, WORKERS));
	ck_assert_int_eq(forkpool_job_cancel(job), 0);
	ck_assert_int_eq(forkpool_job_cancel(job), 0);
	int returned = forkpool_job_get(job, &report);
	assert_rung_once(&bell, job, returned);
	assert_adds_up(&report, COUNT);
	ck_assert_int_eq(returned, (int)(COUNT - report.succeeded));
	ck_assert_uint_eq(scene->entered, WORKERS);
	ck_assert_uint_eq(report.crashed + report.timed_out, 0);
	uint64_t done = scene->tickets - WORKERS, obeyed = backend == FORKPOOL_PROCESSES ? 0 : WORKERS;
	ck_assert_uint_ge(done, SPARED);
	ck_assert_uint_eq(report.succeeded, done + (answer == 0 ? obeyed : 0));
	ck_assert_uint_eq(report.failed, answer == 0 ? 0 : obeyed);
	for (uint64_t i = 0; i < COUNT; i++) {
		ck_assert(status[i] == 0 || status[i] == FORKPOOL_CANCELLED || status[i] == answer);
		if (status[i] == 0)
			ck_assert_uint_eq(results[i], i * i);
		else if (backend == FORKPOOL_PROCESSES)
			ck_assert_uint_eq(results[i], UINT64_C(0x5a5a5a5a5a5a5a5a));
		ck_assert_uint_le(scene->begun[i], 1);
	}
	ck_assert_int_eq(forkpool_job_cancel(job), 0);
	finish(job, returned);
	ck_assert(squares_are_right(pool, 9));
	ck_assert_uint_eq(bell.rung, 1);
	forkpool_destroy(pool);
}

START_TEST(cancelling_keeps_what_is_finished)
{
	const size_t chunks[] = {1, 7, 250};
	for (unsigned k = 0; k < 3; k++)
		cancel_half_way(backend_id(_i), chunks[k], 0);
}
END_TEST

/* What a task returns that was asked to end counts as ever; it is not tried again. */
START_TEST(an_obedient_task_may_fail)
{
	cancel_half_way(backend_id(_i), 5, 9);
}
END_TEST

START_TEST(cancelling_does_not_wait)
{
	new_scene();
	forkpool *pool = pool_of(FORKPOOL_THREADS, 2);
	forkpool_job *job = submit_for(pool, gated_task, 100, &(forkpool_opts){.chunk = 1});
	ck_assert(wait_for(&scene->entered, 2));
	ck_assert_int_eq(forkpool_job_cancel(job), 0);
	ck_assert_int_eq(forkpool_job_ready(job), 0);
	atomic_store(&scene->open, 1);
	finish(job, 98);
	ck_assert_uint_eq(scene->tickets, 2);
	forkpool_destroy(pool);
}
END_TEST

/* Those that wait in line, those that are open, and those that are finished. */
START_TEST(queued_jobs_that_are_cancelled_never_begin)
{
	enum { JOBS = 3 * FORKPOOL_OPEN_JOBS, FIRST = 1 };
	int backend = backend_id(_i);
	new_scene();
	struct bell bells[JOBS];
	forkpool *pool = pool_of(backend, 1);
	forkpool_job *gate = has_crew(backend) ? occupy(pool, 1) : NULL;
	forkpool_job *jobs[JOBS];
	for (uint32_t k = 0; k < JOBS; k++) {
		uint32_t number = FIRST + k;
		bells[k] = new_bell();
		jobs[k] = submit_for(
		        pool, numbered_task, 3,
		        &(forkpool_opts){
		                .ctx = &number, .ctx_size = sizeof number, .done = ring, .done_arg = &bells[k]});
	}
	for (int k = 0; k < JOBS; k += 2)
		ck_assert_int_eq(forkpool_job_cancel(jobs[k]), 0);
	atomic_store(&scene->open, 1);
	dispatch_all(pool);
	for (int k = 0; k < JOBS; k++) {
		forkpool_report report;
		int returned = k % 2 == 0 ? 3 : 0;
		ck_assert_uint_eq(scene->begun[FIRST + k], k % 2 == 0 ? 0 : 3);
		assert_rung_once(&bells[k], jobs[k], returned);
		ck_assert_int_eq(forkpool_job_cancel(jobs[k]), 0);
		ck_assert_int_eq(forkpool_job_get(jobs[k], &report), returned);
		assert_adds_up(&report, 3);
		ck_assert_uint_eq(report.cancelled, returned);
		forkpool_job_free(jobs[k]);
		ck_assert_uint_eq(bells[k].rung, 1);
	}
	if (gate != NULL)
		finish(gate, 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(cancelling_one_spares_the_others)
{
	enum { ROUNDS = 20 };
	for (int round = 0; round < ROUNDS; round++) {
		int backend = backend_id(_i);
		new_scene();
		forkpool *pool = pool_of(backend, 4);
		forkpool_job *spared = occupy(pool, 2);
		forkpool_job *doomed = submit_for(pool, endless_task(backend), 20, &(forkpool_opts){.chunk = 1});
		forkpool_job *later =
		        submit_for(pool, numbered_task, 50, &(forkpool_opts){.ctx = &(uint32_t){100}, .ctx_size = 4});
		ck_assert(wait_for(&scene->entered, 4));
		ck_assert_int_eq(forkpool_job_cancel(doomed), 0);
		ck_assert_int_eq(forkpool_job_wait(later, PATIENCE), 0);
		atomic_store(&scene->open, 1);
		finish(spared, 0);
		finish(later, 0);
		ck_assert_int_ge(forkpool_job_get(doomed, NULL), 18);
		forkpool_job_free(doomed);
		ck_assert_uint_eq(scene->begun[100], 50);
		ck_assert_uint_eq(scene->ended, 52);
		forkpool_destroy(pool);
	}
}
END_TEST

START_TEST(a_cancelled_worker_process_ends)
{
	enum { WORKERS = 3 };
	new_scene();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, WORKERS);
	forkpool_job *job = submit_for(pool, stubborn_task, WORKERS, &(forkpool_opts){.chunk = 1});
	ck_assert(wait_for(&scene->entered, WORKERS));
	ck_assert_int_eq(forkpool_job_cancel(job), 0);
	finish(job, WORKERS);
	for (int k = 0; k < WORKERS; k++)
		ck_assert(wait_dead(scene->pids[k]));
	pid_t pids[WORKERS];
	worker_pids(pool, WORKERS, pids);
	forkpool_destroy(pool);
}
END_TEST

struct brake {
	forkpool_job *job;
	unsigned calls;
};

static void brake(const forkpool_progress *progress, void *arg)
{
	struct brake *b = arg;
	b->calls++;
	if (progress->finished >= 10)
		ck_assert_int_eq(forkpool_job_cancel(b->job), 0);
}

START_TEST(a_job_is_cancelled_from_its_progress)
{
	enum { COUNT = 2000 };
	new_scene();
	struct brake b = {NULL, 0};
	forkpool_report report;
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_opts opts = {.progress = brake, .progress_arg = &b, .progress_interval = 1e-4, .chunk = 1};
	b.job = submit_for(pool, napping_task, COUNT, &opts);
	int returned = forkpool_job_get(b.job, &report);
	ck_assert_uint_gt(b.calls, 0);
	assert_adds_up(&report, COUNT);
	ck_assert_uint_gt(report.cancelled, 0);
	ck_assert_uint_ge(report.succeeded, 10);
	ck_assert_int_eq(returned, (int)report.cancelled);
	ck_assert_uint_eq(scene->ended, report.succeeded);
	finish(b.job, returned);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Freeing ---------------------------------------------------------------------- */

/* The buffers are the caller's when the call returns: nothing writes to them any more. */
START_TEST(freeing_a_running_job_ends_it)
{
	enum { COUNT = 500, WORKERS = 2 };
	int backend = backend_id(_i);
	new_scene();
	scene->spared = 20;
	struct bell bell = new_bell();
	forkpool *pool = pool_of(backend, WORKERS);
	forkpool_job *line[FORKPOOL_OPEN_JOBS], *job = NULL;
	uint64_t *items = calloc(COUNT, sizeof *items), *results = calloc(COUNT, sizeof *results);
	int32_t *status = calloc(COUNT, sizeof *status);
	forkpool_report *report = malloc(sizeof *report);
	ck_assert(items != NULL && results != NULL && status != NULL && report != NULL);
	forkpool_opts opts = {.ctx = &backend,
	                      .ctx_size = 4,
	                      .chunk = 3,
	                      .status = status,
	                      .report = report,
	                      .done = ring,
	                      .done_arg = &bell};
	ck_assert_int_eq(forkpool_map_async(&job, pool, few_squares, items, COUNT, sizeof *items, results,
	                                    sizeof *results, &opts),
	                 0);
	for (int k = 0; k < FORKPOOL_OPEN_JOBS; k++)
		line[k] = submit_for(pool, plain_task, 1, NULL);
	ck_assert(wait_for(&scene->entered, WORKERS));
	forkpool_job_free(job);
	ck_assert_uint_eq(bell.rung, 1);
	ck_assert_int_eq(bell.ready, 1);
	ck_assert_int_gt(bell.returned, 0);
	assert_adds_up(report, COUNT);
	free(items);
	free(results);
	free(status);
	free(report);
	uint32_t entered = scene->entered;
	for (int k = 0; k < FORKPOOL_OPEN_JOBS; k++)
		finish(line[k], 0);
	ck_assert_uint_eq(scene->entered, entered);
	ck_assert(squares_are_right(pool, 5));
	forkpool_destroy(pool);
}
END_TEST

START_TEST(freeing_a_queued_job_ends_it)
{
	enum { JOBS = 2 * FORKPOOL_OPEN_JOBS };
	int backend = backend_id(_i);
	new_scene();
	struct bell bell = new_bell();
	forkpool *pool = pool_of(backend, 2);
	forkpool_job *gate = has_crew(backend) ? occupy(pool, 2) : NULL, *jobs[JOBS];
	forkpool_opts opts = {.ctx = &(uint32_t){100}, .ctx_size = 4, .done = ring, .done_arg = &bell};
	for (int k = 0; k < JOBS; k++)
		jobs[k] = submit_for(pool, numbered_task, 1, &opts);
	for (int k = 0; k < JOBS; k += 3) {
		unsigned before = bell.rung;
		forkpool_job_free(jobs[k]);
		ck_assert_uint_ge(bell.rung, before + 1);
	}
	atomic_store(&scene->open, 1);
	for (int k = 0; k < JOBS; k++)
		if (k % 3 != 0)
			finish(jobs[k], 0);
	ck_assert_uint_eq(bell.rung, JOBS);
	if (gate != NULL) {
		finish(gate, 0);
		ck_assert_uint_eq(scene->begun[100], JOBS - (JOBS + 2) / 3);
	}
	forkpool_destroy(pool);
}
END_TEST

/* A task that is asked to end writes its result late; the call that says that the job is finished returns
 * later still. */
static int late_square(const void *item, void *result, void *ctx)
{
	obedient_task(0, ctx);
	usleep(5000);
	*(uint64_t *)result = 4711;
	return square_task(item, result, ctx) + 3;
}

START_TEST(buffers_are_free_when_a_job_is_finished)
{
	enum { WORKERS = 3 };
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), WORKERS);
	uint64_t items[WORKERS] = {0}, results[WORKERS];
	forkpool_job *job = NULL;
	ck_assert_int_eq(forkpool_map_async(&job, pool, late_square, items, WORKERS, 8, results, 8,
	                                    &(forkpool_opts){.chunk = 1}),
	                 0);
	ck_assert(wait_for(&scene->entered, WORKERS));
	ck_assert_int_eq(forkpool_job_cancel(job), 0);
	ck_assert_int_eq(forkpool_job_wait(job, -1), 0);
	memset(results, 0x5a, sizeof results);
	finish(job, WORKERS);
	usleep(10000);
	ck_assert(squares_are_right(pool, 5));
	for (int k = 0; k < WORKERS; k++)
		ck_assert_uint_eq(results[k], UINT64_C(0x5a5a5a5a5a5a5a5a));
	forkpool_destroy(pool);
}
END_TEST

/* ---- The pool ends ---------------------------------------------------------------- */

enum end { BY_TERMINATE, BY_DESTROY, ENDS };

static void end_pool(forkpool **pool, enum end how)
{
	if (how == BY_TERMINATE) {
		ck_assert_int_eq(forkpool_terminate(*pool), 0);
		return;
	}
	forkpool_destroy(*pool);
	*pool = NULL;
}

static void check_survivor(forkpool_job *job, const struct bell *bell, int returned, size_t count)
{
	forkpool_report report;
	size_t index;
	assert_rung_once(bell, job, returned);
	ck_assert_int_eq(forkpool_job_ready(job), 1);
	ck_assert_int_eq(forkpool_job_wait(job, -1), 0);
	ck_assert_int_eq(forkpool_job_get(job, &report), returned);
	assert_adds_up(&report, count);
	ck_assert_uint_eq(report.succeeded, returned == 0 ? count : 0);
	ck_assert_uint_eq(report.cancelled, returned == 0 ? 0 : count);
	ck_assert_int_eq(forkpool_job_cancel(job), 0);
	for (size_t k = 0; k < count; k++)
		ck_assert_int_eq(forkpool_job_next(job, &index, -1), 1);
	ck_assert_int_eq(forkpool_job_next(job, &index, -1), 0);
}

START_TEST(handles_outlive_their_pool)
{
	enum { WORKERS = 2, JOBS = FORKPOOL_OPEN_JOBS + 20, RUNNING = 3 };
	enum end how = (enum end)(_i % ENDS);
	int backend = backend_id(_i / ENDS);
	new_scene();
	scene->answer = 0;
	struct bell bells[JOBS];
	forkpool_job *jobs[JOBS];
	forkpool *pool = pool_of(backend, WORKERS);
	for (int k = 0; k < JOBS; k++)
		bells[k] = new_bell();
	for (int k = 0; k < RUNNING; k++) {
		jobs[k] = submit_for(pool, plain_task, 3, &(forkpool_opts){.done = ring, .done_arg = &bells[k]});
		ck_assert_int_eq(forkpool_job_wait(jobs[k], -1), 0);
	}
	for (int k = RUNNING; k < JOBS; k++)
		jobs[k] = submit_for(pool, endless_task(backend), 3,
		                     &(forkpool_opts){.chunk = 1, .done = ring, .done_arg = &bells[k]});
	if (backend == FORKPOOL_PROCESSES)
		ck_assert(wait_for(&scene->entered, WORKERS));
	uint32_t begun = scene->tickets;
	/* Threads are not in a task yet, or obey; here that would count as success. */
	if (backend == FORKPOOL_THREADS)
		scene->answer = 5;
	end_pool(&pool, how);
	for (int k = 0; k < RUNNING; k++)
		check_survivor(jobs[k], &bells[k], 0, 3);
	for (int k = RUNNING; k < JOBS; k++)
		if (backend != FORKPOOL_THREADS)
			check_survivor(jobs[k], &bells[k], -ESHUTDOWN, 3);
		else
			assert_rung_once(&bells[k], jobs[k], -ESHUTDOWN);
	if (backend != FORKPOOL_THREADS)
		ck_assert_uint_eq(scene->tickets, begun);
	ck_assert_int_eq(forkpool_wait_any(jobs, JOBS, -1), 0); /* the first that was finished */
	for (int k = 0; k < JOBS; k++)
		forkpool_job_free(jobs[k]);
	if (pool != NULL) {
		ck_assert_int_eq(forkpool_dispatch(pool), 0);
		ck_assert_int_eq(forkpool_join(pool), 0);
	}
	for (int k = 0; k < JOBS; k++)
		ck_assert_uint_eq(bells[k].rung, 1);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(close_and_join_finish_what_was_submitted)
{
	enum { FLIGHTS = 2 * FORKPOOL_OPEN_JOBS };
	int backend = backend_id(_i);
	struct bell bell = new_bell();
	forkpool *pool = pool_of(backend, 3);
	struct flight *flights[FLIGHTS];
	dice d = dice_for(test_seed(), 41);
	for (int k = 0; k < FLIGHTS; k++) {
		struct job job = random_job(&d, 8);
		flights[k] = take_off(pool, backend, &job, backend_name(backend));
	}
	ck_assert_int_eq(
	        forkpool_for_async(NULL, pool, failing_task, 100, &(forkpool_opts){.done = ring, .done_arg = &bell}),
	        0);
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_for_async(NULL, pool, failing_task, 100, NULL), -ESHUTDOWN);
	ck_assert_int_eq(forkpool_join(pool), 0);
	assert_rung_once(&bell, NULL, 10);
	for (int k = 0; k < FLIGHTS; k++) {
		ck_assert_int_eq(forkpool_job_ready(flight_handle(flights[k])), 1);
		land(flights[k]);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_pool_with_unfinished_jobs_is_not_refreshed)
{
	new_scene();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	forkpool_job *job = submit_for(pool, gated_task, 2, NULL);
	ck_assert_int_eq(forkpool_refresh(pool), -EBUSY);
	atomic_store(&scene->open, 1);
	ck_assert_int_eq(forkpool_job_get(job, NULL), 0);
	ck_assert_int_eq(forkpool_refresh(pool), 0);
	finish(job, 0);
	forkpool_destroy(pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("endings");
	int all = backend_count();
	TCase *next = test_case(suite, "next");
	add_backend_test(next, each_index_once_with_its_result);
	add_crew_test(next, indices_come_as_they_are_finished);
	add_backend_test(next, cancelled_indices_are_handed_out);
	TCase *cancel = test_case(suite, "cancel and free");
	add_crew_test(cancel, cancelling_keeps_what_is_finished);
	add_crew_test(cancel, an_obedient_task_may_fail);
	add_backend_test(cancel, queued_jobs_that_are_cancelled_never_begin);
	add_crew_test(cancel, cancelling_one_spares_the_others);
	add_backend_test(cancel, a_job_is_cancelled_from_its_progress);
	add_crew_test(cancel, freeing_a_running_job_ends_it);
	add_backend_test(cancel, freeing_a_queued_job_ends_it);
	add_crew_test(cancel, buffers_are_free_when_a_job_is_finished);
	TCase *ends = test_case(suite, "the pool ends");
	tcase_add_loop_test(ends, handles_outlive_their_pool, 0, ENDS * all);
	add_backend_test(ends, close_and_join_finish_what_was_submitted);
	if (backend_enabled(FORKPOOL_THREADS))
		tcase_add_test(cancel, cancelling_does_not_wait);
	if (backend_enabled(FORKPOOL_PROCESSES)) {
		tcase_add_test(cancel, a_cancelled_worker_process_ends);
		tcase_add_test(ends, a_pool_with_unfinished_jobs_is_not_refreshed);
	}
	return run_suite(suite);
}
