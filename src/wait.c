/*
 * What the parent does in a call of the pool.  It notices which jobs are finished, opens those that wait in their
 * place, and calls back; and if it has to wait, it spins for a bounded time, then sleeps on an epoll descriptor that
 * holds the doorbell and a pidfd a worker, and acts upon what woke it.  A slow heartbeat looks at everything, so
 * that whatever went unnoticed costs a moment and never a hang.
 *
 * Callbacks are called from here only, and may call everything again; so nothing here relies on what it has seen of
 * the lists of jobs before one.
 */
#include "wait.h"

#include "clock.h"
#include "crew.h"
#include "killpoint.h"
#include "limit.h"
#include "orphan.h"
#include "queue.h"
#include "watch.h"
#include "worker.h"

#include <errno.h>
#include <math.h>

/* Seconds between two heartbeats; the second where a death cannot be seen in another way. */
#define HEARTBEAT          0.5
#define HEARTBEAT_NO_PIDFD 0.02

/* Seconds in which a worker that still pins a closed job will most often have left it. */
#define PIN_MOMENT 0.001

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
	for (uint64_t slots = open_slots(pool); slots != 0; slots &= slots - 1)
		job_audit(lowest_job(pool, slots));
	ring_post(&pool->engine.ring, pool_workers(pool));
	ring_rouse(&pool->engine.ring);
	plan_beat(pool);
}

/* Until something happens, at most `seconds`, and acts upon it.  Returns at once if `seconds` is 0. */
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

void wait_for_slot(forkpool *pool)
{
	sleep_once(pool, PIN_MOMENT);
}

/* Workers that have overwritten what they are told things by. */
static void kill_if_spoilt(forkpool *pool)
{
	if (!pool->killed && !crew_audit(pool))
		crew_kill(pool);
}

static void wait_for_crew(forkpool *pool, bool (*condition)(const forkpool *pool))
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
	wait_for_crew(pool, crew_started);
	kill_if_spoilt(pool);
	if (pool->killed) {
		wait_for_crew(pool, crew_gone);
		crew_reset(pool);
		crew_open(pool);
		pool->start_error = -EPROTO;
	}
}

void wait_for_ends(forkpool *pool)
{
	wait_for_crew(pool, crew_gone);
}

/* ---- Jobs end ---- */

static void end_job(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	job_finish(job);
	pool->unfinished--;
	pool->tellers -= job->opts.progress != NULL;
	queue_append(&pool->finished, job);
	if (pool->closed && pool->unfinished == 0)
		crew_close(pool);
}

static void end_open_jobs(forkpool *pool, int error)
{
	for (uint64_t slots = open_slots(pool); slots != 0; slots &= slots - 1) {
		forkpool_job *job = lowest_job(pool, slots);
		job_fail(job, error);
		end_job(job);
	}
}

void pool_end_all(forkpool *pool, int error)
{
	forkpool_job *job;
	end_open_jobs(pool, error);
	while ((job = queue_take(&pool->waiting)) != NULL) {
		job->error = error;
		end_job(job);
	}
}

/* The book-keeping cannot be believed, or not be kept: ends all workers and all open jobs, and
 * makes the shared control words anew. */
static void void_pool(forkpool *pool, int error)
{
	crew_kill(pool);
	wait_for_ends(pool);
	end_open_jobs(pool, error);
	if (error == -EPROTO)
		crew_reset(pool);
	if (!pool->closed || pool->unfinished > 0)
		crew_open(pool);
}

/* Whether there is one to end. */
static bool has_ended(forkpool *pool)
{
	for (uint64_t slots = jobs_to_check(pool); slots != 0; slots &= slots - 1)
		if (job_check(lowest_job(pool, slots)))
			return true;
	return false;
}

static void end_jobs(forkpool *pool)
{
	if (!has_ended(pool))
		return;
	/* What is noted from here on is seen the next time.  A note that comes late makes one look in vain. */
	uint64_t noted = atomic_exchange(&pool->engine.endings->jobs, 0);
	if (!pool->backend->runs_inline)
		crew_audit(pool);
	for (uint64_t slots = open_slots(pool) & (noted | pool->slots_suspect); slots != 0; slots &= slots - 1) {
		forkpool_job *job = lowest_job(pool, slots);
		if (!job_check(job))
			continue;
		if (job->error == -EPROTO || job->error == -ENOMEM) {
			void_pool(pool, job->error);
			return;
		}
		end_job(job);
	}
}

/* ---- Jobs begin ---- */

/* False: it has to wait for another one's slot or memory. */
static bool try_to_open(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	if (!slot_is_free(pool) || (job->wanted > 0 && job->tried == pool->returns))
		return false;
	int error = job_open(job);
	if (error != 0 && pool->slots_closing != 0) {
		slots_sweep(pool);
		error = job_open(job);
	}
	if (error == 0)
		return true;
	job->tried = pool->returns; /* not again before memory has come back */
	if (pool->slots_used != 0)
		return false;
	job->error = error;
	end_job(job);
	return true;
}

static void open_waiting(forkpool *pool)
{
	forkpool_job *job;
	if (pool->slots_heavy != 0 || !slot_is_free(pool))
		slots_sweep(pool);
	while ((job = queue_take(&pool->waiting)) != NULL)
		if (!try_to_open(job)) {
			queue_put_first(&pool->waiting, job);
			return;
		}
}

/* Where many jobs wait, so many submissions are made from one look at the others' ends to the next. */
enum { LOOK_EVERY = 32 };

void pool_submit(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	pool_enter(pool);
	job->references++;
	pool->tellers += job->opts.progress != NULL;
	if (pool->unfinished++ == 0)
		plan_beat(pool);
	if (!pool->backend->runs_inline && crew_gone(pool))
		crew_revive(pool, -EAGAIN);
	queue_append(&pool->waiting, job);
	if (pool->unfinished <= JOB_SLOTS || pool->unfinished % LOOK_EVERY == 0) {
		if (!slot_is_free(pool))
			end_jobs(pool);
		open_waiting(pool);
	}
	pool_leave(pool);
}

/* ---- Jobs end early ---- */

/* B4: ends the worker if it runs a task of the job.  No further one can be claimed there. */
static void doom(forkpool_job *job, unsigned slot)
{
	struct forkpool *pool = job->pool;
	struct worker_record *record = &pool->engine.records[slot];
	struct member *member = &pool->members[slot];
	size_t chunk = atomic_load(&record->chunk);
	uint64_t pin = job->number;
	if (!member->alive || member->doomed || chunk >= job->chunks ||
	    !ledger_is_running(ledger_read(&job->ledger[chunk]), ledger_running(slot, member->incarnation)))
		return;
	DOOM_POINT();
	if (!atomic_compare_exchange_strong(&record->pin, &pin, job->number | PIN_DOOMED))
		return;
	member->dismissed = true;
	pool->backend->kill(pool, slot);
}

static void cancel_open(forkpool_job *job)
{
	job_cancel(job);
	if (job->pool->backend->kill != NULL)
		for (unsigned slot = 0; slot < pool_workers(job->pool); slot++)
			doom(job, slot);
}

void pool_cancel(forkpool_job *job)
{
	struct forkpool *pool = job->pool;
	if (job->state == JOB_FINISHED)
		return;
	pool_enter(pool);
	if (job->state == JOB_OPEN) {
		cancel_open(job);
	} else {
		queue_remove(&pool->waiting, job);
		end_job(job);
	}
	pool_leave(pool);
}

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

/* False: nothing has happened. */
static bool spin(forkpool *pool, const struct goal *goal)
{
	double until = 0, spin_us = fmin(pool->engine.spin_us, MOST_SPIN_US);
	if (spin_us <= 0 || open_slots(pool) == 0)
		return has_ended(pool) || is_reached(goal);
	for (;;) {
		for (int i = 0; i < 64; i++) {
			if (has_ended(pool))
				return true;
			cpu_relax();
		}
		double now = clock_seconds();
		if (is_reached(goal))
			return true;
		if (until == 0)
			until = fmin(now + spin_us / 1e6, goal->until);
		if (now > until)
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
	pool_end_all(pool, pool->killed ? -ESHUTDOWN : pool->start_error);
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
	tell_progress(pool);
	double seconds = until_due(pool, goal->until);
	atomic_store(&pool->engine.board->parent_asleep, 1);
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
		pool_end_all(pool, error);
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
	for (;;) {
		pump(pool);
		if (is_reached(&goal) || !in_time)
			break;
		in_time = pursue(pool, &goal) && goal.until != 0;
	}
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
