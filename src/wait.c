/*
 * What the parent does while jobs run: it spins for a bounded time, then sleeps on an epoll
 * descriptor that holds the doorbell and a pidfd a worker, and acts upon what woke it.  A slow
 * heartbeat looks at everything, so that whatever went unnoticed costs a moment and never a hang.
 */
#include "pool.h"

#include "recover.h"

#include <errno.h>
#include <math.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_EVENTFD
#include <sys/eventfd.h>
#else
#include <fcntl.h>
#endif

/* Seconds between two heartbeats; the second where a death cannot be seen in another way. */
#define HEARTBEAT          0.5
#define HEARTBEAT_NO_PIDFD 0.02

enum { BELL = UINT32_MAX };

double wait_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- The descriptors ---- */

static int open_bell(forkpool *pool)
{
#ifdef HAVE_EVENTFD
	pool->bell = pool->engine.doorbell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (pool->bell >= 0)
		return 0;
#else
	int ends[2];
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0) {
		pool->bell = ends[0];
		pool->engine.doorbell = ends[1];
		return 0;
	}
#endif
	return -errno;
}

static int watch(const forkpool *pool, int fd, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};
	return epoll_ctl(pool->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int wait_init(forkpool *pool)
{
	pool->epoll = pool->bell = pool->engine.doorbell = -1;
	if (pool->backend->runs_inline)
		return 0;
	int error = open_bell(pool);
	if (error == 0 && (pool->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		error = -errno;
	return error == 0 ? watch(pool, pool->bell, BELL) : error;
}

void wait_free(forkpool *pool)
{
	if (pool->epoll >= 0)
		close(pool->epoll);
	if (pool->engine.doorbell >= 0)
		close(pool->engine.doorbell);
	if (pool->bell >= 0 && pool->bell != pool->engine.doorbell)
		close(pool->bell);
	pool->epoll = pool->bell = pool->engine.doorbell = -1;
}

int wait_watch(forkpool *pool, unsigned slot)
{
	int pidfd = pool->members[slot].pidfd;
	return pidfd < 0 ? -ENOSYS : watch(pool, pidfd, slot);
}

/* Before it is closed: siblings of the worker may hold copies, which would keep it alive. */
void wait_unwatch(forkpool *pool, unsigned slot)
{
	if (pool->members[slot].pidfd >= 0)
		epoll_ctl(pool->epoll, EPOLL_CTL_DEL, pool->members[slot].pidfd, NULL);
}

static bool all_watched(const forkpool *pool)
{
	if (pool->backend->shares_memory)
		return true; /* threads ring when they end */
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (pool->members[slot].alive && pool->members[slot].pidfd < 0)
			return false;
	return true;
}

/* ---- One sleep ---- */

static void drain_bell(const forkpool *pool)
{
	uint64_t rings[8];
	while (read(pool->bell, rings, sizeof rings) == sizeof rings)
		; /* an eventfd is empty after one; a pipe may hold more */
}

static void plan_beat(forkpool *pool)
{
	pool->next_beat = wait_clock() + (all_watched(pool) ? HEARTBEAT : HEARTBEAT_NO_PIDFD);
}

static void beat(forkpool *pool)
{
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		crew_check(pool, slot);
	crew_refill(pool);
	orphan_publish(pool);
	ring_post(&pool->engine.ring, pool_workers(pool));
	plan_beat(pool);
}

/* Sleeps until something happens, at most `seconds`, and acts upon it. */
static void sleep_once(forkpool *pool, double seconds)
{
	struct epoll_event events[16];
	double until_beat = pool->next_beat - wait_clock();
	if (seconds > until_beat)
		seconds = until_beat > 0 ? until_beat : 0;
	int count = epoll_wait(pool->epoll, events, 16, (int)ceil(seconds * 1000));
	atomic_store(&pool->engine.board->parent_asleep, 0);
	if (wait_clock() >= pool->next_beat)
		beat(pool);
	for (int i = 0; i < count; i++)
		if (events[i].data.u32 == BELL)
			drain_bell(pool);
		else
			crew_check(pool, events[i].data.u32);
	if (count > 0)
		orphan_publish(pool);
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
	double now = wait_clock();
	if (now >= job->next_progress) {
		show_progress(job, false);
		job->next_progress = wait_clock() + job->opts.progress_interval;
	}
	return job->next_progress > now ? job->next_progress - now : 0;
}

/* ---- Waiting for a job ---- */

static bool spin(struct job *job)
{
	double until = 0, spin_us = job->pool->engine.spin_us;
	if (spin_us <= 0)
		return job_check(job);
	for (;;) {
		for (int i = 0; i < 64; i++) {
			if (job_check(job))
				return true;
			cpu_relax();
		}
		double now = wait_clock();
		if (until == 0)
			until = now + spin_us / 1e6;
		else if (now > until)
			return false;
	}
}

/* No worker is there, and none can be started: nobody will ever do the rest. */
static bool is_stranded(forkpool *pool)
{
	if (crew_gone(pool)) {
		crew_revive(pool, -EAGAIN);
		crew_refill(pool);
	}
	return crew_gone(pool);
}

static void wait_for_workers(struct job *job)
{
	forkpool *pool = job->pool;
	bool planned = false;
	while (!spin(job)) {
		if (!planned)
			plan_beat(pool);
		planned = true;
		double seconds = tick(job);
		if (is_stranded(pool)) {
			job_fail(job, pool->start_error);
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
	tick(arg);
}

static void work_inline(struct job *job)
{
	struct worker *worker = job->pool->inline_worker;
	worker->between = job->opts.progress == NULL ? NULL : tick_inline;
	worker->between_arg = job;
	while (!job_check(job))
		worker_find_work(worker);
	worker->between = NULL;
}

void wait_for_job(forkpool *pool, struct job *job)
{
	if (pool->backend->runs_inline)
		work_inline(job);
	else
		wait_for_workers(job);
	if (job->error == -EPROTO || job->error == -ENOMEM)
		recover_void(pool, job->error);
	if (job->opts.progress != NULL)
		show_progress(job, true);
}

void wait_for_slot(forkpool *pool)
{
	sleep_once(pool, 0.001);
}

void wait_until(forkpool *pool, bool (*condition)(const forkpool *pool))
{
	plan_beat(pool);
	while (!condition(pool)) {
		atomic_store(&pool->engine.board->parent_asleep, 1); /* B1, with `stage` for the tally */
		for (unsigned slot = 0; slot < pool_workers(pool); slot++)
			crew_check(pool, slot);
		if (!condition(pool))
			sleep_once(pool, INFINITY);
	}
	atomic_store(&pool->engine.board->parent_asleep, 0);
}
