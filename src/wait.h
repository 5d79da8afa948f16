/*
 * What the parent does while jobs run: see wait.c.
 */
#ifndef FORKPOOL_WAIT_H
#define FORKPOOL_WAIT_H

#include "job.h"
#include "parent.h"

/* Returns when the job is finished; deaths are noticed and made good, progress is told. */
void wait_for_job(forkpool *pool, struct job *job);

/* Returns after a moment, in which a job that is retired may have lost its last pin; and how many such
 * moments to wait for its memory. */
enum { WAIT_PATIENCE = 100 };
void wait_for_slot(forkpool *pool);

/* Until no worker is in its initializer any more; until none is left. */
void wait_for_starts(forkpool *pool);
void wait_for_ends(forkpool *pool);

#endif
