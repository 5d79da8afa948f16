/*
 * The memory of a job, and its copies.  Buffers that workers can see as they are are used in place; of others
 * input is copied in before the job is opened, and results out at its end.
 */
#include "job.h"
#include "parent.h"

#include <string.h>

/* ---- Pieces ---- */

enum { SCRATCH_ALIGNMENT = 16 }; /* at least, as malloc()'s */

enum piece_use { PIECE_COPY, PIECE_DENSE, PIECE_SPARSE };

/* As aligned as any object of this size can have to be: side by side, what a small job needs is in one cache line. */
static size_t alignment_of(size_t size)
{
	size_t power = size & -size;
	return power < SCRATCH_ALIGNMENT ? SCRATCH_ALIGNMENT : power > ARENA_ALIGNMENT ? ARENA_ALIGNMENT : power;
}

static void *take_scratch(struct slot *slot, size_t size, bool zeroed)
{
	size_t alignment = alignment_of(size), begin = (slot->scratch_used + alignment - 1) & ~(alignment - 1);
	if (size > SLOT_SCRATCH || begin + size > SLOT_SCRATCH)
		return NULL;
	void *piece = slot->scratch + begin;
	slot->scratch_used = begin + size;
	return zeroed ? memset(piece, 0, size) : piece;
}

/* A piece of shared memory that lives as long as the slot is the job's, or NULL. */
static void *take_piece(forkpool_job *job, struct slot *slot, size_t size, enum piece_use use)
{
	struct arena *arena = &job->pool->arena;
	size = size == 0 ? 1 : size;
	void *piece = take_scratch(slot, size, use != PIECE_COPY);
	if (piece != NULL)
		return piece;
	piece = use == PIECE_COPY ? arena_alloc(arena, size) : arena_alloc_zeroed(arena, size, use == PIECE_SPARSE);
	if (piece == NULL)
		job->wanted = size;
	else
		slot->pieces[slot->piece_count++] = piece;
	return piece;
}

void copies_free(struct forkpool *pool, struct slot *slot)
{
	pool->returns += slot->piece_count;
	while (slot->piece_count > 0)
		arena_free(&pool->arena, slot->pieces[--slot->piece_count]);
	slot->scratch_used = 0;
}

static bool in_place(const forkpool_job *job, const void *memory, size_t size)
{
	const struct forkpool *pool = job->pool;
	return pool->backend->shares_memory || region_contains(&pool->region, memory, size);
}

/* ---- Input ---- */

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
static bool copy_column(forkpool_job *job, struct slot *slot, forkpool_column *column)
{
	size_t count = column->stride == 0 ? 1 : job->request.count;
	bool dense = column->stride <= column->size;
	size_t stride = dense ? column->stride : packed_stride(column);
	size_t bytes = stride * (count - 1) + column->size;
	char *copy = take_piece(job, slot, bytes, PIECE_COPY);
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

static bool copy_columns(forkpool_job *job, struct slot *slot, forkpool_column *columns)
{
	size_t count = job->request.count;
	for (size_t k = 0; k < job->request.column_count; k++) {
		forkpool_column *column = &columns[k];
		*column = job->request.columns[k];
		if (column->size == 0 || count == 0 || job->opts.inherited ||
		    in_place(job, column->base, column_span(column, count)))
			continue;
		if (!copy_column(job, slot, column))
			return false;
	}
	return true;
}

static bool copy_ctx(forkpool_job *job, struct slot *slot)
{
	job->ctx = job->opts.ctx;
	if (job->opts.ctx_size == 0)
		return true;
	job->ctx = take_piece(job, slot, job->opts.ctx_size, PIECE_COPY);
	if (job->ctx == NULL)
		return false;
	memcpy(job->ctx, job->opts.ctx, job->opts.ctx_size);
	job->bytes_copied += job->opts.ctx_size;
	return true;
}

/* ---- Output ---- */

/* Results outside of the arena get a copy there; it needs statuses, so that only the results of
 * tasks that succeeded are copied out. */
static bool stage_results(forkpool_job *job, struct slot *slot)
{
	size_t count = job->request.count, size = job->request.result_size;
	job->results = job->request.results;
	bool staged =
	        size > 0 && count > 0 && job->request.kind < JOB_FOR && !in_place(job, job->results, count * size);
	if (staged && (job->results = take_piece(job, slot, count * size, PIECE_COPY)) == NULL)
		return false;
	job->status = job->opts.status;
	if (job->status != NULL && in_place(job, job->status, count * sizeof *job->status))
		memset(job->status, 0, count * sizeof *job->status);
	else if (job->status != NULL || staged)
		return (job->status = take_piece(job, slot, count * sizeof *job->status, PIECE_SPARSE)) != NULL;
	return true;
}

/* A partial result a chunk, and before them the identity. */
static bool stage_partials(forkpool_job *job, struct slot *slot)
{
	size_t size = job->request.result_size;
	size_t bytes = SIZE_MAX;
	if (job->request.kind != JOB_FOLD)
		return true;
	job->partial_stride = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	if (__builtin_mul_overflow(job->partial_stride, job->chunks + 1, &bytes))
		bytes = SIZE_MAX;
	char *piece = take_piece(job, slot, bytes, PIECE_COPY);
	if (piece == NULL)
		return false;
	job->partials = piece + job->partial_stride;
	if (size > 0)
		memcpy(piece, job->request.results, size);
	return true;
}

bool copies_make(forkpool_job *job, struct slot *slot, forkpool_column *columns)
{
	size_t bytes;
	job->bytes_copied = 0;
	if (__builtin_mul_overflow(job->chunks, sizeof(ledger_word), &bytes))
		bytes = SIZE_MAX;
	job->ledger = take_piece(job, slot, bytes, PIECE_DENSE);
	return job->ledger != NULL && copy_ctx(job, slot) && copy_columns(job, slot, columns) &&
	       stage_results(job, slot) && stage_partials(job, slot);
}

void job_clear_partial(forkpool_job *job, size_t chunk)
{
	if (job->request.result_size > 0) /* from the caller's own, which no worker can have written */
		memcpy(job->partials + chunk * job->partial_stride, job->request.results, job->request.result_size);
}

/* ---- Handed over ---- */

/* Of tasks begin .. end-1, all of which have ended. */
static void hand_over(forkpool_job *job, size_t begin, size_t end, bool all)
{
	size_t size = job->request.result_size, copied = 0;
	char *to = job->request.results;
	bool staged = job->results != to && job->request.kind < JOB_FOR;
	if (staged && all) {
		memcpy(to + begin * size, job->results + begin * size, (end - begin) * size);
		copied = end - begin;
	}
	for (size_t i = begin; staged && !all && i < end; i++)
		if (job->status[i] == 0) {
			memcpy(to + i * size, job->results + i * size, size);
			copied++;
		}
	job->bytes_copied += copied * size;
	if (job->opts.status == NULL || job->opts.status == job->status)
		return;
	if (all) {
		memset(job->opts.status + begin, 0, (end - begin) * sizeof *job->status);
	} else {
		memcpy(job->opts.status + begin, job->status + begin, (end - begin) * sizeof *job->status);
		job->bytes_copied += (end - begin) * sizeof *job->status;
	}
}

void copies_hand_over_chunk(forkpool_job *job, size_t chunk)
{
	size_t begin = chunk * job->chunk;
	hand_over(job, begin, begin + job_chunk_length(job, chunk), false);
}

void copies_hand_over(forkpool_job *job, bool all)
{
	if (job->delivered == NULL) {
		hand_over(job, 0, job->request.count, all);
		return;
	}
	for (size_t chunk = 0; chunk < job->chunks; chunk++) /* what was taken up is the caller's by now */
		if (!job_is_delivered(job, chunk))
			copies_hand_over_chunk(job, chunk);
}
