/*
 * What the parent does in a call of the pool.  It ends and opens jobs, calls back, and, if it has to wait, spins for a
 * bounded time, and sleeps then; or it works itself.
 *
 * Callbacks are called from here only, and may call everything again; so nothing here relies on what it has seen of
 * the jobs before one.
 */
#include "wait.h"

#include "clock.h"
#include "crew.h"
#include "limit.h"
#include "queue.h"
#include "schedule.h"
#include "sleep.h"
#include "watch.h"
#include "worker.h"

#include <errno.h>
#include <math.h>
#include <sched.h>

/* ---- Callbacks ---- */

static void show_progress(forkpool_job *job)
{
	forkpool_progress progress;
	job_progress(job, &progress);
	if (progress.finished < job->progress_shown)
		progress.finished = job->progress_shown;
	job->progress_shown = progress.finished;
	if (progress.finished > 0)
		progress.remaining =
		        progress.elapsed * (double)(progress.tasks - progress.finished) / (double)progress.finished;
	job->opts.progress(&progress, job->opts.progress_arg);
}

static void call_back(forkpool *pool)
{
	forkpool_job *job;
	while ((job = queue_take(&pool->finished)) != NULL) {
		job->told = true; /* in the callback, too, it is finished for whoever asks */
		if (job->opts.progress != NULL)
			show_progress(job);
		if (job->opts.done != NULL)
			job->opts.done(job, job->opts.done_arg);
		job_release(job);
	}
}

/* The open job whose progress is to be told next, if any is told. */
static forkpool_job *next_to_tell(const forkpool *pool)
{
	forkpool_job *next = NULL;
	for (uint64_t slots = pool->tellers == 0 ? 0 : open_slots(pool); slots != 0; slots &= slots - 1) {
		forkpool_job *job = lowest_job(pool, slots);
		if (job->opts.progress != NULL && (next == NULL || job->next_progress < next->next_progress))
			next = job;
	}
	return next;
}

/* Tells what is to be told; returns when there will be something again. */
static double tell_progress(forkpool *pool)
{
	forkpool_job *job = next_to_tell(pool);
	double now = job == NULL ? 0 : clock_seconds();
	for (; job != NULL && job->next_progress < now; job = next_to_tell(pool)) {
		job->references++;             /* it may be freed meanwhile */
		job->next_progress = INFINITY; /* and what it waits for shall not call it again */
		show_progress(job);
		job->next_progress = clock_seconds() + job->opts.progress_interval;
		job_release(job);
	}
	return job == NULL ? INFINITY : job->next_progress;
}

/* Most often the last worker is just leaving a job when its end is noticed: so long is waited for the memory. */
enum { PIN_SPINS = 100 };

/* All that can be done without waiting, and without a system call. */
static void pump(forkpool *pool)
{
	end_jobs(pool);
	for (int spins = 0; spins < PIN_SPINS && pool->slots_heavy != 0; spins++) {
		slots_sweep(pool);
		cpu_relax();
	}
	if (pool->waiting.first != NULL)
		open_waiting(pool);
	call_back(pool);
}

/* ---- Waiting ---- */

bool is_finished(void *job)
{
	return ((forkpool_job *)job)->told;
}

bool is_unoccupied(void *pool)
{
	return ((forkpool *)pool)->unfinished == 0;
}

/* What a call waits for. */
struct goal {
	wait_condition *over;
	void *arg;
	double until; /* INFINITY: there is no limit */
};

static bool is_reached(const struct goal *goal)
{
	return goal->over(goal->arg);
}

/* Who spins sees no death, no time limit and no moment for progress. */
enum { MOST_SPIN_US = 10000 };

/* About as long as it takes to wake somebody.  A yield may last longer where others want the CPU; but without any, who
 * was woken to run here could not: maps after a moment of idleness took a quarter longer. */
enum { WAKING_US = 4 };

/* False: nothing has happened. */
static bool spin(forkpool *pool, const struct goal *goal)
{
	double begun = pool->held_back > 0 ? clock_seconds() : 0, spin_us = fmin(pool->engine.spin_us, MOST_SPIN_US);
	if (spin_us <= 0 || open_slots(pool) == 0)
		return has_ended(pool) || is_reached(goal);
	for (;;) {
		for (int i = 0; i < 64; i++) {
			if (has_ended(pool))
				return true;
			cpu_relax();
		}
		sched_yield(); /* a worker may wait for this very CPU */
		double now = clock_seconds();
		if (is_reached(goal))
			return true;
		if (begun == 0)
			begun = now;
		if (now > begun + WAKING_US / 1e6)
			job_wake_rest(pool);
		if (now > fmin(begun + spin_us / 1e6, goal->until))
			return false;
	}
}

/* If no worker is there, and none can be started, nobody will ever do the rest. */
static bool end_if_stranded(forkpool *pool)
{
	if (pool->unfinished > 0 && crew_gone(pool))
		crew_refill(pool, true);
	if (pool->unfinished == 0 || !crew_gone(pool))
		return false;
	schedule_end_all(pool, pool->killed ? -ESHUTDOWN : pool->start_error);
	return true;
}

/* Seconds until there may be something to do of which nobody tells. */
static double until_due(const forkpool *pool, double until)
{
	const forkpool_job *job = next_to_tell(pool);
	double due = job == NULL ? until : fmin(until, job->next_progress);
	double seconds = isinf(due) ? INFINITY : fmax(due - clock_seconds(), 0);
	if (pool->waiting.first != NULL && pool->slots_closing != 0)
		seconds = fmin(seconds, PIN_MOMENT);
	return seconds;
}

/* Whether to sleep at all is looked up after the parent has said that it does: B1. */
static void sleep_until_news(forkpool *pool, const struct goal *goal)
{
	job_wake_rest(pool);
	tell_progress(pool);
	double seconds = until_due(pool, goal->until);
	atomic_store(&pool->engine.board->parent_asleep, 1);
	atomic_thread_fence(memory_order_seq_cst); /* B5 */
	if (has_ended(pool) || is_reached(goal) || pool->finished.first != NULL)
		atomic_store(&pool->engine.board->parent_asleep, 0);
	else
		sleep_once(pool, seconds);
}

/* Deaths, time limits, progress: whatever there is. */
static void look_around(forkpool *pool)
{
	tell_progress(pool);
	end_if_stranded(pool);
	sleep_once(pool, 0);
}

/* ---- The caller works itself ---- */

static bool is_time(void *arg)
{
	const forkpool *pool = arg;
	return pool->one_chunk || clock_seconds() >= pool->inline_until;
}

static void work_inline(forkpool *pool, double until, bool one_chunk)
{
	struct worker *worker = pool->inline_worker;
	double until_told = tell_progress(pool);
	if (pool->unfinished == 0)
		return;
	int error = crew_renew_inline(pool);
	if (error != 0) {
		schedule_end_all(pool, error);
		return;
	}
	pool->inline_until = fmin(until, until_told);
	pool->one_chunk = one_chunk;
	worker->interrupt = one_chunk || !isinf(pool->inline_until) ? is_time : NULL;
	worker->interrupt_arg = pool;
	worker_find_work(worker);
}

/* ---- The loop ---- */

/* Does something for the goal; false: that is over its time. */
static bool pursue(forkpool *pool, const struct goal *goal)
{
	bool once = goal->until == 0;
	if (!once && !isinf(goal->until) && clock_seconds() >= goal->until)
		return false;
	if (pool->backend->runs_inline)
		work_inline(pool, goal->until, once);
	else if (once)
		look_around(pool);
	else if (spin(pool, goal))
		return true;
	else if (!end_if_stranded(pool))
		sleep_until_news(pool, goal);
	return true;
}

int pool_wait(forkpool *pool, wait_condition *over, void *arg, double seconds)
{
	struct goal goal = {over, arg, seconds < 0 ? INFINITY : seconds == 0 ? 0 : clock_seconds() + seconds};
	bool in_time = true;
	pool_enter(pool);
	for (bool again = false;; again = true) {
		pump(pool);
		if (is_reached(&goal) || !in_time)
			break;
		if (again)
			job_wake_rest(pool);
		in_time = pursue(pool, &goal) && goal.until != 0;
	}
	job_wake_rest(pool);
	pool_leave(pool);
	return is_reached(&goal) ? 0 : -ETIMEDOUT;
}

/* ---- A host's event loop ---- */

/* Between the calls the host waits for the pool's descriptor. */
static void arm(forkpool *pool)
{
	double seconds = pool->unfinished == 0 ? INFINITY : fmin(until_due(pool, pool->next_beat), limit_enforce(pool));
	bool asleep = !pool->backend->runs_inline;
	watch_set_timer(pool, seconds);
	atomic_store(&pool->engine.board->parent_asleep, asleep); /* B1 */
	if (pool->finished.first != NULL || has_ended(pool) || (!asleep && pool->unfinished > 0))
		watch_ring(pool);
}

void pool_enter(forkpool *pool)
{
	if (pool->depth++ == 0 && pool->timer >= 0) {
		atomic_store(&pool->engine.board->parent_asleep, 0);
		if (pool->backend->runs_inline)
			watch_drain(pool);
	}
}

void pool_leave(forkpool *pool)
{
	if (--pool->depth == 0 && pool->timer >= 0)
		arm(pool);
}
