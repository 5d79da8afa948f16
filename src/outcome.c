/*
 * What a job says when it has ended: how many tasks went how, which of those that did not succeed was the first, and
 * what the map returns.
 */
#include "clock.h"
#include "job.h"
#include "parent.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* ---- The first that did not succeed ---- */

/* The lowest index that did not succeed and was not cancelled, by the statuses; count: none, or there are no statuses.
 */
static size_t first_by_status(const forkpool_job *job)
{
	size_t count = job->request.count, index = 0;
	if (job->status == NULL)
		return count;
	while (index < count && (job->status[index] == 0 || job->status[index] == FORKPOOL_CANCELLED))
		index++;
	return index;
}

/* Whether what a worker noted is what became of the task.  A fold that dies, once it has noted that a task
 * failed and before it could finish the chunk, is made again and may end otherwise. */
static bool is_final(const forkpool_job *job, const struct failure *failure)
{
	if (failure->job != job->number || failure->index >= job->request.count)
		return false;
	if (job->status != NULL)
		return job->status[failure->index] == failure->status;
	uint64_t word = ledger_read(&job->ledger[failure->index / job->chunk]);
	return job->request.kind != JOB_FOLD || (ledger_state(word) == LEDGER_DONE && ledger_failed(word) > 0);
}

/* The failure with the lowest index. */
static struct failure first_failure(const forkpool_job *job)
{
	const struct engine *engine = &job->pool->engine;
	struct failure first = job->first;
	for (unsigned i = 0; i < engine->workers; i++) {
		/* Copied first: what is checked must not change any more. */
		struct failure one = engine->failures[(size_t)i * JOB_SLOTS + job_slot(job->number)];
		if (is_final(job, &one) && (first.job == 0 || one.index < first.index))
			first = one;
	}
	return first;
}

/* It failed, and what its worker had noted of that is lost: the worker died. */
static struct failure lost_failure(const forkpool_job *job, size_t index)
{
	return (struct failure){
	        .job = job->number,
	        .index = index,
	        .status = job->status[index],
	        .attempt = job->opts.retries + 1,
	};
}

static void find_first(forkpool_job *job)
{
	struct failure first = first_failure(job);
	size_t index = first_by_status(job);
	if (index < job->request.count && (first.job == 0 || first.index != index))
		first = lost_failure(job, index);
	if (job->first.job == 0 || first.index != job->first.index)
		job->first_signal = 0; /* its own worker lives */
	job->first = first;
	job->first.message[sizeof first.message - 1] = '\0';
}

/* ---- Counts ---- */

static void add_up_use(forkpool_job *job)
{
	const struct job_tally *tally = &job->pool->engine.tallies[job_slot(job->number)];
	job->retried += atomic_load_explicit(&tally->retried, memory_order_relaxed);
	job->faults += atomic_load_explicit(&tally->faults, memory_order_relaxed);
	job->cpu_ns += atomic_load_explicit(&tally->cpu_ns, memory_order_relaxed);
}

/* None of it was run, as far as anybody will know. */
static void cancel_all(forkpool_job *job)
{
	int32_t *status = job->state == JOB_OPEN ? job->status : job->opts.status;
	job->failed = job->crashed = job->timed_out = 0;
	job->cancelled_tasks = job->request.count;
	job->first_cancelled = 0;
	job->first.job = 0;
	for (size_t i = 0; status != NULL && i < job->request.count; i++)
		status[i] = FORKPOOL_CANCELLED;
}

static uint64_t unsuccessful_of(const forkpool_job *job)
{
	return job->failed + job->crashed + job->timed_out + job->cancelled_tasks;
}

static void settle_open(forkpool_job *job)
{
	if (job->by_ledger)
		job_count_rest(job);
	if (job->error == -EPROTO)
		cancel_all(job); /* nothing that workers said of the job can be believed */
	else if (unsuccessful_of(job) > 0)
		find_first(job);
	add_up_use(job);
	copies_hand_over(job, unsuccessful_of(job) == 0);
	if (job->request.kind == JOB_FOLD && job->error == 0)
		reduce_combine(job);
}

/* It never will have the memory that it wants: as if it had been refused when it was submitted. */
static void refuse_late(forkpool_job *job)
{
	snprintf(job->first.message, sizeof job->first.message,
	         "no space for %zu bytes in the arena of %zu, for the book-keeping of %zu chunks or the copy of a "
	         "buffer: use a larger arena_size or chunk, or allocate the buffers with forkpool_alloc()",
	         job->wanted, job->pool->region.size, job->chunks);
	job->request.count = job->chunks = 0;
}

void outcome_settle(forkpool_job *job)
{
	if (job->state == JOB_OPEN)
		settle_open(job);
	else if (job->wanted > 0)
		refuse_late(job);
	else
		cancel_all(job);
	uint64_t unsuccessful = unsuccessful_of(job);
	job->result = job->error != 0 ? job->error : unsuccessful > INT_MAX ? INT_MAX : (int)unsuccessful;
	job->restarts = job->pool->restarts - job->restarts;
	job->elapsed = clock_seconds() - job->begun;
	if (job->opts.report != NULL)
		job_report(job, job->opts.report);
}

/* ---- The report ---- */

static void report_first(const forkpool_job *job, forkpool_report *report)
{
	if (job->first.job == 0) {
		report->index = job->first_cancelled;
		report->status = FORKPOOL_CANCELLED;
		return;
	}
	report->index = job->first.index;
	report->status = job->first.status;
	report->signal = job->first_signal;
	report->attempt = job->first.attempt;
	memcpy(report->message, job->first.message, sizeof report->message);
}

/* Why the job ended early. */
static void report_error(const forkpool_job *job, forkpool_report *report)
{
	const char *refused = job->first.message;
	snprintf(report->message, sizeof report->message, "%s",
	         job->request.count == 0 && *refused != 0 ? refused : forkpool_strerror(job->error));
}

void job_report(const forkpool_job *job, forkpool_report *report)
{
	uint64_t unsuccessful = unsuccessful_of(job);
	*report = (forkpool_report){
	        .tasks = job->request.count,
	        .succeeded = job->request.count - unsuccessful,
	        .failed = job->failed,
	        .crashed = job->crashed,
	        .timed_out = job->timed_out,
	        .retried = job->retried,
	        .cancelled = job->cancelled_tasks,
	        .restarts = job->restarts,
	        .bytes_copied = job->bytes_copied,
	        .page_faults = job->faults,
	        .elapsed = job->elapsed,
	        .cpu_time = (double)job->cpu_ns / 1e9,
	};
	if (unsuccessful > 0)
		report_first(job, report);
	if (job->error != 0)
		report_error(job, report);
}
