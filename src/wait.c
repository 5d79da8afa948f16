/*
 * What the parent does while jobs run: it spins for a bounded time, then sleeps on an epoll
 * descriptor that holds the doorbell and a pidfd a worker, and acts upon what woke it.  A slow
 * heartbeat looks at everything, so that whatever went unnoticed costs a moment and never a hang.
 */
#include "wait.h"

#include "clock.h"
#include "crew.h"
#include "limit.h"
#include "orphan.h"
#include "watch.h"
#include "worker.h"

#include <errno.h>
#include <math.h>

/* Seconds between two heartbeats; the second where a death cannot be seen in another way. */
#define HEARTBEAT          0.5
#define HEARTBEAT_NO_PIDFD 0.02

/* ---- One sleep ---- */

static void plan_beat(forkpool *pool)
{
	pool->next_beat = clock_seconds() + (watch_is_complete(pool) ? HEARTBEAT : HEARTBEAT_NO_PIDFD);
}

static void check_crew(forkpool *pool)
{
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		crew_check(pool, slot);
}

static void beat(forkpool *pool)
{
	check_crew(pool);
	crew_refill(pool, false);
	crew_audit(pool);
	orphan_publish(pool);
	for (struct job *job = pool->jobs; job != NULL; job = job->next)
		job_audit(job);
	ring_post(&pool->engine.ring, pool_workers(pool));
	ring_rouse(&pool->engine.ring);
	plan_beat(pool);
}

/* Sleeps until something happens, at most `seconds`, and acts upon it. */
static void sleep_once(forkpool *pool, double seconds)
{
	unsigned slots[WATCH_SLOTS];
	double until_beat = pool->next_beat - clock_seconds(), until_limit = limit_enforce(pool);
	if (seconds > until_limit)
		seconds = until_limit;
	if (seconds > until_beat)
		seconds = until_beat > 0 ? until_beat : 0;
	if (pool->backend->shares_memory)
		check_crew(pool); /* B1, with `stage` for the tally: a thread that ends later rings the bell */
	orphan_publish(pool);     /* B1: who takes an orphan up later, and so gives a place away, rings */
	int ended = watch_sleep(pool, seconds, slots);
	atomic_store(&pool->engine.board->parent_asleep, 0);
	for (int i = 0; i < ended; i++)
		crew_check(pool, slots[i]);
	if (clock_seconds() >= pool->next_beat)
		beat(pool);
}

/* ---- Progress ---- */

static void show_progress(struct job *job, bool last)
{
	forkpool_progress progress;
	job_progress(job, &progress);
	if (last)
		progress.finished = progress.tasks;
	else if (progress.finished < job->progress_shown)
		progress.finished = job->progress_shown;
	job->progress_shown = progress.finished;
	if (progress.finished > 0)
		progress.remaining =
		        progress.elapsed * (double)(progress.tasks - progress.finished) / (double)progress.finished;
	job->opts.progress(&progress, job->opts.progress_arg);
}

/* Calls back if it is time to; returns the seconds until it will be. */
static double tick(struct job *job)
{
	if (job->opts.progress == NULL)
		return INFINITY;
	double now = clock_seconds();
	if (now >= job->next_progress) {
		show_progress(job, false);
		job->next_progress = clock_seconds() + job->opts.progress_interval;
	}
	return job->next_progress > now ? job->next_progress - now : 0;
}

/* ---- Waiting for a job ---- */

/* Who spins sees no death, no time limit and no moment for progress. */
enum { MOST_SPIN_US = 10000 };

static bool spin(struct job *job)
{
	double until = 0, spin_us = fmin(job->pool->engine.spin_us, MOST_SPIN_US);
	if (spin_us <= 0)
		return job_check(job);
	for (;;) {
		for (int i = 0; i < 64; i++) {
			if (job_check(job))
				return true;
			cpu_relax();
		}
		double now = clock_seconds();
		if (until == 0)
			until = now + spin_us / 1e6;
		else if (now > until)
			return false;
	}
}

/* No worker is there, and none can be started: nobody will ever do the rest. */
static bool is_stranded(forkpool *pool)
{
	if (crew_gone(pool))
		crew_refill(pool, true);
	return crew_gone(pool);
}

static void wait_for_workers(struct job *job)
{
	forkpool *pool = job->pool;
	bool planned = false;
	if (crew_gone(pool))
		crew_revive(pool, -EAGAIN);
	while (!spin(job)) {
		if (!planned && job->next == NULL) /* a map in a callback must not put it off */
			plan_beat(pool);
		planned = true;
		double seconds = tick(job);
		if (is_stranded(pool)) {
			job_fail(job, pool->killed ? -ESHUTDOWN : pool->start_error);
			return;
		}
		atomic_store(&pool->engine.board->parent_asleep, 1); /* B1 */
		if (job_check(job))
			break;
		sleep_once(pool, seconds);
	}
	atomic_store(&pool->engine.board->parent_asleep, 0);
}

static void tick_inline(void *arg)
{
	struct job *job = arg;
	struct worker *worker = worker_current;
	worker_current = job->pool->inline_worker->outer; /* a callback is the caller's, and not a task */
	tick(job);
	worker_current = worker;
}

static void work_inline(struct job *job)
{
	struct worker *worker = job->pool->inline_worker;
	while (!job_check(job)) {
		int error = crew_renew_inline(job->pool);
		if (error != 0) {
			job_fail(job, error);
			return;
		}
		worker->between = job->opts.progress == NULL ? NULL : tick_inline;
		worker->between_arg = job;
		worker->attentive = worker->between != NULL || job->pool->engine.tasks_a_worker > 0;
		worker_find_work(worker);
		worker->between = NULL;
	}
}

/* The book-keeping cannot be believed, or not be kept: ends all workers and all open jobs, and
 * makes the shared control words anew. */
static void void_pool(forkpool *pool, int error)
{
	crew_kill(pool);
	wait_for_ends(pool);
	for (struct job *job = pool->jobs; job != NULL; job = job->next)
		job_fail(job, error);
	if (error == -EPROTO)
		crew_reset(pool);
	if (!pool->closed)
		crew_open(pool);
}

void wait_for_job(forkpool *pool, struct job *job)
{
	if (pool->backend->runs_inline)
		work_inline(job);
	else
		wait_for_workers(job);
	if (!pool->backend->runs_inline)
		crew_audit(pool);
	if (job->error == -EPROTO || job->error == -ENOMEM)
		void_pool(pool, job->error);
	if (job->opts.progress != NULL)
		show_progress(job, true);
}

void wait_for_slot(forkpool *pool)
{
	sleep_once(pool, 0.001);
}

/* Workers that have overwritten what they are told things by. */
static void kill_if_spoilt(forkpool *pool)
{
	if (!pool->killed && !crew_audit(pool))
		crew_kill(pool);
}

static void wait_until(forkpool *pool, bool (*condition)(const forkpool *pool))
{
	plan_beat(pool);
	while (!condition(pool)) {
		atomic_store(&pool->engine.board->parent_asleep, 1); /* B1, likewise */
		check_crew(pool);
		kill_if_spoilt(pool);
		if (!condition(pool))
			sleep_once(pool, INFINITY);
	}
	atomic_store(&pool->engine.board->parent_asleep, 0);
}

void wait_for_starts(forkpool *pool)
{
	wait_until(pool, crew_started);
	kill_if_spoilt(pool);
	if (pool->killed) {
		wait_until(pool, crew_gone);
		crew_reset(pool);
		crew_open(pool);
		pool->start_error = -EPROTO;
	}
}

void wait_for_ends(forkpool *pool)
{
	wait_until(pool, crew_gone);
}
