/*
 * test_callbacks.c - who is called, and from where: callbacks of jobs, jobs inside of tasks, and the
 * descriptor by which an event loop learns that there is something to do.
 */
#include "config.h"
#include "calls.h"
#include "scene.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Callbacks -------------------------------------------------------------------- */

struct chain {
	forkpool *pool;
	unsigned left, calls;
	uint64_t item, result;
};

/* Uses the result, submits another job, waits for a third and frees its own. */
static void go_on(forkpool_job *job, void *arg)
{
	struct chain *chain = arg;
	chain->calls++;
	ck_assert_int_eq(forkpool_job_get(job, NULL), 0);
	ck_assert_uint_eq(chain->result, chain->item * chain->item);
	if (chain->left-- > 1) {
		chain->item++;
		ck_assert_int_eq(forkpool_apply_async(NULL, chain->pool, square_task, &chain->item, 8, &chain->result,
		                                      8, &(forkpool_opts){.done = go_on, .done_arg = chain}),
		                 0);
	}
	ck_assert(squares_are_right(chain->pool, chain->item));
	finish(submit_for(chain->pool, failing_task, 20, NULL), 2);
	forkpool_job_free(job);
}

START_TEST(callbacks_submit_wait_and_free)
{
	enum { LINKS = 50 };
	struct chain chain = {.left = LINKS, .item = 3};
	struct bell bell = new_bell();
	chain.pool = pool_of(backend_id(_i), 2);
	forkpool_job *job = NULL;
	forkpool_opts opts = {.done = go_on, .done_arg = &chain};
	ck_assert_int_eq(forkpool_apply_async(&job, chain.pool, square_task, &chain.item, 8, &chain.result, 8, &opts),
	                 0);
	ck_assert_int_eq(forkpool_for_async(NULL, chain.pool, failing_task, 50,
	                                    &(forkpool_opts){.done = ring, .done_arg = &bell}),
	                 0);
	dispatch_all(chain.pool);
	ck_assert_uint_eq(chain.calls, LINKS);
	assert_rung_once(&bell, NULL, 5);
	forkpool_destroy(chain.pool);
}
END_TEST

/* Of a call that waits, too. */
START_TEST(a_blocking_call_calls_back_once)
{
	struct bell bell = new_bell();
	forkpool *pool = pool_of(backend_id(_i), 2);
	ck_assert_int_eq(forkpool_for(pool, failing_task, 50, &(forkpool_opts){.done = ring, .done_arg = &bell}), 5);
	assert_rung_once(&bell, NULL, 5);
	forkpool_destroy(pool);
}
END_TEST

struct watch {
	unsigned calls, ends;
	uint64_t tasks, finished;
	pthread_t thread;
	bool wrong;
};

static void watch(const forkpool_progress *progress, void *arg)
{
	struct watch *w = arg;
	w->calls++;
	w->wrong |= progress->finished < w->finished || progress->tasks != w->tasks ||
	            !pthread_equal(w->thread, pthread_self());
	w->finished = progress->finished;
	w->ends += progress->finished == progress->tasks;
	if (w->calls == 3)
		open_gate(NULL, NULL);
}

/* The gate opens at the third call: so they come while the job runs, and while another one is waited for. */
START_TEST(progress_is_told_while_another_job_is_waited_for)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	struct watch w = {.tasks = 30, .thread = pthread_self()};
	forkpool_opts opts = {.progress = watch, .progress_arg = &w, .progress_interval = 0.005, .chunk = 1};
	forkpool_job *watched = submit_for(pool, gate_at_zero, 30, &opts);
	forkpool_job *waited_for = submit_for(pool, gated_task, 1, NULL);
	finish(waited_for, 0);
	finish(watched, 0);
	ck_assert(!w.wrong);
	ck_assert_uint_ge(w.calls, 4);
	ck_assert_uint_eq(w.finished, 30);
	unsigned calls = w.calls;
	dispatch_all(pool);
	ck_assert_uint_eq(w.calls, calls); /* once at the end, and then no more */
	forkpool_destroy(pool);
}
END_TEST

/* ---- Inside a task ---------------------------------------------------------------- */

static forkpool *outer_pool; /* NULL in workers that were forked before it was known */

struct inner {
	int submitted, returned, ready, same_worker;
	uint64_t sum;
};

static int count_worker(size_t index, void *ctx)
{
	(void)index;
	return forkpool_worker() == *(const int *)ctx ? 0 : 1;
}

static int submit_inside(size_t index, void *ctx)
{
	struct inner *inner = &((struct inner *)ctx)[index];
	uint64_t items[10], results[10];
	forkpool_job *job = NULL, *second = NULL;
	int own = forkpool_worker();
	for (uint64_t i = 0; i < 10; i++)
		items[i] = i + index;
	inner->submitted = forkpool_map_async(&job, outer_pool, square_task, items, 10, 8, results, 8, NULL);
	inner->submitted |= forkpool_for_async(&second, outer_pool, count_worker, 10,
	                                       &(forkpool_opts){.ctx = &own, .ctx_size = sizeof own});
	if (inner->submitted != 0)
		return 1;
	inner->same_worker = forkpool_job_get(second, NULL) == 0;
	inner->returned = forkpool_job_get(job, NULL);
	inner->ready = forkpool_job_ready(job);
	for (int i = 0; i < 10; i++)
		inner->sum += results[i];
	forkpool_job_free(job);
	forkpool_job_free(second);
	return 0;
}

START_TEST(a_job_inside_a_task_runs_there)
{
	enum { COUNT = 20 };
	forkpool *pool = pool_of(backend_id(_i), 2);
	outer_pool = pool;
	struct inner *inner = forkpool_alloc(pool, COUNT * sizeof *inner);
	ck_assert_ptr_nonnull(inner);
	ck_assert_int_eq(forkpool_for(pool, submit_inside, COUNT, &(forkpool_opts){.ctx = inner}), 0);
	for (uint64_t index = 0; index < COUNT; index++) {
		uint64_t sum = 0;
		for (uint64_t i = 0; i < 10; i++)
			sum += (i + index) * (i + index);
		ck_assert_int_eq(inner[index].submitted, 0);
		ck_assert_int_eq(inner[index].returned, 0);
		ck_assert_int_eq(inner[index].ready, 1);
		ck_assert_int_eq(inner[index].same_worker, 1);
		ck_assert_uint_eq(inner[index].sum, sum);
	}
	forkpool_destroy(pool);
}
END_TEST

static forkpool_job *foreign;

static int use_foreign(size_t index, void *ctx)
{
	size_t at;
	int *answers = ctx;
	(void)index;
	answers[0] = forkpool_job_wait(foreign, 0);
	answers[1] = forkpool_job_ready(foreign);
	answers[2] = forkpool_job_get(foreign, NULL);
	answers[3] = forkpool_job_next(foreign, &at, 0);
	answers[4] = forkpool_job_cancel(foreign);
	answers[5] = forkpool_wait_any(&foreign, 1, 0);
	return 0;
}

START_TEST(a_task_may_not_wait_for_the_callers_jobs)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 1);
	int *answers = forkpool_alloc(pool, 6 * sizeof *answers);
	ck_assert_ptr_nonnull(answers);
	foreign = submit_for(pool, plain_task, 3, NULL);
	ck_assert_int_eq(forkpool_job_wait(foreign, -1), 0);
	ck_assert_int_eq(forkpool_refresh(pool), 0); /* workers have the handle in their memory now */
	ck_assert_int_eq(forkpool_for(pool, use_foreign, 1, &(forkpool_opts){.ctx = answers}), 0);
	for (int k = 0; k < 6; k++)
		ck_assert_msg(answers[k] == -EPERM, "call %d returned %d", k, answers[k]);
	finish(foreign, 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(a_forked_child_may_not_use_jobs)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 1);
	foreign = submit_for(pool, plain_task, 3, NULL);
	ck_assert_int_eq(forkpool_job_wait(foreign, -1), 0);
	int status, answers[6];
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		forkpool_job *job = NULL;
		use_foreign(0, answers);
		for (int k = 0; k < 6; k++)
			if (answers[k] != -EPERM)
				_exit(1 + k);
		if (forkpool_fd(pool) != -EPERM || forkpool_dispatch(pool) != -EPERM ||
		    forkpool_for_async(&job, pool, plain_task, 1, NULL) != -EPERM || job != NULL)
			_exit(10);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	finish(foreign, 0);
	forkpool_destroy(pool);
}
END_TEST

/* ---- The descriptor --------------------------------------------------------------- */

static bool readable(int fd, int ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	return poll(&ready, 1, ms) == 1 && (ready.revents & POLLIN) != 0;
}

static const struct {
	forkpool_for_fn *function;
	double timeout;
	int expected;
	bool processes_only;
} events[] = {
        {plain_task, 0, 0, false},
        {failing_task, 0, 2, false},
        {killed_task, 0, 20, true},
        {stubborn_task, 0.02, 20, true},
};

enum { EVENTS = sizeof events / sizeof *events };

/* Nothing but the descriptor says when to dispatch. */
START_TEST(the_descriptor_tells_of_every_event)
{
	int backend = backend_id(_i / EVENTS), event = _i % EVENTS;
	if (events[event].processes_only && backend != FORKPOOL_PROCESSES)
		return;
	new_scene();
	struct bell bell = new_bell();
	forkpool *pool = pool_of(backend, 2);
	int fd = forkpool_fd(pool);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(forkpool_fd(pool), fd);
	forkpool_opts opts = {.timeout = events[event].timeout, .done = ring, .done_arg = &bell};
	ck_assert_int_eq(forkpool_for_async(NULL, pool, events[event].function, 20, &opts), 0);
	while (bell.rung == 0) {
		ck_assert(readable(fd, PATIENCE * 1000));
		ck_assert_int_ge(forkpool_dispatch(pool), 0);
	}
	ck_assert_int_eq(bell.returned, events[event].expected);
	ck_assert_int_eq(forkpool_dispatch(pool), 0);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(the_descriptor_tells_of_progress)
{
	new_scene();
	forkpool *pool = pool_of(backend_id(_i), 2);
	struct watch w = {.tasks = 30, .thread = pthread_self()};
	forkpool_opts opts = {.progress = watch, .progress_arg = &w, .progress_interval = 0.01, .chunk = 1};
	forkpool_job *job = submit_for(pool, gate_at_zero, 30, &opts);
	dispatch_all(pool);
	ck_assert_uint_ge(w.calls, 4);
	finish(job, 0);
	forkpool_destroy(pool);
}
END_TEST

/* Otherwise a loop that waits for it would never sleep. */
START_TEST(the_descriptor_is_quiet_where_nothing_is_due)
{
	int backend = backend_id(_i);
	new_scene();
	forkpool *pool = pool_of(backend, 2);
	int fd = forkpool_fd(pool), woken = 0;
	ck_assert_int_ge(fd, 0);
	forkpool_job *gate = has_crew(backend) ? occupy(pool, 2) : NULL;
	for (double until = seconds_now() + 0.2; seconds_now() < until; woken += readable(fd, 10))
		ck_assert_int_eq(forkpool_dispatch(pool), gate != NULL);
	ck_assert_msg(woken < 10, "readable %d times in a fifth of a second of quiet", woken);
	atomic_store(&scene->open, 1);
	if (gate != NULL)
		finish(gate, 0);
	ck_assert_int_eq(forkpool_dispatch(pool), 0);
	ck_assert(!readable(fd, 0));
	forkpool_destroy(pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("callbacks");
	int all = backend_count();
	TCase *callbacks = test_case(suite, "callbacks");
	add_backend_test(callbacks, callbacks_submit_wait_and_free);
	add_backend_test(callbacks, a_blocking_call_calls_back_once);
	add_crew_test(callbacks, progress_is_told_while_another_job_is_waited_for);
	TCase *inside = test_case(suite, "inside tasks");
	add_backend_test(inside, a_job_inside_a_task_runs_there);
	add_backend_test(inside, a_task_may_not_wait_for_the_callers_jobs);
	add_backend_test(inside, a_forked_child_may_not_use_jobs);
	TCase *descriptor = test_case(suite, "descriptor");
	tcase_add_loop_test(descriptor, the_descriptor_tells_of_every_event, 0, EVENTS * all);
	add_crew_test(descriptor, the_descriptor_tells_of_progress);
	add_backend_test(descriptor, the_descriptor_is_quiet_where_nothing_is_due);
	return run_suite(suite);
}
