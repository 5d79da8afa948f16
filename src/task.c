/*
 * Running the tasks of a chunk, and the calls that a task may make.
 *
 * Before each task its position is stored; a failure is stored (status, message, count) before
 * the position moves on, and the count is part of the position.  So at whatever instruction a
 * worker is killed, its record names one task, and what is said of those before is complete.
 */
#include "task.h"

#include "clock.h"
#include "killpoint.h"
#include "worker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Thread_local struct worker *worker_current __attribute__((tls_model("initial-exec")));

/* The same, where the call is for a range. */
static void set_range_position(struct worker *worker, size_t index, uint64_t whole)
{
	set_position(worker->record, position_running(index - worker->first, worker->chunk_failed) | whole);
}

static inline bool stopped(const struct worker *worker)
{
	return atomic_load_explicit(&worker->tally->stop, memory_order_relaxed) != 0;
}

static inline void *element(char *base, size_t index, size_t stride)
{
	return base == NULL ? NULL : base + index * stride;
}

static inline const void *item_of(const forkpool_column *column, size_t index)
{
	return column->base == NULL ? NULL : (const char *)column->base + index * column->stride;
}

static const void *const *items_of(const struct job_post *post, size_t index, const void **items)
{
	for (size_t k = 0; k < post->column_count; k++)
		items[k] = item_of(&post->columns[k], index);
	return items;
}

/* ---- Time limits ---- */

/* Its position has been stored. */
static void begin_stint(struct worker *worker)
{
	struct worker_record *record = worker->record;
	if (!worker->post->timed)
		return;
	atomic_store_explicit(&record->began, clock_ns(), memory_order_relaxed);
	KILL_POINT(STINT_CLOCK);
	atomic_store_explicit(&record->stint, worker->stint + 1, memory_order_release); /* B3 */
	KILL_POINT(STINT_BEGUN);
}

/* The task is over, unless it was doomed: then it never is. */
static void end_stint(struct worker *worker)
{
	uint64_t stint = worker->stint + 1;
	if (!worker->post->timed)
		return;
	worker->stint += 2;
	if (atomic_compare_exchange_strong(&worker->record->stint, &stint, worker->stint)) { /* B3 */
		KILL_POINT(STINT_OVER);
		return;
	}
	for (;;)
		worker_wait_for_end(worker->engine);
}

/* ---- Attempts ---- */

/* Which attempt the running task is. */
static uint32_t current_attempt(const struct worker *worker)
{
	if (worker->post->kind == JOB_FOLD)
		return worker->resume.attempt;
	return resume_attempt(&worker->resume, position_offset(worker->record->position));
}

/* Before the position that it belongs to. */
static void announce_attempt(struct worker *worker)
{
	uint64_t offset = worker->post->kind == JOB_FOLD ? 0 : worker->resume.start;
	atomic_store_explicit(&worker->record->attempt, attempt_word(offset, worker->resume.attempt),
	                      memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	KILL_POINT(ATTEMPT);
}

static void note_retry(struct worker *worker)
{
	atomic_fetch_add_explicit(&worker->tally->retried, 1, memory_order_relaxed);
	KILL_POINT(RETRY_COUNTED);
	worker->message[0] = '\0';
	announce_attempt(worker);
	KILL_POINT(RETRY_ANNOUNCED);
}

/* Tasks begin .. end-1 failed: whether they are tried again. */
static bool try_again(struct worker *worker, size_t begin, size_t end)
{
	size_t first = worker->first;
	if (stopped(worker) || !resume_again(&worker->resume, worker->post->retries, begin - first, end - first))
		return false;
	note_retry(worker);
	return true;
}

/* ---- Failures ---- */

void task_note_failure(struct failure *failure, uint64_t job, uint64_t index, int32_t status, uint32_t attempt,
                       const char *message)
{
	if (atomic_load_explicit(&failure->job, memory_order_relaxed) == job && failure->index <= index)
		return;
	atomic_store_explicit(&failure->job, 0, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	KILL_POINT(FAILURE_OPEN);
	failure->index = index;
	failure->status = status;
	failure->attempt = attempt;
	snprintf(failure->message, sizeof failure->message, "%s", message);
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&failure->job, job, memory_order_release);
	KILL_POINT(FAILURE_WRITTEN);
}

/* The task left a message for this very failure. */
static bool has_message(const struct worker *worker)
{
	return worker->message[0] != '\0' && worker->message_first == worker->first &&
	       worker->message_position == worker->record->position;
}

static void note_first(struct worker *worker, struct failure *failure, size_t index, int32_t status)
{
	task_note_failure(failure, worker->job, index, status, current_attempt(worker),
	                  has_message(worker) ? worker->message : "");
}

static struct failure *own_failure(const struct worker *worker)
{
	return &worker->failures[job_slot(worker->job)];
}

/* The status of tasks begin .. end-1, that failed with `code`. */
static int32_t count_failed(struct worker *worker, size_t begin, size_t end, int code)
{
	int32_t status = code <= FORKPOOL_CANCELLED ? -1 : code;
	for (size_t i = begin; worker->post->status != NULL && i < end; i++)
		worker->post->status[i] = status;
	worker->chunk_failed += end - begin;
	KILL_POINT(FAILED_STATUS);
	return status;
}

static void stop_if_asked(const struct worker *worker)
{
	if (worker->post->stop_on_failure)
		atomic_store(&worker->tally->stop, 1);
}

/* Tasks begin .. end-1 failed with `code`.  Returns what that adds to the position. */
__attribute__((cold, noinline)) static uint64_t note_failed(struct worker *worker, size_t begin, size_t end, int code)
{
	note_first(worker, own_failure(worker), begin, count_failed(worker, begin, end, code));
	stop_if_asked(worker);
	KILL_POINT(FAILURE_NOTED);
	return position_running(0, end - begin) - position_running(0, 0);
}

/* ---- One function call a task ---- */

/* The loop of every kind that calls its function once a task: CALL is for task i.  A macro, so that
 * what the loop needs is in registers: this is what an empty task costs. */
#define RUN_TASKS(CALL)                                                                                                \
	do {                                                                                                           \
		struct worker_record *const record = worker->record;                                                   \
		const _Atomic uint32_t *const stop = &worker->tally->stop;                                             \
		uint64_t position = position_running(begin - worker->first, 0);                                        \
		size_t i = begin;                                                                                      \
		do {                                                                                                   \
			set_position(record, position);                                                                \
			int code = (CALL);                                                                             \
			KILL_POINT(RETURNED);                                                                          \
			if (__builtin_expect(code != 0, 0))                                                            \
				position += note_failed(worker, i, i + 1, code);                                       \
			position += POSITION_NEXT;                                                                     \
			i++;                                                                                           \
		} while (i != end && __builtin_expect(atomic_load_explicit(stop, memory_order_relaxed) == 0, 1));      \
		return i;                                                                                              \
	} while (0)

static size_t run_map(struct worker *worker, const struct job_post *post, size_t begin, size_t end)
{
	forkpool_map_fn *function = post->function.map;
	RUN_TASKS(function(item_of(&post->columns[0], i), element(post->results, i, post->result_size), post->ctx));
}

static size_t run_starmap(struct worker *worker, const struct job_post *post, size_t begin, size_t end)
{
	const void *items[MAX_COLUMNS];
	RUN_TASKS(post->function.starmap(items_of(post, i, items), element(post->results, i, post->result_size),
	                                 post->ctx));
}

static size_t run_for(struct worker *worker, const struct job_post *post, size_t begin, size_t end)
{
	forkpool_for_fn *function = post->function.loop;
	void *ctx = post->ctx;
	RUN_TASKS(function(i, ctx));
}

static int call_map(const struct job_post *post, size_t i)
{
	return post->function.map(item_of(&post->columns[0], i), element(post->results, i, post->result_size),
	                          post->ctx);
}

static int call_starmap(const struct job_post *post, size_t i)
{
	const void *items[MAX_COLUMNS];
	return post->function.starmap(items_of(post, i, items), element(post->results, i, post->result_size),
	                              post->ctx);
}

static int call_for(const struct job_post *post, size_t i)
{
	return post->function.loop(i, post->ctx);
}

static task_caller *const callers[] = {[JOB_MAP] = call_map, [JOB_STARMAP] = call_starmap, [JOB_FOR] = call_for};

void task_failed(struct worker *worker, size_t index, int code)
{
	note_failed(worker, index, index + 1, code);
}

/* The same loop for jobs with a time limit or retries. */
static size_t run_carefully(struct worker *worker, const struct job_post *post, size_t begin, size_t end)
{
	task_caller *call = callers[post->kind];
	announce_attempt(worker);
	for (size_t i = begin;;) {
		set_range_position(worker, i, 0);
		begin_stint(worker);
		int code = call(post, i);
		KILL_POINT(RETURNED);
		end_stint(worker);
		if (code != 0 && try_again(worker, i, i + 1))
			continue;
		if (code != 0)
			note_failed(worker, i, i + 1, code);
		if (++i == end || stopped(worker))
			return i;
	}
}

/* ---- One function call a range ---- */

static void begin_call(struct worker *worker, size_t begin, size_t end)
{
	worker->call_begin = begin;
	worker->call_end = end;
	set_range_position(worker, begin, 0); /* WHOLE must not stand beside another call's end */
	KILL_POINT(CALL_BEGIN);
	atomic_store_explicit(&worker->record->call_end, end - worker->first, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	KILL_POINT(CALL_END);
	set_range_position(worker, begin, POSITION_WHOLE);
	KILL_POINT(CALL_WHOLE);
	begin_stint(worker);
}

/* After a call that failed: the index that is charged; *end is one behind the last. */
static size_t charged(const struct worker *worker, size_t *end)
{
	uint64_t position = worker->record->position;
	size_t index = worker->first + position_offset(position);
	*end = position & POSITION_WHOLE ? worker->call_end : index + 1;
	return index;
}

/* Returns where to go on. */
static size_t after_failed_call(struct worker *worker, int code)
{
	size_t charged_end, index = charged(worker, &charged_end);
	if (try_again(worker, index, charged_end))
		return index;
	note_failed(worker, index, charged_end, code);
	resume_behind(&worker->resume, charged_end - worker->first);
	return charged_end;
}

static size_t run_range(struct worker *worker, const struct job_post *post, size_t begin, size_t end)
{
	size_t first = worker->first;
	announce_attempt(worker);
	do {
		size_t call_end = first + resume_call_end(&worker->resume, begin - first, end - first);
		begin_call(worker, begin, call_end);
		int code = post->function.range(begin, call_end, post->ctx);
		KILL_POINT(RETURNED);
		end_stint(worker);
		begin = code == 0 ? call_end : after_failed_call(worker, code);
	} while (begin < end && !stopped(worker));
	return begin;
}

/* ---- Folds: the chunk is the unit ---- */

/* Offsets that a fold leaves out, ascending; and the first of its own failures. */
struct exclusions {
	const uint32_t *offsets; /* as they came with the chunk, or `own` */
	uint32_t *own;
	size_t count;
	bool all; /* there was no memory for more of them */
	struct failure first;
};

/* Returns false if there is no memory. */
static bool exclude(struct exclusions *exclusions, uint32_t begin, uint32_t end)
{
	size_t at = 0, added = end - begin, count = exclusions->count;
	uint32_t *own = malloc((count + added) * sizeof *own);
	if (own == NULL)
		return false;
	for (; at < count && exclusions->offsets[at] < begin; at++)
		own[at] = exclusions->offsets[at];
	for (size_t i = 0; i < added; i++)
		own[at + i] = begin + (uint32_t)i;
	for (; at < count; at++)
		own[at + added] = exclusions->offsets[at];
	free(exclusions->own);
	exclusions->offsets = exclusions->own = own;
	exclusions->count = count + added;
	return true;
}

/* All but begin .. end-1, which did so already, and what is left out: a chunk that cannot be folded without
 * what failed in it is not folded at all. */
static void fail_rest(struct worker *worker, size_t begin, size_t end, struct exclusions *exclusions)
{
	size_t length = worker->post->count - worker->first;
	if (length > worker->post->chunk)
		length = worker->post->chunk;
	for (size_t offset = 0, k = 0; offset < length; offset++)
		if (k < exclusions->count && exclusions->offsets[k] == offset)
			k++;
		else if (offset < begin || offset >= end)
			count_failed(worker, worker->first + offset, worker->first + offset + 1, -ENOMEM);
	exclusions->all = true;
}

/* A call failed: the chunk is tried again as it is, or without what the call was charged for. */
static void after_failed_fold(struct worker *worker, struct exclusions *exclusions, int code)
{
	size_t end, index = charged(worker, &end), first = worker->first;
	if (!stopped(worker) && worker->resume.attempt <= worker->post->retries) {
		worker->resume.attempt++;
		note_retry(worker);
		return;
	}
	note_first(worker, &exclusions->first, index, count_failed(worker, index, end, code));
	if (!exclude(exclusions, (uint32_t)(index - first), (uint32_t)(end - first)))
		fail_rest(worker, index - first, end - first, exclusions);
	KILL_POINT(FOLD_EXCLUDED);
	worker->resume.attempt = 1;
	announce_attempt(worker);
}

/* Folds the pieces between the excluded offsets; false: a call failed. */
static bool fold_pieces(struct worker *worker, size_t chunk_end, void *acc, struct exclusions *exclusions)
{
	const struct job_post *post = worker->post;
	size_t begin = worker->first;
	for (size_t k = 0; k <= exclusions->count && !exclusions->all; k++) {
		size_t end = k < exclusions->count ? worker->first + exclusions->offsets[k] : chunk_end;
		if (begin < end) {
			begin_call(worker, begin, end);
			int code = post->function.fold(begin, end, acc, post->ctx);
			KILL_POINT(RETURNED);
			end_stint(worker);
			if (code != 0) {
				after_failed_fold(worker, exclusions, code);
				return false;
			}
		}
		begin = end + 1;
	}
	return true;
}

/* What failed in the attempt that went through.  Not before, as an attempt that dies is made again, and may
 * end otherwise. */
static void note_fold_failures(struct worker *worker, const struct failure *first)
{
	if (first->job == 0)
		return;
	task_note_failure(own_failure(worker), worker->job, first->index, first->status, first->attempt,
	                  first->message);
	stop_if_asked(worker);
}

/* A fold killed in an earlier attempt may have left statuses of failures that this one meets anew. */
static void clear_statuses(int32_t *status, size_t length, const struct exclusions *excluded)
{
	for (size_t offset = 0, k = 0; offset < length; offset++)
		if (k < excluded->count && excluded->offsets[k] == offset)
			k++;
		else
			status[offset] = 0;
}

static size_t run_fold(struct worker *worker, const struct job_post *post, size_t begin, size_t end)
{
	size_t first = worker->first;
	void *acc = post->results + first / post->chunk * post->result_stride;
	struct exclusions exclusions = {.offsets = worker->excluded, .count = worker->excluded_count};
	(void)begin; /* the chunk is the unit */
	announce_attempt(worker);
	if (post->status != NULL)
		clear_statuses(post->status + first, end - first, &exclusions);
	KILL_POINT(FOLD_CLEARED);
	do {
		memcpy(acc, post->identity, post->result_size);
		KILL_POINT(FOLD_BEGUN);
	} while (!fold_pieces(worker, end, acc, &exclusions));
	free(exclusions.own);
	note_fold_failures(worker, &exclusions.first);
	KILL_POINT(FOLD_NOTED);
	return end;
}

static bool is_careful(const struct job_post *post)
{
	return post->timed || post->retries > 0;
}

task_runner *task_runner_for(const struct job_post *post)
{
	static task_runner *const runners[] = {
	        [JOB_MAP] = run_map,     [JOB_STARMAP] = run_starmap, [JOB_FOR] = run_for,
	        [JOB_RANGE] = run_range, [JOB_FOLD] = run_fold,
	};
	return is_careful(post) && post->kind < JOB_RANGE ? run_carefully : runners[post->kind];
}

task_caller *task_caller_for(const struct job_post *post)
{
	return post->chunk == 1 && post->kind < JOB_RANGE && !is_careful(post) ? callers[post->kind] : NULL;
}

/* ---- What a task may call ---- */

static struct worker *current_task(void)
{
	struct worker *worker = worker_current;
	return worker != NULL && worker->in_task ? worker : NULL;
}

int forkpool_worker(void)
{
	struct worker *worker = current_task();
	return worker == NULL ? -1 : (int)worker->number;
}

void *forkpool_worker_state(void)
{
	struct worker *worker = current_task();
	return worker == NULL ? NULL : worker->state;
}

unsigned forkpool_attempt(void)
{
	const struct worker *worker = current_task();
	return worker == NULL ? 0 : current_attempt(worker);
}

int forkpool_cancelled(void)
{
	struct worker *worker = current_task();
	return worker != NULL && stopped(worker);
}

void forkpool_at(size_t index)
{
	struct worker *worker = current_task();
	if (worker == NULL || worker->post->kind < JOB_RANGE || index < worker->call_begin || index >= worker->call_end)
		return;
	worker->call_begin = index;
	end_stint(worker); /* the one before is over, as for its time */
	KILL_POINT(AT_LEFT);
	set_range_position(worker, index, 0);
	KILL_POINT(AT_MOVED);
	begin_stint(worker);
}

int forkpool_fail_text(int code, const char *text)
{
	struct worker *worker = current_task();
	if (worker != NULL) {
		snprintf(worker->message, sizeof worker->message, "%s", text == NULL ? "" : text);
		worker->message_first = worker->first;
		worker->message_position = worker->record->position;
	}
	return code;
}

int forkpool_fail(int code, const char *format, ...)
{
	char text[FORKPOOL_MESSAGE_SIZE];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return forkpool_fail_text(code, text);
}
