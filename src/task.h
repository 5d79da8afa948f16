/*
 * The tasks of one claimed chunk: calls the user's function for each, keeps the record's
 * position up to date, and notes failures.
 */
#ifndef FORKPOOL_TASK_H
#define FORKPOOL_TASK_H

#include "engine.h"

task_runner *task_runner_for(const struct job_post *post);

/* Notes that a task of the job ended with this status, at this attempt, if it has the lowest index so far. */
void task_note_failure(struct failure *failure, uint64_t job, uint64_t index, int32_t status, uint32_t attempt,
                       const char *message);

#endif
