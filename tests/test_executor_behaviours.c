/*
 * test_executor_behaviours.c - what Python's executors (concurrent.futures, and loky, which mends them) are
 * tested for, held to be true here where it makes sense in C: crashes and callbacks in every combination,
 * neighbours that kill each other, shutdown at the worst moment, nests of pools, and futures one by one.
 *
 * The table at the end lists them.  A job is a future; terminate, close and destroy are shutdown.
 */
#include "config.h"
#include "scene.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Crashes --------------------------------------------------------------------------- */

static int die_of_segv(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return raise(SIGSEGV);
}

static int die_of_abort(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return raise(SIGABRT);
}

static int call_exit(size_t index, void *ctx)
{
	(void)ctx;
	exit((int)index);
}

static int call_exit_at_once(size_t index, void *ctx)
{
	(void)ctx;
	_exit((int)index + 42);
}

static const struct {
	forkpool_for_fn *function;
	int32_t status;
	const char *said;
} deaths[] = {
        {die_of_segv, FORKPOOL_CRASHED, "(Segmentation fault)"},
        {die_of_abort, FORKPOOL_CRASHED, "(Aborted)"},
        {killed_task, FORKPOOL_CRASHED, "(Killed)"},
        {call_exit, FORKPOOL_CRASHED, "exit"},
        {call_exit_at_once, FORKPOOL_CRASHED, "42"},
};

enum { DEATHS = sizeof deaths / sizeof *deaths };

static void assert_died(const forkpool_report *report, int32_t status, int how)
{
	ck_assert_int_eq(status, deaths[how].status);
	ck_assert_uint_eq(report->crashed, 1);
	ck_assert_msg(strstr(report->message, deaths[how].said) != NULL, "the message does not say %s: %s",
	              deaths[how].said, report->message);
}

START_TEST(a_crash_is_the_result_of_its_job_alone)
{
	new_scene();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	for (int how = 0; how < DEATHS; how++) {
		int32_t status = 0;
		forkpool_report report;
		forkpool_job *neighbour = submit_for(pool, napping_task, 20, &(forkpool_opts){.chunk = 1});
		forkpool_job *job = submit_for(pool, deaths[how].function, 1, &(forkpool_opts){.status = &status});
		ck_assert_int_eq(forkpool_job_get(job, &report), 1);
		assert_died(&report, status, how);
		forkpool_job_free(job);
		finish(neighbour, 0);
	}
	ck_assert(squares_are_right(pool, 1));
	forkpool_destroy(pool);
}
END_TEST

struct aftermath {
	forkpool *pool;
	int how;
	forkpool_job *job;
	int32_t status;
	bool waits;
};

/* A callback that submits what crashes, and may wait for it itself. */
static void submit_a_death(forkpool_job *job, void *arg)
{
	struct aftermath *after = arg;
	forkpool_report report;
	ck_assert_int_eq(forkpool_job_get(job, NULL), 0);
	after->job =
	        submit_for(after->pool, deaths[after->how].function, 1, &(forkpool_opts){.status = &after->status});
	if (!after->waits)
		return;
	ck_assert_int_eq(forkpool_job_get(after->job, &report), 1);
	assert_died(&report, after->status, after->how);
}

START_TEST(a_crash_that_a_callback_submits)
{
	new_scene();
	for (int k = 0; k < 2 * DEATHS; k++) {
		struct aftermath after = {.pool = pool_of(FORKPOOL_PROCESSES, 2), .how = k / 2, .waits = k % 2};
		forkpool_report report;
		finish(submit_for(after.pool, plain_task, 1,
		                  &(forkpool_opts){.done = submit_a_death, .done_arg = &after}),
		       0);
		ck_assert_ptr_nonnull(after.job);
		ck_assert_int_eq(forkpool_job_get(after.job, &report), 1);
		assert_died(&report, after.status, after.how);
		forkpool_job_free(after.job);
		ck_assert(squares_are_right(after.pool, 1));
		forkpool_destroy(after.pool);
	}
}
END_TEST

/* The worker of another job dies while the callback runs, and before it looks. */
static void kill_while_called_back(forkpool_job *job, void *arg)
{
	struct aftermath *after = arg;
	(void)job;
	ck_assert(wait_for(&scene->entered, 1));
	ck_assert_int_eq(kill(scene->pids[0], SIGKILL), 0);
	ck_assert(wait_dead(scene->pids[0]));
	if (after->waits)
		ck_assert_int_eq(forkpool_job_wait(after->job, PATIENCE), 0);
}

START_TEST(a_worker_dies_while_a_callback_runs)
{
	for (int waits = 0; waits < 2; waits++) {
		new_scene();
		struct aftermath after = {.pool = pool_of(FORKPOOL_PROCESSES, 2), .waits = waits};
		int32_t status = 0;
		after.job = submit_for(after.pool, gated_task, 1, &(forkpool_opts){.status = &status});
		uint32_t number = 100;
		finish(submit_for(after.pool, numbered_task, 1,
		                  &(forkpool_opts){.ctx = &number,
		                                   .ctx_size = sizeof number,
		                                   .done = kill_while_called_back,
		                                   .done_arg = &after}),
		       0);
		finish(after.job, 1);
		ck_assert_int_eq(status, FORKPOOL_CRASHED);
		forkpool_destroy(after.pool);
	}
}
END_TEST

static int kill_neighbour(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(int *)result = kill(*(const pid_t *)item, SIGKILL);
	return 0;
}

/* Each task kills the worker whose turn it is: perhaps itself, perhaps one that is dead already. */
static void kill_each_other(unsigned workers, unsigned retries)
{
	pid_t pids[13];
	int results[13];
	int32_t status[13];
	forkpool_report report;
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, workers);
	worker_pids(pool, workers, pids);
	int lost = forkpool_map(pool, kill_neighbour, pids, workers, sizeof *pids, results, sizeof *results,
	                        &(forkpool_opts){.chunk = 1, .retries = retries, .status = status, .report = &report});
	ck_assert_int_ge(lost, 0);
	assert_adds_up(&report, workers);
	ck_assert_uint_eq(report.crashed, lost);
	ck_assert_int_le(lost, retries > 0 ? 0 : (int)workers);
	for (unsigned k = 0; k < workers; k++) {
		ck_assert(status[k] == 0 || status[k] == FORKPOOL_CRASHED);
		ck_assert(wait_dead(pids[k]) || status[k] == FORKPOOL_CRASHED);
	}
	worker_pids(pool, workers, pids);
	forkpool_destroy(pool);
}

START_TEST(neighbours_kill_each_other)
{
	const unsigned workers[] = {1, 2, 5, 13};
	for (unsigned k = 0; k < 16; k++)
		kill_each_other(workers[k % 4], k < 8 ? 0 : 20);
}
END_TEST

START_TEST(a_worker_killed_before_the_first_job)
{
	pid_t pids[2];
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	worker_pids(pool, 2, pids);
	for (int k = 0; k < 2; k++) {
		ck_assert_int_eq(kill(pids[k], SIGKILL), 0);
		ck_assert(wait_dead(pids[k]));
	}
	finish(submit_for(pool, failing_task, 100, NULL), 10);
	forkpool_destroy(pool);
}
END_TEST

/* Jobs that are cancelled must not stand in the way of those that a death leaves. */
START_TEST(a_worker_dies_among_cancelled_jobs)
{
	enum { JOBS = 3 * FORKPOOL_OPEN_JOBS };
	new_scene();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	forkpool_job *gate = occupy(pool, 2), *jobs[JOBS];
	for (uint32_t k = 0; k < JOBS; k++)
		jobs[k] = submit_for(pool, failing_task, 8, NULL);
	for (int k = 0; k < JOBS; k += 2)
		ck_assert_int_eq(forkpool_job_cancel(jobs[k]), 0);
	ck_assert_int_eq(kill(scene->pids[0], SIGKILL), 0);
	atomic_store(&scene->open, 1);
	finish(gate, 1);
	for (int k = 0; k < JOBS; k++)
		finish(jobs[k], k % 2 == 0 ? 8 : 1);
	forkpool_destroy(pool);
}
END_TEST

static int refuse_to_start_again(unsigned worker, void **state, void *arg)
{
	(void)worker;
	(void)state;
	(void)arg;
	return atomic_load(&scene->open) != 0;
}

/* All die, and no other can start: each job says why, and each callback is called. */
START_TEST(jobs_end_when_no_worker_can_be_started)
{
	enum { JOBS = 2 * FORKPOOL_OPEN_JOBS };
	new_scene();
	forkpool *pool = pool_from(&(forkpool_config){.workers = 2, .initializer = refuse_to_start_again});
	struct bell bells[JOBS];
	forkpool_job *jobs[JOBS];
	for (int k = 0; k < JOBS; k++) {
		bells[k] = new_bell();
		jobs[k] = submit_for(pool, stubborn_task, 2, &(forkpool_opts){.done = ring, .done_arg = &bells[k]});
	}
	ck_assert(wait_for(&scene->entered, 2));
	atomic_store(&scene->open, 1);
	for (int k = 0; k < 2; k++)
		ck_assert_int_eq(kill(scene->pids[k], SIGKILL), 0);
	dispatch_all(pool);
	for (int k = 0; k < JOBS; k++) {
		int returned = forkpool_job_get(jobs[k], NULL);
		ck_assert(returned == -ECANCELED || (k < 2 && returned > 0));
		assert_rung_once(&bells[k], jobs[k], returned);
		forkpool_job_free(jobs[k]);
	}
	forkpool_destroy(pool);
}
END_TEST

/* ---- What callbacks do -------------------------------------------------------------------- */

enum deed { SUBMIT, CANCEL, FREE_OTHERS, WAIT, GET, NEXT, WAIT_SEVERAL, CLOSE, TERMINATE, DISPATCH, DEEDS };

/* A pool of jobs in every state: finished, running, open, in line.  The first one's callback does the deed. */
enum { CAST = FORKPOOL_OPEN_JOBS + 10, RUNNING = 1, OPEN = 10, IN_LINE = CAST - 1 };

struct drama {
	forkpool *pool;
	enum deed deed;
	forkpool_job *jobs[CAST];
	struct bell bells[CAST];
	unsigned calls;
};

static void free_one(struct drama *drama, int which)
{
	forkpool_job_free(drama->jobs[which]);
	drama->jobs[which] = NULL;
	ck_assert_uint_eq(drama->bells[which].rung, 1);
}

static void act(forkpool_job *job, void *arg)
{
	struct drama *drama = arg;
	forkpool_job **jobs = drama->jobs;
	size_t index;
	drama->calls++;
	ck_assert_ptr_eq(job, jobs[0]);
	atomic_store(&scene->open, 1);
	switch (drama->deed) {
	case SUBMIT:
		finish(submit_for(drama->pool, failing_task, 20, NULL), 2);
		return;
	case CANCEL:
		for (int k = 0; k < CAST; k++)
			ck_assert_int_eq(forkpool_job_cancel(jobs[k]), 0);
		return;
	case FREE_OTHERS:
		free_one(drama, IN_LINE);
		free_one(drama, OPEN);
		free_one(drama, RUNNING);
		return;
	case WAIT:
		ck_assert_int_eq(forkpool_job_wait(jobs[IN_LINE], PATIENCE), 0);
		return;
	case GET:
		ck_assert_int_eq(forkpool_job_get(jobs[OPEN], NULL), 0);
		return;
	case NEXT:
		ck_assert_int_eq(forkpool_job_next(jobs[IN_LINE], &index, PATIENCE), 1);
		return;
	case WAIT_SEVERAL:
		ck_assert_int_ge(forkpool_wait_any(jobs + 1, CAST - 1, PATIENCE), 0);
		return;
	case CLOSE:
		ck_assert_int_eq(forkpool_close(drama->pool), 0);
		return;
	case TERMINATE:
		ck_assert_int_eq(forkpool_terminate(drama->pool), 0);
		return;
	default:
		ck_assert_int_ge(forkpool_dispatch(drama->pool), 0);
	}
}

/* Whatever the deed, each job comes to an end, and calls back once. */
START_TEST(a_callback_may_do_anything)
{
	int backend = backend_id(_i / DEEDS);
	new_scene();
	struct drama drama = {.pool = pool_of(backend, 2), .deed = (enum deed)(_i % DEEDS)};
	forkpool_opts opts = {.done = act, .done_arg = &drama};
	drama.jobs[0] = submit_for(drama.pool, plain_task, 2, &opts);
	for (int k = RUNNING; k < CAST; k++) {
		drama.bells[k] = new_bell();
		opts = (forkpool_opts){.done = ring, .done_arg = &drama.bells[k]};
		drama.jobs[k] =
		        submit_for(drama.pool, k == RUNNING && has_crew(backend) ? gated_task : plain_task, 3, &opts);
	}
	ck_assert_int_eq(forkpool_job_wait(drama.jobs[0], PATIENCE), 0);
	ck_assert_uint_eq(drama.calls, 1);
	dispatch_all(drama.pool);
	ck_assert_uint_eq(drama.calls, 1);
	for (int k = RUNNING; k < CAST; k++) {
		ck_assert_uint_eq(drama.bells[k].rung, 1);
		int returned = drama.bells[k].returned;
		if (drama.deed == TERMINATE)
			ck_assert(returned == 0 || returned == -ESHUTDOWN);
		else if (drama.deed == CANCEL || drama.jobs[k] == NULL)
			ck_assert(returned >= 0 && returned <= 3);
		else
			ck_assert_int_eq(returned, 0);
		forkpool_job_free(drama.jobs[k]);
	}
	forkpool_job_free(drama.jobs[0]);
	ck_assert(drama.deed == CLOSE || drama.deed == TERMINATE || squares_are_right(drama.pool, 1));
	forkpool_destroy(drama.pool);
}
END_TEST

static void free_own(forkpool_job *job, void *arg)
{
	forkpool_job_free(job);
	++*(unsigned *)arg;
}

/* Even that which the call waits for. */
START_TEST(a_callback_may_free_its_own_job)
{
	new_scene();
	unsigned calls = 0;
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_opts opts = {.done = free_own, .done_arg = &calls};
	ck_assert_int_eq(forkpool_job_wait(submit_for(pool, failing_task, 8, &opts), PATIENCE), 0);
	ck_assert_int_eq(forkpool_job_get(submit_for(pool, failing_task, 8, &opts), NULL), 1);
	forkpool_job *job = submit_for(pool, failing_task, 8, &opts);
	ck_assert_int_eq(forkpool_wait_any(&job, 1, PATIENCE), 0);
	submit_for(pool, failing_task, 8, &opts);
	dispatch_all(pool);
	submit_for(pool, failing_task, 8, &opts);
	ck_assert(squares_are_right(pool, 1));
	submit_for(pool, failing_task, 8, &opts);
	forkpool_destroy(pool);
	ck_assert_uint_eq(calls, 6);
}
END_TEST

struct chain {
	forkpool *pool;
	unsigned left, *collected;
};

static void submit_next(forkpool_job *job, void *arg)
{
	struct chain *chain = arg;
	ck_assert_int_eq(forkpool_job_get(job, NULL), 0);
	++*chain->collected;
	if (chain->left-- > 0)
		ck_assert_int_eq(forkpool_for_async(NULL, chain->pool, plain_task, 1,
		                                    &(forkpool_opts){.done = submit_next, .done_arg = chain}),
		                 0);
}

START_TEST(chains_of_callbacks_that_submit)
{
	const unsigned lengths[] = {100, 50, 60, 2000};
	unsigned collected[4] = {0};
	struct chain chains[4];
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	for (int k = 0; k < 4; k++) {
		chains[k] = (struct chain){pool, lengths[k], &collected[k]};
		ck_assert_int_eq(forkpool_for_async(NULL, pool, plain_task, 1,
		                                    &(forkpool_opts){.done = submit_next, .done_arg = &chains[k]}),
		                 0);
	}
	dispatch_all(pool);
	for (int k = 0; k < 4; k++)
		ck_assert_uint_eq(collected[k], lengths[k] + 1);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Shutdown ------------------------------------------------------------------------------- */

START_TEST(shutdown_finishes_fifty_jobs)
{
	forkpool_job *jobs[50];
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 5);
	for (int k = 0; k < 50; k++)
		jobs[k] = submit_for(pool, napping_task, 1, NULL);
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	ck_assert_uint_eq(scene->ended, 50);
	for (int k = 0; k < 50; k++)
		finish(jobs[k], 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(shutdown_without_waiting)
{
	forkpool_job *jobs[10];
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	for (int k = 0; k < 10; k++)
		jobs[k] = submit_for(pool, gated_task, 1, NULL);
	ck_assert_int_eq(forkpool_close(pool), 0);
	ck_assert_int_eq(forkpool_for_async(NULL, pool, plain_task, 1, NULL), -ESHUTDOWN);
	for (int k = 0; k < 10; k++)
		ck_assert_int_eq(forkpool_job_ready(jobs[k]), 0);
	atomic_store(&scene->open, 1);
	for (int k = 0; k < 10; k++)
		finish(jobs[k], 0);
	ck_assert_int_eq(forkpool_join(pool), 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(shutdown_right_after_cancelling)
{
	for (int k = 0; k < 30; k++) {
		new_scene();
		forkpool *pool = pool_of(backend_id(_i), 1);
		finish(submit_for(pool, plain_task, 1, NULL), 0);
		forkpool_job *job = submit_for(pool, plain_task, 1 + (size_t)k, &(forkpool_opts){.chunk = 1});
		ck_assert_int_eq(forkpool_job_cancel(job), 0);
		ck_assert_int_eq(forkpool_close(pool), 0);
		ck_assert_int_eq(forkpool_join(pool), 0);
		ck_assert_int_eq(forkpool_job_ready(job), 1);
		forkpool_job_free(job);
		forkpool_destroy(pool);
	}
}
END_TEST

START_TEST(shutdown_by_force_keeps_what_is_finished)
{
	int backend = backend_id(_i);
	new_scene();
	forkpool *pool = pool_of(backend, 5);
	forkpool_job *quick = submit_for(pool, failing_task, 100, NULL);
	ck_assert_int_eq(forkpool_job_wait(quick, PATIENCE), 0);
	forkpool_job *slow = submit_for(pool, endless_task(backend), 100, &(forkpool_opts){.chunk = 1});
	ck_assert(wait_for(&scene->entered, 5));
	ck_assert_int_eq(forkpool_terminate(pool), 0);
	finish(quick, 10);
	finish(slow, -ESHUTDOWN);
	forkpool_destroy(pool);
}
END_TEST

/* A few jobs of every kind, some of them looked at, cancelled or freed; a worker killed; then the end, in one
 * of the ways there are. */
static void scatter(forkpool *pool, dice *d, int backend, forkpool_job **jobs, struct bell *bells, unsigned count)
{
	for (unsigned k = 0; k < count; k++) {
		forkpool_for_fn *const kinds[] = {plain_task, napping_task, failing_task,
		                                  backend == FORKPOOL_PROCESSES ? killed_task : plain_task};
		bells[k] = new_bell();
		jobs[k] = submit_for(pool, kinds[dice_below(d, 4)], dice_below(d, 20),
		                     &(forkpool_opts){.chunk = dice_below(d, 4), .done = ring, .done_arg = &bells[k]});
		forkpool_job *one = jobs[dice_below(d, k + 1)];
		uint64_t deed = dice_below(d, 8);
		if (one != NULL && deed == 0)
			ck_assert_int_ge(forkpool_job_ready(one), 0);
		else if (one != NULL && deed == 1)
			ck_assert_int_eq(forkpool_job_cancel(one), 0);
		else if (deed == 2) {
			forkpool_job_free(jobs[k]);
			jobs[k] = NULL;
		}
	}
}

START_TEST(shutdown_at_any_moment)
{
	enum { ROUNDS = SANITIZED ? 10 : 40, JOBS = 100 };
	int backend = backend_id(_i);
	dice d = dice_for(test_seed(), 42);
	new_scene();
	for (int round = 0; round < ROUNDS; round++) {
		forkpool_job *jobs[JOBS];
		struct bell bells[JOBS];
		unsigned count = (unsigned)dice_below(&d, JOBS), workers = 1 + (unsigned)dice_below(&d, 3);
		pid_t pids[3];
		forkpool *pool = pool_of(backend, workers);
		if (backend == FORKPOOL_PROCESSES)
			worker_pids(pool, workers, pids);
		scatter(pool, &d, backend, jobs, bells, count);
		if (backend == FORKPOOL_PROCESSES && dice_below(&d, 2) == 0)
			kill(pids[0], SIGKILL); /* ours: not collected before the pool is told to look */
		usleep((useconds_t)dice_below(&d, 2000));
		uint64_t how = dice_below(&d, 4);
		if (how == 1)
			ck_assert_int_eq(forkpool_terminate(pool), 0);
		else if (how >= 2)
			ck_assert_int_eq(forkpool_close(pool), 0);
		if (how == 3)
			ck_assert_int_eq(forkpool_join(pool), 0);
		forkpool_destroy(pool);
		for (unsigned k = 0; k < count; k++) {
			ck_assert_uint_eq(bells[k].rung, 1);
			if (jobs[k] != NULL) {
				int returned = forkpool_job_get(jobs[k], NULL);
				ck_assert_int_eq(returned, bells[k].returned);
				ck_assert(returned >= 0 || (returned == -ESHUTDOWN && how != 3));
			}
			forkpool_job_free(jobs[k]);
		}
	}
}
END_TEST

/* Nobody is left of a program that is killed with jobs of every state in its pool. */
START_TEST(a_killed_parent_leaves_no_worker)
{
	enum { WORKERS = 3 };
	new_scene();
	pid_t *pids = evidence(WORKERS * sizeof *pids), child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		forkpool *pool = pool_of(FORKPOOL_PROCESSES, WORKERS);
		worker_pids(pool, WORKERS, pids);
		for (int k = 0; k < 2 * FORKPOOL_OPEN_JOBS; k++)
			submit_for(pool, stubborn_task, 10, &(forkpool_opts){.chunk = 1});
		wait_for(&scene->entered, WORKERS);
		kill(getpid(), SIGKILL);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_uint_eq(scene->entered, WORKERS);
	for (int k = 0; k < WORKERS; k++)
		ck_assert(wait_dead(pids[k]));
}
END_TEST

/* ---- Threads and nests ------------------------------------------------------------------------ */

enum { THREADS = 6 };

struct thread_of_pool {
	pthread_t thread;
	int backend;
	uint64_t seed;
	const char *wrong;
};

static int next_few(void *item, void *arg)
{
	uint64_t *next = arg;
	*(uint64_t *)item = *next;
	return (*next)++ < 200;
}

static int check_square(size_t index, const void *result, int32_t status, void *arg)
{
	(void)arg;
	return status != 0 || *(const uint64_t *)result != index * index;
}

static int crash_at_seven(size_t index, void *ctx)
{
	if (index == 7 && *(const int *)ctx == FORKPOOL_PROCESSES)
		raise(SIGKILL);
	return index == 7;
}

/* What is wrong with a pool in a thread, or NULL; no assertion, which is for the main thread. */
static const char *use_a_pool(int backend, dice *d)
{
	forkpool *pool = NULL;
	forkpool_job *jobs[20];
	uint64_t next = 0;
	if (forkpool_create(&pool, &(forkpool_config){.backend = backend, .workers = 2}) != 0)
		return "no pool";
	for (int k = 0; k < 20; k++)
		if (forkpool_for_async(&jobs[k], pool, crash_at_seven, 8,
		                       &(forkpool_opts){.ctx = &backend, .ctx_size = sizeof backend}) != 0)
			return "no job";
	int cancelled = (int)dice_below(d, 20);
	forkpool_job_cancel(jobs[cancelled]);
	if (!squares_are_right(pool, dice_below(d, 1000)))
		return "a map";
	if (forkpool_imap(pool, square_task, next_few, check_square, &next, 8, 8, 10, 0, NULL) != 0)
		return "a stream";
	for (int k = 0; k < 20; k++) {
		int returned = forkpool_job_get(jobs[k], NULL);
		if (returned != 1 && (k != cancelled || returned <= 0))
			return "a job";
		forkpool_job_free(jobs[k]);
	}
	if (forkpool_for_async(NULL, pool, crash_at_seven, 100,
	                       &(forkpool_opts){.ctx = &backend, .ctx_size = sizeof backend}) != 0)
		return "the last job";
	forkpool_destroy(pool);
	return NULL;
}

static void *run_thread(void *arg)
{
	struct thread_of_pool *self = arg;
	dice d = dice_for(self->seed, 43);
	for (int round = 0; round < (SANITIZED ? 3 : 10) && self->wrong == NULL; round++)
		self->wrong = use_a_pool(self->backend, &d);
	return NULL;
}

START_TEST(a_pool_a_thread)
{
	struct thread_of_pool threads[THREADS];
	for (int k = 0; k < THREADS; k++) {
		threads[k] = (struct thread_of_pool){.backend = backend_id(_i), .seed = test_seed() + (uint64_t)k};
		ck_assert_int_eq(pthread_create(&threads[k].thread, NULL, run_thread, &threads[k]), 0);
	}
	for (int k = 0; k < THREADS; k++)
		ck_assert_int_eq(pthread_join(threads[k].thread, NULL), 0);
	for (int k = 0; k < THREADS; k++)
		ck_assert_msg(threads[k].wrong == NULL, "thread %d: %s", k, threads[k].wrong);
}
END_TEST

enum { DEPTH = SANITIZED ? 8 : 12 };

/* A pool in a task, in it a job, whose tasks have pools, ... */
static int nest(size_t index, void *ctx)
{
	int depth = *(const int *)ctx;
	forkpool *pool = NULL;
	forkpool_job *job = NULL;
	if (depth == DEPTH)
		return scene_end();
	int deeper = depth + 1;
	int error = forkpool_create(&pool, &(forkpool_config){.workers = 2});
	if (error != 0)
		return error;
	error = forkpool_for_async(&job, pool, nest, 2,
	                           &(forkpool_opts){.ctx = &deeper, .ctx_size = sizeof deeper, .chunk = 1});
	if (error == 0)
		error = forkpool_job_get(job, NULL);
	forkpool_job_free(job);
	forkpool_destroy(pool);
	return error + (index > 1);
}

START_TEST(pools_are_nested_deeply)
{
	int depth = 1;
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	finish(submit_for(pool, nest, 2, &(forkpool_opts){.ctx = &depth, .ctx_size = sizeof depth, .chunk = 1}), 0);
	ck_assert_uint_eq(scene->ended, 1 << DEPTH);
	forkpool_destroy(pool);
}
END_TEST

/* Hangs in a pool within a task. */
static int hang_in_a_nest(size_t index, void *ctx)
{
	forkpool *pool = NULL;
	(void)ctx;
	if (forkpool_create(&pool, NULL) != 0)
		return 1;
	int error = forkpool_for(pool, stubborn_task, 1 + index, NULL);
	forkpool_destroy(pool);
	return error;
}

START_TEST(a_nest_is_ended_by_force)
{
	new_scene();
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	forkpool_job *job = submit_for(pool, hang_in_a_nest, 2, &(forkpool_opts){.chunk = 1});
	ck_assert(wait_for(&scene->entered, 2));
	ck_assert_int_eq(forkpool_terminate(pool), 0);
	finish(job, -ESHUTDOWN);
	forkpool_destroy(pool);
}
END_TEST

/* ---- Futures ------------------------------------------------------------------------------------ */

START_TEST(cancelled_before_while_and_after_it_runs)
{
	int backend = backend_id(_i);
	new_scene();
	forkpool *pool = pool_of(backend, 1);
	forkpool_job *after = submit_for(pool, failing_task, 8, NULL);
	ck_assert_int_eq(forkpool_job_wait(after, PATIENCE), 0);
	forkpool_job *running = submit_for(pool, endless_task(backend), 1, NULL);
	forkpool_job *before = submit_for(pool, plain_task, 1, NULL);
	forkpool_job *spared = submit_for(pool, failing_task, 18, NULL);
	if (has_crew(backend))
		ck_assert(wait_for(&scene->entered, 1));
	ck_assert_int_eq(forkpool_job_cancel(after), 0);
	ck_assert_int_eq(forkpool_job_cancel(before), 0);
	ck_assert_int_eq(forkpool_job_cancel(running), 0);
	finish(after, 1);
	finish(before, 1);
	finish(running, backend == FORKPOOL_THREADS ? 0 : 1); /* where it obeyed, it succeeded */
	finish(spared, 2);
	ck_assert_uint_eq(scene->ended, 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(the_first_to_complete)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_job *jobs[] = {submit_for(pool, gated_task, 1, NULL), submit_for(pool, failing_task, 1, NULL)};
	ck_assert_int_eq(forkpool_wait_any(jobs, 2, PATIENCE), 1);
	ck_assert_int_eq(forkpool_job_ready(jobs[0]), 0);
	ck_assert_int_eq(forkpool_wait_any(jobs, 2, PATIENCE), 1); /* complete already */
	atomic_store(&scene->open, 1);
	finish(jobs[0], 0);
	finish(jobs[1], 0);
	forkpool_destroy(pool);
}
END_TEST

/* The callback of the first lets the second fail; the third is not waited for. */
START_TEST(the_first_to_fail)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 3);
	forkpool_job *jobs[] = {submit_for(pool, failing_task, 5, &(forkpool_opts){.done = open_gate}),
	                        submit_for(pool, failing_task, 8, NULL), submit_for(pool, obedient_task, 1, NULL)};
	int failed = -1;
	while (failed < 0) {
		int which = forkpool_wait_any(jobs, 3, PATIENCE);
		ck_assert(which == 0 || which == 1);
		if (forkpool_job_get(jobs[which], NULL) > 0)
			failed = which;
		forkpool_job_free(jobs[which]);
		jobs[which] = NULL;
	}
	ck_assert_int_eq(failed, 1);
	ck_assert_int_eq(forkpool_job_ready(jobs[2]), 0);
	for (int k = 0; k < 3; k++)
		forkpool_job_free(jobs[k]);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(each_as_it_completes_even_listed_twice)
{
	enum { JOBS = 20 };
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_job *jobs[2 * JOBS];
	bool seen[JOBS] = {false};
	for (int k = 0; k < JOBS; k++)
		jobs[k] = jobs[JOBS + k] = submit_for(pool, failing_task, (size_t)k, NULL);
	for (int left = JOBS; left > 0; left--) {
		int which = forkpool_wait_any(jobs, 2 * JOBS, PATIENCE) % JOBS;
		ck_assert_int_ge(which, 0);
		ck_assert(!seen[which]);
		seen[which] = true;
		finish(jobs[which], (which + 2) / 10);
		jobs[which] = jobs[JOBS + which] = NULL;
	}
	forkpool_destroy(pool);
}
END_TEST

/* Of [quick, quick, slow] the first two are there when the time is up. */
START_TEST(a_map_that_takes_too_long_hands_out_what_it_has)
{
	size_t index, sum = 0;
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	forkpool_job *job = submit_for(pool, gate_at_zero, 3, &(forkpool_opts){.chunk = 1});
	for (int k = 0; k < 2; k++) {
		ck_assert_int_eq(forkpool_job_next(job, &index, PATIENCE), 1);
		sum += index;
	}
	ck_assert_uint_eq(sum, 3);
	ck_assert_int_eq(forkpool_job_next(job, &index, 0.02), -ETIMEDOUT);
	atomic_store(&scene->open, 1);
	finish(job, 0);
	forkpool_destroy(pool);
}
END_TEST

static const int codes[] = {1, -1, 2, 255, -255, INT_MAX, INT_MIN + 3, FORKPOOL_CRASHED, FORKPOOL_CANCELLED};

enum { CODES = sizeof codes / sizeof *codes };

static int return_a_code(size_t index, void *ctx)
{
	(void)ctx;
	return forkpool_fail(codes[index], "code number %zu", index);
}

/* An error is an error, whatever its number; one that would read as something else is -1. */
START_TEST(every_return_code_is_carried_with_its_message)
{
	forkpool *pool = pool_of(backend_id(_i), 2);
	for (size_t k = 0; k < CODES; k++) {
		int32_t status[CODES];
		forkpool_report report;
		forkpool_job *job = submit_for(pool, return_a_code, k + 1, &(forkpool_opts){.status = status});
		ck_assert_int_eq(forkpool_job_get(job, &report), (int)k + 1);
		ck_assert_ptr_nonnull(strstr(report.message, "code number 0"));
		for (size_t i = 0; i <= k; i++)
			ck_assert_int_eq(status[i], i < CODES - 2 ? codes[i] : -1);
		forkpool_job_free(job);
	}
	forkpool_destroy(pool);
}
END_TEST

static int fail_now_and_then(const void *item, void *result, void *ctx)
{
	uint64_t number = *(const uint64_t *)item;
	if (number % 1000 == 999 && *(const int *)ctx == FORKPOOL_PROCESSES)
		raise(SIGKILL);
	square_task(item, result, ctx);
	return number % 100 == 99;
}

START_TEST(tens_of_thousands_of_jobs_some_of_which_fail_or_crash)
{
	enum { JOBS = SANITIZED ? 3000 : 20000 };
	int backend = backend_id(_i);
	uint64_t *results = calloc(JOBS, sizeof *results);
	forkpool_job **jobs = calloc(JOBS, sizeof(forkpool_job *));
	ck_assert(results != NULL && jobs != NULL);
	forkpool *pool = pool_of(backend, 3);
	forkpool_opts opts = {.ctx = &backend, .ctx_size = sizeof backend};
	for (uint64_t i = 0; i < JOBS; i++)
		ck_assert_int_eq(forkpool_apply_async(&jobs[i], pool, fail_now_and_then, &i, 8, &results[i], 8, &opts),
		                 0);
	for (uint64_t i = 0; i < JOBS; i++) {
		finish(jobs[i], i % 100 == 99);
		if (i % 100 != 99)
			ck_assert_uint_eq(results[i], i * i);
	}
	free(results);
	free(jobs);
	forkpool_destroy(pool);
}
END_TEST

/* A mix of maps and jobs, half of them cancelled. */
START_TEST(maps_between_jobs_that_are_cancelled)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 5);
	for (int round = 0; round < 10; round++) {
		forkpool_job *jobs[20];
		for (int k = 0; k < 20; k++)
			jobs[k] = submit_for(pool, plain_task, 1, NULL);
		for (int k = 0; k < 20; k += 2)
			ck_assert_int_eq(forkpool_job_cancel(jobs[k]), 0);
		ck_assert(squares_are_right(pool, 5));
		for (int k = 0; k < 20; k++) {
			int returned = forkpool_job_get(jobs[k], NULL);
			ck_assert(returned == 0 || (returned == 1 && k % 2 == 0));
			forkpool_job_free(jobs[k]);
		}
	}
	forkpool_destroy(pool);
}
END_TEST

/* ---- The table ------------------------------------------------------------------------------------ */

/* On how many of the enabled backends: they come in the order processes, threads, serial. */
#define ALL       backend_count()
#define CREW      crew_backend_count()
#define PROCESSES backend_enabled(FORKPOOL_PROCESSES)
#define ALL_DEEDS (DEEDS * ALL)

#define BEHAVIOURS(DO)                                                                                                 \
	DO(a_crash_is_the_result_of_its_job_alone, PROCESSES)                                                          \
	DO(a_crash_that_a_callback_submits, PROCESSES)                                                                 \
	DO(a_worker_dies_while_a_callback_runs, PROCESSES)                                                             \
	DO(neighbours_kill_each_other, PROCESSES)                                                                      \
	DO(a_worker_killed_before_the_first_job, PROCESSES)                                                            \
	DO(a_worker_dies_among_cancelled_jobs, PROCESSES)                                                              \
	DO(jobs_end_when_no_worker_can_be_started, PROCESSES)                                                          \
	DO(a_callback_may_do_anything, ALL_DEEDS)                                                                      \
	DO(a_callback_may_free_its_own_job, ALL)                                                                       \
	DO(chains_of_callbacks_that_submit, ALL)                                                                       \
	DO(shutdown_finishes_fifty_jobs, ALL)                                                                          \
	DO(shutdown_without_waiting, CREW)                                                                             \
	DO(shutdown_right_after_cancelling, ALL)                                                                       \
	DO(shutdown_by_force_keeps_what_is_finished, CREW)                                                             \
	DO(shutdown_at_any_moment, ALL)                                                                                \
	DO(a_killed_parent_leaves_no_worker, PROCESSES)                                                                \
	DO(a_pool_a_thread, ALL)                                                                                       \
	DO(pools_are_nested_deeply, ALL)                                                                               \
	DO(a_nest_is_ended_by_force, PROCESSES)                                                                        \
	DO(cancelled_before_while_and_after_it_runs, ALL)                                                              \
	DO(the_first_to_complete, CREW)                                                                                \
	DO(the_first_to_fail, CREW)                                                                                    \
	DO(each_as_it_completes_even_listed_twice, ALL)                                                                \
	DO(a_map_that_takes_too_long_hands_out_what_it_has, CREW)                                                      \
	DO(every_return_code_is_carried_with_its_message, ALL)                                                         \
	DO(tens_of_thousands_of_jobs_some_of_which_fail_or_crash, ALL)                                                 \
	DO(maps_between_jobs_that_are_cancelled, ALL)

#define ADD(test, backends) tcase_add_loop_test(tcase, test, 0, backends);

int main(void)
{
	Suite *suite = suite_create("executor behaviours");
	TCase *tcase = test_case(suite, "executor");
	BEHAVIOURS(ADD)
	return run_suite(suite);
}
