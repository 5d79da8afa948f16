/*
 * What the parent does in a call of the pool: it opens and ends jobs, calls back, and waits: see wait.c.
 */
#ifndef FORKPOOL_WAIT_H
#define FORKPOOL_WAIT_H

#include "job.h"
#include "parent.h"

/* Around whatever may change what a host's event loop is to be woken by. */
void pool_enter(forkpool *pool);
void pool_leave(forkpool *pool);

/* Opens the job, or puts it in line.  From now on the pool holds a reference of its own. */
void pool_submit(forkpool_job *job);

/* Ends it early, if it is not finished: what waits, and what runs on processes, is ended; threads are asked to. */
void pool_cancel(forkpool_job *job);

/* Ends all jobs with the error.  No worker may be able to work at them any more. */
void pool_end_all(forkpool *pool, int error);

/* Works, or sees to it that others can, until over(arg), at most `seconds` (< 0: no limit; 0: looks once, a
 * serial pool works at one chunk).  Calls back.  0 or -ETIMEDOUT. */
typedef bool wait_condition(void *arg);
int pool_wait(forkpool *pool, wait_condition *over, void *arg, double seconds);

/* Conditions. */
bool is_finished(void *job);    /* and its callbacks have been called, or are being */
bool is_unoccupied(void *pool); /* no job is unfinished */

/* Returns after a moment, in which a slot may have lost its last pin; and how many such moments to wait for
 * its memory. */
enum { WAIT_PATIENCE = 100 };
void wait_for_slot(forkpool *pool);

/* Until no worker is in its initializer any more; until none is left. */
void wait_for_starts(forkpool *pool);
void wait_for_ends(forkpool *pool);

#endif
