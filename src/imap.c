/*
 * Streams: any number of items through a bounded window.
 *
 * The window is cut into a few blocks of memory that go round: a block is filled from the source, submitted as an
 * ordinary job, and is free again when the job is finished and its results have been handed on.  Blocks are as
 * large as what takes about a millisecond, so that slow tasks are handed out, and their results handed on, one by
 * one, and quick ones at the price of a map.
 */
#include "clock.h"
#include "parent.h"
#include "schedule.h"
#include "submit.h"
#include "wait.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLOCKS = 16, DEFAULT_WINDOW = 65536 };
#define DEFAULT_BYTES ((size_t)16 << 20)
#define BLOCK_SECONDS 0.001

/* After so many items the source is asked how long it took: it may have become slow. */
enum { SOURCE_PATIENCE = 8 };

struct block {
	forkpool_job *job; /* NULL: the block is free */
	char *items, *results;
	int32_t *status;
	size_t first, count; /* of its items in the stream */
	bool ready;          /* to be handed on: */
	size_t offset;
	forkpool_report report;
};

struct stream {
	forkpool *pool;
	struct job_request request; /* of each block, but for the block's own */
	forkpool_opts opts, block_opts;
	forkpool_next_fn *next;
	forkpool_emit_fn *emit;
	void *arg;
	size_t item_size;
	bool unordered;

	void *memory, *ctx; /* of the arena */
	struct block blocks[BLOCKS];
	size_t block_count, capacity, least, size; /* items in a block: at most, at least, now */

	size_t taken, emitted;
	bool ended;            /* nothing more is taken */
	bool silent;           /* nothing more is handed on */
	struct block *refused; /* was taken, and could not be submitted */
	int error;
	double begun, last_end, next_progress;
	forkpool_report total;
};

/* ---- Memory ---- */

static size_t default_window(size_t item_bytes)
{
	size_t window = DEFAULT_BYTES / item_bytes;
	return window < 1 ? 1 : window > DEFAULT_WINDOW ? DEFAULT_WINDOW : window;
}

static bool plan_blocks(struct stream *stream, size_t window, struct refusal *refusal)
{
	size_t result_size = stream->request.result_size, most = SIZE_MAX / 4 - ARENA_ALIGNMENT, workers;
	if (stream->item_size > most || result_size > most ||
	    window > SIZE_MAX / 2 / (stream->item_size + result_size + sizeof(int32_t)))
		return refuse(refusal, -EINVAL, "a window of %zu items of %zu bytes and results of %zu is too large",
		              window, stream->item_size, result_size);
	if (window == 0)
		window = default_window(stream->item_size + result_size + sizeof(int32_t));
	workers = pool_workers(stream->pool);
	stream->block_count = window < BLOCKS ? window : BLOCKS;
	stream->capacity = window / stream->block_count;
	if (stream->capacity > FORKPOOL_MAX_CHUNK)
		stream->capacity = FORKPOOL_MAX_CHUNK;
	stream->least = (2 * workers + BLOCKS - 1) / BLOCKS;
	if (stream->least > stream->capacity)
		stream->least = stream->capacity;
	stream->size = stream->least;
	return true;
}

static bool take_memory(struct stream *stream, struct refusal *refusal)
{
	size_t items = arena_rounded(stream->capacity * stream->item_size);
	size_t results = arena_rounded(stream->capacity * stream->request.result_size);
	size_t status = arena_rounded(stream->capacity * sizeof(int32_t)), bytes = items + results + status;
	char *at = stream->memory = forkpool_alloc(stream->pool, bytes * stream->block_count);
	if (at == NULL)
		return refuse(refusal, -ENOMEM,
		              "no space for %zu bytes in the arena, for %zu items at a time: use a smaller window",
		              bytes * stream->block_count, stream->capacity * stream->block_count);
	for (size_t i = 0; i < stream->block_count; i++, at += bytes) {
		stream->blocks[i].items = at;
		stream->blocks[i].results = at + items;
		stream->blocks[i].status = (int32_t *)(void *)(at + items + results);
	}
	return true;
}

/* Once for all blocks. */
static bool copy_ctx(struct stream *stream, struct refusal *refusal)
{
	forkpool_opts *opts = &stream->block_opts;
	if (opts->ctx_size == 0)
		return true;
	stream->ctx = forkpool_alloc(stream->pool, opts->ctx_size);
	if (stream->ctx == NULL)
		return refuse(refusal, -ENOMEM, "no space for %zu bytes in the arena, for ctx", opts->ctx_size);
	memcpy(stream->ctx, opts->ctx, opts->ctx_size);
	stream->total.bytes_copied = opts->ctx_size;
	opts->ctx = stream->ctx;
	opts->ctx_size = 0;
	return true;
}

/* ---- Blocks begin ---- */

static struct block *free_block(struct stream *stream)
{
	for (size_t i = 0; i < stream->block_count; i++)
		if (stream->blocks[i].job == NULL)
			return &stream->blocks[i];
	return NULL;
}

/* Nothing more is taken, because of this. */
static void end(struct stream *stream, int error)
{
	stream->ended = true;
	if (stream->error == 0)
		stream->error = error;
}

static void fill(struct stream *stream, struct block *block)
{
	double begun = clock_seconds();
	block->first = stream->taken;
	block->count = 0;
	while (!stream->ended && block->count < stream->size) {
		int more = stream->next(block->items + block->count * stream->item_size, stream->arg);
		if (more <= 0) {
			end(stream, more);
			return;
		}
		block->count++;
		stream->taken++;
		if (block->count % SOURCE_PATIENCE == 0 && clock_seconds() - begun > BLOCK_SECONDS)
			return;
	}
}

static void submit_block(struct stream *stream, struct block *block)
{
	struct refusal refusal;
	forkpool_column column = {block->items, stream->item_size, stream->item_size};
	struct job_request request = stream->request;
	if (stream->opts.chunk == 0)
		stream->block_opts.chunk = block->count / (2 * pool_workers(stream->pool)) + 1;
	stream->block_opts.status = block->status;
	stream->block_opts.report = stream->opts.report == NULL ? NULL : &block->report;
	for (size_t offset = 0; offset < block->count; offset++)
		block->status[offset] = FORKPOOL_CANCELLED; /* unless they are begun */
	request.columns = &column;
	request.count = block->count;
	request.results = block->results;
	request.opts = &stream->block_opts;
	block->job = submit(stream->pool, &request, true, &refusal);
	if (block->job == NULL) { /* the pool was closed by a callback, or there is no memory */
		end(stream, refusal.error);
		stream->refused = block;
	}
}

/* One block; what has come back meanwhile is handed on before the next. */
static void fill_a_block(struct stream *stream)
{
	struct block *block = stream->ended ? NULL : free_block(stream);
	if (block == NULL)
		return;
	fill(stream, block);
	if (block->count > 0)
		submit_block(stream, block);
}

/* ---- Blocks end ---- */

static void cancel_blocks(struct stream *stream)
{
	for (size_t i = 0; i < stream->block_count; i++)
		if (stream->blocks[i].job != NULL)
			schedule_cancel(stream->blocks[i].job);
}

static void stop_at_failure(struct stream *stream)
{
	stream->ended = true;
	cancel_blocks(stream);
}

static void hand_on(struct stream *stream, const struct block *block, size_t offset)
{
	const void *result = block->results + offset * stream->request.result_size;
	stream->emitted++;
	if (stream->silent || stream->emit(block->first + offset, result, block->status[offset], stream->arg) == 0)
		return;
	stream->silent = true;
	end(stream, -ECANCELED);
	cancel_blocks(stream);
}

static uint64_t unsuccessful_of(const forkpool_report *report)
{
	return report->failed + report->crashed + report->timed_out + report->cancelled;
}

/* Of those that did not succeed the first, or else of the cancelled ones. */
static void add_first(forkpool_report *total, const forkpool_report *report, size_t first)
{
	bool none = unsuccessful_of(total) == 0;
	bool was_cancelled = total->status == FORKPOOL_CANCELLED, is_cancelled = report->status == FORKPOOL_CANCELLED;
	bool earlier = was_cancelled == is_cancelled ? report->index + first < total->index : was_cancelled;
	if (!none && !earlier)
		return;
	total->index = report->index + first;
	total->status = report->status;
	total->signal = report->signal;
	total->attempt = report->attempt;
	memcpy(total->message, report->message, sizeof total->message);
}

static void add_report(forkpool_report *total, const forkpool_report *report, size_t first)
{
	if (report->succeeded < report->tasks)
		add_first(total, report, first);
	total->failed += report->failed;
	total->crashed += report->crashed;
	total->timed_out += report->timed_out;
	total->cancelled += report->cancelled;
	total->retried += report->retried;
	total->bytes_copied += report->bytes_copied;
	total->page_faults += report->page_faults;
	total->cpu_time += report->cpu_time;
}

/* As many items as take about BLOCK_SECONDS, if they go on as those of this block. */
static void adapt_size(struct stream *stream, const struct block *block)
{
	double now = clock_seconds(),
	       wanted = BLOCK_SECONDS * (double)block->count / fmax(now - stream->last_end, 1e-9);
	size_t most = 2 * stream->size < stream->capacity ? 2 * stream->size : stream->capacity;
	stream->last_end = now;
	stream->size = wanted > (double)most ? most : (size_t)wanted;
	if (stream->size < stream->least)
		stream->size = stream->least;
}

/* Refused, at once or when its turn came. */
static bool is_refused(const struct block *block)
{
	return block->job == NULL || block->job->request.count == 0;
}

static forkpool_report report_of(const struct block *block)
{
	forkpool_report report = {.tasks = block->count, .cancelled = block->count, .status = FORKPOOL_CANCELLED};
	if (!is_refused(block))
		job_report(block->job, &report);
	return report;
}

/* Its results have been handed on. */
static void free_job(struct stream *stream, struct block *block)
{
	forkpool_report report = report_of(block);
	add_report(&stream->total, &report, block->first);
	adapt_size(stream, block);
	if (block->job->result < 0)
		end(stream, block->job->result);
	job_release(block->job);
	block->job = NULL;
	if (stream->opts.stop_on_failure && report.succeeded < report.tasks)
		stop_at_failure(stream);
}

/* The one that was filled first of those that are in work. */
static struct block *oldest(struct stream *stream)
{
	struct block *oldest = NULL;
	for (size_t i = 0; i < stream->block_count; i++) {
		struct block *block = &stream->blocks[i];
		if (block->job != NULL && (oldest == NULL || block->first < oldest->first))
			oldest = block;
	}
	return oldest;
}

static void hand_on_all(struct stream *stream, const struct block *block)
{
	for (size_t offset = 0; offset < block->count; offset++)
		hand_on(stream, block, offset);
}

/* Whether there is an index to hand on, or all is done. */
static bool has_more(struct block *block)
{
	if (!block->ready)
		block->ready = job_next(block->job, &block->offset) == 1;
	return block->ready || is_finished(block->job);
}

static void hand_on_as_they_come(struct stream *stream, struct block *block)
{
	while (has_more(block) && block->ready) {
		block->ready = false;
		hand_on(stream, block, block->offset);
	}
	if (!is_finished(block->job))
		return;
	if (block->job->delivered == NULL || is_refused(block)) /* or there was no memory to look at them one by one */
		hand_on_all(stream, block);
	free_job(stream, block);
}

/* With stop_on_failure a block that failed is not waited for in its order. */
static bool has_failed(const struct stream *stream)
{
	for (size_t i = 0; stream->opts.stop_on_failure && !stream->ended && i < stream->block_count; i++)
		if (stream->blocks[i].job != NULL && is_finished(stream->blocks[i].job) &&
		    stream->blocks[i].job->result != 0)
			return true;
	return false;
}

static bool has_something(void *arg)
{
	struct stream *stream = arg;
	const struct block *first = oldest(stream);
	if (has_failed(stream))
		return true;
	if (!stream->unordered)
		return is_finished(first->job);
	for (size_t i = 0; i < stream->block_count; i++)
		if (stream->blocks[i].job != NULL && has_more(&stream->blocks[i]))
			return true;
	return false;
}

static void hand_on_some(struct stream *stream)
{
	struct block *block;
	if (has_failed(stream))
		stop_at_failure(stream);
	while (!stream->unordered && (block = oldest(stream)) != NULL && is_finished(block->job)) {
		hand_on_all(stream, block);
		free_job(stream, block);
	}
	for (size_t i = 0; stream->unordered && i < stream->block_count; i++)
		if (stream->blocks[i].job != NULL)
			hand_on_as_they_come(stream, &stream->blocks[i]);
}

/* What was taken is handed on, also if nobody can work at it any more; it comes last, as nothing was taken then. */
static void hand_on_refused(struct stream *stream)
{
	struct block *block = stream->refused;
	if (block == NULL)
		return;
	forkpool_report report = report_of(block);
	add_report(&stream->total, &report, block->first);
	hand_on_all(stream, block);
}

/* ---- Progress and report ---- */

static void show_progress(const struct stream *stream)
{
	forkpool_progress progress = {
	        .tasks = stream->taken,
	        .finished = stream->emitted,
	        .unsuccessful = unsuccessful_of(&stream->total),
	        .elapsed = clock_seconds() - stream->begun,
	        .remaining = -1,
	};
	for (unsigned slot = 0; slot < pool_workers(stream->pool); slot++)
		progress.workers_busy += pinned_job(&stream->pool->engine.records[slot]) != 0;
	stream->opts.progress(&progress, stream->opts.progress_arg);
}

/* Tells if it is time to; returns the seconds until it will be, < 0: never. */
static double tell_progress(struct stream *stream)
{
	if (stream->opts.progress == NULL)
		return -1;
	if (clock_seconds() >= stream->next_progress) {
		show_progress(stream);
		stream->next_progress = clock_seconds() + stream->opts.progress_interval;
	}
	return fmax(stream->next_progress - clock_seconds(), 0);
}

static void fill_report(struct stream *stream, forkpool_report *report)
{
	*report = stream->total;
	report->tasks = stream->taken;
	report->succeeded = stream->taken - unsuccessful_of(report);
	report->restarts = stream->pool->restarts - report->restarts;
	report->elapsed = clock_seconds() - stream->begun;
	if (stream->error < 0)
		snprintf(report->message, sizeof report->message, "%s", forkpool_strerror(stream->error));
}

/* ---- The call ---- */

static void run_stream(struct stream *stream)
{
	for (;;) {
		double seconds = tell_progress(stream);
		fill_a_block(stream);
		if (oldest(stream) == NULL)
			break;
		bool can_take = !stream->ended && free_block(stream) != NULL;
		pool_wait(stream->pool, has_something, stream, can_take ? 0 : seconds);
		hand_on_some(stream);
	}
	hand_on_refused(stream);
}

static int end_stream(struct stream *stream)
{
	uint64_t unsuccessful = unsuccessful_of(&stream->total);
	forkpool_free(stream->pool, stream->ctx);
	forkpool_free(stream->pool, stream->memory);
	if (stream->opts.progress != NULL)
		show_progress(stream);
	if (stream->opts.report != NULL)
		fill_report(stream, stream->opts.report);
	return stream->error < 0 ? stream->error : unsuccessful > INT_MAX ? INT_MAX : (int)unsuccessful;
}

static bool check_stream(struct stream *stream, size_t window, struct refusal *refusal)
{
	if (stream->next == NULL || stream->emit == NULL)
		return refuse(refusal, -EINVAL, "%s is NULL", stream->next == NULL ? "next" : "emit");
	if (stream->opts.status != NULL || stream->opts.done != NULL)
		return refuse(refusal, -EINVAL, "opts.%s is not for streams: it must be NULL",
		              stream->opts.status != NULL ? "status" : "done");
	stream->pool = check_submission(stream->pool, &stream->request, refusal);
	return stream->pool != NULL && plan_blocks(stream, window, refusal) && copy_ctx(stream, refusal) &&
	       take_memory(stream, refusal);
}

int forkpool_imap(forkpool *pool, forkpool_map_fn *function, forkpool_next_fn *next, forkpool_emit_fn *emit, void *arg,
                  size_t item_size, size_t result_size, size_t window, int unordered, const forkpool_opts *opts)
{
	struct refusal refusal;
	struct stream stream = {
	        .pool = pool,
	        .request = {.kind = JOB_MAP, .function.map = function, .column_count = 1, .result_size = result_size},
	        .opts = complete_opts(opts),
	        .next = next,
	        .emit = emit,
	        .arg = arg,
	        .item_size = item_size,
	        .unordered = unordered != 0,
	        .begun = clock_seconds(),
	};
	forkpool_column none = {NULL, item_size, item_size};
	stream.request.columns = &none;
	stream.request.opts = &stream.block_opts;
	stream.block_opts = stream.opts;
	stream.block_opts.progress = NULL;
	stream.last_end = stream.next_progress = stream.begun;
	if (!check_stream(&stream, window, &refusal)) {
		if (stream.ctx != NULL)
			forkpool_free(stream.pool, stream.ctx);
		report_refusal(&stream.opts, &refusal);
		return refusal.error;
	}
	stream.total.restarts = stream.pool->restarts;
	pool_enter(stream.pool);
	run_stream(&stream);
	int result = end_stream(&stream);
	pool_leave(stream.pool);
	return result;
}
