/*
 * The tasks of one claimed chunk: calls the user's function for each, keeps the record's
 * position up to date, and notes failures.
 */
#ifndef FORKPOOL_TASK_H
#define FORKPOOL_TASK_H

#include "worker.h"

/* Runs the tasks from index `begin` to worker->end; folds begin at worker->first and leave out
 * the excluded offsets.  Returns the index up to which tasks were run: worker->end, or less
 * where the job was stopped. */
size_t task_run_chunk(struct worker *worker, size_t begin, const uint32_t *excluded, size_t excluded_count);

/* Notes that a task of the job ended with this status, if it has the lowest index so far. */
void task_note_failure(struct failure *failure, uint64_t job, uint64_t index, int32_t status, const char *message);

#endif
