/*
 * test_async.c - jobs: maps that are not waited for.
 *
 * Sentence by sentence what forkpool.h says of them, each on every backend that has a say in it: here
 * submission, refusals, turns, and waiting for one or for several.  How jobs end is in test_endings.c, what
 * calls back and event loops in test_callbacks.c.
 */
#include "config.h"
#include "calls.h"
#include "scene.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Submission ------------------------------------------------------------------- */

START_TEST(each_call_has_a_twin)
{
	int backend = backend_id(_i);
	forkpool *pool = pool_of(backend, 3);
	for (unsigned k = 0; k < CALLS * 4; k++) {
		struct job job = {.call = (enum call)(k / 4),
		                  .count = 97,
		                  .item_size = 8,
		                  .result_size = 8,
		                  .chunk = 10,
		                  .fail_one_in = k & 1 ? 7 : 0,
		                  .items_in_arena = k & 2,
		                  .results_in_arena = k & 2,
		                  .salt = k};
		land(take_off(pool, backend, &job, backend_name(backend)));
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(random_jobs_in_flight)
{
	enum { FLIGHTS = SANITIZED ? 70 : 200 };
	int backend = backend_id(_i);
	char where[100];
	snprintf(where, sizeof where, "FORKPOOL_TEST_SEED=%" PRIu64 ", %s", test_seed(), backend_name(backend));
	dice d = dice_for(test_seed(), 40);
	forkpool *pool = pool_of(backend, 3);
	for (int round = 0; round < 3; round++) {
		struct flight *flights[FLIGHTS];
		for (int i = 0; i < FLIGHTS; i++) {
			struct job job = random_job(&d, 10);
			flights[i] = take_off(pool, backend, &job, where);
		}
		for (int left = FLIGHTS; left > 0; left--) {
			uint64_t one = dice_below(&d, (uint64_t)left);
			land(flights[one]);
			flights[one] = flights[left - 1];
		}
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(submission_does_not_wait)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_job *job = submit_for(pool, gated_task, 5, NULL);
	ck_assert_int_eq(forkpool_job_ready(job), 0);
	ck_assert_int_eq(forkpool_dispatch(pool), 1);
	atomic_store(&scene->open, 1);
	finish(job, 0);
	ck_assert_uint_eq(scene->ended, 5);
	forkpool_destroy(pool);
}
END_TEST

/* Also of jobs that wait in line. */
START_TEST(what_is_copied_may_be_overwritten_at_once)
{
	enum { JOBS = 2 * FORKPOOL_OPEN_JOBS };
	int backend = backend_id(_i);
	new_scene();
	forkpool *pool = pool_of(backend, 1);
	forkpool_job *gate = has_crew(backend) ? occupy(pool, 1) : NULL;
	struct flight *flights[JOBS];
	for (unsigned i = 0; i < JOBS; i++) {
		struct job job = {.call = (enum call)(i % CALLS),
		                  .count = 30,
		                  .item_size = 24,
		                  .result_size = 16,
		                  .chunk = 4,
		                  .fail_one_in = 5,
		                  .salt = i};
		flights[i] = take_off(pool, backend, &job, backend_name(backend));
	}
	ck_assert_int_ge(forkpool_dispatch(pool), JOBS - 1);
	atomic_store(&scene->open, 1);
	for (unsigned i = 0; i < JOBS; i++)
		land(flights[i]);
	if (gate != NULL)
		finish(gate, 0);
	forkpool_destroy(pool);
}
END_TEST

static size_t heap_in_use(void)
{
	return mallinfo2().uordblks;
}

static void count_call(forkpool_job *job, void *arg)
{
	++*(unsigned *)arg;
	ck_assert_int_eq(forkpool_job_ready(job), 1);
}

static void free_in_callback(forkpool_job *job, void *arg)
{
	++*(unsigned *)arg;
	forkpool_job_free(job);
}

static void submit_nameless(forkpool *pool, unsigned count, uint64_t *results, const forkpool_opts *opts)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t item = i;
		ck_assert_int_eq(forkpool_apply_async(NULL, pool, square_task, &item, sizeof item, &results[i],
		                                      sizeof *results, opts),
		                 0);
	}
	dispatch_all(pool);
}

START_TEST(a_job_without_a_handle_frees_itself)
{
	enum { JOBS = SANITIZED ? 1000 : 10000 };
	unsigned calls = 0;
	static uint64_t results[JOBS];
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_opts opts = {.done = count_call, .done_arg = &calls};
	submit_nameless(pool, JOBS, results, &opts);
	size_t before = heap_in_use();
	submit_nameless(pool, JOBS, results, &opts);
	ck_assert_uint_eq(calls, 2 * JOBS);
	ck_assert_uint_le(heap_in_use(), before + JOBS);
	opts.done = free_in_callback;
	submit_nameless(pool, JOBS, results, &opts);
	ck_assert_uint_eq(calls, 3 * JOBS);
	ck_assert_uint_le(heap_in_use(), before + JOBS);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(tens_of_thousands_in_flight)
{
	enum { JOBS = SANITIZED ? 3000 : 30000 };
	int backend = backend_id(_i);
	new_scene();
	forkpool *pool = pool_of(backend, 3);
	forkpool_job **jobs = calloc(JOBS, sizeof(forkpool_job *));
	uint64_t *results = calloc(JOBS, sizeof *results);
	unsigned calls = 0;
	ck_assert(jobs != NULL && results != NULL);
	forkpool_job *gate = has_crew(backend) ? occupy(pool, 3) : NULL;
	for (uint64_t i = 0; i < JOBS; i++)
		ck_assert_int_eq(forkpool_apply_async(&jobs[i], pool, square_task, &i, sizeof i, &results[i], sizeof i,
		                                      &(forkpool_opts){.done = count_call, .done_arg = &calls}),
		                 0);
	ck_assert_int_ge(forkpool_dispatch(pool), JOBS - 1);
	atomic_store(&scene->open, 1);
	for (uint64_t i = 0; i < JOBS; i++) {
		ck_assert_int_eq(forkpool_job_get(jobs[i], NULL), 0);
		ck_assert_uint_eq(results[i], i * i);
	}
	ck_assert_uint_eq(calls, JOBS);
	for (uint64_t i = 0; i < JOBS; i++)
		forkpool_job_free(jobs[i]);
	if (gate != NULL)
		finish(gate, 0);
	ck_assert_int_eq(forkpool_dispatch(pool), 0);
	free(jobs);
	free(results);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Refusals --------------------------------------------------------------------- */

static int no_starmap(const void *const *items, void *result, void *ctx)
{
	(void)items;
	(void)result;
	(void)ctx;
	return 0;
}

static int no_range(size_t first, size_t last, void *ctx)
{
	(void)first;
	(void)last;
	(void)ctx;
	return 0;
}

static int no_fold(size_t first, size_t last, void *acc, void *ctx)
{
	(void)acc;
	return no_range(first, last, ctx);
}

static void no_combine(void *acc, const void *other, void *ctx)
{
	(void)acc;
	(void)other;
	(void)ctx;
}

static uint64_t ask_items[2], ask_results[2];

/* One question put to a call (job NULL), or to its twin. */
struct question {
	forkpool *pool;
	bool no_function;
	size_t count, size; /* count 0 and size 0: 2 and 8 */
	forkpool_opts opts;
};

static int ask_map(forkpool_job **job, const struct question *q)
{
	forkpool_map_fn *f = q->no_function ? NULL : square_task;
	return job == NULL ? forkpool_map(q->pool, f, ask_items, q->count, q->size, ask_results, q->size, &q->opts)
	                   : forkpool_map_async(job, q->pool, f, ask_items, q->count, q->size, ask_results, q->size,
	                                        &q->opts);
}

static int ask_starmap(forkpool_job **job, const struct question *q)
{
	forkpool_starmap_fn *f = q->no_function ? NULL : no_starmap;
	forkpool_column column = {ask_items, q->size, q->size};
	return job == NULL
	               ? forkpool_starmap(q->pool, f, &column, 1, q->count, ask_results, q->size, &q->opts)
	               : forkpool_starmap_async(job, q->pool, f, &column, 1, q->count, ask_results, q->size, &q->opts);
}

static int ask_for(forkpool_job **job, const struct question *q)
{
	forkpool_for_fn *f = q->no_function ? NULL : plain_task;
	return job == NULL ? forkpool_for(q->pool, f, 2, &q->opts) : forkpool_for_async(job, q->pool, f, 2, &q->opts);
}

static int ask_for_range(forkpool_job **job, const struct question *q)
{
	forkpool_range_fn *f = q->no_function ? NULL : no_range;
	return job == NULL ? forkpool_for_range(q->pool, f, 2, &q->opts)
	                   : forkpool_for_range_async(job, q->pool, f, 2, &q->opts);
}

static int ask_reduce(forkpool_job **job, const struct question *q)
{
	forkpool_fold_fn *f = q->no_function ? NULL : no_fold;
	return job == NULL ? forkpool_reduce(q->pool, f, no_combine, 2, ask_results, 8, &q->opts)
	                   : forkpool_reduce_async(job, q->pool, f, no_combine, 2, ask_results, 8, &q->opts);
}

static int ask_apply(forkpool_job **job, const struct question *q)
{
	forkpool_map_fn *f = q->no_function ? NULL : square_task;
	return job == NULL ? forkpool_apply(q->pool, f, ask_items, 8, ask_results, 8, &q->opts)
	                   : forkpool_apply_async(job, q->pool, f, ask_items, 8, ask_results, 8, &q->opts);
}

static int (*const asks[CALLS])(forkpool_job **, const struct question *) = {ask_map,       ask_starmap, ask_for,
                                                                             ask_for_range, ask_reduce,  ask_apply};

/* Asks both; returns whether they refused, which they must do alike. */
static bool refused_alike(enum call call, struct question q, forkpool *alive)
{
	static forkpool_job *const garbage = (forkpool_job *)(uintptr_t)8;
	struct bell bell = new_bell();
	forkpool_job *job = garbage;
	forkpool_report blocking, async;
	memset(&async, 0x5a, sizeof async);
	q.opts.report = &blocking;
	int returned = asks[call](NULL, &q);
	q.opts.report = &async;
	q.opts.done = ring;
	q.opts.done_arg = &bell;
	int twin = asks[call](&job, &q);
	if (returned >= 0) {
		ck_assert_int_eq(twin, 0);
		finish(job, returned);
		return false;
	}
	ck_assert_msg(twin == returned, "%s returned %d (%s), its twin %d", call_name(call), returned, blocking.message,
	              twin);
	ck_assert_ptr_null(job);
	ck_assert_uint_eq(async.tasks, 0);
	ck_assert_str_eq(async.message, blocking.message);
	ck_assert_int_eq(forkpool_dispatch(alive), 0);
	ck_assert_uint_eq(bell.rung, 0);
	ck_assert_int_eq(asks[call](&job, &q), returned);
	return true;
}

START_TEST(a_twin_refuses_as_the_call_does)
{
	int backend = backend_id(_i);
	new_scene();
	forkpool *pool = pool_of(backend, 1), *closed = pool_of(backend, 1);
	ck_assert_int_eq(forkpool_close(closed), 0);
	ck_assert_int_eq(forkpool_join(closed), 0);
	int here = 1;
	const struct question questions[] = {
	        {NULL, false, 2, 8, {0}},
	        {closed, false, 2, 8, {0}},
	        {pool, true, 2, 8, {0}},
	        {pool, false, 2, 8, {.chunk = (size_t)FORKPOOL_MAX_CHUNK + 1}},
	        {pool, false, 2, 8, {.progress_interval = -1}},
	        {pool, false, 2, 8, {.reserved = {0, 0, 1, 0}}},
	        {pool, false, 2, 8, {.retries = FORKPOOL_MAX_RETRIES + 1}},
	        {pool, false, 2, 8, {.timeout = -1}},
	        {pool, false, 2, 8, {.timeout = NAN}},
	        {pool, false, 2, 8, {.ctx = NULL, .ctx_size = 1}},
	        {pool, false, 2, 8, {.ctx = &here}}, /* on processes */
	        {pool, false, 2, 8, {.timeout = 1}}, /* but for processes */
	        {pool, false, SIZE_MAX / 4, 8, {0}}, /* map and starmap: the others take two */
	};
	enum { QUESTIONS = sizeof questions / sizeof *questions, EACH = QUESTIONS - 3 }; /* but the last three */
	for (enum call call = CALL_MAP; call < CALLS; call++) {
		unsigned refusals = 0;
		for (size_t k = 0; k < QUESTIONS; k++)
			refusals += refused_alike(call, questions[k], pool);
		ck_assert_uint_eq(refusals, EACH + 1 + (call == CALL_MAP || call == CALL_STARMAP));
	}
	forkpool_destroy(closed);
	forkpool_destroy(pool);
}
END_TEST

/* The arena has no room for the copies: said at once, or by the job; either way the call is done with. */
START_TEST(copies_that_do_not_fit_are_reported)
{
	enum { COUNT = 1 << 20 };
	forkpool *pool = pool_from(&(forkpool_config){.workers = 2, .arena_size = 1 << 20});
	uint64_t *items = calloc(COUNT, sizeof *items), *results = calloc(COUNT, sizeof *results);
	ck_assert(items != NULL && results != NULL);
	forkpool_report report;
	struct bell bell = new_bell();
	forkpool_opts opts = {.report = &report, .done = ring, .done_arg = &bell};
	forkpool_job *job = NULL;
	int returned = forkpool_map_async(&job, pool, square_task, items, COUNT, sizeof *items, results,
	                                  sizeof *results, &opts);
	if (returned == 0) {
		ck_assert_int_eq(forkpool_job_get(job, NULL), -ENOMEM);
		assert_rung_once(&bell, job, -ENOMEM);
		forkpool_job_free(job);
	} else {
		ck_assert_int_eq(returned, -ENOMEM);
		ck_assert_ptr_null(job);
	}
	ck_assert_str_ne(report.message, "");
	ck_assert(squares_are_right(pool, 1));
	free(items);
	free(results);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Turns ------------------------------------------------------------------------ */

/* At each stage of the gate one task more a worker may go on. */
static int paced_task(size_t index, void *ctx)
{
	(void)ctx;
	scene_begin(index);
	uint32_t stage = atomic_fetch_add(&scene->entered, 1) / scene->workers + 1;
	return wait_for(&scene->open, stage) ? scene_end() : 1;
}

/* Every worker is in a chunk of the long job, and may end that one, but none that it begins later.  So the
 * short job comes to its end only if nobody has to end a second one first. */
START_TEST(a_short_job_waits_for_a_chunk_a_worker)
{
	enum { ROUNDS = 10, LONG = 1000, SHORT = 1001 };
	unsigned workers = 1 + (unsigned)_i % 3;
	new_scene();
	scene->workers = workers;
	forkpool *pool = pool_of(backend_id(_i / 3), workers);
	forkpool_job *long_one = submit_for(pool, paced_task, LONG, &(forkpool_opts){.chunk = 1});
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		ck_assert(wait_for(&scene->entered, round * workers));
		uint32_t number = SHORT;
		forkpool_job *short_one =
		        submit_for(pool, numbered_task, 1, &(forkpool_opts){.ctx = &number, .ctx_size = sizeof number});
		atomic_store(&scene->open, round);
		ck_assert_msg(forkpool_job_wait(short_one, PATIENCE) == 0,
		              "in round %u the short job waits behind the second chunk of a long one", round);
		finish(short_one, 0);
	}
	ck_assert_int_eq(forkpool_job_ready(long_one), 0);
	atomic_store(&scene->open, LONG);
	finish(long_one, 0);
	forkpool_destroy(pool);
}
END_TEST

/* One worker, and all the places but one taken by long jobs: the short one in the last place is begun after a
 * chunk or two of each.  Nor do the long ones wait for those that come after them. */
START_TEST(open_jobs_take_turns)
{
	enum { LONG = FORKPOOL_OPEN_JOBS - 2, LAST = LONG };
	int backend = backend_id(_i);
	new_scene();
	forkpool *pool = pool_of(backend, 1);
	forkpool_job *gate = has_crew(backend) ? occupy(pool, 1) : NULL;
	forkpool_job *jobs[LONG + 1];
	for (uint32_t k = 0; k <= LAST; k++)
		jobs[k] = submit_for(pool, numbered_task, k < LONG ? 300 : 1,
		                     &(forkpool_opts){.ctx = &k, .ctx_size = sizeof k, .chunk = 1});
	atomic_store(&scene->open, 1);
	ck_assert_int_eq(forkpool_job_wait(jobs[LAST], PATIENCE), 0);
	ck_assert_uint_le(scene->ticket[LAST], 2 * LONG + 1);
	for (uint32_t k = 0; k <= LAST; k++)
		finish(jobs[k], 0);
	for (uint32_t k = 0; k < LONG; k++)
		ck_assert_uint_eq(scene->begun[k], 300 + (gate != NULL && k == 0));
	if (gate != NULL)
		finish(gate, 0);
	forkpool_destroy(pool);
}
END_TEST

/* With one worker, a job is begun only when all but those that are open beside it are finished. */
START_TEST(further_jobs_wait_in_line)
{
	enum { JOBS = 500, FIRST = 1 };
	int backend = backend_id(_i);
	new_scene();
	forkpool *pool = pool_of(backend, 1);
	forkpool_job *gate = has_crew(backend) ? occupy(pool, 1) : NULL;
	forkpool_job *jobs[JOBS];
	for (uint32_t k = 0; k < JOBS; k++) {
		uint32_t number = FIRST + k;
		jobs[k] =
		        submit_for(pool, numbered_task, 1, &(forkpool_opts){.ctx = &number, .ctx_size = sizeof number});
	}
	atomic_store(&scene->open, 1);
	dispatch_all(pool);
	uint32_t before = gate != NULL;
	for (uint32_t k = 0; k < JOBS; k++) {
		uint32_t ticket = scene->ticket[FIRST + k] - before;
		ck_assert_uint_eq(scene->begun[FIRST + k], 1);
		ck_assert_msg(ticket + FORKPOOL_OPEN_JOBS > k, "job %u was begun as number %u", k, ticket);
		ck_assert_msg(ticket < k + 2 * FORKPOOL_OPEN_JOBS, "job %u was begun as number %u", k, ticket);
		finish(jobs[k], 0);
	}
	if (gate != NULL)
		finish(gate, 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Nothing is hidden ------------------------------------------------------------ */

static int threads_here(void)
{
	int count = 0;
	DIR *tasks = opendir("/proc/self/task");
	ck_assert_ptr_nonnull(tasks);
	for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

START_TEST(there_is_no_hidden_thread)
{
	int backend = backend_id(_i), before = threads_here();
	new_scene();
	forkpool *pool = pool_of(backend, 3);
	forkpool_job *gate = has_crew(backend) ? occupy(pool, 3) : NULL;
	forkpool_job *job = submit_for(pool, plain_task, 100, NULL);
	ck_assert_int_ge(forkpool_fd(pool), 0);
	ck_assert_int_eq(threads_here(), before + (backend == FORKPOOL_THREADS ? 3 : 0));
	atomic_store(&scene->open, 1);
	finish(job, 0);
	if (gate != NULL)
		finish(gate, 0);
	forkpool_destroy(pool);
}
END_TEST

static int slow_square(const void *item, void *result, void *ctx)
{
	square_task(item, result, ctx);
	return scene_end();
}

START_TEST(workers_work_on_by_themselves)
{
	enum { COUNT = 20 };
	int backend = backend_id(_i);
	new_scene();
	struct bell bell = new_bell();
	forkpool *pool = pool_of(backend, 2);
	uint64_t items[COUNT] = {0}, results[COUNT];
	int32_t status[COUNT];
	forkpool_report report = {.tasks = 4711};
	memset(results, 0x5a, sizeof results);
	memset(status, 0x5a, sizeof status);
	forkpool_job *job = NULL;
	forkpool_opts opts = {.status = status, .report = &report, .done = ring, .done_arg = &bell};
	ck_assert_int_eq(forkpool_map_async(&job, pool, slow_square, items, COUNT, sizeof *items, results,
	                                    sizeof *results, &opts),
	                 0);
	ck_assert(wait_for(&scene->ended, COUNT)); /* not in a call of the pool */
	usleep(20000);
	ck_assert_uint_eq(bell.rung, 0);
	ck_assert_uint_eq(report.tasks, 4711);
	for (int i = 0; backend == FORKPOOL_PROCESSES && i < COUNT; i++)
		ck_assert_msg(results[i] == UINT64_C(0x5a5a5a5a5a5a5a5a) && status[i] == 0x5a5a5a5a, "result %d", i);
	dispatch_all(pool);
	assert_rung_once(&bell, job, 0);
	ck_assert_uint_eq(report.tasks, COUNT);
	for (int i = 0; i < COUNT; i++)
		ck_assert(results[i] == 0 && status[i] == 0);
	forkpool_job_free(job);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_serial_pool_works_in_calls_alone)
{
	new_scene();
	forkpool *pool = pool_of(FORKPOOL_SERIAL, 1);
	forkpool_job *job = submit_for(pool, plain_task, 30, &(forkpool_opts){.chunk = 10});
	usleep(10000);
	ck_assert_uint_eq(scene->tickets, 0);
	for (uint32_t chunk = 1; chunk <= 3; chunk++) {
		ck_assert_int_eq(forkpool_dispatch(pool), chunk < 3);
		ck_assert_uint_eq(scene->tickets, 10 * chunk);
	}
	ck_assert_int_eq(forkpool_dispatch(pool), 0);
	finish(job, 0);
	forkpool_destroy(pool);
}
END_TEST

/* Looking once, again and again, gets there. */
START_TEST(looking_is_enough)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_job *jobs[] = {submit_for(pool, plain_task, 30, &(forkpool_opts){.chunk = 1}),
	                        submit_for(pool, plain_task, 30, &(forkpool_opts){.chunk = 1})};
	int looks = 0;
	while (forkpool_job_ready(jobs[0]) == 0 && ++looks < PATIENCE * 1000)
		usleep(1000);
	ck_assert_int_eq(forkpool_job_ready(jobs[0]), 1);
	while (forkpool_job_wait(jobs[1], 0) == -ETIMEDOUT && ++looks < PATIENCE * 1000)
		usleep(1000);
	ck_assert_int_eq(forkpool_job_wait(jobs[1], 0), 0);
	finish(jobs[0], 0);
	finish(jobs[1], 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Waiting for one sees to all -------------------------------------------------- */

/* The gate of what is waited for opens when another job is done. */
enum way { BY_WAIT, BY_GET, BY_NEXT, BY_WAIT_ANY, BY_MAP, BY_DISPATCH, BY_STREAM, BY_JOIN, WAYS };

static int next_of_one(void *item, void *arg)
{
	unsigned *taken = arg;
	*(uint64_t *)item = 0;
	return (*taken)++ == 0;
}

static int emit_nothing(size_t index, const void *result, int32_t status, void *arg)
{
	(void)index;
	(void)result;
	(void)arg;
	return status;
}

static int gated_square(const void *item, void *result, void *ctx)
{
	square_task(item, result, ctx);
	return gated_task(0, ctx);
}

static void wait_by(enum way way, forkpool *pool)
{
	unsigned taken = 0;
	size_t index;
	if (way == BY_MAP) {
		ck_assert_int_eq(forkpool_for(pool, gated_task, 1, NULL), 0);
		return;
	}
	if (way == BY_STREAM) {
		ck_assert_int_eq(forkpool_imap(pool, gated_square, next_of_one, emit_nothing, &taken, 8, 8, 0, 0, NULL),
		                 0);
		return;
	}
	forkpool_job *job = submit_for(pool, gated_task, 1, NULL);
	if (way == BY_WAIT)
		ck_assert_int_eq(forkpool_job_wait(job, -1), 0);
	else if (way == BY_NEXT)
		ck_assert_int_eq(forkpool_job_next(job, &index, -1), 1);
	else if (way == BY_WAIT_ANY)
		ck_assert_int_eq(forkpool_wait_any(&job, 1, -1), 0);
	else if (way == BY_DISPATCH)
		dispatch_all(pool);
	else if (way == BY_JOIN)
		ck_assert_int_eq(forkpool_close(pool) | forkpool_join(pool), 0);
	finish(job, 0);
}

static void see_to(int backend, enum way way, forkpool_for_fn *function, double timeout, int expected)
{
	new_scene();
	struct bell bell = new_bell();
	forkpool *pool = pool_of(backend, 2);
	forkpool_job *opener = NULL;
	forkpool_opts opts = {.timeout = timeout, .done = open_gate};
	ck_assert_int_eq(forkpool_for_async(&opener, pool, function, 1, &opts), 0);
	opts = (forkpool_opts){.done = ring, .done_arg = &bell};
	ck_assert_int_eq(forkpool_for_async(NULL, pool, plain_task, 3, &opts), 0);
	wait_by(way, pool);
	finish(opener, expected);
	dispatch_all(pool);
	assert_rung_once(&bell, NULL, 0);
	forkpool_destroy(pool);
}

START_TEST(waiting_for_one_calls_back_for_all)
{
	see_to(backend_id(_i / WAYS), (enum way)(_i % WAYS), plain_task, 0, 0);
}
END_TEST

START_TEST(waiting_for_one_notices_the_deaths_of_all)
{
	see_to(FORKPOOL_PROCESSES, (enum way)_i, killed_task, 0, 1);
}
END_TEST

START_TEST(waiting_for_one_limits_the_time_of_all)
{
	see_to(FORKPOOL_PROCESSES, (enum way)_i, stubborn_task, 0.05, 1);
}
END_TEST

/* ---- Waiting ---------------------------------------------------------------------- */

START_TEST(a_wait_may_be_limited)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_job *job = submit_for(pool, gated_task, 2, NULL);
	size_t index = 4711;
	ck_assert_int_eq(forkpool_job_wait(job, 0), -ETIMEDOUT);
	double start = seconds_now();
	ck_assert_int_eq(forkpool_job_wait(job, 0.03), -ETIMEDOUT);
	ck_assert_int_eq(forkpool_wait_any(&job, 1, 0.03), -ETIMEDOUT);
	ck_assert_int_eq(forkpool_job_next(job, &index, 0.03), -ETIMEDOUT);
	ck_assert(seconds_now() - start >= 0.09);
	ck_assert_int_eq(forkpool_wait_any(&job, 1, 0), -ETIMEDOUT);
	ck_assert_int_eq(forkpool_job_next(job, &index, 0), -ETIMEDOUT);
	ck_assert_uint_eq(index, 4711);
	atomic_store(&scene->open, 1);
	ck_assert_int_eq(forkpool_job_wait(job, -1), 0);
	ck_assert_int_eq(forkpool_job_wait(job, 0), 0);
	ck_assert_int_eq(forkpool_job_wait(job, INFINITY), 0);
	ck_assert_int_eq(forkpool_wait_any(&job, 1, 0), 0);
	finish(job, 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_limited_wait_for_a_serial_pool_works_as_long)
{
	enum { COUNT = 2000 };
	new_scene();
	forkpool *pool = pool_of(FORKPOOL_SERIAL, 1);
	forkpool_job *job = submit_for(pool, napping_task, COUNT, &(forkpool_opts){.chunk = 1});
	ck_assert_int_eq(forkpool_job_wait(job, 0.02), -ETIMEDOUT);
	ck_assert_uint_gt(scene->tickets, 0);
	ck_assert_uint_lt(scene->tickets, COUNT);
	ck_assert_int_eq(forkpool_job_cancel(job), 0);
	ck_assert_int_gt(forkpool_job_get(job, NULL), 0);
	forkpool_job_free(job);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	uint64_t sum = 0;
	size_t index = 4711;
	forkpool_job *job = submit_for(pool, plain_task, 0, NULL), *fold = NULL;
	ck_assert_int_eq(forkpool_reduce_async(&fold, pool, no_fold, no_combine, 10, &sum, sizeof sum, NULL), 0);
	ck_assert_int_eq(forkpool_job_wait(NULL, 0), -EINVAL);
	ck_assert_int_eq(forkpool_job_wait(job, NAN), -EINVAL);
	ck_assert_int_eq(forkpool_job_ready(NULL), -EINVAL);
	ck_assert_int_eq(forkpool_job_get(NULL, NULL), -EINVAL);
	ck_assert_int_eq(forkpool_job_next(NULL, &index, 0), -EINVAL);
	ck_assert_int_eq(forkpool_job_next(job, NULL, 0), -EINVAL);
	ck_assert_int_eq(forkpool_job_next(job, &index, NAN), -EINVAL);
	ck_assert_int_eq(forkpool_job_next(fold, &index, 0), -EINVAL);
	ck_assert_int_eq(forkpool_job_cancel(NULL), -EINVAL);
	ck_assert_int_eq(forkpool_wait_any(&job, 1, NAN), -EINVAL);
	ck_assert_int_eq(forkpool_fd(NULL), -EINVAL);
	ck_assert_int_eq(forkpool_dispatch(NULL), -EINVAL);
	ck_assert_uint_eq(index, 4711);
	forkpool_job_free(NULL);
	finish(job, 0);
	finish(fold, 0);
	forkpool_destroy(pool);
}
END_TEST

/* The parts that differ from run to run left out, the two are the same. */
static void assert_same_report(const forkpool_report *a, const forkpool_report *b)
{
	ck_assert_uint_eq(a->tasks, b->tasks);
	ck_assert_uint_eq(a->succeeded, b->succeeded);
	ck_assert_uint_eq(a->failed, b->failed);
	ck_assert_uint_eq(a->cancelled, b->cancelled);
	ck_assert_uint_eq(a->crashed, b->crashed);
	ck_assert_uint_eq(a->retried, b->retried);
	ck_assert_uint_eq(a->index, b->index);
	ck_assert_int_eq(a->status, b->status);
	ck_assert_uint_eq(a->attempt, b->attempt);
	ck_assert_str_eq(a->message, b->message);
}

START_TEST(get_answers_as_the_map_again_and_again)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_report blocking, given, got, again;
	int expected = forkpool_for(pool, failing_task, 100, &(forkpool_opts){.report = &blocking, .retries = 1});
	ck_assert_int_eq(expected, 10);
	forkpool_job *job = submit_for(pool, failing_task, 100, &(forkpool_opts){.report = &given, .retries = 1});
	ck_assert_int_eq(forkpool_job_get(job, NULL), expected);
	ck_assert_int_eq(forkpool_job_get(job, &got), expected);
	ck_assert(squares_are_right(pool, 3));
	ck_assert_int_eq(forkpool_job_get(job, &again), expected);
	assert_same_report(&given, &blocking);
	ck_assert_int_eq(memcmp(&got, &given, sizeof got), 0);
	ck_assert_int_eq(memcmp(&again, &given, sizeof got), 0);
	forkpool_job_free(job);
	job = submit_for(pool, failing_task, 100, &(forkpool_opts){.retries = 1});
	ck_assert_int_eq(forkpool_job_get(job, &got), expected);
	assert_same_report(&got, &blocking);
	ck_assert(got.elapsed > 0);
	ck_assert(got.cpu_time == 0 && got.page_faults == 0);
	forkpool_job_free(job);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_job_without_tasks_is_finished_at_once)
{
	struct bell bell = new_bell();
	forkpool_report report;
	size_t index;
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_opts opts = {.done = ring, .done_arg = &bell, .report = &report};
	forkpool_job *job = submit_for(pool, plain_task, 0, &opts);
	ck_assert_uint_eq(bell.rung, 0); /* a submission neither waits nor dispatches */
	ck_assert_int_eq(forkpool_job_wait(job, PATIENCE), 0);
	assert_rung_once(&bell, job, 0);
	assert_adds_up(&report, 0);
	ck_assert_int_eq(forkpool_job_next(job, &index, -1), 0);
	finish(job, 0);
	ck_assert_uint_eq(bell.rung, 1);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Any of several --------------------------------------------------------------- */

START_TEST(the_first_of_several)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_job *gate = submit_for(pool, gated_task, 1, NULL);
	forkpool_job *b = submit_for(pool, plain_task, 1, NULL);
	forkpool_job *some[] = {NULL, gate, NULL, b, b, NULL};
	int which = forkpool_wait_any(some, 6, -1);
	ck_assert(which == 3 || which == 4);
	forkpool_job *c = submit_for(pool, plain_task, 1, NULL);
	ck_assert_int_eq(forkpool_job_wait(c, -1), 0);
	/* b was noticed before c, wherever they stand */
	ck_assert_int_eq(forkpool_wait_any((forkpool_job *[]){gate, c, b}, 3, -1), 2);
	ck_assert_int_eq(forkpool_wait_any((forkpool_job *[]){b, c, gate}, 3, 0), 0);
	ck_assert_int_eq(forkpool_wait_any((forkpool_job *[]){c, gate}, 2, -1), 0);
	ck_assert_int_eq(forkpool_wait_any(&gate, 1, 0), -ETIMEDOUT);
	atomic_store(&scene->open, 1);
	ck_assert_int_eq(forkpool_wait_any((forkpool_job *[]){NULL, gate}, 2, -1), 1);
	finish(gate, 0);
	finish(b, 0);
	finish(c, 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(all_of_several_one_by_one)
{
	enum { JOBS = 300 };
	forkpool *pool = pool_of(backend_id(_i), 3);
	forkpool_job *jobs[JOBS];
	new_scene();
	for (int k = 0; k < JOBS; k++)
		jobs[k] = submit_for(pool, failing_task, (size_t)k, NULL);
	for (int left = JOBS; left > 0; left--) {
		int which = forkpool_wait_any(jobs, JOBS, PATIENCE);
		ck_assert(which >= 0 && which < JOBS);
		ck_assert_ptr_nonnull(jobs[which]);
		finish(jobs[which], which / 10 + (which % 10 > 7));
		jobs[which] = NULL;
	}
	ck_assert_int_eq(forkpool_wait_any(jobs, JOBS, 0), -EINVAL);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(several_are_of_one_pool)
{
	forkpool *pool = pool_of(backend_id(_i), 1), *other = pool_of(backend_id(_i), 1);
	forkpool_job *jobs[] = {submit_for(pool, failing_task, 1, NULL), submit_for(other, failing_task, 1, NULL)};
	ck_assert_int_eq(forkpool_wait_any(jobs, 2, -1), -EINVAL);
	ck_assert_int_eq(forkpool_wait_any(jobs, 0, -1), -EINVAL);
	ck_assert_int_eq(forkpool_wait_any(NULL, 0, -1), -EINVAL);
	ck_assert_int_eq(forkpool_wait_any((forkpool_job *[]){NULL, NULL}, 2, 0), -EINVAL);
	finish(jobs[0], 0);
	ck_assert_int_eq(forkpool_wait_any(jobs + 1, 1, -1), 0);
	finish(jobs[1], 0);
	forkpool_destroy(pool);
	forkpool_destroy(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("async");
	int crews = crew_backend_count();
	TCase *submission = test_case(suite, "submission");
	add_backend_test(submission, each_call_has_a_twin);
	add_backend_test(submission, random_jobs_in_flight);
	add_crew_test(submission, submission_does_not_wait);
	add_backend_test(submission, what_is_copied_may_be_overwritten_at_once);
	add_backend_test(submission, a_job_without_a_handle_frees_itself);
	add_backend_test(submission, tens_of_thousands_in_flight);
	add_backend_test(submission, a_twin_refuses_as_the_call_does);
	TCase *turns = test_case(suite, "turns");
	tcase_add_loop_test(turns, a_short_job_waits_for_a_chunk_a_worker, 0, 3 * crews);
	add_backend_test(turns, open_jobs_take_turns);
	add_backend_test(turns, further_jobs_wait_in_line);
	TCase *hidden = test_case(suite, "nothing hidden");
	add_backend_test(hidden, there_is_no_hidden_thread);
	add_crew_test(hidden, workers_work_on_by_themselves);
	add_backend_test(hidden, looking_is_enough);
	tcase_add_loop_test(hidden, waiting_for_one_calls_back_for_all, 0, WAYS * crews);
	TCase *waiting = test_case(suite, "waiting");
	add_crew_test(waiting, a_wait_may_be_limited);
	add_backend_test(waiting, nonsense_is_refused);
	add_backend_test(waiting, get_answers_as_the_map_again_and_again);
	add_backend_test(waiting, a_job_without_tasks_is_finished_at_once);
	add_crew_test(waiting, the_first_of_several);
	add_backend_test(waiting, all_of_several_one_by_one);
	add_backend_test(waiting, several_are_of_one_pool);
	if (backend_enabled(FORKPOOL_SERIAL)) {
		tcase_add_test(hidden, a_serial_pool_works_in_calls_alone);
		tcase_add_test(waiting, a_limited_wait_for_a_serial_pool_works_as_long);
	}
	if (backend_enabled(FORKPOOL_PROCESSES)) {
		tcase_add_test(submission, copies_that_do_not_fit_are_reported);
		tcase_add_loop_test(hidden, waiting_for_one_notices_the_deaths_of_all, 0, WAYS);
		tcase_add_loop_test(hidden, waiting_for_one_limits_the_time_of_all, 0, WAYS);
	}
	return run_suite(suite);
}
