/*
 * test_loop.c - a pool in a host's event loop: libuv's, and one of poll(2) alone.
 *
 * A timer of the loop ticks each millisecond; the loop's only other duty is to dispatch the pool when its
 * descriptor asks for it.  Tasks wait at a gate that the timer opens, and one worker is killed by the timer: had
 * a call of the pool held up the loop, the timer would not tick and no job would come to its end.  Only
 * submissions and forkpool_dispatch() are called, and all that is learnt is learnt from callbacks.
 */
#include "config.h"
#include "scene.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#ifdef HAVE_UV
#include <uv.h>
#endif

/* ---- A host and its loop ---------------------------------------------------------------- */

struct host {
	forkpool *pool;
	unsigned ticks, dispatches;
	void (*on_tick)(struct host *host);
	unsigned jobs; /* that are not finished; the loop ends with them */
	int unfinished;
};

static void tick(struct host *host)
{
	host->ticks++;
	if (host->on_tick != NULL)
		host->on_tick(host);
}

static void dispatch(struct host *host)
{
	host->dispatches++;
	host->unfinished = forkpool_dispatch(host->pool);
	ck_assert_int_ge(host->unfinished, 0);
}

/* poll(2) alone: it waits for the descriptor, or the next millisecond. */
static void run_poll(struct host *host)
{
	struct pollfd fd = {.fd = forkpool_fd(host->pool), .events = POLLIN};
	double next = seconds_now();
	ck_assert_int_ge(fd.fd, 0);
	while (host->jobs > 0) {
		if (poll(&fd, 1, seconds_now() < next) == 1)
			dispatch(host);
		if (seconds_now() >= next) {
			next = seconds_now() + 0.001;
			tick(host);
		}
	}
}

#ifdef HAVE_UV
static void stop_if_idle(uv_loop_t *loop, const struct host *host)
{
	if (host->jobs == 0)
		uv_stop(loop);
}

static void on_timer(uv_timer_t *timer)
{
	tick(timer->data);
	stop_if_idle(timer->loop, timer->data);
}

static void on_readable(uv_poll_t *watch, int status, int events)
{
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(events, UV_READABLE);
	dispatch(watch->data);
	stop_if_idle(watch->loop, watch->data);
}

static void run_libuv(struct host *host)
{
	uv_loop_t loop;
	uv_timer_t timer;
	uv_poll_t watch;
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	ck_assert_int_eq(uv_timer_init(&loop, &timer), 0);
	ck_assert_int_eq(uv_poll_init(&loop, &watch, forkpool_fd(host->pool)), 0);
	timer.data = watch.data = host;
	ck_assert_int_eq(uv_timer_start(&timer, on_timer, 0, 1), 0);
	ck_assert_int_eq(uv_poll_start(&watch, UV_READABLE, on_readable), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&watch, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
}
#endif

static void (*const loops[])(struct host *) = {
        run_poll,
#ifdef HAVE_UV
        run_libuv,
#endif
};

enum { LOOPS = sizeof loops / sizeof *loops };

static void run_loop(struct host *host, int which)
{
	loops[which](host);
	ck_assert_int_eq(host->unfinished, 0);
	forkpool_destroy(host->pool);
}

/* ---- Jobs of the host -------------------------------------------------------------------- */

struct order {
	struct host *host;
	unsigned submitted, finished; /* ticks */
	unsigned calls;
	forkpool_report report;
	int returned;
};

static void note_end(forkpool_job *job, void *arg)
{
	struct order *order = arg;
	order->calls++;
	order->finished = order->host->ticks;
	order->returned = forkpool_job_get(job, &order->report);
	order->host->jobs--;
	forkpool_job_free(job);
}

static void place(struct order *order, struct host *host, forkpool_for_fn *function, size_t count, forkpool_opts opts)
{
	*order = (struct order){.host = host, .submitted = host->ticks};
	opts.done = note_end;
	opts.done_arg = order;
	opts.chunk = 1;
	host->jobs++;
	submit_for(host->pool, function, count, &opts);
}

/* Done, and by callback, while the timer ticked on. */
static void assert_served(const struct order *order, int returned, unsigned ticks)
{
	ck_assert_uint_eq(order->calls, 1);
	ck_assert_int_eq(order->returned, returned);
	ck_assert_uint_ge(order->finished - order->submitted, ticks);
}

/* ---- What happens while the timer ticks ------------------------------------------------------ */

static void open_at_thirty(struct host *host)
{
	if (host->ticks == 30)
		atomic_store(&scene->open, 1);
}

START_TEST(timers_tick_while_maps_run)
{
	new_scene();
	struct order gated, plain, more[100];
	struct host host = {.pool = pool_of(backend_id(_i / LOOPS), 3), .on_tick = open_at_thirty};
	place(&gated, &host, gated_task, 20, (forkpool_opts){0});
	place(&plain, &host, failing_task, 1000, (forkpool_opts){0});
	for (int k = 0; k < 100; k++) /* more than are open at a time */
		place(&more[k], &host, napping_task, 1, (forkpool_opts){0});
	run_loop(&host, _i % LOOPS);
	assert_served(&gated, 0, 30);
	assert_served(&plain, 100, 0);
	for (int k = 0; k < 100; k++)
		assert_served(&more[k], 0, 0);
}
END_TEST

/* A serial pool works a chunk at a dispatch; the timer has its turn in between. */
START_TEST(timers_tick_while_a_serial_map_runs)
{
	enum { COUNT = 200 };
	new_scene();
	struct order order;
	struct host host = {.pool = pool_of(FORKPOOL_SERIAL, 1)};
	place(&order, &host, napping_task, COUNT, (forkpool_opts){0});
	run_loop(&host, _i % LOOPS);
	assert_served(&order, 0, COUNT / 4);
	ck_assert_uint_ge(host.dispatches, COUNT);
}
END_TEST

static void kill_at_thirty(struct host *host)
{
	if (host->ticks >= 30 && scene->entered >= 1 && scene->pids[0] > 0) {
		kill(scene->pids[0], SIGKILL);
		host->on_tick = NULL;
	}
}

START_TEST(timers_tick_while_a_worker_is_killed)
{
	new_scene();
	struct order victim, other;
	int32_t status = 0;
	struct host host = {.pool = pool_of(FORKPOOL_PROCESSES, 2), .on_tick = kill_at_thirty};
	place(&victim, &host, stubborn_task, 1, (forkpool_opts){.status = &status});
	place(&other, &host, failing_task, 100, (forkpool_opts){0});
	run_loop(&host, _i);
	assert_served(&victim, 1, 30);
	assert_served(&other, 10, 0);
	ck_assert_int_eq(status, FORKPOOL_CRASHED);
	ck_assert_int_eq(victim.report.signal, SIGKILL);
}
END_TEST

START_TEST(timers_tick_while_a_time_limit_expires)
{
	enum { HANGING = 3 };
	new_scene();
	struct order slow, other;
	int32_t status[HANGING] = {0};
	struct host host = {.pool = pool_of(FORKPOOL_PROCESSES, 2)};
	place(&slow, &host, stubborn_task, HANGING, (forkpool_opts){.timeout = 0.1, .status = status});
	place(&other, &host, failing_task, 100, (forkpool_opts){0});
	run_loop(&host, _i);
	assert_served(&slow, HANGING, 5);
	assert_served(&other, 10, 0);
	for (int k = 0; k < HANGING; k++)
		ck_assert_int_eq(status[k], FORKPOOL_TIMED_OUT);
}
END_TEST

/* ---- Submitting from the loop ------------------------------------------------------------------ */

static struct order waves[5];

/* A timer may submit, too; and cancel, which does not wait. */
static void submit_now_and_then(struct host *host)
{
	if (host->ticks % 10 != 0 || host->ticks > 50)
		return;
	unsigned wave = host->ticks / 10 - 1;
	place(&waves[wave], host, failing_task, 10 * (wave + 1), (forkpool_opts){0});
	if (wave == 4)
		atomic_store(&scene->open, 1);
}

START_TEST(a_timer_submits)
{
	new_scene();
	struct order gated;
	struct host host = {.pool = pool_of(backend_id(_i / LOOPS), 2), .on_tick = submit_now_and_then};
	place(&gated, &host, gated_task, 1, (forkpool_opts){0});
	run_loop(&host, _i % LOOPS);
	assert_served(&gated, 0, 50);
	for (int wave = 0; wave < 5; wave++)
		assert_served(&waves[wave], wave + 1, 0);
}
END_TEST

static forkpool_job *endless;

static void cancel_at_thirty(struct host *host)
{
	if (host->ticks == 30)
		ck_assert_int_eq(forkpool_job_cancel(endless), 0);
}

START_TEST(a_timer_cancels)
{
	int backend = backend_id(_i / LOOPS);
	new_scene();
	scene->answer = 3;
	struct host host = {.pool = pool_of(backend, 2), .on_tick = cancel_at_thirty, .jobs = 1};
	struct order order = {.host = &host};
	endless = submit_for(host.pool, endless_task(backend), 100,
	                     &(forkpool_opts){.chunk = 1, .done = note_end, .done_arg = &order});
	run_loop(&host, _i % LOOPS);
	assert_served(&order, 100, 30);
}
END_TEST

/* A loop has other things to do, too: it is not woken where nothing is due. */
START_TEST(a_loop_is_woken_when_something_is_due)
{
	new_scene();
	struct order gated;
	struct host host = {.pool = pool_of(backend_id(_i / LOOPS), 2), .on_tick = open_at_thirty};
	place(&gated, &host, gated_task, 2, (forkpool_opts){0});
	run_loop(&host, _i % LOOPS);
	ck_assert_msg(host.dispatches <= 10, "%u dispatches for a job that waited for its gate", host.dispatches);
}
END_TEST

/* What libuv opens once and for ever, for signals, is not for the fixture to find. */
static void open_what_stays_open(void)
{
#ifdef HAVE_UV
	uv_loop_t loop;
	if (uv_loop_init(&loop) == 0)
		uv_loop_close(&loop);
#endif
}

int main(void)
{
	open_what_stays_open();
	Suite *suite = suite_create("loop");
	TCase *tcase = test_case(suite, "event loops");
	int crews = crew_backend_count();
	tcase_add_loop_test(tcase, timers_tick_while_maps_run, 0, LOOPS * crews);
	tcase_add_loop_test(tcase, a_timer_submits, 0, LOOPS * crews);
	tcase_add_loop_test(tcase, a_timer_cancels, 0, LOOPS * crews);
	tcase_add_loop_test(tcase, a_loop_is_woken_when_something_is_due, 0, LOOPS * crews);
	if (backend_enabled(FORKPOOL_SERIAL))
		tcase_add_loop_test(tcase, timers_tick_while_a_serial_map_runs, 0, LOOPS);
	if (backend_enabled(FORKPOOL_PROCESSES)) {
		tcase_add_loop_test(tcase, timers_tick_while_a_worker_is_killed, 0, LOOPS);
		tcase_add_loop_test(tcase, timers_tick_while_a_time_limit_expires, 0, LOOPS);
	}
	return run_suite(suite);
}
