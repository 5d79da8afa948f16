/*
 * The calls on the handle of a job.
 */
#include "job.h"
#include "owner.h"
#include "parent.h"
#include "schedule.h"
#include "wait.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* 0, or that the job is none of the caller's. */
static int check_handle(const forkpool_job *job)
{
	if (job == NULL)
		return -EINVAL;
	return job->submitter == worker_current && job->owner == process_id() ? 0 : -EPERM;
}

static int check_wait(const forkpool_job *job, double seconds)
{
	return isnan(seconds) ? -EINVAL : check_handle(job);
}

/* Waits for something of this job, which may be freed meanwhile by a callback. */
static int wait_for(forkpool_job *job, wait_condition *over, void *arg, double seconds)
{
	job->references++;
	int error = pool_wait(job->pool, over, arg, seconds);
	job_release(job);
	return error;
}

int forkpool_job_wait(forkpool_job *job, double seconds)
{
	int error = check_wait(job, seconds);
	if (error != 0 || is_finished(job))
		return error;
	return wait_for(job, is_finished, job, seconds);
}

int forkpool_job_ready(const forkpool_job *job)
{
	int error = forkpool_job_wait((forkpool_job *)(uintptr_t)job, 0);
	return error == 0 ? 1 : error == -ETIMEDOUT ? 0 : error;
}

int forkpool_job_get(forkpool_job *job, forkpool_report *report)
{
	int result = check_handle(job);
	if (result != 0)
		return result;
	job->references++; /* a callback may free it */
	if (!is_finished(job))
		pool_wait(job->pool, is_finished, job, -1);
	if (report != NULL)
		job_report(job, report);
	result = job->result;
	job_release(job);
	return result;
}

static void cancel(forkpool_job *job)
{
	if (job->state == JOB_FINISHED)
		return; /* the pool may be gone */
	pool_enter(job->pool);
	schedule_cancel(job);
	pool_leave(job->pool);
}

int forkpool_job_cancel(forkpool_job *job)
{
	int error = check_handle(job);
	if (error == 0)
		cancel(job);
	return error;
}

void forkpool_job_free(forkpool_job *job)
{
	if (check_handle(job) != 0 || !job->has_handle)
		return; /* the latter: from a callback of a job that nobody has a handle of, or that is being freed */
	job->has_handle = false;
	if (!is_finished(job)) {
		cancel(job);
		wait_for(job, is_finished, job, -1);
	}
	job_release(job);
}

/* ---- One by one ---- */

/* What forkpool_job_next() waits for. */
struct next_index {
	forkpool_job *job;
	size_t index;
	int result; /* job_next()'s */
};

static bool has_next(void *arg)
{
	struct next_index *next = arg;
	if (next->result == -EAGAIN)
		next->result = job_next(next->job, &next->index);
	return next->result != -EAGAIN;
}

int forkpool_job_next(forkpool_job *job, size_t *index, double seconds)
{
	struct next_index next = {job, 0, -EAGAIN};
	int error = index == NULL ? -EINVAL : check_wait(job, seconds);
	if (error == 0 && job->request.kind == JOB_FOLD)
		error = -EINVAL;
	if (error != 0)
		return error;
	job->references++; /* a callback may free it */
	if (!has_next(&next))
		error = pool_wait(job->pool, has_next, &next, seconds);
	/* A host that waits for the pool's descriptor from now on is rung for: but for what was finished just before.
	 */
	if (error == -ETIMEDOUT) {
		atomic_thread_fence(memory_order_seq_cst); /* B5 */
		error = has_next(&next) ? 0 : error;
	}
	/* All are handed out, and the last look may have been the first at its end. */
	if (error == 0 && next.result == 0)
		error = forkpool_job_wait(job, seconds);
	job_release(job);
	if (error != 0)
		return error;
	if (next.result == 1)
		*index = next.index;
	return next.result;
}

/* ---- The first of several ---- */

struct several {
	forkpool_job *const *jobs;
	size_t count;
	size_t first; /* that is finished; count: none */
};

static bool any_finished(void *arg)
{
	struct several *several = arg;
	several->first = several->count;
	for (size_t i = 0; i < several->count; i++) {
		const forkpool_job *job = several->jobs[i];
		if (job != NULL && job->told &&
		    (several->first == several->count || job->finish < several->jobs[several->first]->finish))
			several->first = i;
	}
	return several->first < several->count;
}

/* The first job that is not NULL, if all may be waited for together; else NULL and *error. */
static forkpool_job *check_several(const struct several *several, int *error)
{
	forkpool_job *some = NULL;
	*error = -EINVAL;
	for (size_t i = 0; several->jobs != NULL && i < several->count; i++) {
		forkpool_job *job = several->jobs[i];
		if (job == NULL)
			continue;
		if (some == NULL)
			some = job;
		int refused = job->pool == some->pool ? check_handle(job) : -EINVAL;
		if (refused != 0) {
			*error = refused;
			return NULL;
		}
	}
	return some;
}

/* Callbacks may free the jobs, and write to the caller's array, while they are waited for. */
static int wait_for_any(forkpool *pool, struct several *several, double seconds)
{
	forkpool_job **held = malloc(several->count * sizeof(forkpool_job *));
	if (held == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < several->count; i++)
		if ((held[i] = several->jobs[i]) != NULL)
			held[i]->references++;
	several->jobs = held;
	int error = pool_wait(pool, any_finished, several, seconds);
	for (size_t i = 0; i < several->count; i++)
		if (held[i] != NULL)
			job_release(held[i]);
	free(held);
	return error;
}

int forkpool_wait_any(forkpool_job *const *jobs, size_t count, double seconds)
{
	struct several several = {jobs, count > INT_MAX ? INT_MAX : count, 0};
	int error;
	forkpool_job *some = isnan(seconds) ? NULL : check_several(&several, &error);
	if (some == NULL)
		return isnan(seconds) ? -EINVAL : error;
	if (any_finished(&several))
		return (int)several.first;
	error = wait_for_any(some->pool, &several, seconds);
	return error == 0 ? (int)several.first : error;
}
