/*
 * What the parent does in a call of the pool: see wait.c.
 */
#ifndef FORKPOOL_WAIT_H
#define FORKPOOL_WAIT_H

#include "job.h"
#include "parent.h"

/* Around whatever may change what a host's event loop is to be woken by. */
void pool_enter(forkpool *pool);
void pool_leave(forkpool *pool);

/* Works, or sees to it that others can, until over(arg), at most `seconds` (< 0: no limit; 0: looks once, a
 * serial pool works at one chunk).  Calls back.  0 or -ETIMEDOUT. */
typedef bool wait_condition(void *arg);
int pool_wait(forkpool *pool, wait_condition *over, void *arg, double seconds);

/* Conditions. */
bool is_finished(void *job);    /* and its callbacks have been called, or are being */
bool is_unoccupied(void *pool); /* no job is unfinished */

#endif
