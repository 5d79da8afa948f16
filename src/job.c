/*
 * One map from its memory to its report.  See job.h for the order of the steps.
 */
#include "job.h"

#include "clock.h"
#include "orphan.h"
#include "parent.h"
#include "task.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The automatic chunk is such that there are at most this many. */
enum { AUTOMATIC_CHUNKS = 8192, LEAST_CHUNKS = 64 };

/* And, where a reduction's partial results are large, such that they take about this. */
#define PARTIALS_MEMORY ((size_t)64 << 20)

/* ---- Memory and copies ---- */

enum piece_use { PIECE_COPY, PIECE_DENSE, PIECE_SPARSE };

/* A piece of the arena that lives as long as the job, or NULL. */
static void *take_piece(struct job *job, size_t size, enum piece_use use)
{
	struct arena *arena = &job->pool->arena;
	size = size == 0 ? 1 : size;
	void *piece =
	        use == PIECE_COPY ? arena_alloc(arena, size) : arena_alloc_zeroed(arena, size, use == PIECE_SPARSE);
	if (piece == NULL)
		job->wanting = size;
	else
		job->pieces[job->piece_count++] = piece;
	return piece;
}

static void free_pieces(struct job *job)
{
	while (job->piece_count > 0)
		arena_free(&job->pool->arena, job->pieces[--job->piece_count]);
}

static bool in_place(const struct job *job, const void *memory, size_t size)
{
	const struct forkpool *pool = job->pool;
	return pool->backend->shares_memory || region_contains(&pool->region, memory, size);
}

/* The bytes that a column spans; its count is > 0. */
static size_t column_span(const forkpool_column *column, size_t count)
{
	return column->stride * (count - 1) + column->size;
}

/* The distance between the column's items once the gaps are closed: they stay as aligned as they were. */
static size_t packed_stride(const forkpool_column *column)
{
	size_t alignment = column->stride & -column->stride;
	alignment = alignment > ARENA_ALIGNMENT ? ARENA_ALIGNMENT : alignment;
	return (column->size + alignment - 1) / alignment * alignment;
}

/* Copies a column's items, closing the gaps between them. */
static bool copy_column(struct job *job, forkpool_column *column)
{
	size_t count = column->stride == 0 ? 1 : job->request.count;
	bool dense = column->stride <= column->size;
	size_t stride = dense ? column->stride : packed_stride(column);
	size_t bytes = stride * (count - 1) + column->size;
	char *copy = take_piece(job, bytes, PIECE_COPY);
	if (copy == NULL)
		return false;
	if (dense) {
		memcpy(copy, column->base, bytes);
	} else {
		for (size_t i = 0; i < count; i++)
			memcpy(copy + i * stride, (const char *)column->base + i * column->stride, column->size);
	}
	job->bytes_copied += dense ? bytes : column->size * count;
	column->base = copy;
	column->stride = stride;
	return true;
}

static bool prepare_columns(struct job *job)
{
	for (size_t k = 0; k < job->request.column_count; k++) {
		forkpool_column *column = &job->columns[k];
		*column = job->request.columns[k];
		if (column->size == 0 || job->request.count == 0 || job->opts.inherited ||
		    in_place(job, column->base, column_span(column, job->request.count)))
			continue;
		if (!copy_column(job, column))
			return false;
	}
	return true;
}

static bool prepare_ctx(struct job *job)
{
	job->ctx = job->opts.ctx;
	if (job->opts.ctx_size == 0)
		return true;
	job->ctx = take_piece(job, job->opts.ctx_size, PIECE_COPY);
	if (job->ctx == NULL)
		return false;
	memcpy(job->ctx, job->opts.ctx, job->opts.ctx_size);
	job->bytes_copied += job->opts.ctx_size;
	return true;
}

/* Results outside of the arena get a copy there; it needs statuses, so that only the results of
 * tasks that succeeded are copied out. */
static bool prepare_results(struct job *job)
{
	size_t count = job->request.count, size = job->request.result_size;
	job->results = job->request.results;
	bool staged =
	        size > 0 && count > 0 && job->request.kind < JOB_FOR && !in_place(job, job->results, count * size);
	if (staged && (job->results = take_piece(job, count * size, PIECE_COPY)) == NULL)
		return false;
	job->status = job->opts.status;
	if (job->status != NULL && in_place(job, job->status, count * sizeof *job->status))
		memset(job->status, 0, count * sizeof *job->status);
	else if (job->status != NULL || staged)
		return (job->status = take_piece(job, count * sizeof *job->status, PIECE_SPARSE)) != NULL;
	return true;
}

/* A partial result a chunk, and before them the identity. */
static bool prepare_partials(struct job *job)
{
	size_t bytes, size = job->request.result_size;
	if (job->request.kind != JOB_FOLD)
		return true;
	job->partial_stride = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	if (__builtin_mul_overflow(job->partial_stride, job->chunks + 1, &bytes))
		return false;
	char *piece = take_piece(job, bytes, PIECE_COPY);
	if (piece == NULL)
		return false;
	job->partials = piece + job->partial_stride;
	if (size > 0)
		memcpy(piece, job->request.results, size);
	return true;
}

static const void *identity_of(const struct job *job)
{
	return job->partials == NULL ? NULL : job->partials - job->partial_stride;
}

void job_clear_partial(struct job *job, size_t chunk)
{
	if (job->request.result_size > 0) /* from the caller's own, which no worker can have written */
		memcpy(job->partials + chunk * job->partial_stride, job->request.results, job->request.result_size);
}

/* A function of the request alone: the answer of a reduction depends on it. */
static size_t automatic_chunk(const struct job_request *request)
{
	size_t chunks = AUTOMATIC_CHUNKS;
	if (request->kind == JOB_FOLD && request->result_size > PARTIALS_MEMORY / AUTOMATIC_CHUNKS)
		chunks = PARTIALS_MEMORY / request->result_size;
	if (chunks < LEAST_CHUNKS)
		chunks = LEAST_CHUNKS;
	return request->count / chunks + (request->count % chunks != 0);
}

static void plan_chunks(struct job *job)
{
	size_t count = job->request.count;
	job->chunk = job->opts.chunk;
	if (job->chunk == 0)
		job->chunk = automatic_chunk(&job->request);
	if (job->chunk == 0)
		job->chunk = 1;
	if (job->chunk > FORKPOOL_MAX_CHUNK)
		job->chunk = FORKPOOL_MAX_CHUNK;
	job->chunks = count / job->chunk + (count % job->chunk != 0);
}

int job_prepare(struct job *job, struct forkpool *pool, const struct job_request *request, char *message)
{
	*job = (struct job){.pool = pool, .request = *request, .opts = *request->opts};
	job->begun = clock_seconds();
	job->next_progress = job->begun + job->opts.progress_interval;
	job->restarts_before = pool->restarts;
	plan_chunks(job);
	if (job->chunks <= SIZE_MAX / sizeof(ledger_word))
		job->ledger = take_piece(job, job->chunks * sizeof(ledger_word), PIECE_DENSE);
	if (job->ledger == NULL) {
		snprintf(message, FORKPOOL_MESSAGE_SIZE,
		         "no memory for the book-keeping of %zu chunks (8 bytes each): take a larger chunk than %zu",
		         job->chunks, job->chunk);
	} else if (prepare_ctx(job) && prepare_columns(job) && prepare_results(job) && prepare_partials(job)) {
		return 0;
	} else {
		snprintf(message, FORKPOOL_MESSAGE_SIZE,
		         "no space for %zu bytes in the arena of %zu, for a copy of a buffer: use a larger arena_size, "
		         "or allocate the buffers with forkpool_alloc()",
		         job->wanting, pool->region.size);
	}
	free_pieces(job);
	return -ENOMEM;
}

/* ---- Opening ---- */

static struct board *board_of(const struct job *job)
{
	return job->pool->engine.board;
}

static struct job_post *post_of(const struct job *job)
{
	return &board_of(job)->posts[job_slot(job->number)];
}

static struct job_tally *tally_of(const struct job *job)
{
	return &job->pool->engine.tallies[job_slot(job->number)];
}

static void fill_post(struct job *job, struct job_post *post)
{
	const struct job_request *request = &job->request;
	post->by_ledger = job->by_ledger = job->opts.stop_on_failure != 0;
	post->kind = request->kind;
	post->stop_on_failure = job->opts.stop_on_failure != 0;
	post->measured = job->opts.report != NULL;
	post->timed = job->opts.timeout > 0;
	post->retries = job->opts.retries;
	post->function = request->function;
	post->ctx = job->ctx;
	post->count = request->count;
	post->chunk = job->chunk;
	post->chunks = job->chunks;
	post->ranges = job->chunks < pool_workers(job->pool) ? job->chunks : pool_workers(job->pool);
	post->ledger = job->ledger;
	post->status = job->status;
	post->results = request->kind == JOB_FOLD ? job->partials : job->results;
	post->identity = identity_of(job);
	post->result_size = request->result_size;
	post->result_stride = job->partial_stride;
	post->column_count = request->column_count;
	memcpy(post->columns, job->columns, request->column_count * sizeof *post->columns);
	fegetenv(&post->float_environment);
}

static void clear_tally(struct job_tally *tally)
{
	atomic_store(&tally->finished, 0);
	atomic_store(&tally->failed, 0);
	atomic_store(&tally->faults, 0);
	atomic_store(&tally->cpu_ns, 0);
	atomic_store(&tally->retried, 0);
	atomic_store(&tally->stop, 0);
}

/* One entry a range; what finds no place in the ring is found through the board. */
static void push_ranges(struct job *job, struct job_post *post)
{
	struct ring *ring = &job->pool->engine.ring;
	post->last_entry = ring_tail(ring) + post->ranges;
	atomic_store(&post->number, job->number); /* B0 */
	atomic_fetch_or(&board_of(job)->open, (uint64_t)1 << job_slot(job->number));
	for (size_t range = 0; range < post->ranges; range++) {
		size_t begin = job_range_begin(post, range), end = job_range_begin(post, range + 1);
		if (!ring_push(ring, (struct ring_entry){job->number, begin, end}))
			break;
	}
	ring_post(ring, (unsigned)post->ranges);
}

bool job_has_slot(const struct forkpool *pool)
{
	return ~pool->slots_used != 0;
}

void job_open(struct job *job)
{
	struct forkpool *pool = job->pool;
	unsigned slot = (unsigned)__builtin_ctzll(~pool->slots_used);
	pool->slots_used |= (uint64_t)1 << slot;
	job->number = ++pool->serial * JOB_SLOTS + slot;
	job->next = pool->jobs;
	pool->jobs = job;
	struct job_post *post = post_of(job);
	fill_post(job, post);
	clear_tally(tally_of(job));
	push_ranges(job, post);
}

struct job *job_find(const struct forkpool *pool, uint64_t number)
{
	struct job *job = pool->jobs;
	while (job != NULL && job->number != number)
		job = job->next;
	return job;
}

/* ---- How far it is ---- */

size_t job_chunk_length(const struct job *job, size_t chunk)
{
	size_t left = job->request.count - chunk * job->chunk;
	return left < job->chunk ? left : job->chunk;
}

void job_use_ledger(struct job *job)
{
	if (!job->by_ledger)
		job->failed = 0; /* what the tally said is counted again */
	job->by_ledger = true;
	atomic_store(&post_of(job)->by_ledger, 1); /* B1: before the ledger is read */
}

void job_cancel(struct job *job)
{
	job->cancelled = true;
	job_use_ledger(job);
	atomic_store(&tally_of(job)->stop, 1);
	ledger_cancel(job->ledger, job->chunks);
}

void job_fail(struct job *job, int error)
{
	job_cancel(job);
	if (job->error == 0)
		job->error = error;
}

void job_count_cancelled(struct job *job, size_t begin, size_t end)
{
	for (size_t i = begin; job->status != NULL && i < end; i++)
		job->status[i] = FORKPOOL_CANCELLED;
	if (begin < end && (job->cancelled_tasks == 0 || begin < job->first_cancelled))
		job->first_cancelled = begin;
	job->cancelled_tasks += end - begin;
}

/* Counts the last `tasks` tasks of the chunk as not run. */
static void count_cancelled(struct job *job, size_t chunk, size_t tasks)
{
	size_t end = chunk * job->chunk + job_chunk_length(job, chunk);
	job_count_cancelled(job, end - tasks, end);
}

/* A fold that was not folded again: all but what has been charged already. */
static void count_cancelled_fold(struct job *job, const struct orphan *orphan, size_t length)
{
	for (size_t offset = 0, k = 0; offset < length; offset++)
		if (k < orphan->excluded_count && orphan->excluded[k] == offset)
			k++;
		else
			job_count_cancelled(job, orphan->chunk * job->chunk + offset,
			                    orphan->chunk * job->chunk + offset + 1);
}

/* A chunk that nobody began, or that nobody went on with. */
static void count_cancelled_chunk(struct job *job, size_t chunk)
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
static size_t left_in_chunk(const struct job *job, size_t chunk)
{
	const struct orphan *orphan = orphan_find(job, chunk);
	size_t length = job_chunk_length(job, chunk);
	if (orphan == NULL)
		return length;
	return length - (job->request.kind == JOB_FOLD ? orphan->excluded_count : orphan->resume.start);
}

/* False: no honest worker, nor the parent, has written this word. */
static bool count_settled(struct job *job, size_t chunk, uint64_t word)
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
static void read_ledger(struct job *job)
{
	for (; job->cursor < job->chunks; job->cursor++) {
		uint64_t word = ledger_read(&job->ledger[job->cursor]); /* L2 */
		if (!ledger_settled(word))
			return;
		if (!count_settled(job, job->cursor, word)) {
			job->error = -EPROTO;
			return;
		}
	}
}

/* When all chunks have been handed in, the owners' first ones must be settled, or the ledger was overwritten. */
static bool is_plausible(const struct job *job)
{
	const struct job_post *post = post_of(job);
	for (size_t range = 0; range < post->ranges; range++)
		if (!ledger_settled(ledger_read(&job->ledger[job_range_begin(post, range)])))
			return false;
	return true;
}

/* The tally says that all is finished: believed, unless something speaks against it. */
static bool believe_tally(struct job *job, uint64_t finished)
{
	const struct job_tally *tally = tally_of(job);
	job->failed = atomic_load(&tally->failed);
	if (finished > job->chunks || job->failed > job->request.count || atomic_load(&tally->stop) != 0)
		job->error = -EPROTO; /* a worker's word, and it cannot be true */
	else if (!is_plausible(job)) {
		job_use_ledger(job);
		return false;
	}
	return true;
}

bool job_check(struct job *job)
{
	if (job->error != 0)
		return true;
	if (job->by_ledger) {
		if (job->opts.stop_on_failure && !job->cancelled && atomic_load(&tally_of(job)->stop))
			job_cancel(job);
		/* B1: after it, the ledger's words are seen that it counts */
		if (atomic_load(&tally_of(job)->finished) > job->chunks)
			job->error = -EPROTO; /* some chunk was done twice: its word was overwritten */
		read_ledger(job);
		return job->error != 0 || job->cursor == job->chunks;
	}
	uint64_t finished = atomic_load(&tally_of(job)->finished); /* B1 */
	return finished >= job->chunks && believe_tally(job, finished);
}

static bool is_pinned(const struct job *job)
{
	const struct engine *engine = &job->pool->engine;
	for (unsigned i = 0; i < engine->workers; i++)
		if (atomic_load(&engine->records[i].pin) == job->number)
			return true;
	return false;
}

/* ---- What cannot be, where workers have written what they should not ---- */

static bool is_held(const struct job *job, uint64_t word)
{
	const struct forkpool *pool = job->pool;
	for (unsigned slot = 0; slot < pool_workers(pool); slot++)
		if (ledger_is_running(word, ledger_running(slot, pool->members[slot].incarnation)))
			return pool->backend->runs_inline ||
			       (pool->members[slot].alive &&
			        atomic_load(&pool->engine.records[slot].pin) == job->number);
	return false;
}

static bool is_offered(const struct job *job, size_t chunk, uint64_t word)
{
	const struct orphan *orphan = orphan_find(job, chunk);
	return orphan != NULL && (word & ~LEDGER_STOLEN) == ledger_orphan(orphan->version);
}

/* Whether the word may stand in the ledger, of a chunk that is not settled. */
static bool is_possible(const struct job *job, size_t chunk, uint64_t word)
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
static void hand_out_again(struct job *job)
{
	ring_push(&job->pool->engine.ring, (struct ring_entry){job->number, job->audited, job->chunks});
}

void job_audit(struct job *job)
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
		job->error = -EPROTO;
	else if (word == LEDGER_TODO && !is_pinned(job))
		hand_out_again(job);
}

void job_progress(const struct job *job, forkpool_progress *progress)
{
	const struct engine *engine = &job->pool->engine;
	uint64_t finished = atomic_load(&tally_of(job)->finished), count = job->request.count;
	*progress = (forkpool_progress){.tasks = count, .elapsed = clock_seconds() - job->begun, .remaining = -1};
	for (unsigned i = 0; i < engine->workers; i++) {
		uint64_t pin = atomic_load(&engine->records[i].pin);
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

/* ---- The end ---- */

/* What is not settled when a job ends early was not run, as far as anybody will know. */
static void count_rest(struct job *job)
{
	for (; job->cursor < job->chunks; job->cursor++) {
		uint64_t word = ledger_read(&job->ledger[job->cursor]);
		if (!ledger_settled(word) || !count_settled(job, job->cursor, word))
			count_cancelled_chunk(job, job->cursor);
	}
}

static void copy_results(struct job *job, bool all)
{
	size_t size = job->request.result_size, count = job->request.count, copied = 0;
	char *to = job->request.results;
	if (job->results == to || job->request.kind >= JOB_FOR)
		return;
	if (all) {
		memcpy(to, job->results, count * size);
		copied = count;
	}
	for (size_t i = 0; !all && i < count; i++)
		if (job->status[i] == 0) {
			memcpy(to + i * size, job->results + i * size, size);
			copied++;
		}
	job->bytes_copied += copied * size;
}

static void copy_statuses(struct job *job, bool all)
{
	size_t bytes = job->request.count * sizeof *job->status;
	if (job->opts.status == NULL || job->opts.status == job->status)
		return;
	if (all) {
		memset(job->opts.status, 0, bytes);
	} else {
		memcpy(job->opts.status, job->status, bytes);
		job->bytes_copied += bytes;
	}
}

/* The lowest index that did not succeed and was not cancelled, by the statuses; count: none, or there are no statuses.
 */
static size_t first_by_status(const struct job *job)
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
static bool is_final(const struct job *job, const struct failure *failure)
{
	if (failure->job != job->number || failure->index >= job->request.count)
		return false;
	if (job->status != NULL)
		return job->status[failure->index] == failure->status;
	uint64_t word = ledger_read(&job->ledger[failure->index / job->chunk]);
	return job->request.kind != JOB_FOLD || (ledger_state(word) == LEDGER_DONE && ledger_failed(word) > 0);
}

/* The failure with the lowest index. */
static struct failure first_failure(const struct job *job)
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

static void fill_first(const struct job *job, forkpool_report *report)
{
	struct failure first = job->error == -EPROTO ? (struct failure){0} : first_failure(job);
	size_t index = job->error == -EPROTO ? job->request.count : first_by_status(job);
	if (index < job->request.count && (first.job == 0 || first.index != index)) {
		report->index = index; /* its worker died after it had failed there, and what it had noted is lost */
		report->status = job->status[index];
		report->attempt = job->opts.retries + 1;
		return;
	}
	if (first.job == 0) {
		report->index = job->first_cancelled;
		report->status = FORKPOOL_CANCELLED;
		return;
	}
	report->index = first.index;
	report->status = first.status;
	report->signal = job->first.job != 0 && first.index == job->first.index ? job->first_signal : 0;
	report->attempt = first.attempt;
	memcpy(report->message, first.message, sizeof report->message);
	report->message[sizeof report->message - 1] = '\0';
}

static void fill_report(const struct job *job, uint64_t unsuccessful, forkpool_report *report)
{
	const struct job_tally *tally = tally_of(job);
	uint64_t cpu_ns = atomic_load(&tally->cpu_ns) + job->lost_cpu_ns;
	*report = (forkpool_report){
	        .tasks = job->request.count,
	        .succeeded = job->request.count - unsuccessful,
	        .failed = job->failed,
	        .crashed = job->crashed,
	        .timed_out = job->timed_out,
	        .retried = atomic_load(&tally->retried) + job->retried,
	        .cancelled = job->cancelled_tasks,
	        .restarts = job->pool->restarts - job->restarts_before,
	        .bytes_copied = job->bytes_copied,
	        .page_faults = atomic_load(&tally->faults) + job->lost_faults,
	        .elapsed = clock_seconds() - job->begun,
	        .cpu_time = (double)cpu_ns / 1e9,
	};
	if (unsuccessful > 0)
		fill_first(job, report);
	if (job->error != 0)
		snprintf(report->message, sizeof report->message, "%s", forkpool_strerror(job->error));
}

/* Nothing that workers said of the job can be believed. */
static uint64_t void_job(struct job *job)
{
	job->failed = job->crashed = job->timed_out = 0;
	job->cancelled_tasks = job->request.count;
	job->first_cancelled = 0;
	for (size_t i = 0; job->status != NULL && i < job->request.count; i++)
		job->status[i] = FORKPOOL_CANCELLED;
	return job->cancelled_tasks;
}

int job_settle(struct job *job)
{
	if (job->by_ledger)
		count_rest(job);
	uint64_t unsuccessful = job->failed + job->crashed + job->timed_out + job->cancelled_tasks;
	if (job->error == -EPROTO)
		unsuccessful = void_job(job);
	copy_results(job, unsuccessful == 0);
	copy_statuses(job, unsuccessful == 0);
	if (job->request.kind == JOB_FOLD && job->error == 0)
		reduce_combine(job);
	if (job->opts.report != NULL)
		fill_report(job, unsuccessful, job->opts.report);
	if (job->error != 0)
		return job->error;
	return unsuccessful > INT_MAX ? INT_MAX : (int)unsuccessful;
}

static void unlink_job(struct job *job)
{
	struct job **link = &job->pool->jobs;
	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
}

static void free_job(struct job *job)
{
	job->pool->slots_used &= ~((uint64_t)1 << job_slot(job->number));
	orphan_free_all(job);
	free_pieces(job);
	free(job);
}

void job_retire(struct job *job)
{
	struct forkpool *pool = job->pool;
	unlink_job(job);
	atomic_fetch_and(&board_of(job)->open, ~((uint64_t)1 << job_slot(job->number)));
	atomic_store(&post_of(job)->number, 0); /* B0 */
	for (int spins = 0; spins < 100 && is_pinned(job); spins++)
		cpu_relax(); /* most often the last worker is just leaving */
	if (!is_pinned(job)) {
		free_job(job);
	} else {
		job->next = pool->retired;
		pool->retired = job;
	}
}

void job_free_retired(struct forkpool *pool)
{
	for (struct job **link = &pool->retired; *link != NULL;) {
		struct job *job = *link;
		if (is_pinned(job)) {
			link = &job->next;
		} else {
			*link = job->next;
			free_job(job);
		}
	}
}
