/*
 * Running the tasks of a chunk, and the calls that a task may make.
 *
 * Before each task its position is stored; a failure is stored (status, message, count) before
 * the position moves on, and the count is part of the position.  So at whatever instruction a
 * worker is killed, its record names one task, and what is said of those before is complete.
 */
#include "task.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Thread_local struct worker *worker_current __attribute__((tls_model("initial-exec")));

static inline void set_position(struct worker_record *record, uint64_t position)
{
	atomic_store_explicit(&record->position, position, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst); /* B2: before the task's first instruction */
}

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

/* ---- Failures ---- */

void task_note_failure(struct failure *failure, uint64_t job, uint64_t index, int32_t status, const char *message)
{
	if (atomic_load_explicit(&failure->job, memory_order_relaxed) == job && failure->index <= index)
		return;
	atomic_store_explicit(&failure->job, 0, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	failure->index = index;
	failure->status = status;
	snprintf(failure->message, sizeof failure->message, "%s", message);
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&failure->job, job, memory_order_release);
}

/* The task left a message for this very failure. */
static bool has_message(const struct worker *worker)
{
	return worker->message[0] != '\0' && worker->message_first == worker->first &&
	       worker->message_position == worker->record->position;
}

/* Tasks begin .. end-1 failed with `code`.  Returns what that adds to the position. */
static uint64_t note_failed(struct worker *worker, size_t begin, size_t end, int code)
{
	const struct job_post *post = worker->post;
	int32_t status = code <= FORKPOOL_CANCELLED ? -1 : code;
	for (size_t i = begin; post->status != NULL && i < end; i++)
		post->status[i] = status;
	task_note_failure(&worker->failures[job_slot(worker->job)], worker->job, begin, status,
	                  has_message(worker) ? worker->message : "");
	worker->chunk_failed += end - begin;
	if (post->stop_on_failure)
		atomic_store(&worker->tally->stop, 1);
	return position_running(0, end - begin) - position_running(0, 0);
}

/* ---- One function call a task ---- */

/* The loop of every kind that calls its function once a task: CALL is for task i.  A macro, so that
 * what the loop needs is in registers: this is what an empty task costs. */
#define RUN_TASKS(CALL)                                                                                                \
	do {                                                                                                           \
		uint64_t position = position_running(begin - worker->first, 0);                                        \
		for (size_t i = begin;; position += POSITION_NEXT) {                                                   \
			set_position(worker->record, position);                                                        \
			int code = (CALL);                                                                             \
			if (__builtin_expect(code != 0, 0))                                                            \
				position += note_failed(worker, i, i + 1, code);                                       \
			if (++i == end || stopped(worker))                                                             \
				return i;                                                                              \
		}                                                                                                      \
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

/* ---- One function call a range ---- */

static void begin_call(struct worker *worker, size_t begin, size_t end)
{
	worker->call_begin = begin;
	worker->call_end = end;
	set_range_position(worker, begin, 0); /* WHOLE must not stand beside another call's end */
	atomic_store_explicit(&worker->record->call_end, end - worker->first, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	set_range_position(worker, begin, POSITION_WHOLE);
}

/* After a call that failed: the index that is charged; *end is one behind the last. */
static size_t charged(const struct worker *worker, size_t *end)
{
	uint64_t position = worker->record->position;
	size_t index = worker->first + position_offset(position);
	*end = position & POSITION_WHOLE ? worker->call_end : index + 1;
	return index;
}

static size_t run_range(struct worker *worker, const struct job_post *post, size_t begin, size_t end)
{
	while (begin < end) {
		if (worker->chunk_failed > 0 && stopped(worker))
			return begin;
		begin_call(worker, begin, end);
		int code = post->function.range(begin, end, post->ctx);
		if (code == 0)
			break;
		size_t charged_end, index = charged(worker, &charged_end);
		note_failed(worker, index, charged_end, code);
		begin = charged_end;
	}
	return end;
}

/* ---- Folds: the chunk is the unit ---- */

/* Offsets that a fold leaves out, ascending. */
struct exclusions {
	uint32_t *offsets;
	size_t count;
};

static void exclude(struct exclusions *exclusions, uint32_t begin, uint32_t end)
{
	size_t at = 0, added = end - begin;
	while (at < exclusions->count && exclusions->offsets[at] < begin)
		at++;
	uint32_t *offsets = realloc(exclusions->offsets, (exclusions->count + added) * sizeof *offsets);
	if (offsets == NULL)
		abort(); /* as any task without memory: a crash, at this index */
	memmove(offsets + at + added, offsets + at, (exclusions->count - at) * sizeof *offsets);
	for (size_t i = 0; i < added; i++)
		offsets[at + i] = begin + (uint32_t)i;
	exclusions->offsets = offsets;
	exclusions->count += added;
}

/* Folds the pieces between the excluded offsets; false: a call failed, and what it was charged
 * for is excluded now. */
static bool fold_pieces(struct worker *worker, size_t chunk_end, void *acc, struct exclusions *exclusions)
{
	const struct job_post *post = worker->post;
	size_t begin = worker->first;
	for (size_t k = 0; k <= exclusions->count; k++) {
		size_t end = k < exclusions->count ? worker->first + exclusions->offsets[k] : chunk_end;
		if (begin < end) {
			begin_call(worker, begin, end);
			int code = post->function.fold(begin, end, acc, post->ctx);
			if (code != 0) {
				size_t charged_end, index = charged(worker, &charged_end);
				note_failed(worker, index, charged_end, code);
				exclude(exclusions, (uint32_t)(index - worker->first),
				        (uint32_t)(charged_end - worker->first));
				return false;
			}
		}
		begin = end + 1;
	}
	return true;
}

/* A fold killed in an earlier attempt may have noted failures that this one meets anew. */
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
	struct exclusions exclusions = {NULL, worker->excluded_count};
	(void)begin; /* the chunk is the unit */
	if (exclusions.count > 0) {
		exclusions.offsets = malloc(exclusions.count * sizeof *exclusions.offsets);
		if (exclusions.offsets == NULL) {
			begin_call(worker, first, end);
			abort(); /* as any task without memory: a crash, here of the chunk */
		}
		memcpy(exclusions.offsets, worker->excluded, exclusions.count * sizeof *exclusions.offsets);
	}
	if (post->status != NULL)
		clear_statuses(post->status + first, end - first, &exclusions);
	do
		memcpy(acc, post->identity, post->result_size);
	while (!fold_pieces(worker, end, acc, &exclusions));
	free(exclusions.offsets);
	return end;
}

task_runner *task_runner_for(enum job_kind kind)
{
	static task_runner *const runners[] = {
	        [JOB_MAP] = run_map,     [JOB_STARMAP] = run_starmap, [JOB_FOR] = run_for,
	        [JOB_RANGE] = run_range, [JOB_FOLD] = run_fold,
	};
	return runners[kind];
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
	return current_task() != NULL;
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
	set_range_position(worker, index, 0);
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
