/*
 * How far a job is: read off the tally as long as all goes well, off the ledger otherwise.
 */
#include "clock.h"
#include "job.h"
#include "orphan.h"
#include "parent.h"

#include <errno.h>

static struct job_post *post_of(const forkpool_job *job)
{
	return job_post(job, job->pool->engine.board);
}

static struct job_tally *tally_of(const forkpool_job *job)
{
	return &job->pool->engine.tallies[job_slot(job->number)];
}

size_t job_chunk_length(const forkpool_job *job, size_t chunk)
{
	size_t left = job->request.count - chunk * job->chunk;
	return left < job->chunk ? left : job->chunk;
}

void job_use_ledger(forkpool_job *job)
{
	if (!job->by_ledger)
		job->failed = 0; /* what the tally said is counted again */
	job->by_ledger = true;
	job->pool->slots_suspect |= (uint64_t)1 << job_slot(job->number);
	atomic_store(&post_of(job)->by_ledger, 1); /* B1: before the ledger is read */
}

void job_count_cancelled(forkpool_job *job, size_t begin, size_t end)
{
	for (size_t i = begin; job->status != NULL && i < end; i++)
		job->status[i] = FORKPOOL_CANCELLED;
	if (begin < end && (job->cancelled_tasks == 0 || begin < job->first_cancelled))
		job->first_cancelled = begin;
	job->cancelled_tasks += end - begin;
}

/* Counts the last `tasks` tasks of the chunk as not run. */
static void count_cancelled(forkpool_job *job, size_t chunk, size_t tasks)
{
	size_t end = chunk * job->chunk + job_chunk_length(job, chunk);
	job_count_cancelled(job, end - tasks, end);
}

/* A fold that was not folded again: all but what has been charged already. */
static void count_cancelled_fold(forkpool_job *job, const struct orphan *orphan, size_t length)
{
	for (size_t offset = 0, k = 0; offset < length; offset++)
		if (k < orphan->excluded_count && orphan->excluded[k] == offset)
			k++;
		else
			job_count_cancelled(job, orphan->chunk * job->chunk + offset,
			                    orphan->chunk * job->chunk + offset + 1);
}

/* A chunk that nobody began, or that nobody went on with. */
static void count_cancelled_chunk(forkpool_job *job, size_t chunk)
{
	const struct orphan *orphan = orphan_find(job, chunk);
	size_t length = job_chunk_length(job, chunk);
	if (job->request.kind == JOB_FOLD)
		job_clear_partial(job, chunk);
	if (orphan == NULL)
		count_cancelled(job, chunk, length);
	else if (job->request.kind != JOB_FOLD)
		count_cancelled(job, chunk, length - orphan->resume.start);
	else
		count_cancelled_fold(job, orphan, length);
}

/* How many of the chunk's tasks the parent has not yet counted itself. */
static size_t left_in_chunk(const forkpool_job *job, size_t chunk)
{
	const struct orphan *orphan = orphan_find(job, chunk);
	size_t length = job_chunk_length(job, chunk);
	if (orphan == NULL)
		return length;
	return length - (job->request.kind == JOB_FOLD ? orphan->excluded_count : orphan->resume.start);
}

/* False: no honest worker, nor the parent, has written this word. */
static bool count_settled(forkpool_job *job, size_t chunk, uint64_t word)
{
	bool may_stop = job->cancelled || job->opts.stop_on_failure;
	if (ledger_state(word) == LEDGER_CANCELLED) {
		if (!job->cancelled || (word & ~LEDGER_STOLEN) != LEDGER_CANCELLED)
			return false;
		count_cancelled_chunk(job, chunk);
		return true;
	}
	uint64_t failed = ledger_failed(word), cancelled = ledger_cancelled(word);
	if (failed + cancelled == 0)
		return true;
	if (failed + cancelled > left_in_chunk(job, chunk) || (cancelled > 0 && !may_stop))
		return false;
	job->failed += failed;
	count_cancelled(job, chunk, cancelled);
	return true;
}

/* Moves the cursor over what is settled. */
static void read_ledger(forkpool_job *job)
{
	for (; job->cursor < job->chunks; job->cursor++) {
		uint64_t word = ledger_read(&job->ledger[job->cursor]); /* L2 */
		if (!ledger_settled(word))
			return;
		if (!count_settled(job, job->cursor, word)) {
			job_spoil(job, -EPROTO);
			return;
		}
	}
}

/* When all chunks have been handed in, the owners' first ones must be settled, or the ledger was overwritten. */
static bool is_plausible(const forkpool_job *job)
{
	const struct job_post *post = post_of(job);
	for (size_t range = 0; range < post->ranges; range++)
		if (!ledger_settled(ledger_read(&job->ledger[job_range_begin(post, range)])))
			return false;
	return true;
}

/* The tally says that all is finished: believed, unless something speaks against it. */
static bool believe_tally(forkpool_job *job, uint64_t finished)
{
	const struct job_tally *tally = tally_of(job);
	job->failed = atomic_load(&tally->failed);
	if (finished > job->chunks || job->failed > job->request.count || atomic_load(&tally->stop) != 0)
		job_spoil(job, -EPROTO); /* a worker's word, and it cannot be true */
	else if (job->failed > 0 || !is_plausible(job)) {
		job_use_ledger(job); /* which tasks failed is worth a look */
		return false;
	}
	return true;
}

uint64_t jobs_to_check(const struct forkpool *pool)
{
	return open_slots(pool) & (atomic_load(&pool->engine.endings->jobs) | pool->slots_suspect); /* B1 */
}

static bool check_ledger(forkpool_job *job)
{
	if (job->opts.stop_on_failure && !job->cancelled && atomic_load(&tally_of(job)->stop))
		job_cancel(job);
	/* B1: after it, the ledger's words are seen that it counts */
	if (atomic_load(&tally_of(job)->finished) > job->chunks)
		job_spoil(job, -EPROTO); /* some chunk was done twice: its word was overwritten */
	read_ledger(job);
	return job->error != 0 || job->cursor == job->chunks;
}

/* Where the tally is full, and not believed, the ledger is read at once: nobody will ring again. */
bool job_check(forkpool_job *job)
{
	if (job->error != 0)
		return true;
	if (!job->by_ledger) {
		uint64_t finished = atomic_load(&tally_of(job)->finished); /* B1 */
		if (finished < job->chunks)
			return false;
		if (believe_tally(job, finished))
			return true;
	}
	return check_ledger(job);
}

static bool is_pinned(const forkpool_job *job)
{
	const struct engine *engine = &job->pool->engine;
	for (unsigned i = 0; i < engine->workers; i++)
		if (pinned_job(&engine->records[i]) == job->number)
			return true;
	return false;
}

/* ---- What cannot be, where workers have written what they should not ---- */

static bool is_held(const forkpool_job *job, uint64_t word)
{
	const struct forkpool *pool = job->pool;
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (ledger_is_running(word, ledger_running(slot, pool->members[slot].incarnation)))
			return pool->backend->runs_inline ||
			       (pool->members[slot].alive && pinned_job(&pool->engine.records[slot]) == job->number);
	return false;
}

static bool is_offered(const forkpool_job *job, size_t chunk, uint64_t word)
{
	const struct orphan *orphan = orphan_find(job, chunk);
	return orphan != NULL && (word & ~LEDGER_STOLEN) == ledger_orphan(orphan->version);
}

/* Whether the word may stand in the ledger, of a chunk that is not settled. */
static bool is_possible(const forkpool_job *job, size_t chunk, uint64_t word)
{
	switch (ledger_state(word)) {
	case LEDGER_TODO:
		return word == LEDGER_TODO;
	case LEDGER_RUNNING:
		return is_held(job, word) || ledger_read(&job->ledger[chunk]) != word;
	case LEDGER_ORPHAN:
		return is_offered(job, chunk, word);
	case LEDGER_DONE:
	case LEDGER_CANCELLED:
		return true; /* since it was looked at */
	default:
		return false;
	}
}

/* Work that nobody is at, and that those who look for work have not found.  The claim decides, so this
 * cannot run anything twice. */
static void hand_out_again(forkpool_job *job)
{
	ring_push(&job->pool->engine.ring, (struct ring_entry){job->number, job->audited, job->chunks});
	job_let_steal(job->pool, (uint64_t)1 << job_slot(job->number));
}

void job_audit(forkpool_job *job)
{
	job->audited = ledger_pass_settled(job->ledger, job->audited, job->chunks);
	if (job->error != 0)
		return;
	if (job->audited == job->chunks) {
		job_use_ledger(job); /* whatever became of the tally */
		return;
	}
	uint64_t word = ledger_read(&job->ledger[job->audited]);
	bool stop_is_wrong = atomic_load(&tally_of(job)->stop) && !job->cancelled && !job->opts.stop_on_failure;
	if (stop_is_wrong || !is_possible(job, job->audited, word))
		job_spoil(job, -EPROTO);
	else if (word == LEDGER_TODO && !is_pinned(job))
		hand_out_again(job);
}

void job_progress(const forkpool_job *job, forkpool_progress *progress)
{
	uint64_t count = job->request.count;
	if (job->state == JOB_FINISHED) {
		*progress = (forkpool_progress){.tasks = count, .finished = count, .elapsed = job->elapsed};
		progress->unsuccessful = job->failed + job->crashed + job->timed_out + job->cancelled_tasks;
		return;
	}
	const struct engine *engine = &job->pool->engine;
	uint64_t finished = atomic_load(&tally_of(job)->finished);
	*progress = (forkpool_progress){.tasks = count, .elapsed = clock_seconds() - job->begun, .remaining = -1};
	for (unsigned i = 0; i < engine->workers; i++) {
		uint64_t pin = pinned_job(&engine->records[i]);
		progress->workers_busy += pin != 0;
		if (pin == job->number)
			finished += atomic_load(&engine->records[i].done);
	}
	if (finished > job->chunks)
		finished = job->chunks;
	progress->finished = finished * job->chunk < count ? finished * job->chunk : count;
	progress->unsuccessful = atomic_load(&tally_of(job)->failed) + job->crashed + job->timed_out;
	if (progress->unsuccessful > count)
		progress->unsuccessful = count;
}

/* What is not settled when a job ends early was not run, as far as anybody will know. */
void job_count_rest(forkpool_job *job)
{
	for (; job->cursor < job->chunks; job->cursor++) {
		uint64_t word = ledger_read(&job->ledger[job->cursor]);
		if (!ledger_settled(word) || !count_settled(job, job->cursor, word))
			count_cancelled_chunk(job, job->cursor);
	}
}
