/*
 * Which jobs are open.
 */
#ifndef FORKPOOL_SCHEDULE_H
#define FORKPOOL_SCHEDULE_H

#include "job.h"
#include "parent.h"

/* Opens the job, or puts it in line.  From now on the pool holds a reference of its own. */
void schedule(forkpool_job *job);

/* Ends it early, if it is not finished: what waits, and what runs on processes, is ended; threads are asked to. */
void schedule_cancel(forkpool_job *job);

/* Ends all jobs with the error.  No worker may be able to work at them any more. */
void schedule_end_all(forkpool *pool, int error);

/* Whether there is a job to end; and ends those. */
bool has_ended(forkpool *pool);
void end_jobs(forkpool *pool);

/* Opens those that wait, as far as there are slots and memory. */
void open_waiting(forkpool *pool);

#endif
