/*
 * calls.c - runs a described job by a call of the library and by a plain loop, and compares.
 *
 * A task hashes its item, or its index, into a stream of bytes that fills the result; the
 * hash also decides whether it fails.  The fold composes affine maps modulo 256: that is
 * associative but not commutative, so a lost, doubled or misplaced index changes the answer.
 */
#include "config.h"
#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *call_name(enum call call)
{
	static const char *const names[] = {"map", "starmap", "for", "for_range", "reduce", "apply"};
	return names[call];
}

const char *job_text(const struct job *job)
{
	static char text[256];
	snprintf(text, sizeof text,
	         "%s of %zu tasks, items %zu bytes %s, results %zu bytes %s, chunk %zu, status %s, fails 1 in %u, "
	         "salt %" PRIu64,
	         call_name(job->call), job->count, job->item_size, job->items_in_arena ? "in the arena" : "outside",
	         job->result_size, job->results_in_arena ? "in the arena" : "outside", job->chunk,
	         job->status_in_arena ? "in the arena" : "outside", job->fail_one_in, job->salt);
	return text;
}

/* ---- What a task does -------------------------------------------------------- */

/* What the tasks are told; handed to them by copy. */
struct told {
	const unsigned char *items;
	unsigned char *results;
	size_t item_size, result_size;
	unsigned fail_one_in;
	uint64_t salt;
};

static uint64_t stir(uint64_t x)
{
	x = (x ^ x >> 31) * UINT64_C(0x7fb5d329728ea185);
	return x ^ x >> 27;
}

static uint64_t hash(uint64_t start, const unsigned char *bytes, size_t size)
{
	uint64_t h = stir(start + size);
	for (size_t i = 0; i < size; i += sizeof h) {
		uint64_t word = 0;
		memcpy(&word, bytes + i, size - i < sizeof word ? size - i : sizeof word);
		h = stir(h ^ word);
	}
	return h;
}

static int verdict(uint64_t h, unsigned fail_one_in)
{
	return fail_one_in != 0 && h % fail_one_in == 0 ? (int)(1 + (h >> 8) % 100) : 0;
}

/* The result is written whether the task fails or not. */
static int produce(uint64_t h, const struct told *told, unsigned char *result)
{
	dice d = {h};
	dice_fill(&d, result, told->result_size);
	return verdict(h, told->fail_one_in);
}

static int map_task(const void *item, void *result, void *ctx)
{
	const struct told *told = ctx;
	return produce(hash(told->salt, item, told->item_size), told, result);
}

/* Three columns: the items, every other byte of a text, and a constant. */
static const unsigned char column_text[] = "in the beginning was the word";
enum { TEXT_PAIRS = (sizeof column_text - 1) / 2, COLUMNS = 3 };

static uint64_t starmap_hash(uint64_t salt, const unsigned char *item, size_t item_size, unsigned char letter)
{
	return hash(salt ^ letter, item, item_size);
}

static int starmap_task(const void *const *items, void *result, void *ctx)
{
	const struct told *told = ctx;
	uint64_t salt;
	memcpy(&salt, items[2], sizeof salt);
	uint64_t h = starmap_hash(salt, items[0], told->item_size, *(const unsigned char *)items[1]);
	return produce(h, told, result);
}

static uint64_t indexed_hash(const struct told *told, size_t index)
{
	return hash(told->salt ^ stir(index), told->items + index * told->item_size, told->item_size);
}

static int for_task(size_t index, void *ctx)
{
	const struct told *told = ctx;
	return produce(indexed_hash(told, index), told, told->results + index * told->result_size);
}

static int range_task(size_t begin, size_t end, void *ctx)
{
	for (size_t i = begin; i < end; i++) {
		forkpool_at(i);
		int status = for_task(i, ctx);
		if (status != 0)
			return status;
	}
	return 0;
}

/* acc = acc o other, for each pair of bytes (a, b) as x -> a * x + b; an odd last byte adds up. */
static void compose(unsigned char *acc, const unsigned char *other, size_t size)
{
	for (size_t k = 0; k + 1 < size; k += 2) {
		acc[k + 1] = (unsigned char)(acc[k] * other[k + 1] + acc[k + 1]);
		acc[k] = (unsigned char)(acc[k] * other[k]);
	}
	if (size % 2 != 0)
		acc[size - 1] = (unsigned char)(acc[size - 1] + other[size - 1]);
}

static void identity(unsigned char *acc, size_t size)
{
	for (size_t k = 0; k < size; k++)
		acc[k] = k % 2 == 0 && k + 1 < size;
}

static int fold_one(size_t index, unsigned char *acc, const struct told *told)
{
	uint64_t h = stir(told->salt ^ stir(index));
	if (verdict(h, told->fail_one_in) != 0)
		return verdict(h, told->fail_one_in);
	for (size_t k = 0; k < told->result_size; k += 2) {
		uint64_t bits = stir(h + k);
		unsigned char map[2] = {(unsigned char)(bits | 1), (unsigned char)(bits >> 8)};
		size_t pair = told->result_size - k < 2 ? 1 : 2;
		compose(acc + k, pair == 2 ? map : map + 1, pair);
	}
	return 0;
}

static int fold_task(size_t begin, size_t end, void *acc, void *ctx)
{
	for (size_t i = begin; i < end; i++) {
		forkpool_at(i);
		int status = fold_one(i, acc, ctx);
		if (status != 0)
			return status;
	}
	return 0;
}

static void combine_task(void *acc, const void *other, void *ctx)
{
	compose(acc, other, ((const struct told *)ctx)->result_size);
}

/* ---- The plain loop ---------------------------------------------------------- */

struct outcome {
	unsigned char *results;
	int32_t *status;
	size_t failed, first_failed;
};

static int plain_task(const struct job *job, const struct told *told, size_t i, unsigned char *results)
{
	const unsigned char *item = told->items + i * told->item_size;
	unsigned char *result = results + i * told->result_size;
	switch (job->call) {
	case CALL_STARMAP:
		return produce(starmap_hash(told->salt, item, told->item_size, column_text[i % TEXT_PAIRS * 2]), told,
		               result);
	case CALL_FOR:
	case CALL_FOR_RANGE:
		return produce(indexed_hash(told, i), told, result);
	case CALL_REDUCE:
		return fold_one(i, results, told);
	default:
		return produce(hash(told->salt, item, told->item_size), told, result);
	}
}

static void plain_loop(const struct job *job, const struct told *told, struct outcome *outcome)
{
	if (job->call == CALL_REDUCE)
		identity(outcome->results, job->result_size);
	for (size_t i = 0; i < job->count; i++) {
		outcome->status[i] = plain_task(job, told, i, outcome->results);
		if (outcome->status[i] != 0 && outcome->failed++ == 0)
			outcome->first_failed = i;
	}
}

/* ---- The call ---------------------------------------------------------------- */

/* What the caller has in the buffers beforehand, and behind their ends. */
enum { BEFORE = 0x5a, GUARD = 64 };

static size_t results_size(const struct job *job)
{
	return job->call == CALL_REDUCE ? job->result_size : job->count * job->result_size;
}

static void *buffer(forkpool *pool, bool in_arena, size_t size)
{
	void *memory = in_arena ? forkpool_alloc(pool, size + GUARD) : malloc(size + GUARD);
	ck_assert_ptr_nonnull(memory);
	memset(memory, BEFORE, size + GUARD);
	return memory;
}

static void release(forkpool *pool, bool in_arena, void *memory)
{
	if (in_arena)
		forkpool_free(pool, memory);
	else
		free(memory);
}

static bool untouched(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != BEFORE)
			return false;
	return true;
}

/* Every other letter of the text, once for each task. */
static unsigned char *letters(size_t count)
{
	unsigned char *column = malloc(count * 2 + 1);
	ck_assert_ptr_nonnull(column);
	for (size_t i = 0; i < count; i++)
		memcpy(column + i * 2, column_text + i % TEXT_PAIRS * 2, 2);
	return column;
}

static int run_call(forkpool *pool, const struct job *job, const struct told *told, const forkpool_column *columns,
                    const forkpool_opts *opts)
{
	switch (job->call) {
	case CALL_STARMAP:
		return forkpool_starmap(pool, starmap_task, columns, COLUMNS, job->count, told->results,
		                        job->result_size, opts);
	case CALL_FOR:
		return forkpool_for(pool, for_task, job->count, opts);
	case CALL_FOR_RANGE:
		return forkpool_for_range(pool, range_task, job->count, opts);
	case CALL_REDUCE:
		return forkpool_reduce(pool, fold_task, combine_task, job->count, told->results, job->result_size,
		                       opts);
	case CALL_APPLY:
		return forkpool_apply(pool, map_task, told->items, job->item_size, told->results, job->result_size,
		                      opts);
	default:
		return forkpool_map(pool, map_task, told->items, job->count, job->item_size, told->results,
		                    job->result_size, opts);
	}
}

static int submit_call(forkpool_job **handle, forkpool *pool, const struct job *job, const struct told *told,
                       const forkpool_column *columns, const forkpool_opts *opts)
{
	switch (job->call) {
	case CALL_STARMAP:
		return forkpool_starmap_async(handle, pool, starmap_task, columns, COLUMNS, job->count, told->results,
		                              job->result_size, opts);
	case CALL_FOR:
		return forkpool_for_async(handle, pool, for_task, job->count, opts);
	case CALL_FOR_RANGE:
		return forkpool_for_range_async(handle, pool, range_task, job->count, opts);
	case CALL_REDUCE:
		return forkpool_reduce_async(handle, pool, fold_task, combine_task, job->count, told->results,
		                             job->result_size, opts);
	case CALL_APPLY:
		return forkpool_apply_async(handle, pool, map_task, told->items, job->item_size, told->results,
		                            job->result_size, opts);
	default:
		return forkpool_map_async(handle, pool, map_task, told->items, job->count, job->item_size,
		                          told->results, job->result_size, opts);
	}
}

/* ---- The comparison ---------------------------------------------------------- */

#define agree(condition, ...)                                                                                          \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			char what_[512];                                                                               \
			snprintf(what_, sizeof what_, __VA_ARGS__);                                                    \
			ck_abort_msg("%s: %s\n    %s\n    %s", #condition, what_, job_text(job), where);               \
		}                                                                                                      \
	} while (0)

static void compare_report(const struct job *job, int returned, const forkpool_report *report,
                           const struct outcome *expected, const char *where)
{
	agree((size_t)returned == expected->failed, "returned %d, %zu tasks fail (%s)", returned, expected->failed,
	      returned < 0 ? report->message : "");
	agree(report->tasks == job->count, "%" PRIu64, report->tasks);
	agree(report->failed == expected->failed, "%" PRIu64 ", not %zu", report->failed, expected->failed);
	agree(report->succeeded == job->count - expected->failed, "%" PRIu64, report->succeeded);
	agree(report->crashed + report->timed_out + report->cancelled + report->retried == 0, "nothing of the kind");
	if (expected->failed == 0)
		return;
	agree(report->index == expected->first_failed, "%" PRIu64 ", not %zu", report->index, expected->first_failed);
	agree(report->status == expected->status[expected->first_failed], "%d", report->status);
}

static void compare_results(const struct job *job, const unsigned char *results, const struct outcome *expected,
                            bool kept, const char *where)
{
	size_t size = job->result_size;
	agree(untouched(results + results_size(job), GUARD), "behind the results");
	if (job->call == CALL_REDUCE) {
		agree(memcmp(results, expected->results, size) == 0, "the folded value");
		return;
	}
	for (size_t i = 0; i < job->count; i++) {
		const unsigned char *result = results + i * size;
		if (expected->status[i] == 0)
			agree(memcmp(result, expected->results + i * size, size) == 0, "result %zu", i);
		else if (kept)
			agree(untouched(result, size), "result %zu, of a task that failed", i);
	}
}

static void compare_status(const struct job *job, const int32_t *status, const struct outcome *expected,
                           const char *where)
{
	for (size_t i = 0; i < job->count; i++)
		agree(status[i] == expected->status[i], "status %zu is %d, not %d", i, status[i], expected->status[i]);
	agree(untouched((const unsigned char *)(status + job->count), GUARD), "behind the statuses");
}

/* A job with all that belongs to it until it is finished. */
struct flight {
	forkpool *pool;
	int backend;
	const char *where;
	struct job job;
	unsigned char *items, *results, *letters;
	int32_t *status;
	struct told told;
	struct outcome expected;
	forkpool_column columns[COLUMNS];
	forkpool_opts opts;
	forkpool_report report;
	forkpool_job *handle;
};

static void prepare(struct flight *flight)
{
	struct job *job = &flight->job;
	forkpool *pool = flight->pool;
	if (job->call == CALL_FOR || job->call == CALL_FOR_RANGE)
		job->items_in_arena = job->results_in_arena = true;
	if (job->call == CALL_APPLY)
		job->count = 1;

	flight->items = buffer(pool, job->items_in_arena, job->count * job->item_size);
	flight->results = buffer(pool, job->results_in_arena, results_size(job));
	flight->status = buffer(pool, job->status_in_arena, job->count * sizeof *flight->status);
	flight->letters = letters(job->count);
	flight->expected = (struct outcome){buffer(NULL, false, results_size(job)),
	                                    buffer(NULL, false, job->count * sizeof *flight->status), 0, 0};
	dice d = dice_for(job->salt, 0);
	dice_fill(&d, flight->items, job->count * job->item_size);
	if (job->call == CALL_REDUCE)
		identity(flight->results, job->result_size);

	flight->told = (struct told){flight->items,    flight->results,  job->item_size,
	                             job->result_size, job->fail_one_in, job->salt};
	plain_loop(job, &flight->told, &flight->expected);
	flight->columns[0] = (forkpool_column){flight->items, job->item_size, job->item_size};
	flight->columns[1] = (forkpool_column){flight->letters, 1, 2};
	flight->columns[2] = (forkpool_column){&flight->job.salt, sizeof flight->job.salt, 0};
	memset(&flight->report, BEFORE, sizeof flight->report);
	flight->opts = (forkpool_opts){.ctx = &flight->told,
	                               .ctx_size = sizeof flight->told,
	                               .chunk = job->chunk,
	                               .status = flight->status,
	                               .report = &flight->report};
}

static void compare(const struct flight *flight, int returned)
{
	const struct job *job = &flight->job;
	bool kept = flight->backend == FORKPOOL_PROCESSES && !job->results_in_arena;
	compare_report(job, returned, &flight->report, &flight->expected, flight->where);
	compare_results(job, flight->results, &flight->expected, kept, flight->where);
	compare_status(job, flight->status, &flight->expected, flight->where);
}

static void clear_away(struct flight *flight)
{
	release(flight->pool, flight->job.items_in_arena, flight->items);
	release(flight->pool, flight->job.results_in_arena, flight->results);
	release(flight->pool, flight->job.status_in_arena, flight->status);
	free(flight->letters);
	free(flight->expected.results);
	free(flight->expected.status);
}

void check_job(forkpool *pool, int backend, const struct job *job, const char *where)
{
	struct flight flight = {.pool = pool, .backend = backend, .where = where, .job = *job};
	prepare(&flight);
	compare(&flight, run_call(pool, &flight.job, &flight.told, flight.columns, &flight.opts));
	clear_away(&flight);
}

/* What a submission copies is of no further use to the job. */
static void spoil_what_is_copied(struct flight *flight)
{
	memset(&flight->opts, 0xff, sizeof flight->opts);
	memset(&flight->told, 0xff, sizeof flight->told);
	memset(flight->columns, 0xff, sizeof flight->columns);
	if (flight->job.call == CALL_APPLY && flight->items != NULL)
		memset(flight->items, 0xff, flight->job.item_size);
}

struct flight *take_off(forkpool *pool, int backend, const struct job *job, const char *where)
{
	struct flight *flight = malloc(sizeof *flight);
	ck_assert_ptr_nonnull(flight);
	*flight = (struct flight){.pool = pool, .backend = backend, .where = where, .job = *job};
	prepare(flight);
	int returned = submit_call(&flight->handle, pool, &flight->job, &flight->told, flight->columns, &flight->opts);
	agree(returned == 0, "submission returned %d", returned);
	agree(flight->handle != NULL, "no handle");
	spoil_what_is_copied(flight);
	return flight;
}

forkpool_job *flight_handle(const struct flight *flight)
{
	return flight->handle;
}

void land(struct flight *flight)
{
	forkpool_report report;
	const struct job *job = &flight->job;
	const char *where = flight->where;
	int returned = forkpool_job_get(flight->handle, &report);
	compare(flight, returned);
	compare_report(job, returned, &report, &flight->expected, where);
	agree(report.page_faults == flight->report.page_faults, "the two reports differ");
	agree(forkpool_job_get(flight->handle, NULL) == returned, "the second time");
	forkpool_job_free(flight->handle);
	clear_away(flight);
	free(flight);
}

/* ---- Random jobs --------------------------------------------------------------- */

/* Bytes of items, or of results, that one job may have. */
enum { LIMIT = 1 << 18 };

/* Small numbers often, each order of magnitude as likely as the next. */
static size_t any_size(dice *d, unsigned bits)
{
	return dice_below(d, (uint64_t)1 << dice_below(d, bits + 1));
}

static size_t within_limit(size_t size, size_t count)
{
	return count > 0 && size > LIMIT / count ? LIMIT / count : size;
}

static size_t any_chunk(dice *d, size_t count)
{
	switch (dice_below(d, 4)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return 1 + dice_below(d, count + 2); /* also more than there are tasks */
	default:
		return 1 + any_size(d, 6);
	}
}

struct job random_job(dice *d, unsigned bits)
{
	struct job job = {.call = (enum call)dice_below(d, CALLS), .count = any_size(d, bits)};
	if (job.call == CALL_APPLY)
		job.count = 1;
	job.item_size = within_limit(any_size(d, 10), job.count);
	job.result_size = within_limit(any_size(d, 10), job.count);
	if (job.call == CALL_REDUCE)
		job.result_size = 1 + dice_below(d, 64);
	job.chunk = any_chunk(d, job.count);
	job.items_in_arena = dice_below(d, 2);
	job.results_in_arena = dice_below(d, 2);
	job.status_in_arena = dice_below(d, 2);
	if (dice_below(d, 3) == 0)
		job.fail_one_in = 1 + (unsigned)dice_below(d, 50);
	job.salt = dice_roll(d);
	return job;
}
