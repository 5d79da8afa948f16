/*
 * The crew: which slots have workers, and what is done about those that have not.  Nothing here
 * waits.
 */
#ifndef FORKPOOL_CREW_H
#define FORKPOOL_CREW_H

#include "parent.h"

/* A worker's whole life, in its own process or thread. */
void crew_live(forkpool *pool, unsigned slot, struct worker *worker);

/* Starts all workers.  0, or -errno: not one could be started. */
int crew_start(forkpool *pool);

/* The caller as a worker, if it has served long enough: ends that life and begins another.  0 or -ECANCELED. */
int crew_renew_inline(forkpool *pool);

/* Starts what is missing and has not been given up; finished_too: also in the place of those that have
 * ended in good order. */
void crew_refill(forkpool *pool, bool finished_too);

/* Slots given up for want of resources, or because of `error`, get another chance. */
void crew_revive(forkpool *pool, int error);

/* Notices that a worker has ended: recovers what it left, and replaces it. */
void crew_check(forkpool *pool, unsigned slot);

bool crew_started(const forkpool *pool); /* no living worker is in its initializer */
bool crew_gone(const forkpool *pool);    /* no worker is alive */

/* Whether what workers write about themselves, and of the ring, can be honest; if not, the open jobs are void. */
bool crew_audit(forkpool *pool);

/* No worker is alive: makes anew all that they write but the jobs' own memory, and nobody is given up. */
void crew_reset(forkpool *pool);

/* From now on none is replaced: the workers finish and end; are killed, where that can be done,
 * else begin no further task; and the contrary of both. */
void crew_close(forkpool *pool);
void crew_end_inline(forkpool *pool); /* the caller as a worker, once no job is open */
void crew_kill(forkpool *pool);
void crew_open(forkpool *pool);

#endif
