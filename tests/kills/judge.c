/*
 * judge.c - holds what the pool said of a marked job against what its tasks have seen.  What must hold stands in
 * marked.h.  The judge knows nothing of the engine.
 */
#include "trial.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 30, AUTOMATIC_CHUNKS = 8192 /* at most, by forkpool.h */ };

void blame(const struct marked *marked, uint64_t *count, const char *text, uint64_t a, uint64_t b)
{
	static unsigned shown;
	++*count;
	if (shown++ >= SHOWN)
		return;
	fprintf(stderr, "FAULT in %s:\n    ", marked->what);
	fprintf(stderr, "%s: %" PRIu64 ", %" PRIu64 "\n", text, a, b);
}

/* By the pool's end. */
static bool is_cut_short(const struct marked *marked)
{
	bool so = marked->returned == -ESHUTDOWN || (is_stream(&marked->job) && marked->returned < 0);
	return marked->job.terminated && so;
}

/* Whether what ran may have been ended with its worker: a stream cancels what is under way when it stops. */
static bool was_cancelled(const struct marked *marked)
{
	return marked->cancelled_ns != 0 || (is_stream(&marked->job) && marked->job.stop_on_failure);
}

/* A stopped stream hands nothing more on, so nothing is known of it. */
static bool is_unknown(const struct marked *marked, uint32_t index)
{
	return marked->stopped && marked->status[index] == unwritten;
}

/* Its calls tell nothing, so what goes wrong goes wrong for all of their indices. */
static bool is_charged_whole(const struct job *job)
{
	return job->kind == RANGE || job->kind == FOLD;
}

/* The first index of its chunk that fails and that no kill took away before: that is what a call of the chunk returns.
 * count: none. */
static uint32_t first_failing(const struct marked *marked, uint32_t index)
{
	const struct job *job = &marked->job;
	uint32_t i = index - index % (uint32_t)job->chunk;
	for (uint32_t end = i + (uint32_t)job->chunk; i < end && i < job->count; i++)
		if (fails(job, i) && marked->status[i] > FORKPOOL_TIMED_OUT)
			return i;
	return job->count;
}

/* The index whose failure becomes the status of this one; count: it does not fail. */
static uint32_t failing_for(const struct marked *marked, uint32_t index)
{
	const struct job *job = &marked->job;
	if (job->kind == FOLD || (job->kind == RANGE && job->retries == 0))
		return first_failing(marked, index);
	return fails(job, index) ? index : job->count;
}

/* Whether the index may have failed with this status.  A job that is being stopped tries nothing again. */
static bool is_possible_failure(const struct marked *marked, uint32_t index, int32_t status)
{
	const struct job *job = &marked->job;
	uint32_t failing = (uint32_t)status - 1;
	if (failing == failing_for(marked, index))
		return failing < job->count;
	bool same_call = is_charged_whole(job) ? failing / job->chunk == index / job->chunk : failing == index;
	if (failing >= job->count || !same_call)
		return false;
	bool stopped = (job->stop_on_failure || was_cancelled(marked)) && job->retries > 0;
	return is_weak(job, failing) || (stopped && (fails(job, failing) || is_flaky(job, failing)));
}

static void judge_value(struct marked *marked, uint32_t i)
{
	const struct result *result = &marked->results[i];
	uint64_t value = value_of(&marked->job, i);
	if (marked->marks[i].value != value)
		WRONG(marked, "index, its mark's value", i, marked->marks[i].value);
	if (has_results(&marked->job) && (result->value != value || result->check != checksum(value)))
		WRONG(marked, "index, its result", i, result->value);
}

static void judge_success(struct marked *marked, uint32_t i)
{
	marked->succeeded++;
	marked->sum.value += value_of(&marked->job, i);
	marked->sum.check++;
	if (failing_for(marked, i) < marked->job.count || is_stuck(&marked->job, i))
		WRONG(marked, "this index cannot succeed", i, 0);
	if (is_weak(&marked->job, i) && marked->marks[i].begun <= marked->job.retries + 1)
		WRONG(marked, "this weak index cannot have succeeded yet", i, marked->marks[i].begun);
	if (marked->marks[i].ended == 0)
		LOST(marked, "this index succeeded and never ended", i, marked->marks[i].begun);
	judge_value(marked, i);
}

static void judge_untouched(struct marked *marked, uint32_t i)
{
	const struct job *job = &marked->job;
	if (has_results(job) && !job->in_place && !is_stream(job) && marked->results[i].value != untouched)
		WRONG(marked, "this index did not succeed, and the caller's result was touched", i, 0);
}

/* At most how long the worker that died inside the index can have been at it: from its last task to the start of the
 * next worker in its place.  UINT64_MAX: nobody knows. */
static uint64_t longest_stay(const struct marked *marked, uint32_t index)
{
	uint64_t inside = (uint64_t)marked->round << 32 | (index + 1);
	uint32_t count = seen->records, k = count > RECORDS ? count - RECORDS : 0;
	while (k < count && seen->record[k % RECORDS].inside != inside)
		k++;
	if (k == count)
		return UINT64_MAX;
	const struct record *dead = &seen->record[k % RECORDS];
	for (k++; k < count; k++)
		if (seen->record[k % RECORDS].slot == dead->slot)
			return seen->record[k % RECORDS].started_ns - dead->free_ns;
	return UINT64_MAX;
}

static void judge_timeout(struct marked *marked, uint32_t i)
{
	uint64_t limit = marked->job.limit_ms * UINT64_C(1000000);
	marked->timed_out++;
	if (limit == 0)
		WRONG(marked, "this index timed out, without a limit", i, 0);
	if (is_charged_whole(&marked->job) || marked->marks[i].begun != 1)
		return;
	uint64_t stay = longest_stay(marked, i);
	if (stay < limit)
		WRONG(marked, "this index timed out too early, after ns", i, stay);
}

static void judge_failure(struct marked *marked, uint32_t i, int32_t status)
{
	marked->failed++;
	if (status == unwritten)
		LOST(marked, "this index has no status", i, 0);
	else if (!is_possible_failure(marked, i, status))
		WRONG(marked, "index, its status", i, status);
	else if (status == code_of(i) && marked->marks[i].ended == 0)
		LOST(marked, "this index failed and never ended", i, marked->marks[i].begun);
}

static void judge_cancelled(struct marked *marked, uint32_t i)
{
	marked->cancelled++;
	if (is_cut_short(marked))
		return;
	if (was_cancelled(marked)) {
		marked->begun_cancelled += marked->marks[i].begun != 0;
		return;
	}
	if (!marked->job.stop_on_failure)
		WRONG(marked, "this index was cancelled by nobody", i, 0);
	if (!is_fold(&marked->job) && marked->job.retries == 0 && marked->marks[i].begun != 0)
		DOUBLED(marked, "this index was cancelled, and begun", i, marked->marks[i].begun);
}

/* How often it was begun, whatever came of it. */
static void judge_begins(struct marked *marked, uint32_t i)
{
	const struct job *job = &marked->job;
	const struct mark *mark = &marked->marks[i];
	bool limited = !is_fold(job) && (job->kind != RANGE || job->retries == 0);
	if (limited && mark->begun > job->retries + 1)
		DOUBLED(marked, "index, times begun", i, mark->begun);
	if (mark->begun == 0)
		return;
	if (mark->attempt < 1 || mark->attempt > job->retries + 1 ||
	    (job->kind < RANGE_AT && mark->attempt < mark->begun))
		WRONG(marked, "index, its attempt", i, mark->attempt);
	marked->repeated += mark->begun - 1;
}

static void judge_index(struct marked *marked, uint32_t i)
{
	int32_t status = marked->status[i];
	if (is_unknown(marked, i))
		return;
	if (status == 0) {
		judge_success(marked, i);
		return;
	}
	judge_untouched(marked, i);
	if (status == FORKPOOL_CRASHED)
		marked->crashed++;
	else if (status == FORKPOOL_TIMED_OUT)
		judge_timeout(marked, i);
	else if (status == FORKPOOL_CANCELLED)
		judge_cancelled(marked, i);
	else
		judge_failure(marked, i, status);
	if (status != FORKPOOL_CANCELLED && i < marked->lowest)
		marked->lowest = i;
}

/* Without statuses: what the marks alone can tell. */
static void judge_ends(struct marked *marked)
{
	uint64_t ended = 0;
	if (is_cut_short(marked))
		return;
	for (uint32_t i = 0; i < marked->job.count; i++)
		ended += marked->marks[i].ended > 0;
	marked->succeeded = marked->job.count - (uint64_t)marked->returned;
	if (ended < marked->succeeded)
		LOST(marked, "so many ended, so many are said to have succeeded", ended, marked->succeeded);
}

/* Whoever still stands inside a task of this job died there. */
static void judge_dead(struct marked *marked)
{
	for (uint32_t k = 0; k < RECORDS && k < seen->records; k++) {
		uint64_t inside = seen->record[k].inside;
		uint32_t index = (uint32_t)inside - 1;
		if (inside >> 32 != marked->round || is_unknown(marked, index))
			continue;
		int32_t status = marked->status[index];
		bool charged = status == FORKPOOL_CRASHED || status == FORKPOOL_TIMED_OUT;
		bool again = marked->job.retries > 0 && (status != 0 || marked->marks[index].begun > 1);
		bool cut_short = (is_cut_short(marked) || was_cancelled(marked)) && status == FORKPOOL_CANCELLED;
		if (!charged && !again && !cut_short)
			LOST(marked, "index in which a worker died, its status", index, status);
	}
}

/* How many indices one death may take along. */
static uint64_t unit_of(const struct job *job)
{
	if (job->kind < RANGE_AT)
		return 1;
	return job->chunk != 0 ? job->chunk : job->count / AUTOMATIC_CHUNKS + 1;
}

static void judge_kills(struct marked *marked)
{
	const struct job *job = &marked->job;
	if (marked->crashed > marked->shots * unit_of(job))
		WRONG(marked, "so many crashed, of so many kills", marked->crashed, marked->shots);
	bool once = !is_fold(job) && job->retries == 0 && job->workers > 0;
	if (once && !is_cut_short(marked) && marked->begun_cancelled > job->workers * unit_of(job))
		DOUBLED(marked, "so many were cancelled and begun, with so many workers", marked->begun_cancelled,
		        job->workers);
}

/* After the cancel nobody begins a chunk, but who had claimed it before and has not yet been ended. */
static void judge_begins_after_cancel(struct marked *marked)
{
	const struct job *job = &marked->job;
	uint32_t chunk = job->chunk != 0 ? (uint32_t)job->chunk : job->count / AUTOMATIC_CHUNKS + 1, begun = 0;
	if (job->manner != CANCELLED || marked->cancelled_ns == 0 || job->workers == 0 || chunk > job->count)
		return;
	for (uint32_t first = 0; first < job->count; first += chunk) {
		uint32_t i = first;
		while (i < job->count && i < first + chunk && marked->marks[i].began_ns <= marked->cancelled_ns)
			i++;
		begun += i < job->count && i < first + chunk;
	}
	if (begun > job->workers)
		DOUBLED(marked, "chunks begun after the cancel, workers", begun, job->workers);
}

static void judge_begins_after_end(struct marked *marked)
{
	for (uint32_t i = 0; i < marked->job.count; i++)
		if (marked->marks[i].began_ns > marked->over_ns)
			DOUBLED(marked, "this index was begun after the end, ns", i,
			        marked->marks[i].began_ns - marked->over_ns);
}

/* What the report says of the lowest index that did not succeed. */
static void judge_first(struct marked *marked)
{
	const forkpool_report *report = &marked->report;
	char message[32];
	/* A fold that is killed after it noted a failure, and then does not fail there again, has overwritten a note.
	 */
	bool may_be_lost = is_fold(&marked->job) && marked->job.weak_every > 0;
	snprintf(message, sizeof message, "index %" PRIu32, (uint32_t)report->status - 1);
	if (report->index != marked->lowest)
		WRONG(marked, "the report's first index, the lowest", report->index, marked->lowest);
	else if (report->status != marked->status[marked->lowest])
		WRONG(marked, "the report's status of its first index", report->index, report->status);
	else if (report->status > 0 && strcmp(report->message, message) != 0 &&
	         !(may_be_lost && *report->message == '\0'))
		WRONG(marked, report->message, report->index, report->status);
	if (report->signal != (report->status == FORKPOOL_CRASHED ? SIGKILL : 0))
		WRONG(marked, "the report's signal", report->index, report->signal);
	if (report->attempt < 1 || report->attempt > marked->job.retries + 1)
		WRONG(marked, "the report's attempt", report->index, report->attempt);
}

static void judge_report(struct marked *marked)
{
	const forkpool_report *report = &marked->report;
	const struct job *job = &marked->job;
	uint64_t unsuccessful = report->failed + report->crashed + report->timed_out + report->cancelled;
	if (report->tasks != job->count || report->succeeded + unsuccessful != report->tasks)
		LOST(marked, "the report does not add up: tasks, succeeded", report->tasks, report->succeeded);
	if (marked->returned >= 0 && unsuccessful != (uint64_t)marked->returned)
		WRONG(marked, "succeeded, returned", report->succeeded, marked->returned);
	if (job->kind < RANGE_AT && report->retried < marked->repeated)
		WRONG(marked, "retried, indices begun again", report->retried, marked->repeated);
	marked->verdict->retried += report->retried;
	if (job->without_status || marked->stopped)
		return;
	if (report->failed != marked->failed || report->crashed != marked->crashed ||
	    report->timed_out != marked->timed_out || report->cancelled != marked->cancelled)
		WRONG(marked, "the report's counts are not those of the statuses: crashed", report->crashed,
		      marked->crashed);
	if (marked->lowest < job->count && marked->returned >= 0)
		judge_first(marked);
}

/* What the call as a whole handed over. */
static void judge_whole(struct marked *marked)
{
	const struct job *job = &marked->job;
	if (marked->returned < 0)
		return;
	if (job->count - marked->succeeded != (uint64_t)marked->returned)
		WRONG(marked, "returned, unsuccessful", marked->returned, job->count - marked->succeeded);
	if (is_fold(job) && !job->without_status &&
	    (marked->answer.value != marked->sum.value || marked->answer.check != marked->sum.check))
		WRONG(marked, "the sum is of so many, and should be of so many", marked->answer.check,
		      marked->sum.check);
}

/* ---- Callbacks, and what was handed out one by one ---- */

static void judge_callbacks(struct marked *marked)
{
	marked->verdict->callbacks += marked->done;
	if (!is_stream(&marked->job) && marked->done == 0)
		LOST(marked, "done was not called", 0, 0);
	if (marked->done > 1)
		DOUBLED(marked, "so often done was called", marked->done, 0);
	if (marked->progress_calls > 0 && marked->finished != marked->job.count)
		LOST(marked, "progress was told last with so many, of so many", marked->finished, marked->job.count);
}

void judge_handed(struct marked *marked, size_t index, int32_t status, const struct result *result)
{
	marked->verdict->handed++;
	marked->handed_count++;
	if (index >= marked->job.count) {
		WRONG(marked, "there is no such index to be handed out", index, marked->job.count);
		return;
	}
	if (marked->handed[index] != unwritten)
		DOUBLED(marked, "this index was handed out twice", index, marked->handed[index]);
	marked->handed[index] = status;
	if (status == unwritten)
		LOST(marked, "this index was handed out without a status", index, 0);
	if (status != 0)
		return;
	if (!marked->job.without_status && marked->marks[index].ended == 0)
		LOST(marked, "this index was handed out as succeeded and never ended", index, 0);
	bool known = has_results(&marked->job) && !marked->job.without_status;
	if (known &&
	    (result->value != value_of(&marked->job, (uint32_t)index) || result->check != checksum(result->value)))
		WRONG(marked, "this index was handed out with another result", index, result->value);
}

/* All of them, each with the status that it has in the end. */
static void judge_handing(struct marked *marked)
{
	bool all = marked->job.manner == ONE_BY_ONE || (is_stream(&marked->job) && !marked->stopped);
	for (uint32_t i = 0; i < marked->job.count && all; i++)
		if (marked->handed[i] == unwritten)
			LOST(marked, "this index was not handed out", i, marked->status[i]);
		else if (!marked->job.without_status && marked->handed[i] != marked->status[i])
			WRONG(marked, "this index was handed out with another status", i, marked->handed[i]);
}

/* ---- The whole ---- */

static bool is_stream_end(const struct marked *marked)
{
	return (marked->source_failed && marked->returned == -EIO) ||
	       (marked->stopped && marked->returned == -ECANCELED);
}

void judge(struct marked *marked)
{
	const struct job *job = &marked->job;
	bool ended_early = is_cut_short(marked) || is_stream_end(marked);
	marked->lowest = job->count;
	marked->verdict->tasks += job->count;
	judge_callbacks(marked);
	if (marked->returned < 0 && !ended_early) {
		WRONG(marked, forkpool_strerror(marked->returned), marked->returned, 0);
		return;
	}
	if ((marked->source_failed || marked->stopped) && !ended_early)
		WRONG(marked, "the stream was to end early, and returned", marked->returned, 0);
	for (uint32_t i = 0; i < job->count; i++)
		judge_begins(marked, i);
	judge_begins_after_cancel(marked);
	judge_begins_after_end(marked);
	judge_handing(marked);
	for (uint32_t i = 0; i < job->count && !job->without_status; i++)
		judge_index(marked, i);
	if (job->without_status) {
		judge_ends(marked);
	} else {
		judge_dead(marked);
		judge_kills(marked);
	}
	judge_whole(marked);
	if (!job->without_report || (job->manner != CALLED && !is_stream(job)))
		judge_report(marked);
	marked->verdict->crashed += marked->crashed;
	marked->verdict->timed_out += marked->timed_out;
	marked->verdict->cancelled += marked->cancelled_ns != 0;
}
