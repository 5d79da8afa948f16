/*
 * The tasks of one claimed chunk: calls the user's function for each, keeps the record's
 * position up to date, and notes failures.
 */
#ifndef FORKPOOL_TASK_H
#define FORKPOOL_TASK_H

#include "engine.h"
#include "killpoint.h"

task_runner *task_runner_for(const struct job_post *post);

/* For jobs whose chunks are but one task, called once; NULL for others. */
task_caller *task_caller_for(const struct job_post *post);

static inline void set_position(struct worker_record *record, uint64_t position)
{
	atomic_store_explicit(&record->position, position, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst); /* B2: before the task's first instruction */
	KILL_POINT(POSITION);
}

/* Notes that the task that the worker has just called returned `code`, which is not 0. */
void task_failed(struct worker *worker, size_t index, int code);

/* Notes that a task of the job ended with this status, at this attempt, if it has the lowest index so far. */
void task_note_failure(struct failure *failure, uint64_t job, uint64_t index, int32_t status, uint32_t attempt,
                       const char *message);

#endif
