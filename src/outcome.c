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
#include <stdlib.h>
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

/* NULL: no memory, or no text. */
static char *copy_text(const char *text)
{
	size_t size = text == NULL ? 0 : strlen(text) + 1;
	char *copy = size == 0 ? NULL : malloc(size);
	return copy == NULL ? NULL : memcpy(copy, text, size);
}

void outcome_note_first(forkpool_job *job, const struct first *first)
{
	if (job->first.known && job->first.index <= first->index)
		return;
	free(job->first.message);
	job->first = *first;
	job->first.known = true;
	job->first.message = copy_text(first->message);
}

/* What workers have noted. */
static void note_failures(forkpool_job *job)
{
	const struct engine *engine = &job->pool->engine;
	for (unsigned i = 0; i < engine->workers; i++) {
		/* Copied first: what is checked must not change any more. */
		struct failure one = engine->failures[(size_t)i * JOB_SLOTS + job_slot(job->number)];
		one.message[sizeof one.message - 1] = '\0';
		if (is_final(job, &one))
			outcome_note_first(job, &(struct first){
			                                .index = one.index,
			                                .status = one.status,
			                                .attempt = one.attempt,
			                                .message = one.message,
			                        });
	}
}

static void find_first(forkpool_job *job)
{
	note_failures(job);
	size_t index = first_by_status(job);
	if (index == job->request.count || (job->first.known && job->first.index == index))
		return;
	job->first.known = false; /* what its worker had noted of it is lost: the worker died */
	outcome_note_first(job, &(struct first){
	                                .index = index,
	                                .status = job->status[index],
	                                .attempt = job->opts.retries + 1,
	                        });
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
	job->first.known = false;
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
	char message[FORKPOOL_MESSAGE_SIZE];
	snprintf(message, sizeof message,
	         "no space for %zu bytes in the arena of %zu, for the book-keeping of %zu chunks or the copy of a "
	         "buffer: use a larger arena_size or chunk, or allocate the buffers with forkpool_alloc()",
	         job->wanted, job->pool->region.size, job->chunks);
	job->first.message = copy_text(message);
	job->request.count = job->chunks = 0;
}

void outcome_settle(forkpool_job *job)
{
	if (job->state == JOB_OPEN)
		settle_open(job);
	else if (job->error == -ENOMEM)
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
	const struct first *first = &job->first;
	if (!first->known) {
		report->index = job->first_cancelled;
		report->status = FORKPOOL_CANCELLED;
		return;
	}
	report->index = first->index;
	report->status = first->status;
	report->signal = first->signal;
	report->attempt = first->attempt;
	if (first->message != NULL)
		snprintf(report->message, sizeof report->message, "%s", first->message);
}

/* Why the job ended early. */
static void report_error(const forkpool_job *job, forkpool_report *report)
{
	bool refused = job->number == 0 && job->error == -ENOMEM && job->first.message != NULL;
	snprintf(report->message, sizeof report->message, "%s",
	         refused ? job->first.message : forkpool_strerror(job->error));
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
